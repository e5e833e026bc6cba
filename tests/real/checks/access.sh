# Through TLS with a certificate of our own making, and with a login from docker's configuration.
# shellcheck shell=bash disable=SC2034,SC2154

tls=$work/tls
secured_bundle=$work/secured.tar
# bcrypt of `carried-by-hand`, the one form that docker-registry takes.
password=carried-by-hand
# shellcheck disable=SC2016
password_line='lane:$2y$05$abcdefghijklmnopqrstuu7IelhPKASlsNTS6eOXKOHg3Mydp4tdG'

make_certificates() {
  mkdir -p "$tls"
  local key=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2)
  # An authority and a leaf signed by it, as a company has them …
  openssl req -x509 "${key[@]}" -keyout "$tls/ca.key" -out "$tls/ca.pem" -subj /CN=lane-authority
  openssl req -new "${key[@]:0:4}" -nodes -keyout "$tls/leaf.key" -out "$tls/leaf.csr" -subj /CN=registry
  openssl x509 -req -in "$tls/leaf.csr" -CA "$tls/ca.pem" -CAkey "$tls/ca.key" -CAcreateserial -days 2 \
    -extfile <(echo subjectAltName=IP:127.0.0.1) -out "$tls/leaf.pem"
  # … and one certificate that signs itself, as most recipes for a private registry make it.
  openssl req -x509 "${key[@]}" -keyout "$tls/self.key" -out "$tls/self.pem" -subj /CN=registry -addext subjectAltName=IP:127.0.0.1
}

secured_registries_start() {
  make_certificates
  echo "$password_line" >"$tls/htpasswd"
  start_registry tls-source cert="$tls/leaf.pem" key="$tls/leaf.key"
  start_registry tls-target cert="$tls/self.pem" key="$tls/self.key" htpasswd="$tls/htpasswd"
  curl_options=(--cacert "$tls/ca.pem")
  seed_layout "$fixtures" "https://$(address_of tls-source)"
}

# docker_config DIRECTORY PASSWORD
docker_config() {
  mkdir -p "$1"
  printf '{"auths":{"%s":{"auth":"%s"}}}' "$(address_of tls-target)" "$(printf 'lane:%s' "$2" | base64 -w 0)" >"$1/config.json"
}

# refused STATUS COMMAND…: it must end with that status.
refused() {
  local wanted=$1 status=0
  shift
  "$@" || status=$?
  [[ $status == "$wanted" ]] || fail "exit $status, not $wanted"
}

unknown_authority_is_refused() {
  refused 4 "$bundle" export "$(address_of tls-source)/google-containers/pause:latest" -o "$work/refused.tar"
  [[ ! -e $work/refused.tar ]] || fail "a bundle was written"
}

export_through_tls() {
  local images
  mapfile -t images < <(references "$(address_of tls-source)")
  "$bundle" export --ca-file "$tls/ca.pem" "${images[@]}" -o "$secured_bundle"
  "$bundle" verify "$secured_bundle"
}

missing_login_is_refused() {
  refused 4 "$bundle" import --ca-file "$tls/self.pem" "$secured_bundle" --registry "$(address_of tls-target)"
}

wrong_login_is_refused() {
  docker_config "$work/wrong-login" not-the-password
  DOCKER_CONFIG=$work/wrong-login refused 4 \
    "$bundle" import -vv --ca-file "$tls/self.pem" "$secured_bundle" --registry "$(address_of tls-target)" 2>&1 | tee "$work/wrong-login.log"
  if grep -q -e not-the-password -e "$(printf 'lane:not-the-password' | base64 -w 0)" "$work/wrong-login.log"; then
    fail "the password is in the output"
  fi
}

import_through_tls_with_login() {
  local repo tag digest type scratch=$work/tls-compare
  docker_config "$work/login" "$password"
  DOCKER_CONFIG=$work/login "$bundle" import --ca-file "$tls/self.pem" "$secured_bundle" --registry "$(address_of tls-target)"
  mkdir -p "$scratch"
  curl_options=(--cacert "$tls/self.pem" --user "lane:$password")
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
