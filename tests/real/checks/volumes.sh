# A bundle of 1.5 GiB in volumes of 200 MiB: 12 images that share a layer, one with a layer of 300 MiB, which has to be cut.
# Each volume is judged alone; then three importers bring them to one registry side by side, in random order, while
# somebody looks at every tag that appears.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

volume_size=209715200
volumes=$work/volumes
noise+=(volumes 'registries/volumes-*')

volumes_source_starts() {
  local number
  start_registry volumes-source
  start_registry volumes-target
  for ((number = 1; number <= 11; number++)); do
    push_seeded_manifest "http://$(address_of volumes-source)" "team/app-$number" 1 amd64 "$work/seeding" \
      volumes-base:16777216 "volumes-$number-a:75497472" "volumes-$number-b:33554432"
  done
  push_seeded_manifest "http://$(address_of volumes-source)" team/large 1 amd64 "$work/seeding" \
    volumes-base:16777216 volumes-large:314572800
}

volumes_names() {
  local number
  for ((number = 1; number <= 11; number++)); do echo "$(address_of volumes-source)/team/app-$number:1"; done
  echo "$(address_of volumes-source)/team/large:1"
}

volumes_are_exported() {
  local names size bytes=0 file peak
  mapfile -t names < <(volumes_names)
  mkdir -p "$volumes"
  "$(type -P time)" -v -o "$work/volumes.time" \
    "$bundle" export --plain-http --volume-size 200MiB "${names[@]}" -o "$volumes/images.tar"
  peak=$(sed -n 's/.*Maximum resident set size (kbytes): //p' "$work/volumes.time")
  for file in "$volumes"/*; do
    size=$(size_of "$file")
    [[ $size -le $volume_size ]] || fail "$file has $size bytes"
    bytes=$((bytes + size))
  done
  [[ $(find "$volumes" -mindepth 1 ! -name 'images-*of*.tar' | wc -l) == 0 ]] || fail "something else lies there"
  [[ $peak -le 65536 ]] || fail "peak resident set of $peak KiB"
  [[ $bytes -ge 1500000000 ]] || fail "only $bytes bytes"
  echo "note: $(find "$volumes" -type f | wc -l) volumes of $((bytes / 1048576)) MiB together, peak $((peak / 1024)) MiB"
}

each_volume_passes_alone() {
  local file
  for file in "$volumes"/*; do
    "$bundle" verify "$file"
    # A stranger's tools: every blob hashes to its name, every part to its checksum.
    tar -C "$(mktemp -d "$work/tmp/volume.XXXXXX")" -xf "$file"
    (
      cd "$work"/tmp/volume.*/blobs/sha256 || exit
      for blob in *; do echo "$blob  $blob"; done | sha256sum --check --quiet
      cd ../..
      if [[ -d parts ]]; then cd parts/sha256/* && sha256sum --check --quiet ./*.sha256; fi
    )
    rm -r "$work"/tmp/volume.*
  done
  "$bundle" verify "$volumes"/*
}

# whole_image FILE: the name of an image that this volume has whole, if there is one.
whole_image() {
  "$bundle" list --format json "$1" |
    jq -r '.volume.number as $own | [.images[] | select(.volumes == [$own]) | .name][0] // empty'
}

volumes_are_read_by_others() {
  local tool=$1 file name to count=0
  for file in "$volumes"/*; do
    name=$(whole_image "$file")
    [[ -n $name ]] || continue
    to=$work/tmp/read-by-$tool
    if [[ $tool == skopeo ]]; then
      skopeo --insecure-policy --tmpdir "$work/tmp" copy --preserve-digests "oci-archive:$file:$name" "dir:$to"
    else
      oras cp --from-oci-layout-path "$file" "$name" --to-oci-layout "$to:1"
    fi
    rm -r "$to"
    count=$((count + 1))
    [[ $count -lt 3 ]] || break
  done
  [[ $count -gt 0 ]] || fail "no volume has an image whole"
  echo "note: $count images of as many volumes"
}

volumes_are_read_by_skopeo() { volumes_are_read_by_others skopeo; }
volumes_are_read_by_oras() { volumes_are_read_by_others oras; }

# Every tag that appears has everything below it at that moment.
look_at_tags() {
  local target=$1 repo seen="" digest child rest
  while [[ ! -e $work/volumes-done ]]; do
    for repo in $(seq -f team/app-%g 1 11) team/large; do
      [[ $seen != *" $repo "* ]] || continue
      curl --silent --fail --output /dev/null "${accept[@]}" "$target/v2/library/$repo/manifests/1" || continue
      ask "${accept[@]}" --output "$work/volumes-manifest" "$target/v2/library/$repo/manifests/1"
      while read -r child rest; do
        curl --silent --fail --head --output /dev/null "$target/v2/library/$repo/blobs/$child" ||
          echo "$repo is tagged and lacks $child" >>"$work/volumes-early"
      done < <(blobs_of "$work/volumes-manifest")
      seen+=" $repo "
    done
    sleep 0.05
  done
}

# import_each FILE…: one command for each line of volumes.
import_each() {
  local line status
  while read -r line; do
    status=0
    # shellcheck disable=SC2086 # several files in a line
    "$bundle" import --plain-http $line --registry "$(address_of volumes-target)" || status=$?
    [[ $status == 0 || $status == 1 ]] || return "$status"
  done <"$1"
}

three_import_side_by_side() {
  local importers=() target cut number importer poller sent distinct repo digest
  target=http://$(address_of volumes-target)
  rm -f "$work/volumes-done" "$work/volumes-early"
  # The volumes with a part of the large layer go together, the others one by one, to whom chance wants.
  cut=$(tar -xOf "$(find "$volumes" -type f | head -n 1)" bundle.json |
    jq -r '.volume.count as $count | [.table[] | objects | .volumes[]] | unique[] | "images-\(.)of\($count).tar"')
  {
    for number in $cut; do printf '%s ' "$volumes/$number"; done
    echo
    for number in "$volumes"/*; do grep -q -x -F "$(basename "$number")" <<<"$cut" || echo "$number"; done
  } | shuf >"$work/volumes-order"
  split -n r/3 "$work/volumes-order" "$work/volumes-share-"
  look_at_tags "$target" &
  poller=$!
  for importer in "$work"/volumes-share-*; do
    import_each "$importer" &
    importers+=($!)
  done
  for importer in "${importers[@]}"; do wait "$importer"; done
  touch "$work/volumes-done"
  wait "$poller"
  [[ ! -e $work/volumes-early ]] || fail "$(<"$work/volumes-early")"
  # Nothing more is asked for: whoever was last has found everything there.
  for repo in $(seq -f team/app-%g 1 11) team/large; do
    get_manifest "$target" "library/$repo" 1 "$work/volumes-manifest"
    digest=$(digest_of "$work/volumes-manifest")
    get_manifest "http://$(address_of volumes-source)" "$repo" 1 "$work/volumes-manifest"
    [[ $(digest_of "$work/volumes-manifest") == "$digest" ]] || fail "$repo has another digest"
  done
  sent=$(grep -o 'PUT /v2/[^ ]*/blobs/uploads/[^ ]*digest=[^ &]*[^ ]* HTTP/1.1" 201' "$(access_log volumes-target)" |
    sed 's/.*digest=\([^ &]*\).*/\1/' | sort)
  distinct=$(sort -u <<<"$sent" | wc -l)
  [[ $(wc -l <<<"$sent") == "$distinct" ]] || fail "sent twice: $(uniq -d <<<"$sent" | head -n 3)"
  # Each image has a config and two layers of its own but for the shared one, and the large one has one.
  [[ $distinct == $((1 + 11 * 3 + 2)) ]] || fail "$distinct blobs sent"
  # And again, with everything there.
  "$bundle" import --plain-http "$volumes"/* --registry "$(address_of volumes-target)" >"$work/volumes-again"
  grep -q '0 blobs sent' "$work/volumes-again"
}

volumes_end() {
  stop_registry volumes-source
  stop_registry volumes-target
  rm -rf "$work"/registries/volumes-* "$volumes"
}

check "a registry is seeded with 12 images of 1.5 GiB that share a layer" volumes_source_starts "${base_parts[@]}" openssl
check "they are exported into volumes of at most 200 MiB, to the byte, in 64 MiB of memory" volumes_are_exported "${base_parts[@]}" openssl time
check "each volume passes verify alone, and hashes right for sha256sum" each_volume_passes_alone "${base_parts[@]}" openssl tar
check "skopeo reads an image that a volume has whole" volumes_are_read_by_skopeo "${base_parts[@]}" openssl skopeo
check "oras reads an image that a volume has whole" volumes_are_read_by_oras "${base_parts[@]}" openssl oras
check "three importers side by side bring all of it, each blob once, no tag early" three_import_side_by_side "${base_parts[@]}" openssl tar
volumes_end
