# A blob whose bytes change in the storage of a registry, its length unchanged: only an import that reads everything
# back notices, names it, and replaces it once it is deleted.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

# The storage that holds a digest in docker-registry's file system driver.
stored_blob() { echo "$work/registries/read-back/storage/docker/registry/v2/blobs/sha256/${1:7:2}/${1:7}/data"; }

read_back_finds_nothing_wrong() {
  start_registry read-back
  "$bundle" import --plain-http --check read-back --format json "$fixture_bundle" --registry "$(address_of read-back)" >"$work/read-back.json"
  jq . "$work/read-back.json"
  [[ $(jq -r '.readBack.damaged | length' "$work/read-back.json") == 0 ]] || fail "something is damaged"
  # As many requests for blobs in the registry's own log as the report speaks of.
  local asked
  asked=$(grep -c -E '"GET /v2/library/.*/blobs/sha256:[0-9a-f]{64} ' "$(access_log read-back)")
  [[ $(jq -r '.readBack.blobs' "$work/read-back.json") == "$asked" ]] || fail "$asked blobs were asked for"
}

# A layer of the first platform of an image, and the repository it is in.
damaged_image() {
  local repo tag child
  read -r repo tag _ < <(named_images "$fixtures" | grep '^google-containers/pause ')
  get_manifest "http://$(address_of read-back)" "library/$repo" "$tag" "$work/read-back.index"
  child=$(jq -r '.manifests[0].digest' "$work/read-back.index")
  get_manifest "http://$(address_of read-back)" "library/$repo" "$child" "$work/read-back.manifest"
  damaged=$(jq -r '.layers[0].digest' "$work/read-back.manifest")
  damaged_repo=library/$repo
  [[ -f $(stored_blob "$damaged") ]] || fail "no such blob: $damaged"
}

other_bytes_are_found() {
  local damaged damaged_repo file size status=0
  damaged_image
  file=$(stored_blob "$damaged")
  size=$(size_of "$file")
  head -c "$size" /dev/urandom >"$work/noise"
  cp "$work/noise" "$file"
  # The registry notices nothing, and neither does an import that only asks whether it is there.
  ask --head --output /dev/null "http://$(address_of read-back)/v2/$damaged_repo/blobs/$damaged"
  "$bundle" import --plain-http "$fixture_bundle" --registry "$(address_of read-back)"
  "$bundle" import --plain-http --check read-back "$fixture_bundle" --registry "$(address_of read-back)" >"$work/read-back.said" 2>&1 || status=$?
  cat "$work/read-back.said"
  [[ $status == 4 ]] || fail "exit $status, not 4"
  grep -q "damaged copy at the registry: content of $damaged hashes to $(digest_of "$work/noise")" "$work/read-back.said" ||
    fail "the digest is not named"
  grep -q "/$damaged_repo: damaged copy" "$work/read-back.said" || fail "the repository is not named"
}

a_deleted_copy_is_replaced() {
  local damaged damaged_repo
  damaged_image
  rm -r "$(dirname "$(stored_blob "$damaged")")"
  "$bundle" import --plain-http --check read-back "$fixture_bundle" --registry "$(address_of read-back)"
  ask --output "$work/read-back.blob" "http://$(address_of read-back)/v2/$damaged_repo/blobs/$damaged"
  [[ $(digest_of "$work/read-back.blob") == "$damaged" ]] || fail "the blob is not what it was"
}

check "an import reads everything back" read_back_finds_nothing_wrong "${base_parts[@]}"
check "a blob with other bytes of the same length is found and named, exit 4" other_bytes_are_found "${base_parts[@]}"
check "deleted in the storage, it is sent again" a_deleted_copy_is_replaced "${base_parts[@]}"
