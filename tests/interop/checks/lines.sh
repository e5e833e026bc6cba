# Lines that break: every connection is reset after a random number of bytes, and what was moved again is counted.
# shellcheck shell=bash disable=SC2034,SC2154

# On its own, so that the fixtures' source stays small. The seed is that of the cuts.
seed=${INTEROP_SEED:-1}
kib=1024
mib=1048576

# seed_image REPO LAYERS SIZE: "digest size" into $work/REPO.root, and what it weighs.
big_image() {
  local name=$1 layers=() number
  for ((number = 0; number < 16; number++)); do layers+=("$name-$number:$2"); done
  push_seeded_manifest "http://$(address_of big-source)" "lines/$name" 1 amd64 "$work/seeding" "${layers[@]}" >"$work/$name.root"
  "$bundle" export --plain-http "$(address_of big-source)/lines/$name:1" -o "$work/$name.tar"
}

big_images_are_made() {
  start_registry big-source
  big_image quarter $((16 * mib))
  big_image whole $((64 * mib))
}

# has_arrived NAME TARGET: manifest and blobs, as they are at the source.
has_arrived() {
  local digest
  digest=$(cut -d ' ' -f 1 "$work/$1.root")
  mkdir -p "$work/compare"
  same_graph "http://$(address_of big-source)" "lines/$1" "http://$(address_of "$2")" "library/lines/$1" \
    "$digest" application/vnd.oci.image.manifest.v1+json "$work/compare"
  same_manifest "http://$(address_of big-source)" "lines/$1" "http://$(address_of "$2")" "library/lines/$1" 1 \
    "$digest" application/vnd.oci.image.manifest.v1+json "$work/compare"
  rm -r "$work/compare"
}

line_report() {
  echo "note: $2 % again, $(counted line cuts) cuts, $(counted line connections) connections, $3 s"
}

export_over_a_bad_line() {
  local size share began=$SECONDS
  size=$(size_of "$work/quarter.tar")
  start_line line big-source "$seed" $((64 * kib)) $mib
  "$bundle" export --plain-http --retry-delay 20 "$(address_of line)/lines/quarter:1" -o "$work/again.tar"
  stop_registry line
  share=$(again "$(counted line down)" "$size")
  line_report line "$share" $((SECONDS - began))
  "$bundle" verify "$work/again.tar"
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
  "$bundle" import --plain-http -vv --retry-delay 20 "$work/$1.tar" --registry "$(address_of line)" 2>"$work/import.log" ||
    { status=$?; tail -n 20 "$work/import.log"; fail "exit $status"; }
  stop_registry line
  share=$(again "$(counted line up)" "$size")
  line_report line "$share" $((SECONDS - began))
  has_arrived "$1" target
  [[ $(counted line cuts) -ge $5 ]] || fail "hardly a cut"
  at_most "$share" "$4"
}

short_lines() { import_over_a_bad_line quarter $((64 * kib)) $mib 50 100; }
long_lines() { import_over_a_bad_line whole $((8 * mib)) $((64 * mib)) "$share_allowed" 10; }

check "images of 256 MiB and of 1 GiB are made" big_images_are_made "${base_parts[@]}"
check "256 MiB, reset after 64 KiB to 1 MiB: an export fetches at most 10 % again" export_over_a_bad_line "${base_parts[@]}"
for product in distribution-2 distribution-3 olareg; do
  needed=("${base_parts[@]}" "$(program_of "$product")")
  share_allowed=10
  # It loses a session with its connection.
  [[ $product != distribution-2 ]] || share_allowed=100
  check "256 MiB, reset after 64 KiB to 1 MiB: an import into $product sends at most 50 % again" short_lines "${needed[@]}"
  check "1 GiB, reset after 8 to 64 MiB: an import into $product sends at most $share_allowed % again" long_lines "${needed[@]}"
done
