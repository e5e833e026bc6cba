# Real docker-registry processes for the lanes and for the benchmarks, and helpers of ours beside them: start, wait,
# address, stop. Sourced, never run. The caller sets $work; everything about one lives in $work/registries/NAME.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

# start_registry NAME [root=DIR] [cert=FILE key=FILE] [htpasswd=FILE]
# The kernel picks the port, so that lanes side by side never meet; the log says which it was.
start_registry() {
  local name=$1 option
  local root="" cert="" key="" htpasswd=""
  shift
  for option in "$@"; do
    case $option in
      root=*) root=${option#*=} ;;
      cert=*) cert=${option#*=} ;;
      key=*) key=${option#*=} ;;
      htpasswd=*) htpasswd=${option#*=} ;;
      *) echo "start_registry: unknown option $option" >&2; return 2 ;;
    esac
  done
  local place=$work/registries/$name
  root=${root:-$place/storage}
  mkdir -p "$place" "$root"
  {
    printf 'version: 0.1\n'
    printf 'log: {level: info, accesslog: {disabled: false}}\n'
    printf 'storage: {filesystem: {rootdirectory: "%s"}}\n' "$root"
    printf 'http:\n  addr: 127.0.0.1:0\n  secret: lane\n'
    if [[ -n $cert ]]; then
      printf '  tls: {certificate: "%s", key: "%s"}\n' "$cert" "$key"
    fi
    if [[ -n $htpasswd ]]; then
      printf 'auth: {htpasswd: {realm: lane, path: "%s"}}\n' "$htpasswd"
    fi
  } >"$place/config.yml"
  # A second start under the same name must not read the first one's port.
  : >"$place/log"
  docker-registry serve "$place/config.yml" >"$place/access" 2>"$place/log" </dev/null &
  echo $! >"$place/pid"
  local turn
  for ((turn = 0; turn < 400; turn++)); do
    if grep -q 'listening on' "$place/log"; then
      sed -n 's/.*listening on \(127\.0\.0\.1:[0-9]*\).*/\1/p' "$place/log" | head -n 1 >"$place/address"
      return 0
    fi
    is_running "$(<"$place/pid")" || break
    sleep 0.05
  done
  echo "docker-registry $name does not listen; its log:" >&2
  cat "$place/log" >&2
  return 1
}

# address_of NAME: host:port of a started registry.
address_of() { cat "$work/registries/$1/address"; }

# access_log NAME: the file with one line per answered request.
access_log() { echo "$work/registries/$1/access"; }

stop_registry() {
  local place=$work/registries/$1
  [[ -f $place/pid ]] || return 0
  stop_process "$(<"$place/pid")"
  rm -f "$place/pid"
}

stop_all_registries() {
  local place
  for place in "$work"/registries/*/; do
    [[ -d $place ]] || continue
    stop_registry "$(basename "$place")"
  done
}

# --- helpers of ours that listen: they write where, and are stopped with the registries

# start_helper NAME PROGRAM ARGUMENT…: PROGRAM is in Python, and given the file to write its address to as its first argument.
start_helper() {
  local name=$1 program=$2 place=$work/registries/$1 turn
  shift 2
  mkdir -p "$place"
  rm -f "$place/address"
  python3 "$program" "$place/address" "$@" >>"$place/access" 2>>"$place/log" </dev/null &
  echo $! >"$place/pid"
  for ((turn = 0; turn < 400; turn++)); do
    [[ ! -s $place/address ]] || return 0
    is_running "$(<"$place/pid")" || break
    sleep 0.05
  done
  echo "$program does not listen:" >&2
  cat "$place/log" >&2
  return 1
}

# --- processes

# A process that ended but was not yet collected by its parent counts as gone.
is_running() {
  local state
  state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null) || return 1
  [[ -n $state && $state != Z ]]
}

# stop_process PID: asks, waits up to ten seconds, then insists.
stop_process() {
  local pid=$1 turn
  kill "$pid" 2>/dev/null || return 0
  for ((turn = 0; turn < 200; turn++)); do
    is_running "$pid" || return 0
    sleep 0.05
  done
  kill -9 "$pid" 2>/dev/null || return 0
}
