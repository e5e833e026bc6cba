# What refers to an image travels with it between registries that have no referrers API, and is found at the target by
# the tag that is made from its subject's digest.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

# shellcheck source=tests/lane/signed.sh
source "$root/tests/lane/signed.sh"

# listed_at_target SUBJECT-DIGEST FILE: the target lists this artifact about that subject, and serves it byte for byte.
listed_at_target() {
  local base tag=${1/:/-}
  base=http://$(address_of target)
  get_manifest "$base" library/signed/web "$tag" "$signed/listed"
  [[ $(jq -r '[.manifests[].digest] | join(" ")' "$signed/listed") == "$(digest_of "$2")" ]] || fail "$tag lists another"
  get_manifest "$base" library/signed/web "$(digest_of "$2")" "$signed/served"
  cmp "$2" "$signed/served"
  blob_present "$base" library/signed/web "$(digest_of "$2.layer")" "$(size_of "$2.layer")" "$signed"
}

referrers_travel_with_their_image() {
  local digest
  a_signed_image_is_at_the_source
  read -r _ _ digest _ < <(named_images "$fixtures" | grep '^org/web 2 ')
  "$bundle" export --plain-http --referrers require "$(address_of source)/signed/web:2" -o "$signed/web.tar" |
    tee "$signed/export.txt"
  grep -q '2 referrers' "$signed/export.txt" || fail "not both were found"
  "$bundle" verify "$signed/web.tar"
  "$bundle" import --plain-http "$signed/web.tar" --registry "$(address_of target)"
  listed_at_target "$digest" "$signed/sbom"
  listed_at_target "$(digest_of "$signed/sbom")" "$signed/signature"
}

# counted_requests NAME COMMAND…: how many a registry's access log shows for it.
counted_requests() {
  local name=$1 before
  shift
  before=$(wc -l <"$(access_log "$name")")
  "$@" >/dev/null
  echo $(($(wc -l <"$(access_log "$name")") - before))
}

two_requests_are_enough() {
  local image without with
  image=$(address_of source)/org/web:2
  without=$(counted_requests source "$bundle" export --plain-http --referrers none "$image" -o "$signed/without.tar")
  with=$(counted_requests source "$bundle" export --plain-http "$image" -o "$signed/with.tar")
  echo "note: $without requests for an image of four platforms, $with with the question for referrers"
  [[ $((with - without)) == 2 ]] || fail "$((with - without)) more requests"
  cmp "$signed/without.tar" "$signed/with.tar"
}

a_tool_that_takes_a_name_sees_the_image_alone() {
  skopeo --insecure-policy --tmpdir "$work" copy --quiet --all --preserve-digests \
    "oci-archive:$signed/web.tar:$(address_of source)/signed/web:2" "dir:$signed/skopeo"
  [[ $(digest_of "$signed/skopeo/manifest.json") == $(named_images "$fixtures" | sed -n 's|^org/web 2 \([^ ]*\) .*|\1|p') ]]
}

check "what refers to an image arrives with it, listed under the tag of its subject's digest" \
  referrers_travel_with_their_image "${base_parts[@]}"
check "a registry without a referrers API is asked one question and one list of tags" two_requests_are_enough "${base_parts[@]}"
check "skopeo reads an image by name from a bundle with referrers" a_tool_that_takes_a_name_sees_the_image_alone \
  "${base_parts[@]}" skopeo
