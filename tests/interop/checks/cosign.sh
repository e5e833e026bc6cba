# What the real cosign signs and attests with a key of its own, as tags and as referrers, goes through a bundle into
# other registries, and cosign verifies it there without a network.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

cosign_version=v2.4.3
cosign_place=$work/cosign
cosign_products=(distribution-2 distribution-3 zot zot-1)
# An image and its index are there in OCI types, which every product takes.
cosign_image=signed/tool

# in_cosign COMMAND…: nothing of it leaves this machine: no transparency log, no certificates, no roots to fetch.
in_cosign() {
  COSIGN_PASSWORD='' COSIGN_EXPERIMENTAL=1 SIGSTORE_NO_CACHE=1 timeout 120 cosign "$@"
}

cosign_registry=(--allow-http-registry --allow-insecure-registry)
without_log=(--tlog-upload=false --yes)
without_net=(--insecure-ignore-tlog --private-infrastructure)

# cosign_digest: that of the index which is signed.
cosign_digest() { named_images "$fixtures" | sed -n 's|^org/app 1.4 \([^ ]*\) .*|\1|p'; }

# signed_by_cosign REPOSITORY [OPTION…]: an image at the source, signed at every level.
signed_by_cosign() {
  local name=$1 digest type at
  shift
  read -r _ _ digest type < <(named_images "$fixtures" | grep '^org/app 1.4 ')
  push_graph "$fixtures" "http://$(address_of source)" "$name" 1 "$digest" "$type"
  at=$(address_of source)/$name@$digest
  in_cosign sign --key "$cosign_place/cosign.key" --recursive "${without_log[@]}" "${cosign_registry[@]}" "$@" "$at"
}

cosign_signs() {
  mkdir -p "$cosign_place"
  cd "$cosign_place" || return
  in_cosign generate-key-pair
  in_cosign generate-key-pair --output-key-prefix other
  in_cosign version --json | jq -r '"note: cosign " + .gitVersion'
  echo '{"built": "here"}' >predicate
  signed_by_cosign "$cosign_image-tags"
  in_cosign attest --key cosign.key --type custom --predicate predicate "${without_log[@]}" "${cosign_registry[@]}" \
    "$(address_of source)/$cosign_image-tags@$(cosign_digest)"
  signed_by_cosign "$cosign_image-referrers" --registry-referrers-mode=oci-1-1
  in_time export --plain-http --referrers require "$(address_of source)/$cosign_image-tags:1" \
    "$(address_of source)/$cosign_image-referrers:1" -o "$cosign_place/signed.tar"
  in_time verify "$cosign_place/signed.tar"
  in_time list "$cosign_place/signed.tar"
}

# What is verified at the target, on every level; and what nobody signed is not.
cosign_verifies() {
  local at digest child
  start_product target "$product"
  in_time import --plain-http "$cosign_place/signed.tar" --registry "$(address_of target)"
  at=$(address_of target)/library/$cosign_image
  digest=$(cosign_digest)
  cd "$cosign_place" || return
  for child in "$digest" $(jq -r '.manifests[].digest' "$(blob_file "$fixtures" "$digest")"); do
    in_cosign verify --key cosign.pub "${without_net[@]}" "${cosign_registry[@]}" "$at-tags@$child" >/dev/null
    in_cosign verify --key cosign.pub --experimental-oci11 "${without_net[@]}" "${cosign_registry[@]}" "$at-referrers@$child" >/dev/null
  done
  in_cosign verify-attestation --key cosign.pub --type custom "${without_net[@]}" "${cosign_registry[@]}" "$at-tags@$digest" |
    jq -r '.payload' | base64 -d | grep -q '"built'
  # 12: there are signatures, and none is by this key.
  refused 12 in_cosign verify --key other.pub "${without_net[@]}" "${cosign_registry[@]}" "$at-tags@$digest"
}

# What cosign saves as a layout is read: the image, its signatures under their tags, its attestations.
cosign_saves() {
  start_product target distribution-2
  cd "$cosign_place" || return
  in_cosign save --dir saved "${cosign_registry[@]}" "$(address_of source)/$cosign_image-tags@$(cosign_digest)"
  in_time list saved
  in_time verify saved
  in_time import --plain-http --name peers.example/tool saved --registry "$(address_of target)"
  in_cosign verify --key cosign.pub "${without_net[@]}" "${cosign_registry[@]}" \
    "$(address_of target)/library/tool@$(cosign_digest)" >/dev/null
}

# A bundle is a blob: what bundle signs cosign verifies, and the other way round, with keys of either kind.
cosign_signs_bundles() {
  local algorithm
  cd "$cosign_place" || return
  tar -xOf signed.tar index.json >signed.json
  for algorithm in ecdsa-p256 ed25519; do
    rm -f mine.* signed.tar.sig
    in_time keygen --no-password --algorithm "$algorithm" mine
    in_time sign signed.tar --key mine.pem
    in_cosign verify-blob --key mine.pub --insecure-ignore-tlog=true --signature signed.tar.sig signed.json
    refused 1 in_cosign verify-blob --key other.pub --insecure-ignore-tlog=true --signature signed.tar.sig signed.json
    in_cosign import-key-pair --key mine.pem --output-key-prefix "cosign-$algorithm"
    in_cosign sign-blob "${without_log[@]}" --key "cosign-$algorithm.key" --output-signature signed.tar.sig signed.json
    in_time verify signed.tar --require-key "cosign-$algorithm.pub"
    refused 3 in_time verify signed.tar --require-key other.pub
  done
}

build cosign github.com/sigstore/cosign/v2 "$cosign_version" github.com/sigstore/cosign/v2/cmd/cosign "$cosign_seconds"
parts=(cosign)
find_missing_parts
check "cosign $cosign_version signs and attests, by tags and by referrers, and both are exported" cosign_signs "${base_parts[@]}" cosign
for product in "${cosign_products[@]}"; do
  check "cosign verifies in $product what came there in a bundle, without a network" cosign_verifies \
    "${base_parts[@]}" cosign "$(program_of "$product")"
done
check "cosign verifies what bundle signs, and bundle what cosign signs" cosign_signs_bundles "${base_parts[@]}" cosign
check "what cosign saves is imported, and verified where it went" cosign_saves "${base_parts[@]}" cosign
