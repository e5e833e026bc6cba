# `bundle serve` as a registry for others: the conformance program of the distribution-spec, in its read-only form, and
# clients of other makers.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

# shellcheck source=tests/lane/signed.sh
source "$root/tests/lane/signed.sh"
# shellcheck source=tests/lane/serve.sh
source "$root/tests/lane/serve.sh"

served=$work/served

# An image with referrers, and one of Docker types, in the three forms that a bundle has.
bundles_are_there_to_be_served() {
  local images
  mkdir -p "$served/layout"
  [[ -d $signed ]] || a_signed_image_is_at_the_source
  images=("$(address_of source)/signed/web:2" "$(address_of source)/google-containers/pause:latest")
  in_time export --plain-http "${images[@]}" -o "$served/images.tar"
  in_time export --plain-http "${images[@]}" --volume-size 40KiB -o "$served/volumes.tar"
  [[ $(find "$served" -name 'volumes-*of*.tar' | wc -l) -gt 1 ]] || fail "not several volumes: $(ls "$served")"
  tar --directory "$served/layout" --extract --file "$served/images.tar"
}

# What there is of an image below a manifest: "manifest DIGEST" and "blob DIGEST".
everything_below() {
  local file digest type rest
  file=$(blob_file "$served/layout" "$1")
  echo "manifest $1"
  while read -r digest type rest; do everything_below "$digest"; done < <(children "$file")
  while read -r digest rest; do echo "blob $digest"; done < <(blobs_of "$file")
}

# all_of KIND FILE: in one line.
all_of() { sed -n "s/^$1 //p" "$2" | sort -u | paste -s -d ' '; }

# conforms NAME TLS: nothing that can be tested without writing fails, and all that is there was asked for.
conforms() {
  local name=$1 tls=$2 place=$served/conformance-$1 failed
  mkdir -p "$place"
  everything_below "$(image_digest)" >"$place/parts"
  (
    cd "$place" || exit
    export OCI_REGISTRY OCI_TLS=$tls OCI_REPO1=signed/web OCI_REPO2=google-containers/pause OCI_VERSION=1.1 \
      OCI_RESULTS_DIR=$place/results OCI_API_PUSH=false OCI_API_BLOBS_DELETE=false OCI_API_MANIFESTS_DELETE=false \
      OCI_API_TAGS_DELETE=false OCI_API_BLOBS_DIGEST_HEADER=true \
      OCI_RO_DATA_TAGS=2 OCI_RO_DATA_MANIFESTS OCI_RO_DATA_BLOBS OCI_RO_DATA_REFERRERS
    OCI_REGISTRY=$(address_of "$name")
    OCI_RO_DATA_MANIFESTS=$(all_of manifest parts)
    OCI_RO_DATA_BLOBS=$(all_of blob parts)
    OCI_RO_DATA_REFERRERS="$(image_digest) $(digest_of "$signed/sbom")"
    # Without writing, it falls over its own file of results after everything is tested and told: what it told counts.
    timeout 120 conformance || true
  ) >"$place/log" 2>&1
  grep -E 'FAIL|level=|^OCI Conformance Result|^  (Skip|Pass|Error|Total)\.' "$place/log" || true
  grep -q -x 'OCI Conformance Result: Pass' "$place/log" || fail "it does not conform"
  for failed in Skip FAIL Error; do
    grep -q -E "^  $failed\\.+: +0\$" "$place/log" || fail "not without $failed"
  done
  # It counts what it skips too: without this, an empty list would pass.
  local kind asked
  for kind in manifest blob; do
    asked=$(grep -c "/v2/signed/web/${kind}s/sha256:[0-9a-f]*[^\"]*\" 200 " "$(access_log "$name")" || true)
    [[ $asked -ge $(all_of "$kind" "$place/parts" | wc -w) ]] || fail "$asked requests for ${kind}s"
  done
  grep -q '/v2/signed/web/referrers/sha256:' "$(access_log "$name")" || fail "it did not ask for referrers"
  grep -q '/v2/signed/web/tags/list' "$(access_log "$name")" || fail "it did not ask for tags"
  echo "note: $(wc -l <"$(access_log "$name")") requests"
}

image_digest() { named_images "$fixtures" | sed -n 's|^org/web 2 \([^ ]*\) .*|\1|p'; }

a_bundle_conforms() {
  start_serve served --namespace '' "$served/images.tar"
  conforms served disabled
}

volumes_conform() {
  start_serve served-volumes --namespace '' "$served"/volumes-*of*.tar
  conforms served-volumes disabled
}

a_layout_conforms_over_tls() {
  start_serve served-layout --namespace '' --tls-cert "$secrets/leaf.pem" --tls-key "$secrets/leaf.key" "$served/layout"
  SSL_CERT_FILE=$secrets/ca.pem conforms served-layout enabled
}

crane_finds_every_image_whole() {
  local image
  start_serve served --namespace '' "$served/images.tar"
  for image in signed/web:2 google-containers/pause:latest; do
    crane validate --insecure --remote "$(address_of served)/$image"
  done
  [[ $(crane digest --insecure "$(address_of served)/signed/web:2") == "$(image_digest)" ]] || fail "another digest"
  crane catalog --insecure "$(address_of served)" | grep -q -x signed/web || fail "not in the catalog"
}

other_clients_pull_it() {
  start_serve served --namespace '' "$served/images.tar"
  oras discover --plain-http --format json "$(address_of served)/signed/web:2" >"$served/oras"
  grep -q -F "$(digest_of "$signed/sbom")" "$served/oras" || fail "oras does not see what refers to the image"
  mkdir -p "$served/regctl"
  HOME=$served/regctl regctl registry set --tls disabled "$(address_of served)"
  HOME=$served/regctl regctl image copy --digest-tags --referrers "$(address_of served)/signed/web:2" "ocidir://$served/regctl/web:2"
  [[ $(HOME=$served/regctl regctl image digest "ocidir://$served/regctl/web:2") == "$(image_digest)" ]] || fail "another digest"
}

serve_parts=("${base_parts[@]}" conformance)
check "a bundle, its volumes and its layout are there to be served" bundles_are_there_to_be_served "${base_parts[@]}"
check "bundle serve conforms to the distribution-spec: a bundle" a_bundle_conforms "${serve_parts[@]}"
check "bundle serve conforms to the distribution-spec: volumes" volumes_conform "${serve_parts[@]}"
check "bundle serve conforms to the distribution-spec: a layout, over TLS" a_layout_conforms_over_tls "${serve_parts[@]}"
check "crane finds every image that is served whole" crane_finds_every_image_whole "${base_parts[@]}" crane
check "oras and regctl find an image that is served, and what refers to it" other_clients_pull_it "${base_parts[@]}" oras regctl
