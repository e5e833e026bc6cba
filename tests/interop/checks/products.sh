# Every product takes the fixtures byte for byte: plain, then behind TLS with a login where it has any.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

fixtures_arrive() {
  local target=$work/registries/line
  start_product target "$product"
  start_line line target 0 0 0
  in_time import --plain-http --format json "$(bundle_for "$product")" --registry "$(address_of line)" >"$work/report.json"
  [[ $(statuses "$work/report.json") == pushed ]] || fail "not all were pushed"
  stop_registry line
  [[ $(counted line changes) -gt 0 ]] || fail "the line saw no upload"
  same_images "$fixtures" "http://$(address_of source)" "http://$(address_of target)" "$(types_of "$product")"

  start_line line target 0 0 0
  in_time import --plain-http --format json "$(bundle_for "$product")" --registry "$(address_of line)" >"$work/report.json"
  stop_registry line
  [[ $(statuses "$work/report.json") == present ]] || fail "not all were present: $(statuses "$work/report.json")"
  [[ $(counted line changes) == 0 ]] || fail "the second import sent $(counted line changes) requests that change something"
}

fixtures_arrive_behind_tls() {
  local options=(cert="$secrets/leaf.pem" key="$secrets/leaf.key")
  # olareg knows no logins.
  [[ $product == olareg ]] || options+=(htpasswd="$secrets/htpasswd")
  start_product target "$product" "${options[@]}"
  refused 4 in_time import "$(bundle_for "$product")" --registry "$(address_of target)"
  docker_config "$work/login" "$(address_of target)"
  [[ $product == olareg ]] ||
    refused 4 in_time import --ca-file "$secrets/ca.pem" "$(bundle_for "$product")" --registry "$(address_of target)"
  DOCKER_CONFIG=$work/login in_time import --ca-file "$secrets/ca.pem" "$(bundle_for "$product")" --registry "$(address_of target)"
  curl_options=(--cacert "$secrets/ca.pem" --user "lane:$password")
  same_images "$fixtures" "http://$(address_of source)" "https://$(address_of target)" "$(types_of "$product")"
}

# zot as it comes takes OCI types only.
docker_types_are_refused() {
  start_product target "$product" compat=no
  refused 4 in_time import --plain-http "$fixture_bundle" --registry "$(address_of target)" 2>&1 | tee "$work/refused.log"
  grep -q docker2s2 "$work/refused.log" || fail "the setting is not named"
  same_images "$fixtures" "http://$(address_of source)" "http://$(address_of target)" 'vnd\.oci\.'
}

for product in "${products[@]}"; do
  needed=("${base_parts[@]}" "$(program_of "$product")")
  check "$product serves every manifest and blob alike after an import; a second one sends nothing" fixtures_arrive "${needed[@]}"
  login=", with a login"
  [[ $product != olareg ]] || login=""
  check "$product does so behind TLS$login" fixtures_arrive_behind_tls "${needed[@]}"
done
for product in zot zot-1; do
  check "$product without docker2s2 gets its OCI images, exit 4 for the others, and the name of the setting" \
    docker_types_are_refused "${base_parts[@]}" "$product"
done
