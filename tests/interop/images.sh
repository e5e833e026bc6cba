# The images that lines break over: 256 MiB and 1 GiB of noise, at a source of their own, and as bundles.
# Sourced, never run; needs scene.sh.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

kib=1024
mib=1048576

# big_image NAME SIZE: 16 layers of SIZE at the source; "digest size" in $work/NAME.root, the bundle in $work/NAME.tar.
big_image() {
  local name=$1 layers=() number
  for ((number = 0; number < 16; number++)); do layers+=("$name-$number:$2"); done
  push_seeded_manifest "http://$(address_of big-source)" "lines/$name" 1 amd64 "$work/seeding" "${layers[@]}" >"$work/$name.root"
  in_time export --plain-http "$(address_of big-source)/lines/$name:1" -o "$work/$name.tar"
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

need_big_images() {
  [[ -e $work/whole.tar ]] ||
    check "images of 256 MiB and of 1 GiB are made" big_images_are_made "${base_parts[@]}"
}
