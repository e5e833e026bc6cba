# `bundle serve` as nodes and people use it: containerd through its hosts.toml, skopeo, many pulls at once, and the unit
# that systemd runs it by.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

# shellcheck source=tests/lane/serve.sh
source "$root/tests/lane/serve.sh"

# What a client may have: the memory of the program, and a mebibyte for each connection, in KiB.
most_memory=65536
memory_of_a_pull=1024
pulls=64
layer_size=$((64 << 20))

containerd_asks_it_as_a_mirror() {
  local source place=$work/serve-hosts digest
  source=$(address_of source)
  mkdir -p "$place/$source"
  start_serve served "$fixture_bundle"
  # Port 9 stands for the way out that a node without a network does not have.
  cat >"$place/$source/hosts.toml" <<TOML
server = "http://127.0.0.1:9"
[host."http://$(address_of served)"]
  capabilities = ["pull", "resolve"]
TOML
  digest=$(named_images "$fixtures" | sed -n 's|^google-containers/pause latest \([^ ]*\) .*|\1|p')
  ctr_lane served content fetch --hosts-dir "$place" "$source/google-containers/pause:latest" >"$work/serve-pull.log" 2>&1 ||
    { cat "$work/serve-pull.log"; fail "it cannot be pulled"; }
  ctr_lane served content get "$digest" | cmp - "$(blob_file "$fixtures" "$digest")"
  grep -q "?ns=" "$(access_log served)" || fail "it did not say which registry it means"
  # What is not in the bundle is nowhere.
  refused 1 ctr_lane served content fetch --hosts-dir "$place" "$source/none/none:1"
}

skopeo_copies_from_it() {
  local repo tag digest type count=0
  while read -r repo tag digest type; do
    skopeo --insecure-policy copy --quiet --all --preserve-digests --src-tls-verify=false \
      "docker://$(address_of served)/$repo:$tag" "dir:$work/serve-skopeo"
    cmp "$work/serve-skopeo/manifest.json" "$(blob_file "$fixtures" "$digest")"
    rm -r "$work/serve-skopeo"
    count=$((count + 1))
  done < <(named_images "$fixtures" | grep -v -E '^(org/app|org/chart) ')
  [[ $count -gt 2 ]] || fail "only $count copied"
}

skopeo_copies_what_is_served() {
  stop_registry served
  start_serve served --namespace '' "$fixture_bundle"
  skopeo_copies_from_it
}

# One layer, pulled by 64 clients at once: cold, so that it is hashed on the way. What it is, others check.
many_pulls_take_little_memory() {
  local digest layer pid peak most number clients=()
  push_seeded_manifest "http://$(address_of source)" serve/large 1 amd64 "$work/seeding" "serve-large:$layer_size" >/dev/null
  "$bundle" export --plain-http --referrers none "$(address_of source)/serve/large:1" -o "$work/serve-large.tar"
  start_serve large --namespace '' "$work/serve-large.tar"
  layer=$(ask "http://$(address_of large)/v2/serve/large/manifests/1" | jq -r '.layers[0].digest')
  for ((number = 0; number < pulls; number++)); do
    curl --silent --show-error --fail --max-time 300 "http://$(address_of large)/v2/serve/large/blobs/$layer" |
      wc -c >"$work/serve-sum-$number" &
    clients+=($!)
  done
  for number in "${clients[@]}"; do wait "$number"; done
  [[ $(sort -u "$work"/serve-sum-*) == "$layer_size" ]] || fail "not all of it for all: $(sort "$work"/serve-sum-* | uniq -c)"
  pid=$(<"$work/registries/large/pid")
  peak=$(sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$pid/status")
  most=$((most_memory + pulls * memory_of_a_pull))
  echo "note: $pulls pulls at once: $((peak / 1024)) MiB"
  [[ $peak -gt 0 && $peak -le $most ]] || fail "$peak KiB, and $most would do"
  stop_registry large
  rm -f "$work/serve-large.tar" "$work"/serve-sum-*
}

# Nobody else's machine runs it: what systemd itself says of the unit, with the program in its place.
systemd_takes_the_unit() {
  local unit=$work/units/bundle-serve.service score
  mkdir -p "$work/units"
  sed "s|/usr/local/bin/bundle|$bundle|" "$root/deploy/bundle-serve.service" >"$unit"
  systemd-analyze verify --man=no "$unit"
  systemd-analyze security --offline=true "$unit" >"$work/units/security"
  score=$(sed -n 's/.*Overall exposure level for .*: \([0-9.]*\) .*/\1/p' "$work/units/security")
  echo "note: exposure $score of 10"
  awk -v score="$score" 'BEGIN { exit !(score != "" && score <= 1.5) }' || { cat "$work/units/security"; fail "exposed: $score"; }
}

if [[ -f $work/containerd/pid ]]; then
  check "containerd pulls an image of a bundle that is served, through hosts.toml, and asks nobody else" \
    containerd_asks_it_as_a_mirror "${containerd_parts[@]}"
fi
check "skopeo copies what is served, digests kept" skopeo_copies_what_is_served "${base_parts[@]}" skopeo
check "$pulls pulls of a large layer at once take little memory" many_pulls_take_little_memory "${base_parts[@]}"
check "systemd takes the unit, and finds it closed" systemd_takes_the_unit systemd-analyze
stop_registry served
