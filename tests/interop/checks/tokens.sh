# Token auth as distribution has it: a server of ours signs, real registries judge.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

# with_tokens PRODUCT SECONDS STATED [SCHEME]: `tokens` and `target`, which trusts it, and $work/login.
with_tokens() {
  local tls=() options=() scheme=${4:-http}
  if [[ $scheme == https ]]; then
    tls=("$secrets/leaf.pem" "$secrets/leaf.key")
    options=(cert="$secrets/leaf.pem" key="$secrets/leaf.key")
  fi
  start_helper tokens "$here/tokens.py" "$secrets/token.key" "$secrets/token.pem" "lane:$password" "$2" "$3" "${tls[@]}"
  start_product target "$1" realm="$scheme://$(address_of tokens)/token" trust="$secrets/token.pem" "${options[@]}"
  docker_config "$work/login" "$(address_of target)"
}

tokens_given() { grep -c '^200' "$work/registries/tokens/access" || true; }

# The same storage without a door, to look at.
open_twin() { start_product twin "$1" root="$work/registries/target/storage"; }

tokens_open_it() {
  with_tokens "$product" 300 300 https
  refused 4 in_time import --ca-file "$secrets/ca.pem" "$(bundle_for "$product")" --registry "$(address_of target)"
  DOCKER_CONFIG=$work/login in_time import --ca-file "$secrets/ca.pem" "$(bundle_for "$product")" --registry "$(address_of target)"
  open_twin "$product"
  same_images "$fixtures" "http://$(address_of source)" "http://$(address_of twin)" "$(types_of "$product")"
  echo "note: $(tokens_given) tokens"
}

# Three seconds of sending at each token's two: renewed in time where the server says so, after a 401 where it does not.
short_tokens_do() {
  local stated given refusals
  push_seeded_manifest "http://$(address_of source)" org/slow 1 amd64 "$work/seeding" \
    slow-1:3145728 slow-2:3145728 slow-3:3145728 slow-4:3145728 slow-5:3145728 >/dev/null
  in_time export --force --plain-http "$(address_of source)/org/slow:1" -o "$work/slow.tar"
  for stated in 2 0; do
    with_tokens "$product" 2 "$stated"
    DOCKER_CONFIG=$work/login in_time import --plain-http -vv -j 1 --limit-rate 2M "$work/slow.tar" \
      --registry "$(address_of target)" 2>"$work/slow.log" || { cat "$work/slow.log"; fail "not imported"; }
    given=$(tokens_given)
    refusals=$(grep -c ': 401' "$work/slow.log" || true)
    echo "note: stated life $stated s: $given tokens, $refusals times 401"
    [[ $given -ge 3 ]] || fail "$given tokens: none was renewed"
    [[ $stated != 0 || $refusals -gt 1 ]] || fail "no token was refused"
    open_twin "$product"
    get_manifest "http://$(address_of twin)" library/org/slow 1 "$work/slow.manifest"
    get_manifest "http://$(address_of source)" org/slow 1 "$work/slow.source"
    cmp "$work/slow.manifest" "$work/slow.source"
    stop_scene
  done
}

for product in distribution-2 distribution-3 zot-1; do
  needed=("${base_parts[@]}" "$(program_of "$product")")
  check "$product behind TLS, with tokens from a server behind TLS, takes the fixtures" tokens_open_it "${needed[@]}"
  # zot takes a token up to its very end, without leeway: those of two seconds are over before they are used.
  [[ $product != zot-1 ]] || continue
  check "$product is filled with tokens that live two seconds" short_tokens_do "${needed[@]}"
done
