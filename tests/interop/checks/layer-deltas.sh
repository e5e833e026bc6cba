# Deltas inside layers, from drive to registry: June's bundle is there, July's is what changed in its layers. The old bytes
# come from the registry, or, where that has lost them, from June's file.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

months=$work/months
month_layers=2

# month_tree FOLDER: files as an image has them, text and what does not compress; the same whenever it is made.
month_tree() {
  local number
  mkdir -p "$1/usr/lib" "$1/usr/share"
  for ((number = 1; number <= 120; number++)); do
    seeded_bytes "$2-text-$number" 12000 | od -An -tx1 -v >"$1/usr/share/page-$number"
    seeded_bytes "$2-program-$number" 20000 >"$1/usr/lib/program-$number"
  done
}

# push_month TREE-A TREE-B TAG: an image of two layers in gzip, at the source.
push_month() {
  local tag=$3 base tree layer diff_id digest layers="" diff_ids="" place=$months/seeding
  base=http://$(address_of source)
  mkdir -p "$place"
  for tree in "$1" "$2"; do
    tar --directory "$tree" --create --sort=name --owner=0 --group=0 --numeric-owner --mtime=@1700000000 --format=ustar . >"$place/tar"
    diff_id=$(digest_of "$place/tar")
    gzip -n -6 <"$place/tar" >"$place/layer"
    digest=$(digest_of "$place/layer")
    push_blob "$base" months/app "$place/layer" "$digest"
    layers+=",{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\",\"digest\":\"$digest\",\"size\":$(size_of "$place/layer")}"
    diff_ids+=",\"$diff_id\""
  done
  printf '{"architecture":"amd64","os":"linux","config":{"Labels":{"month":"%s"}},"rootfs":{"type":"layers","diff_ids":[%s]}}' \
    "$tag" "${diff_ids#,}" >"$place/config"
  digest=$(digest_of "$place/config")
  push_blob "$base" months/app "$place/config" "$digest"
  printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":%s},"layers":[%s]}' \
    "$digest" "$(size_of "$place/config")" "${layers#,}" >"$place/manifest"
  push_manifest "$base" months/app "$tag" "$place/manifest" application/vnd.oci.image.manifest.v1+json
  digest_of "$place/manifest" >"$months/$tag"
  rm -r "$place"
}

months_are_made() {
  local one
  mkdir -p "$months"
  month_tree "$months/system" system
  month_tree "$months/program" program
  push_month "$months/system" "$months/program" june
  for one in system program; do
    echo "mended in july" >>"$months/$one/usr/share/page-17"
    printf 'mended' | dd of="$months/$one/usr/lib/program-40" bs=1 seek=7000 conv=notrunc status=none
  done
  push_month "$months/system" "$months/program" july
  in_time export --plain-http "$(address_of source)/months/app:june" -o "$months/june.tar"
  in_time export --plain-http "$(address_of source)/months/app:july" -o "$months/whole.tar"
  in_time export --plain-http "$(address_of source)/months/app:july" --base "$months/june.tar" --layer-deltas -o "$months/july.tar" \
    --format json >"$months/july.json"
  echo "note: $(size_of "$months/july.tar") bytes travel, of $(size_of "$months/whole.tar")"
  [[ $(tar --list --file "$months/july.tar" | grep -c '^deltas/sha256/.') == "$month_layers" ]] ||
    fail "not $month_layers deltas: $(tar --list --file "$months/july.tar")"
  [[ $(size_of "$months/july.tar") -lt $(($(size_of "$months/whole.tar") / 5)) ]] || fail "it is not small"
  in_time pack "$months/june.tar" "$months/july.tar" --only "$(address_of source)/months/app:july" -o "$months/packed.tar"
  cmp "$months/packed.tar" "$months/whole.tar"
}

# july_is_there: byte for byte as the source has it.
july_is_there() {
  mkdir -p "$months/compare"
  same_graph "http://$(address_of source)" months/app "http://$(address_of target)" library/months/app "$(<"$months/july")" \
    application/vnd.oci.image.manifest.v1+json "$months/compare"
  rm -r "$months/compare"
  [[ $(curl --silent --fail "${accept[@]}" "http://$(address_of target)/v2/library/months/app/manifests/july" | sha256sum | cut -d ' ' -f 1) == \
    "$(sed 's/^sha256://' "$months/july")" ]] || fail "another digest under the tag"
}

the_registry_has_the_old_layers() {
  start_product target "$product"
  in_time import --plain-http "$months/june.tar" --registry "$(address_of target)"
  in_time import --plain-http "$months/july.tar" --registry "$(address_of target)"
  july_is_there
}

the_file_has_the_old_layers() {
  start_product target "$product"
  # With nothing to build on, no manifest is sent, and the old layers are named.
  refused 4 in_time import --plain-http "$months/july.tar" --registry "$(address_of target)" 2>"$months/refused"
  grep -q 'sha256:' "$months/refused" || fail "no layer is named: $(<"$months/refused")"
  ! curl --silent --fail --output /dev/null "${accept[@]}" "http://$(address_of target)/v2/library/months/app/manifests/july" ||
    fail "a tag appeared"
  in_time import --plain-http "$months/july.tar" "$months/june.tar" \
    --registry "$(address_of target)"
  july_is_there
}

killed_imports_end_well() {
  local moment killed=0 importing
  for ((moment = 1; moment <= 12; moment++)); do
    start_product target "$product"
    in_time import --plain-http "$months/june.tar" --registry "$(address_of target)"
    "$bundle" import --plain-http "$months/july.tar" --registry "$(address_of target)" >/dev/null 2>&1 &
    importing=$!
    sleep "$(awk -v at="$moment" 'BEGIN { print at * 0.02 }')"
    if kill -9 "$importing" 2>/dev/null; then killed=$((killed + 1)); fi
    wait "$importing" 2>/dev/null || true
    in_time import --plain-http "$months/july.tar" --registry "$(address_of target)"
    july_is_there
    stop_registry target
    rm -rf "$work/registries/target"
  done
  echo "note: $killed of 12 were killed"
  [[ $killed -gt 0 ]] || fail "none was killed in time"
}

check "July travels as what changed in the layers of June, and packed with June it is a whole export" months_are_made "${base_parts[@]}"
for product in distribution-2 distribution-3 olareg zot-1; do
  needed=("${base_parts[@]}" "$(program_of "$product")")
  check "$product gets July by the old layers that it has" the_registry_has_the_old_layers "${needed[@]}"
  check "$product gets July by the old layers of June's file, and without them no manifest" the_file_has_the_old_layers "${needed[@]}"
done
product=distribution-2
check "$product gets July after imports that were killed at 12 moments" killed_imports_end_well "${base_parts[@]}"
rm -rf "$months"
