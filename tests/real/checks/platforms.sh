# One platform of an image: other tools read it from the bundle, and a registry that asks for the other platforms of an
# index is brought to take it.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

platforms=$work/platforms
mkdir -p "$platforms"

# The index of org/web:2, and the manifest of its first platform, as they were seeded.
web_digest() { named_images "$fixtures" | sed -n 's|^org/web 2 \([^ ]*\) .*|\1|p'; }
amd64_digest() {
  get_manifest "http://$(address_of source)" org/web "$(web_digest)" "$platforms/index"
  jq -r '.manifests[] | select(.platform.architecture == "amd64") | .digest' "$platforms/index"
}

one_platform_is_exported() {
  local name
  name=$(address_of source)/org/web:2
  "$bundle" export --plain-http "$name" --platform linux/amd64 -o "$platforms/amd64.tar"
  "$bundle" verify "$platforms/amd64.tar" | tee "$platforms/verified.txt"
  grep -q 'platforms left out' "$platforms/verified.txt" || fail "what is left out is not said"
  mkdir -p "$platforms/unpacked"
  tar -xf "$platforms/amd64.tar" -C "$platforms/unpacked"
  [[ $(digest_of "$platforms/unpacked/blobs/sha256/$(web_digest | cut -d: -f2)") == "$(web_digest)" ]] || fail "another index"
}

skopeo_reads_the_platform() {
  local entry
  entry=oci-archive:$platforms/amd64.tar:$(address_of source)/org/web:2
  skopeo --insecure-policy --tmpdir "$work" --override-os linux --override-arch amd64 copy --quiet --preserve-digests \
    "$entry" "dir:$platforms/skopeo"
  [[ $(digest_of "$platforms/skopeo/manifest.json") == "$(amd64_digest)" ]] || fail "skopeo read another manifest"
}

oras_reads_the_platform() {
  local found
  oras cp --from-oci-layout-path "$platforms/amd64.tar" "$(address_of source)/org/web:2" --platform linux/amd64 \
    --to-oci-layout "$platforms/oras:one"
  found=$(jq -r '.manifests[0].digest' "$platforms/oras/index.json")
  [[ $found == "$(amd64_digest)" ]] || fail "oras read $found"
}

the_registry_refuses_and_one_platform_alone_goes() {
  start_registry sparse
  refused 4 "$bundle" import --plain-http "$platforms/amd64.tar" --registry "$(address_of sparse)" 2>&1 |
    tee "$platforms/refused.txt"
  grep -q 'with all its platforms' "$platforms/refused.txt" || fail "the first way out is not named"
  grep -q -- '--single-platform' "$platforms/refused.txt" || fail "the second way out is not named"
  "$bundle" import --plain-http "$platforms/amd64.tar" --registry "$(address_of sparse)" --single-platform linux/amd64 2>&1 |
    tee "$platforms/single.txt"
  grep -q "$(web_digest)" "$platforms/single.txt" || fail "the digest of the index is not named"
  get_manifest "http://$(address_of sparse)" library/org/web 2 "$platforms/tagged"
  [[ $(digest_of "$platforms/tagged") == "$(amd64_digest)" ]] || fail "the tag is another manifest"
}

all_platforms_complete_it() {
  local tag
  "$bundle" export --plain-http "$(address_of source)/org/web:2" -o "$platforms/all.tar"
  "$bundle" import --plain-http "$platforms/all.tar" --registry "$(address_of sparse)"
  get_manifest "http://$(address_of sparse)" library/org/web 2 "$platforms/tagged"
  tag=$(digest_of "$platforms/tagged")
  [[ $tag == "$(web_digest)" ]] || fail "the tag is $tag"
  # Now it has the platforms that the first file lacks.
  "$bundle" import --plain-http "$platforms/amd64.tar" --registry "$(address_of sparse)"
  stop_registry sparse
}

check "one platform of an image is exported, and the index keeps its digest" one_platform_is_exported "${base_parts[@]}"
check "skopeo reads the platform from such a bundle" skopeo_reads_the_platform "${base_parts[@]}" skopeo
PATH=$root/target/peers/bin:$PATH check "oras reads the platform from such a bundle" oras_reads_the_platform \
  "${base_parts[@]}" oras
check "a registry that asks for all platforms refuses the index; the error names the two ways out, and one works" \
  the_registry_refuses_and_one_platform_alone_goes "${base_parts[@]}"
check "the other way works too, and from then on the registry takes the index with one platform" \
  all_platforms_complete_it "${base_parts[@]}"
