# Real registries of four products: start, kill, start again at the same address. Sourced, never run.
# What is here of a registry lies where tests/lane/registry.sh expects it: address_of and stop_registry work.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

# The program of a product.
program_of() {
  case $1 in
    distribution-2) echo docker-registry ;;
    distribution-3) echo registry ;;
    *) echo "$1" ;;
  esac
}

# What a product takes, by the type of an image's own manifest. zot 1 knows no Docker types.
types_of() {
  case $1 in
    zot-1) echo 'vnd\.oci\.' ;;
    *) echo . ;;
  esac
}

# start_product NAME PRODUCT [root=DIR] [cert=FILE key=FILE] [htpasswd=FILE] [realm=URL trust=FILE] [secret=no] [compat=no]
# realm: token auth, with tokens that a key certified in `trust` signed. A second start under the same name takes the
# address of the first, and its options.
start_product() {
  local name=$1 product=$2 option place
  local root="" cert="" key="" htpasswd="" realm="" trust="" secret=yes compat=yes
  shift 2
  for option in "$@"; do
    case $option in
      root=* | cert=* | key=* | htpasswd=* | realm=* | trust=* | secret=* | compat=*)
        printf -v "${option%%=*}" '%s' "${option#*=}"
        ;;
      *) echo "start_product: unknown option $option" >&2; return 2 ;;
    esac
  done
  place=$work/registries/$name
  root=${root:-$place/storage}
  mkdir -p "$place" "$root"
  echo "$product" >"$place/product"
  printf '%s\n' "$@" >"$place/options"
  local address port
  address=127.0.0.1:0
  [[ ! -s $place/address ]] || address=$(<"$place/address")
  port=${address##*:}
  case $product in
    distribution-*) distribution_config >"$place/config.yml" ;;
    zot | zot-1) zot_config >"$place/config.json" ;;
  esac
  local command
  case $product in
    distribution-*) command=("$(program_of "$product")" serve "$place/config.yml") ;;
    zot | zot-1) command=("$product" serve "$place/config.json") ;;
    olareg)
      command=(olareg serve --addr 127.0.0.1 --port "$port" --dir "$root")
      [[ -z $cert ]] || command+=(--tls-cert "$cert" --tls-key "$key")
      ;;
    # Knows neither TLS nor logins, and keeps manifests in memory.
    crane) command=(crane registry serve --address "127.0.0.1:$port" --disk "$root") ;;
  esac
  "${command[@]}" >>"$place/access" 2>>"$place/log" </dev/null &
  echo $! >"$place/pid"
  await_listening "$name"
}

# A secret keeps upload sessions alive across a restart; most installations have none.
distribution_config() {
  printf 'version: 0.1\n'
  printf 'log: {level: info, accesslog: {disabled: false}}\n'
  printf 'storage: {filesystem: {rootdirectory: "%s"}}\n' "$root"
  printf 'http:\n  addr: %s\n' "$address"
  [[ $secret == no ]] || printf '  secret: lane\n'
  [[ -z $cert ]] || printf '  tls: {certificate: "%s", key: "%s"}\n' "$cert" "$key"
  [[ -z $htpasswd ]] || printf 'auth: {htpasswd: {realm: lane, path: "%s"}}\n' "$htpasswd"
  [[ -z $realm ]] || printf 'auth: {token: {realm: "%s", service: lane, issuer: lane, rootcertbundle: "%s"}}\n' "$realm" "$trust"
}

# zot 1 stops at settings that it does not know.
zot_config() {
  [[ $product != zot-1 ]] || compat=no
  jq -n --arg root "$root" --arg port "$port" --arg cert "$cert" --arg key "$key" --arg htpasswd "$htpasswd" --arg realm "$realm" \
    --arg trust "$trust" --arg compat "$compat" '
    {distSpecVersion: "1.1.0", log: {level: "info"},
     storage: {rootDirectory: $root, gc: false, dedupe: false},
     http: ({address: "127.0.0.1", port: $port}
       + (if $compat == "yes" then {compat: ["docker2s2"]} else {} end)
       + (if $cert != "" then {tls: {cert: $cert, key: $key}} else {} end)
       + (if $htpasswd != "" then {auth: {htpasswd: {path: $htpasswd}}} else {} end)
       + (if $realm != "" then {auth: {bearer: {realm: $realm, service: "lane", cert: $trust}}} else {} end))}'
}

# listening_port PID: the port it accepts on, as the kernel knows it: not every product says.
listening_port() {
  local inode
  for inode in $(find "/proc/$1/fd" -lname 'socket:*' -printf '%l\n' 2>/dev/null | tr -dc '0-9\n'); do
    # 0A is LISTEN; addresses are in hexadecimal.
    awk -v inode="$inode" '$4 == "0A" && $10 == inode { split($2, at, ":"); print at[2] }' /proc/net/tcp /proc/net/tcp6 2>/dev/null
  done | head -n 1
}

await_listening() {
  local place=$work/registries/$1 turn port
  for ((turn = 0; turn < 600; turn++)); do
    port=$(listening_port "$(<"$place/pid")")
    if [[ -n $port ]]; then
      echo "127.0.0.1:$((16#$port))" >"$place/address"
      return 0
    fi
    is_running "$(<"$place/pid")" || break
    sleep 0.05
  done
  echo "$(<"$place/product") $1 does not listen; its log:" >&2
  tail -n 20 "$place/log" >&2
  return 1
}

# kill_product NAME: as a power cut would.
kill_product() {
  local pid turn
  pid=$(<"$work/registries/$1/pid")
  kill -9 "$pid"
  for ((turn = 0; turn < 200; turn++)); do
    is_running "$pid" || return 0
    sleep 0.05
  done
  fail "process $pid outlives kill -9"
}

# start_again NAME: as it was, where it was.
start_again() {
  local place=$work/registries/$1 options
  mapfile -t options <"$place/options"
  [[ ${#options[@]} != 1 || -n ${options[0]} ]] || options=()
  start_product "$1" "$(<"$place/product")" "${options[@]}"
}
