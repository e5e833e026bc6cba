# `bundle serve` as one of the registries of a lane: it lies where registry.sh expects it, so address_of and stop_registry
# work. Sourced, never run; needs registry.sh.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

# start_serve NAME ARGUMENT…: at a port of its own, unless they name one.
start_serve() {
  local name=$1 place=$work/registries/$1 turn listen=(--listen 127.0.0.1:0)
  shift
  if [[ " $* " == *" --listen "* ]]; then listen=(); fi
  mkdir -p "$place"
  rm -f "$place/address"
  : >"$place/said"
  "$bundle" serve "${listen[@]}" --access-log "$place/access" "$@" >"$place/said" 2>"$place/log" </dev/null &
  echo $! >"$place/pid"
  for ((turn = 0; turn < 400; turn++)); do
    sed -n 's|^serving  *https*://\([^ ]*\) .*|\1|p' "$place/said" >"$place/address"
    [[ ! -s $place/address ]] || return 0
    is_running "$(<"$place/pid")" || break
    sleep 0.05
  done
  cat "$place/said" "$place/log" >&2
  fail "bundle serve $* does not serve"
}
