# Through TLS with a certificate of our own making, and with a login from docker's configuration.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

secured_bundle=$work/secured.tar

secured_registries_start() {
  make_certificates
  make_self_signed
  make_htpasswd
  start_registry tls-source cert="$secrets/leaf.pem" key="$secrets/leaf.key"
  start_registry tls-target cert="$secrets/self.pem" key="$secrets/self.key" htpasswd="$secrets/htpasswd"
  curl_options=(--cacert "$secrets/ca.pem")
  seed_layout "$fixtures" "https://$(address_of tls-source)"
}

unknown_authority_is_refused() {
  refused 4 "$bundle" export "$(address_of tls-source)/google-containers/pause:latest" -o "$work/refused.tar"
  [[ ! -e $work/refused.tar ]] || fail "a bundle was written"
}

export_through_tls() {
  local images
  mapfile -t images < <(references "$fixtures" "$(address_of tls-source)")
  "$bundle" export --ca-file "$secrets/ca.pem" "${images[@]}" -o "$secured_bundle"
  "$bundle" verify "$secured_bundle"
}

missing_login_is_refused() {
  refused 4 "$bundle" import --ca-file "$secrets/self.pem" "$secured_bundle" --registry "$(address_of tls-target)"
}

wrong_login_is_refused() {
  docker_config "$work/wrong-login" "$(address_of tls-target)" not-the-password
  DOCKER_CONFIG=$work/wrong-login refused 4 \
    "$bundle" import -vv --ca-file "$secrets/self.pem" "$secured_bundle" --registry "$(address_of tls-target)" 2>&1 | tee "$work/wrong-login.log"
  if grep -q -e not-the-password -e "$(printf 'lane:not-the-password' | base64 -w 0)" "$work/wrong-login.log"; then
    fail "the password is in the output"
  fi
}

import_through_tls_with_login() {
  local repo tag digest type scratch=$work/tls-compare
  docker_config "$work/login" "$(address_of tls-target)"
  DOCKER_CONFIG=$work/login "$bundle" import --ca-file "$secrets/self.pem" "$secured_bundle" --registry "$(address_of tls-target)"
  mkdir -p "$scratch"
  curl_options=(--cacert "$secrets/self.pem" --user "lane:$password")
  while read -r repo tag digest type; do
    for reference in "$tag" "$digest"; do
      get_manifest "https://$(address_of tls-target)" "library/$repo" "$reference" "$scratch/manifest"
      cmp "$scratch/manifest" "$(blob_file "$fixtures" "$digest")"
    done
  done < <(named_images "$fixtures")
}

access_parts=("${base_parts[@]}" openssl)
check "two registries start behind TLS, one of them with a login" secured_registries_start "${access_parts[@]}"
check "a certificate of an unknown authority is refused, exit 4" unknown_authority_is_refused "${access_parts[@]}"
check "an export goes through TLS with --ca-file" export_through_tls "${access_parts[@]}"
check "an import without the login is refused, exit 4" missing_login_is_refused "${access_parts[@]}"
check "an import with a wrong password is refused, exit 4, and never shows it" wrong_login_is_refused "${access_parts[@]}"
check "an import goes through TLS with the login of DOCKER_CONFIG and a self-signed certificate" \
  import_through_tls_with_login "${access_parts[@]}"
