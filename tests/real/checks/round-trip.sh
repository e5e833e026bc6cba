# Export, verify, list, import between two registries; then both are asked, with curl, what they hold.
# Every other file of checks builds on what this one leaves: $fixture_bundle and the two registries.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

fixture_bundle=$work/images.tar

two_registries_start() {
  start_registry source
  start_registry target
  seed_layout "$fixtures" "http://$(address_of source)"
}

export_writes_a_bundle() {
  local images report=$work/export.json
  mapfile -t images < <(references "$fixtures" "$(address_of source)")
  "$bundle" export --plain-http --format json "${images[@]}" -o "$fixture_bundle" >"$report"
  jq . "$report"
  [[ $(jq -r '.bytes' "$report") == $(size_of "$fixture_bundle") ]] || fail "the report states another size"
  [[ $(jq -r '.images | length' "$report") == "${#images[@]}" ]] || fail "the report has another number of images"
}

verify_finds_it_intact() {
  "$bundle" verify --format json "$fixture_bundle" | tee "$work/verify.json"
  [[ $(jq -r '.intact' "$work/verify.json") == true ]] || fail "not intact"
  # The digest of a bundle is the digest of its index.json: tar can tell it too.
  tar -xOf "$fixture_bundle" index.json >"$work/index.json"
  [[ $(jq -r '.digest' "$work/verify.json") == "$(digest_of "$work/index.json")" ]] || fail "another bundle digest"
}

verify_finds_a_flipped_byte() {
  local status=0 block at byte
  cp "$fixture_bundle" "$work/flipped.tar"
  # The first byte of the last blob: tar tells the block its header is in.
  block=$(tar -R -tf "$work/flipped.tar" | sed -n 's|^block \([0-9]*\): blobs/sha256/[0-9a-f].*|\1|p' | tail -n 1)
  at=$(((block + 1) * 512))
  byte=$(od -An -tu1 -j "$at" -N 1 "$work/flipped.tar")
  printf '%b' "\\x$(printf %02x $((byte ^ 255)))" |
    dd of="$work/flipped.tar" bs=1 seek="$at" conv=notrunc status=none
  "$bundle" verify "$work/flipped.tar" || status=$?
  rm "$work/flipped.tar"
  [[ $status == 3 ]] || fail "exit $status, not 3"
}

list_names_every_image() {
  "$bundle" list --format json "$fixture_bundle" >"$work/list.json"
  jq -r '.images[] | "\(.name) \(.digest)"' "$work/list.json" | sort >"$work/listed"
  named_images "$fixtures" | sed "s|\([^ ]*\) \([^ ]*\) \([^ ]*\) .*|$(address_of source)/\1:\2 \3|" | sort >"$work/seeded"
  diff "$work/seeded" "$work/listed"
}

argument_order_changes_nothing() {
  local images
  mapfile -t images < <(references "$fixtures" "$(address_of source)" | tac)
  "$bundle" export --plain-http -j 1 "${images[@]}" -o "$work/again.tar"
  cmp "$fixture_bundle" "$work/again.tar"
  rm "$work/again.tar"
}

import_pushes_every_image() {
  "$bundle" import --plain-http --format json "$fixture_bundle" --registry "$(address_of target)" >"$work/import.json"
  jq . "$work/import.json"
  [[ $(jq -r '[.images[].status] | unique | join(" ")' "$work/import.json") == pushed ]] || fail "not all were pushed"
}

both_sides_serve_the_same() {
  same_images "$fixtures" "http://$(address_of source)" "http://$(address_of target)"
}

# Requests that carry or announce content; what reads does not count.
sending_requests() { grep -c -E '"(POST|PUT|PATCH) ' "$(access_log "$1")" || true; }

second_import_sends_nothing() {
  local before after
  before=$(sending_requests target)
  "$bundle" import --plain-http --format json "$fixture_bundle" --registry "$(address_of target)" >"$work/second.json"
  after=$(sending_requests target)
  jq . "$work/second.json"
  [[ $before -gt 0 ]] || fail "the access log shows no upload at all"
  [[ $after == "$before" ]] || fail "$((after - before)) requests were sent that change something"
  [[ $(jq -r '"\(.blobs.sent) \(.blobs.bytesSent)"' "$work/second.json") == "0 0" ]] || fail "the report speaks of blobs sent"
  [[ $(jq -r '[.images[].status] | unique | join(" ")' "$work/second.json") == present ]] || fail "not all were present"
}

base_parts=(docker-registry curl jq)
check "two registries start, one is seeded with the fixtures" two_registries_start "${base_parts[@]}"
check "an export writes the bundle it reports" export_writes_a_bundle "${base_parts[@]}"
check "verify finds it intact, under the digest of its index.json" verify_finds_it_intact "${base_parts[@]}" tar
check "verify finds one flipped byte, exit 3" verify_finds_a_flipped_byte "${base_parts[@]}" tar
check "list names every image with the digest it was seeded with" list_names_every_image "${base_parts[@]}"
check "arguments in another order and one job give the same bytes" argument_order_changes_nothing "${base_parts[@]}"
check "an import pushes every image" import_pushes_every_image "${base_parts[@]}"
check "both registries serve every manifest alike, by tag and by digest, and every blob" both_sides_serve_the_same "${base_parts[@]}"
check "a second import sends nothing" second_import_sends_nothing "${base_parts[@]}"
