# An image with referrers at the registry `source`: a list of ingredients, which is signed. Sourced, never run; needs
# seed.sh.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

signed=$work/signed
oci_index=application/vnd.oci.image.index.v1+json
oci_manifest=application/vnd.oci.image.manifest.v1+json

# put_artifact KIND SUBJECT-DIGEST SUBJECT-TYPE SUBJECT-SIZE FILE: made and pushed with curl, and entered under the tag.
put_artifact() {
  local kind=$1 subject=$2 type=$3 size=$4 file=$5 base
  base=http://$(address_of source)
  printf '{}' >"$signed/config"
  printf 'content of %s' "$file" >"$file.layer"
  push_blob "$base" signed/web "$signed/config" "$(digest_of "$signed/config")"
  push_blob "$base" signed/web "$file.layer" "$(digest_of "$file.layer")"
  jq -cn --arg kind "$kind" --arg subject "$subject" --arg type "$type" --argjson size "$size" \
    --arg manifest "$oci_manifest" --arg config "$(digest_of "$signed/config")" \
    --arg layer "$(digest_of "$file.layer")" --argjson bytes "$(size_of "$file.layer")" \
    '{schemaVersion: 2, mediaType: $manifest, artifactType: $kind,
      config: {mediaType: "application/vnd.oci.empty.v1+json", digest: $config, size: 2},
      layers: [{mediaType: "text/plain", digest: $layer, size: $bytes}],
      subject: {mediaType: $type, digest: $subject, size: $size}}' >"$file"
  push_manifest "$base" signed/web "$(digest_of "$file")" "$file" "$oci_manifest"
  jq -cn --arg index "$oci_index" --arg manifest "$oci_manifest" --arg kind "$kind" \
    --arg digest "$(digest_of "$file")" --argjson size "$(size_of "$file")" \
    '{schemaVersion: 2, mediaType: $index,
      manifests: [{mediaType: $manifest, digest: $digest, size: $size, artifactType: $kind}]}' >"$file.list"
  push_manifest "$base" signed/web "${subject/:/-}" "$file.list" "$oci_index"
}

# An image with a list of ingredients, which is signed.
a_signed_image_is_at_the_source() {
  local digest type
  mkdir -p "$signed"
  read -r _ _ digest type < <(named_images "$fixtures" | grep '^org/web 2 ')
  push_graph "$fixtures" "http://$(address_of source)" signed/web 2 "$digest" "$type"
  put_artifact application/spdx+json "$digest" "$type" "$(size_of "$(blob_file "$fixtures" "$digest")")" "$signed/sbom"
  put_artifact application/vnd.test.signature "$(digest_of "$signed/sbom")" "$oci_manifest" "$(size_of "$signed/sbom")" \
    "$signed/signature"
}
