# The bundle in the eyes of tar, sha256sum and jq: what a stranger without our program can check.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

entry_names() { tar -tf "$fixture_bundle"; }

headers_are_plain() {
  local line
  TZ=UTC tar --numeric-owner --full-time -tvf "$fixture_bundle" | tee "$work/headers"
  # Directories 0755, files 0644, no owner, no time; links or anything else fit neither pattern.
  while read -r line; do
    [[ $line =~ ^(drwxr-xr-x|-rw-r--r--)\ 0/0\ +[0-9]+\ 1970-01-01\ 00:00:00\ [a-z] ]] || fail "odd header: $line"
  done <"$work/headers"
  [[ -s $work/headers ]]
}

blobs_hash_to_their_names() {
  local name count=0
  mkdir -p "$work/unpacked"
  tar -xf "$fixture_bundle" -C "$work/unpacked"
  (cd "$work/unpacked/blobs/sha256" && for name in *; do echo "$name  $name"; done) >"$work/sums"
  (cd "$work/unpacked/blobs/sha256" && sha256sum --check --quiet "$work/sums")
  count=$(wc -l <"$work/sums")
  [[ $(jq -r .imageLayoutVersion "$work/unpacked/oci-layout") == 1.0.0 ]] || fail "oci-layout has another version"
  echo "note: $count blobs"
}

# wanted_order prints the names of all entries in the order docs/format.md gives.
wanted_order() {
  local queue=() digest child type size at=0 file
  local -A seen=()
  printf '%s\n' oci-layout index.json bundle.json blobs/ blobs/sha256/
  mapfile -t queue < <(jq -r '.manifests[].digest' "$work/unpacked/index.json")
  : >"$work/configs"
  : >"$work/layers"
  while [[ $at -lt ${#queue[@]} ]]; do
    digest=${queue[at]}
    at=$((at + 1))
    [[ -z ${seen[$digest]:-} ]] || continue
    seen[$digest]=yes
    echo "blobs/${digest/://}"
    file=$(blob_file "$work/unpacked" "$digest")
    while read -r child type size; do
      if is_manifest_type "$type"; then queue+=("$child"); else echo "$size $child" >>"$work/layers"; fi
    done < <(children "$file")
    jq -r '.config.digest // empty' "$file" >>"$work/configs"
    jq -r '((.layers // []) + (.blobs // []))[] | "\(.size) \(.digest)"' "$file" >>"$work/layers"
  done
  # A blob that is a config here and a layer there is placed once, as a config.
  sort -u "$work/configs" | sed 's|:|/|; s|^|blobs/|'
  sort -u "$work/layers" | sort -k 1,1nr -k 2,2 | sed 's/.* //' | grep -v -x -F -f "$work/configs" | sed 's|:|/|; s|^|blobs/|'
}

entries_stand_in_their_order() {
  wanted_order >"$work/wanted-order"
  entry_names >"$work/order"
  diff "$work/wanted-order" "$work/order"
}

files_are_compact_sorted_json() {
  local name
  for name in index.json bundle.json; do
    jq --compact-output --sort-keys --join-output . "$work/unpacked/$name" >"$work/canonical"
    cmp "$work/canonical" "$work/unpacked/$name"
  done
}

names_are_full_and_referrers_have_none() {
  local wanted
  wanted=$(references "$fixtures" "$(address_of source)" | sort)
  for key in org.opencontainers.image.ref.name io.containerd.image.name; do
    diff <(echo "$wanted") <(jq -r --arg key "$key" '.manifests[].annotations[$key] // empty' "$work/unpacked/index.json" | sort)
  done
}

file_parts=("${base_parts[@]}" tar)
check "tar tvf: no links, mode 0644, owner 0/0, time 0" headers_are_plain "${file_parts[@]}"
check "tar xf and sha256sum: every blob hashes to its name" blobs_hash_to_their_names "${file_parts[@]}"
check "the entries stand in the order of the format" entries_stand_in_their_order "${file_parts[@]}"
check "index.json and bundle.json are compact, with sorted keys" files_are_compact_sorted_json "${file_parts[@]}"
check "both annotations carry the full name" names_are_full_and_referrers_have_none "${file_parts[@]}"
