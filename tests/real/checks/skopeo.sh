# Debian's skopeo reads each image from the bundle by its name. It knows no Docker types inside a layout and no index
# below an index, in any version: those images are containerd's to check.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

# True if the index names another index.
is_nested() { children "$1" | grep -q -E ' application/vnd\.(oci\.image\.index|docker\.distribution\.manifest\.list)\.'; }

skopeo_copies_by_name() {
  local repo tag digest type to child rest count=0 passed_over=""
  mkdir -p "$work/skopeo"
  while read -r repo tag digest type; do
    if [[ $type != application/vnd.oci.* ]] || is_nested "$(blob_file "$fixtures" "$digest")"; then
      passed_over+=" $repo:$tag"
      continue
    fi
    to=$work/skopeo/$count
    echo "$repo:$tag"
    skopeo --insecure-policy --tmpdir "$work" copy --all --preserve-digests \
      "oci-archive:$fixture_bundle:$(address_of source)/$repo:$tag" "dir:$to"
    cmp "$to/manifest.json" "$(blob_file "$fixtures" "$digest")"
    # `dir:` keeps the children of an index as HEX.manifest.json, blobs as HEX.
    while read -r child rest; do
      cmp "$to/${child#sha256:}.manifest.json" "$(blob_file "$fixtures" "$child")"
    done < <(children "$to/manifest.json")
    while read -r child rest; do
      cmp "$to/${child#sha256:}" "$(blob_file "$fixtures" "$child")"
    done < <(blobs_of "$to/manifest.json")
    count=$((count + 1))
  done < <(named_images "$fixtures")
  [[ $count -gt 0 ]] || fail "no image was copied"
  echo "note: $count copied; of Docker types or nested, so not skopeo's:$passed_over"
}

check "skopeo copies each flat OCI image by its name, digests kept" skopeo_copies_by_name "${base_parts[@]}" skopeo
