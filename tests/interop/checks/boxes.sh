# Middle boxes as companies have them, in front of every registry: what goes in by way of one comes out alike.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

# shellcheck source=tests/lane/boxes.sh
source "$root/tests/lane/boxes.sh"

after_each_check=stop_boxes
stop_everything=remove_boxes

# goes_through AT [FLAG…]: the product's images go in under the name AT and come out again, the same on both ways.
goes_through() {
  local at=$1 images digest
  shift
  in_time import --format json "$@" "$(bundle_for "$product")" --registry "$at" >"$work/report.json" ||
    { jq -c '.images[] | select(.status == "failed")' "$work/report.json"; fail "the import failed"; }
  [[ $(statuses "$work/report.json") == pushed ]] || fail "not all were pushed: $(statuses "$work/report.json")"
  same_images "$fixtures" "http://$(address_of source)" "http://$(address_of target)" "$(types_of "$product")"
  mapfile -t images < <(references "$fixtures" "$at/library" "$(types_of "$product")")
  in_time export "$@" "${images[@]}" -o "$work/through.tar"
  in_time verify "$work/through.tar"
  for digest in $(in_time list --format json "$work/through.tar" | jq -r '.images[].digest' | sort -u); do
    jq -e --arg digest "$digest" '[.manifests[].digest] | index($digest)' "$fixtures/index.json" >/dev/null ||
      fail "$digest came out, and never went in"
  done
  rm "$work/through.tar"
}

through_squid() {
  local port
  start_product target "$product"
  start_squid
  port=$(address_of target)
  port=${port##*:}
  HTTP_PROXY=http://$(address_of squid) goes_through "$box_name:$port" --plain-http
  grep -q "http://$box_name:$port/v2/" "$squid_place/access" || fail "squid saw no request"
  if grep -q CONNECT "$squid_place/access"; then fail "a tunnel was asked for"; fi
}

# squid, a tunnel, nginx with TLS: how most of the world's images travel.
through_a_tunnel() {
  start_product target "$product"
  start_nginx front "$(address_of target)" cert="$secrets/box.pem" key="$secrets/box.key"
  start_squid
  HTTPS_PROXY=http://$(address_of squid) goes_through "secure.$box_name" --ca-file "$secrets/ca.pem"
  grep -q "CONNECT secure.$box_name:443" "$squid_place/access" || fail "squid saw no tunnel"
}

# Everything that nginx does to registries by way of its usual settings, at once.
# shellcheck disable=SC2016 # the dollars are nginx's
through_nginx() {
  start_product target "$product"
  start_nginx front "$(address_of target)" \
    'gzip on; gzip_types *; gzip_proxied any; gzip_min_length 1;' \
    'client_max_body_size 64k;' \
    'http:limit_conn_zone $binary_remote_addr zone=lines:1m;' 'limit_conn lines 8;' \
    'http:limit_req_zone $binary_remote_addr zone=asked:1m rate=200r/s;' 'limit_req zone=asked burst=50 nodelay;' \
    'location = /v2/ { return 301 $scheme://$http_host/v2/ping; }'
  goes_through "$(address_of front)" --plain-http
}

through_haproxy() {
  start_product target "$product"
  start_haproxy front "$(address_of target)" 'option httpclose' 'timeout http-request 5s'
  goes_through "$(address_of front)" --plain-http
}

# The commit takes three seconds, and nginx gives it one: 504, when the blob is there.
a_commit_outlasts_nginx() {
  start_product target "$product"
  start_helper slow "$here/slow.py" "$(address_of target)" 3
  start_line line slow 0 0 0
  start_nginx front "$(address_of line)" 'proxy_read_timeout 1s;'
  in_time import --plain-http "$(bundle_for "$product")" --registry "$(address_of front)"
  same_images "$fixtures" "http://$(address_of source)" "http://$(address_of target)" "$(types_of "$product")"
  grep -q '" 504 ' "$work/registries/front/access" || fail "nginx answered no 504"
  stop_registry line
  local size
  size=$(size_of "$(bundle_for "$product")")
  [[ $(counted line up) -le $((2 * size)) ]] || fail "$(counted line up) bytes were sent for a bundle of $size"
}

# squid says no in its own words: its port, its rules and its dead ends are not the registry's.
squid_is_named_when_it_says_no() {
  local at
  start_product target distribution-2
  start_squid 'acl lane dstdomain .registry.lane' 'http_access deny lane'
  at=$box_name:$(address_of target | sed 's/.*://')
  HTTP_PROXY=http://$(address_of squid) refused 4 in_time export --plain-http "$at/a:1" -o "$work/no.tar" 2>&1 | tee "$work/no.log"
  grep -q "through the proxy $(address_of squid) (HTTP_PROXY): " "$work/no.log" || fail "the proxy is not named"
  HTTPS_PROXY=http://$(address_of squid) refused 4 in_time export "secure.$box_name/a:1" -o "$work/no.tar" 2>&1 | tee "$work/no.log"
  grep -q "through the proxy $(address_of squid) (HTTPS_PROXY): CONNECT secure.$box_name:443: 403" "$work/no.log" ||
    fail "the proxy is not named for a tunnel"
  stop_squid
  start_squid 'auth_param basic program /bin/false' 'acl known proxy_auth REQUIRED' 'http_access deny !known'
  HTTPS_PROXY=http://$(address_of squid) refused 4 in_time export "secure.$box_name/a:1" -o "$work/no.tar" 2>&1 | tee "$work/no.log"
  grep -q "CONNECT secure.$box_name:443: 407" "$work/no.log" || fail "407 is not said"
}

certificate_of_the_box() {
  openssl req -new "${new_key[@]}" -keyout "$secrets/box.key" -out "$secrets/box.csr" -subj /CN=box
  openssl x509 -req -in "$secrets/box.csr" -CA "$secrets/ca.pem" -CAkey "$secrets/ca.key" -CAcreateserial -days 2 \
    -extfile <(echo "subjectAltName=DNS:$box_name,DNS:secure.$box_name") -out "$secrets/box.pem"
}

check "a certificate is made for the boxes" certificate_of_the_box "${base_parts[@]}"
for product in ${BOXES:-"${products[@]}" crane}; do
  needed=("${base_parts[@]}" "$(program_of "$product")")
  check "$product through squid, by whole requests" through_squid "${needed[@]}" squid
  check "$product through a tunnel of squid and nginx with TLS" through_a_tunnel "${needed[@]}" squid nginx
  check "$product behind nginx with gzip, caps, limits and a redirect of /v2/" through_nginx "${needed[@]}" nginx
done
product=distribution-3
needed=("${base_parts[@]}" "$(program_of "$product")")
check "$product behind HAProxy that closes each connection" through_haproxy "${needed[@]}" haproxy
check "a commit that outlasts nginx is found to be there: at most twice the bytes" a_commit_outlasts_nginx "${needed[@]}" nginx
check "squid is named when it says no" squid_is_named_when_it_says_no "${base_parts[@]}" squid
