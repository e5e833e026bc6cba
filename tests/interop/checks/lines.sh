# Lines that break: every connection is reset after a random number of bytes, and what was moved again is counted.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

# That of the cuts.
seed=${INTEROP_SEED:-1}

line_report() {
  echo "note: $2 % again, $(counted line cuts) cuts, $(counted line connections) connections, $3 s"
}

export_over_a_bad_line() {
  local size share began=$SECONDS
  size=$(size_of "$work/quarter.tar")
  start_line line big-source "$seed" $((64 * kib)) "$mib"
  in_time export --plain-http --retry-delay 20 "$(address_of line)/lines/quarter:1" -o "$work/again.tar"
  stop_registry line
  share=$(again "$(counted line down)" "$size")
  line_report line "$share" $((SECONDS - began))
  in_time verify "$work/again.tar"
  rm "$work/again.tar"
  [[ $(counted line cuts) -gt 100 ]] || fail "hardly a cut"
  at_most "$share" 10
}

# import_over_a_bad_line IMAGE LEAST MOST SHARE CUTS
import_over_a_bad_line() {
  local size share began=$SECONDS
  size=$(size_of "$work/$1.tar")
  start_product target "$product"
  start_line line target "$seed" "$2" "$3"
  in_time import --plain-http -vv --retry-delay 20 "$work/$1.tar" --registry "$(address_of line)" 2>"$work/import.log" ||
    { status=$?; tail -n 20 "$work/import.log"; fail "exit $status"; }
  stop_registry line
  share=$(again "$(counted line up)" "$size")
  line_report line "$share" $((SECONDS - began))
  has_arrived "$1" target
  [[ $(counted line cuts) -ge $5 ]] || fail "hardly a cut"
  at_most "$share" "$4"
}

# Small chunks get through whole: most of them are never cut.
short_lines() { import_over_a_bad_line quarter $((64 * kib)) "$mib" 50 16; }
long_lines() { import_over_a_bad_line whole $((8 * mib)) $((64 * mib)) "$share_allowed" 10; }

need_big_images
check "256 MiB, reset after 64 KiB to 1 MiB: an export fetches at most 10 % again" export_over_a_bad_line "${base_parts[@]}"
for product in distribution-2 distribution-3 olareg zot-1; do
  needed=("${base_parts[@]}" "$(program_of "$product")")
  share_allowed=10
  # These lose a session with its connection.
  case $product in distribution-2 | zot-1) share_allowed=100 ;; esac
  check "256 MiB, reset after 64 KiB to 1 MiB: an import into $product sends at most 50 % again" short_lines "${needed[@]}"
  check "1 GiB, reset after 8 to 64 MiB: an import into $product sends at most $share_allowed % again" long_lines "${needed[@]}"
done
