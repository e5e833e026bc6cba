# The lanes of `bundle serve` beside docker-registry, and beside distribution 3 where `registry` is on PATH: the same layers
# and manifests, taken by the same curl. Sourced by bench/run, after inputs.sh.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this
# shellcheck disable=SC2016 # commands are expanded where they run

# shellcheck source=tests/lane/serve.sh
source "$root/tests/lane/serve.sh"

# Requests in flight, and manifests that are asked for.
serve_parallel=8
serve_manifests=20000

serve_rivals() {
  inputs_1g
  [[ ! -f $work/registries/served/pid ]] || return 0
  start_serve served --namespace '' --quiet "$IN/bundle.tar"
  serve_names=(bundle docker-registry)
  serve_hosts=("$(address_of served)" "$SOURCE")
  if type -P registry >/dev/null; then
    mkdir -p "$work/registries/distribution-3"
    sed "s|filesystem: {rootdirectory: .*|filesystem: {rootdirectory: \"$work/registries/source/storage\"}}|" \
      "$work/registries/source/config.yml" >"$work/registries/distribution-3/config.yml"
    registry serve "$work/registries/distribution-3/config.yml" >/dev/null 2>"$work/registries/distribution-3/log" </dev/null &
    echo $! >"$work/registries/distribution-3/pid"
    local turn address=""
    for ((turn = 0; turn < 200 && ${#address} == 0; turn++)); do
      sleep 0.05
      address=$(sed -n 's/.*listening on \(127\.0\.0\.1:[0-9]*\).*/\1/p' "$work/registries/distribution-3/log" | head -n 1)
    done
    [[ -n $address ]] || { echo "distribution 3 does not listen" >&2; return 1; }
    serve_names+=(distribution-3)
    serve_hosts+=("$address")
  fi
  ask "http://$SOURCE/v2/bench/big/manifests/1" "${accept[@]}" | jq -r '.layers[].digest' >"$work/serve-layers"
}

# serve_entrants COMMAND: the same for each, with its address in $HOST. All are servers: what is timed is the client.
serve_entrants() {
  local at
  for at in "${!serve_names[@]}"; do
    entrants+=("${serve_names[at]}")
    commands+=("HOST=${serve_hosts[at]}; $1")
  done
}

all_layers='sed "s|.*|url=\"http://$HOST/v2/bench/big/blobs/&\"\noutput=/dev/null|" $work/serve-layers | curl --silent --show-error --fail --parallel --parallel-max $serve_parallel --config -'

# Nothing is known: every byte is hashed on the way.
begun_anew() {
  [[ $1 == bundle ]] || return 0
  local port=${serve_hosts[0]##*:}
  stop_registry served
  start_serve served --namespace '' --quiet --listen "127.0.0.1:$port" "$IN/bundle.tar"
}

# Every layer was taken once, and its file is old enough to be believed.
known() { HOST=${serve_hosts[0]} bash -euc "sleep 5; $all_layers"; }

lane_serve_cold() {
  serve_rivals
  export work serve_parallel
  serve_entrants "$all_layers"
  contest serve-cold begun_anew nothing
}

lane_serve_warm() {
  serve_rivals
  export work serve_parallel
  known
  serve_entrants "$all_layers"
  contest serve-warm nothing nothing
}

lane_serve_manifests() {
  serve_rivals
  export serve_parallel serve_manifests
  serve_entrants 'curl --silent --show-error --fail --parallel --parallel-max $serve_parallel --output /dev/null --header "Accept: application/vnd.oci.image.manifest.v1+json" "http://$HOST/v2/bench/big/manifests/1?[1-$serve_manifests]"'
  contest serve-manifests nothing nothing
}
