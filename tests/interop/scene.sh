# What several files of checks build on: a source with the fixtures, certificates, logins, a line with a counter.
# Sourced, never run.
# shellcheck shell=bash disable=SC2034,SC2154

products=(distribution-2 distribution-3 olareg zot zot-1)
base_parts=(docker-registry curl jq openssl python3)
fixture_bundle=$work/images.tar
# Those of OCI types alone.
oci_bundle=$work/oci.tar
secrets=$work/secrets
# bcrypt of `carried-by-hand`, the one form that every product takes.
password=carried-by-hand
# shellcheck disable=SC2016
password_line='lane:$2y$05$abcdefghijklmnopqrstuu7IelhPKASlsNTS6eOXKOHg3Mydp4tdG'

# The program; one that stands still is a failure, and must not hold the lane up.
in_time() { timeout --kill-after=10 "${IN_TIME:-300}" "$bundle" "$@"; }

# references REGISTRY TYPES: one per named image of the fixtures of such types, as they are called at that registry.
references() { named_images "$fixtures" | grep "$2" | sed "s|\([^ ]*\) \([^ ]*\) .*|$1/\1:\2|"; }

source_and_bundle() {
  local images
  start_registry source
  seed_layout "$fixtures" "http://$(address_of source)"
  mapfile -t images < <(references "$(address_of source)" .)
  in_time export --plain-http "${images[@]}" -o "$fixture_bundle"
  mapfile -t images < <(references "$(address_of source)" 'vnd\.oci\.')
  in_time export --plain-http "${images[@]}" -o "$oci_bundle"
  make_secrets
}

# An authority, a leaf for 127.0.0.1, a key for tokens and its certificate.
make_secrets() {
  local key=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
  mkdir -p "$secrets"
  echo "$password_line" >"$secrets/htpasswd"
  openssl req -x509 "${key[@]}" -days 2 -keyout "$secrets/ca.key" -out "$secrets/ca.pem" -subj /CN=lane-authority
  openssl req -new "${key[@]}" -keyout "$secrets/leaf.key" -out "$secrets/leaf.csr" -subj /CN=registry
  openssl x509 -req -in "$secrets/leaf.csr" -CA "$secrets/ca.pem" -CAkey "$secrets/ca.key" -CAcreateserial -days 2 \
    -extfile <(echo subjectAltName=IP:127.0.0.1) -out "$secrets/leaf.pem"
  # What signs tokens is an authority of its own: that is what registries are told to trust.
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout "$secrets/token.key" -out "$secrets/token.pem" -subj /CN=lane-tokens
}

# bundle_for PRODUCT: of what it takes.
bundle_for() { if [[ $(types_of "$1") == . ]]; then echo "$fixture_bundle"; else echo "$oci_bundle"; fi; }

# docker_config DIRECTORY REGISTRY
docker_config() {
  mkdir -p "$1"
  printf '{"auths":{"%s":{"auth":"%s"}}}' "$2" "$(printf 'lane:%s' "$password" | base64 -w 0)" >"$1/config.json"
}

# refused STATUS COMMAND…: it must end with that status.
refused() {
  local wanted=$1 status=0
  shift
  "$@" || status=$?
  [[ $status == "$wanted" ]] || fail "exit $status, not $wanted"
}

# Everything but the source ends with its check.
stop_scene() {
  local one
  for one in "$work"/registries/*/; do
    one=$(basename "$one")
    [[ $one == source || $one == big-source ]] && continue
    stop_registry "$one"
    rm -rf "$work/registries/$one"
  done
}

# statuses REPORT: what came of the images of an import.
statuses() { jq -r '[.images[].status] | unique | join(" ")' "$1"; }

# start_line NAME TARGET SEED LEAST MOST: cut.py before a registry; 0 0 0 only counts.
start_line() { start_helper "$1" cut.py "$(address_of "$2")" "$work/registries/$1/count" "${@:3}"; }

# The counts of a line are complete once it has ended.
counted() { jq -r ".$2" "$work/registries/$1/count"; }

# again BYTES SIZE: the part of SIZE that was moved a second time, in percent.
again() { awk -v bytes="$1" -v size="$2" 'BEGIN { printf "%.1f", (bytes - size) * 100 / size }'; }
at_most() { awk -v it="$1" -v most="$2" 'BEGIN { exit !(it <= most) }' || fail "$1 % is more than $2 %"; }
