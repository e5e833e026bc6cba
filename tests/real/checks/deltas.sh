# What the other side has does not travel again: deltas by a bundle and by an inventory of a real registry, packed and
# mended files, compared with direct exports by cmp.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

deltas=$work/deltas
mkdir -p "$deltas"

# all_names: the images of the fixtures at the source, one a line.
all_names() {
  named_images "$fixtures" | while read -r repository tag _; do echo "$(address_of source)/$repository:$tag"; done
}

# export_all FILE FLAG…: without what other checks have attached at the source, for oras writes its empty config into the
# manifest too (`data`), and such a blob always travels.
export_all() {
  local file=$1
  shift
  all_names >"$deltas/images.txt"
  "$bundle" export --plain-http --force --referrers none -f "$deltas/images.txt" -o "$file" --format json "$@"
}

a_delta_and_its_base_are_what_a_direct_export_gives() {
  local some
  some=$(all_names | sed -n 2p)
  export_all "$deltas/whole.tar" >/dev/null
  "$bundle" export --plain-http --force --referrers none "$some" -o "$deltas/base.tar"
  export_all "$deltas/delta.tar" --base "$deltas/base.tar" | tee "$deltas/delta.json" >/dev/null
  jq -e '.blobs.inBase > 0' "$deltas/delta.json" >/dev/null || fail "nothing was left out"
  [[ $(size_of "$deltas/delta.tar") -lt $(size_of "$deltas/whole.tar") ]] || fail "it is no smaller"
  "$bundle" verify "$deltas/delta.tar" "$deltas/base.tar"
  "$bundle" pack --force "$deltas/base.tar" "$deltas/delta.tar" -o "$deltas/packed.tar"
  cmp "$deltas/packed.tar" "$deltas/whole.tar"
}

an_inventory_of_a_registry_saves_everything_that_is_there() {
  "$bundle" import --plain-http "$deltas/whole.tar" --registry "$(address_of target)" >/dev/null
  "$bundle" inventory --plain-http --force --registry "$(address_of target)" -f "$deltas/images.txt" -o "$deltas/there.json"
  export_all "$deltas/nothing.tar" --base "$deltas/there.json" | jq -e '.blobs.count == 0' >/dev/null || fail "a blob travels"
  "$bundle" import --plain-http "$deltas/nothing.tar" --registry "$(address_of target)"
  "$bundle" inventory --plain-http --force --registry "$(address_of target)/library" --catalog -o "$deltas/all.json"
  export_all "$deltas/nothing.tar" --base "$deltas/all.json" | jq -e '.blobs.count == 0' >/dev/null || fail "a blob travels"
}

a_damaged_bundle_is_mended_by_what_was_bad() {
  local length
  length=$(size_of "$deltas/whole.tar")
  cp "$deltas/whole.tar" "$deltas/broken.tar"
  printf X | dd of="$deltas/broken.tar" bs=1 seek=$((length - 2000)) conv=notrunc status=none
  cmp --silent "$deltas/broken.tar" "$deltas/whole.tar" && fail "it is not damaged"
  "$bundle" inventory --force "$deltas/broken.tar" -o "$deltas/good.json"
  "$bundle" export --plain-http --force --referrers none -f "$deltas/good.json" --base "$deltas/good.json" -o "$deltas/patch.tar" --format json |
    jq -e '.blobs.count == 1' >/dev/null || fail "not one blob"
  "$bundle" pack --force "$deltas/broken.tar" "$deltas/patch.tar" -o "$deltas/mended.tar"
  cmp "$deltas/mended.tar" "$deltas/whole.tar"
  truncate -s $((length / 2)) "$deltas/broken.tar"
  "$bundle" inventory --force "$deltas/broken.tar" -o "$deltas/good.json"
  "$bundle" export --plain-http --force --referrers none -f "$deltas/good.json" --base "$deltas/good.json" -o "$deltas/patch.tar"
  "$bundle" pack --force "$deltas/broken.tar" "$deltas/patch.tar" -o "$deltas/mended.tar"
  cmp "$deltas/mended.tar" "$deltas/whole.tar"
}

check "a delta and its base, packed, are byte for byte what a direct export gives" \
  a_delta_and_its_base_are_what_a_direct_export_gives "${base_parts[@]}"
check "of what an inventory of a registry lists nothing travels again, and the import has all" \
  an_inventory_of_a_registry_saves_everything_that_is_there "${base_parts[@]}"
check "a bundle with a bad byte, or cut in half, is mended by what was bad" \
  a_damaged_bundle_is_mended_by_what_was_bad "${base_parts[@]}"
