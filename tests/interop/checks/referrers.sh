# What refers to an image, into registries with a referrers API and without, and out of them again.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

# shellcheck source=tests/lane/signed.sh
source "$root/tests/lane/signed.sh"

a_signed_image_is_exported() {
  a_signed_image_is_at_the_source
  in_time export --plain-http --referrers require "$(address_of source)/signed/web:2" -o "$work/signed.tar"
}

# has_api PRODUCT: distribution has none in any version.
has_api() { [[ $1 != distribution-* ]]; }

# listing SUBJECT-DIGEST: the digests that the target lists about it, by its API or under the tag.
listing() {
  local base path=library/signed/web
  base=http://$(address_of target)
  if has_api "$product"; then
    ask "$base/v2/$path/referrers/$1" | jq -r '.manifests[].digest'
  else
    ask "${accept[@]}" "$base/v2/$path/manifests/${1/:/-}" | jq -r '.manifests[].digest'
  fi
}

referrers_of() { in_time list --format json "$1" | jq -r '[.images[].referrers[].digest] | sort | join(" ")'; }

referrers_go_in_and_come_out() {
  local digest
  read -r _ _ digest _ < <(named_images "$fixtures" | grep '^org/web 2 ')
  start_product target "$product"
  in_time import --plain-http "$work/signed.tar" --registry "$(address_of target)"
  [[ $(listing "$digest") == "$(digest_of "$signed/sbom")" ]] || fail "it does not list what refers to the image"
  [[ $(listing "$(digest_of "$signed/sbom")") == "$(digest_of "$signed/signature")" ]] || fail "it does not list the signature"
  in_time export --plain-http -vv --referrers require "$(address_of target)/library/signed/web:2" -o "$work/again.tar" \
    2>"$work/export.log"
  if has_api "$product"; then
    grep -q "/referrers/$digest: 200" "$work/export.log" || fail "its API was not used"
  fi
  [[ $(referrers_of "$work/again.tar") == "$(referrers_of "$work/signed.tar")" ]] || fail "other referrers came out"
  rm "$work/again.tar"
}

check "an image with a list of ingredients, which is signed, is exported" a_signed_image_is_exported "${base_parts[@]}"
for product in "${products[@]}"; do
  check "what refers to an image goes into $product, is listed there, and comes out of it again" \
    referrers_go_in_and_come_out "${base_parts[@]}" "$(program_of "$product")"
done
