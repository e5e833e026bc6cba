# Certificates, keys and logins for registries on 127.0.0.1, made with openssl into $secrets and good for two days.
# Sourced, never run; the caller sets $work.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

secrets=$work/secrets
new_key=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
password=carried-by-hand
# bcrypt of it, the one form that every registry takes.
# shellcheck disable=SC2016 # the dollars are bcrypt's
password_line='lane:$2y$05$abcdefghijklmnopqrstuu7IelhPKASlsNTS6eOXKOHg3Mydp4tdG'

# An authority (ca.pem) and a leaf signed by it (leaf.pem, leaf.key), as a company has them.
make_certificates() {
  [[ ! -e $secrets/leaf.pem ]] || return 0
  mkdir -p "$secrets"
  openssl req -x509 "${new_key[@]}" -days 2 -keyout "$secrets/ca.key" -out "$secrets/ca.pem" -subj /CN=lane-authority
  openssl req -new "${new_key[@]}" -keyout "$secrets/leaf.key" -out "$secrets/leaf.csr" -subj /CN=registry
  openssl x509 -req -in "$secrets/leaf.csr" -CA "$secrets/ca.pem" -CAkey "$secrets/ca.key" -CAcreateserial -days 2 \
    -extfile <(echo subjectAltName=IP:127.0.0.1) -out "$secrets/leaf.pem"
}

# A certificate that signs itself (self.pem, self.key), as most recipes for a private registry make it.
make_self_signed() {
  mkdir -p "$secrets"
  openssl req -x509 "${new_key[@]}" -days 2 -keyout "$secrets/self.key" -out "$secrets/self.pem" -subj /CN=registry \
    -addext subjectAltName=IP:127.0.0.1
}

# What signs tokens (token.pem, token.key) is an authority of its own: that is what registries are told to trust.
make_token_key() {
  mkdir -p "$secrets"
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout "$secrets/token.key" -out "$secrets/token.pem" -subj /CN=lane-tokens
}

# The user `lane` with that password, as registries read it.
make_htpasswd() {
  mkdir -p "$secrets"
  echo "$password_line" >"$secrets/htpasswd"
}

# docker_config DIRECTORY REGISTRY [PASSWORD]: a login as docker keeps it, for nobody else to read. Another password than
# ours makes a wrong one.
docker_config() {
  mkdir -p "$1"
  install -m 600 /dev/null "$1/config.json"
  printf '{"auths":{"%s":{"auth":"%s"}}}' "$2" "$(printf 'lane:%s' "${3:-$password}" | base64 -w 0)" >"$1/config.json"
}
