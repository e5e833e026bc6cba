# An image of 1 GiB, 16 layers of 64 MiB that nothing can compress: memory must not grow with it,
# and what is written to the bundle must be about the bundle.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

large_bundle=$work/large/image.tar
memory_bound=65536 # KiB

large_registries_start() {
  local layers=() number
  start_registry large-source
  start_registry large-target
  for ((number = 0; number < 16; number++)); do layers+=("large-$number:67108864"); done
  push_seeded_manifest "http://$(address_of large-source)" big/image 1 amd64 "$work/seeding" "${layers[@]}"
}

# within_memory NAME COMMAND…: runs it under GNU time and judges the peak.
within_memory() {
  local report=$work/$1.time peak
  shift
  "$(type -P time)" -v -o "$report" "$@"
  peak=$(sed -n 's/.*Maximum resident set size (kbytes): //p' "$report")
  echo "note: peak $((peak / 1024)) MiB, $(sed -n 's/.*Elapsed (wall clock) time (h:mm:ss or m:ss): //p' "$report") of wall time"
  [[ $peak -gt 0 && $peak -le $memory_bound ]] || fail "peak resident set of $peak KiB, more than $memory_bound"
}

large_export_is_small() {
  mkdir -p "$(dirname "$large_bundle")"
  within_memory export "$bundle" export --plain-http "$(address_of large-source)/big/image:1" -o "$large_bundle"
}

large_export_writes_once() {
  local out=$work/traced size written
  mkdir -p "$out" "$work/trace"
  # One file of trace per thread: no call is torn in two by another.
  strace --follow-forks --output-separately --seccomp-bpf --decode-fds=path --string-limit=0 --output "$work/trace/t" \
    --trace=write,writev,pwrite64,pwritev,pwritev2,sendfile,copy_file_range,splice \
    "$bundle" export --plain-http -j 4 "$(address_of large-source)/big/image:1" -o "$out/image.tar"
  cmp "$large_bundle" "$out/image.tar"
  size=$(size_of "$out/image.tar")
  rm -r "$out"
  # Nothing but the bundle, under whatever name it has on the way, lies in that directory.
  written=$(cat "$work"/trace/t.* | grep -F "<$out/" | sed -n 's/.* = \([0-9]*\)$/\1/p' | awk '{ sum += $1 } END { printf "%.0f", sum }')
  echo "note: $written bytes written for $size of bundle"
  # Less than the file: then it was written in a way that is not counted here.
  [[ $written -ge $((size - 1048576)) ]] || fail "the calls counted do not make up the file"
  [[ $written -le $((size + size / 100)) ]] || fail "more than 1.01 times the bundle"
}

large_import_is_small() {
  within_memory import "$bundle" import --plain-http "$large_bundle" --registry "$(address_of large-target)"
}

large_image_arrived() {
  local source target digest
  source=http://$(address_of large-source)
  target=http://$(address_of large-target)
  mkdir -p "$work/large-compare"
  get_manifest "$source" big/image 1 "$work/large-manifest"
  digest=$(digest_of "$work/large-manifest")
  same_manifest "$source" big/image "$target" library/big/image 1 "$digest" application/vnd.oci.image.manifest.v1+json "$work/large-compare"
  same_graph "$source" big/image "$target" library/big/image "$digest" application/vnd.oci.image.manifest.v1+json "$work/large-compare"
  stop_registry large-source
  stop_registry large-target
  rm -rf "$work/registries/large-source" "$work/registries/large-target" "$large_bundle" "$work/large-compare"
}

check "a registry is seeded with an image of 1 GiB" large_registries_start "${base_parts[@]}" openssl
check "its export stays within 64 MiB of memory" large_export_is_small "${base_parts[@]}" openssl time
check "its export writes each byte once, and the same bytes with four jobs" large_export_writes_once "${base_parts[@]}" openssl strace
check "its import stays within 64 MiB of memory" large_import_is_small "${base_parts[@]}" openssl time
check "it arrived whole" large_image_arrived "${base_parts[@]}" openssl
