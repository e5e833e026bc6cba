# What the lanes run on: the seeded images, the files to import, targets that are empty, a line that is long.
# Sourced by bench/run.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

# What the command lines of the lanes read.
export SOURCE="" TARGET="" OUT=$work/out IN=$work/in IMAGES=""
apps=$(seq -f 'app%02g' 1 20)
export apps

nothing() { :; }
clear_output() { rm -rf "$OUT"; mkdir -p "$OUT"; }
drop_output() { rm -rf "$OUT"; }

# --- inputs, made once per run of bench/run

source_registry() {
  [[ -z $SOURCE ]] || return 0
  start_registry source
  SOURCE=$(address_of source)
}

# 16 layers of 64 MiB.
seed_1g() {
  source_registry
  [[ ! -e $work/seeded-1g ]] || return 0
  echo "seeding 1 GiB" >&2
  local layers=() number
  for ((number = 0; number < 16; number++)); do layers+=("big-$number:67108864"); done
  push_seeded_manifest "http://$SOURCE" bench/big 1 amd64 "$work/seeding" "${layers[@]}" >/dev/null
  touch "$work/seeded-1g"
}

# 20 images × 4 platforms × 5 layers of 0.2 MiB, the first of which all share.
seed_20() {
  source_registry
  [[ ! -e $work/seeded-20 ]] || return 0
  echo "seeding 20 images" >&2
  local app arch layers number manifests made digest size
  for app in $apps; do
    manifests=""
    for arch in amd64 arm64 ppc64le s390x; do
      layers=(base:209715)
      for number in 1 2 3 4; do layers+=("$app-$arch-$number:209715"); done
      made=$(push_seeded_manifest "http://$SOURCE" "bench/$app" "" "$arch" "$work/seeding" "${layers[@]}")
      digest=${made% *} size=${made#* }
      manifests+=",{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"$digest\",\"size\":$size,\"platform\":{\"architecture\":\"$arch\",\"os\":\"linux\"}}"
    done
    printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[%s]}' "${manifests#,}" >"$work/index"
    push_manifest "http://$SOURCE" "bench/$app" 1 "$work/index" application/vnd.oci.image.index.v1+json
  done
  touch "$work/seeded-20"
}

images_at() {
  local app
  IMAGES=""
  for app in $apps; do IMAGES+=" $1/bench/$app:1"; done
}

# --- the line between the ends

# far NAME: prints an address that leads to registry NAME over a round trip of $RTT (40) ms, 25 MB/s per connection.
far() {
  local place=$work/registries/$1 turn
  if [[ -f $place/proxy ]]; then stop_process "$(<"$place/proxy")"; fi
  rm -f "$place/far"
  python3 "$here/delay.py" "$place/far" "$(address_of "$1")" "${RTT:-40}" 25 >"$place/proxy.log" 2>&1 </dev/null &
  echo $! >"$place/proxy"
  for ((turn = 0; turn < 400; turn++)); do
    if [[ -s $place/far ]]; then
      cat "$place/far"
      return 0
    fi
    sleep 0.05
  done
  echo "the proxy did not start" >&2
  return 1
}

# --- targets

fresh_target() {
  stop_registry target
  rm -rf "$work/registries/target/storage"
  start_registry target
  TARGET=$(address_of target)
}

fresh_far_target() {
  fresh_target
  TARGET=$(far target)
}

# arrived NAME PATH…: the target serves the tag with the source's digest, whoever sent it.
arrived() {
  local name=$1 path prefix="" wanted found
  shift
  if [[ $name == bundle ]]; then prefix=library/; fi
  for path in "$@"; do
    wanted=$(ask "${accept[@]}" "http://$(address_of source)/v2/$path/manifests/1" | sha256sum)
    found=$(ask "${accept[@]}" "http://$(address_of target)/v2/$prefix$path/manifests/1" | sha256sum)
    [[ $wanted == "$found" ]] || { echo "$name: $path arrived with another digest" >&2; return 1; }
  done
}
big_arrived() { arrived "$1" bench/big; }
twenty_arrived() { arrived "$1" bench/app01 bench/app20; }

# --- files to import: each tool gets one of its own making

inputs_1g() {
  seed_1g
  [[ ! -e $IN/oras.tar ]] || return 0
  mkdir -p "$IN"
  oras backup --plain-http --output "$IN/oras.tar" "$SOURCE/bench/big:1" >/dev/null
  regctl --host "reg=$SOURCE,tls=disabled" image export "$SOURCE/bench/big:1" "$IN/regctl.tar"
  "$bundle" export --plain-http "$SOURCE/bench/big:1" -o "$IN/bundle.tar" >/dev/null 2>&1 || echo "  no bundle to import" >&2
}

inputs_20() {
  seed_20
  [[ ! -e $IN/regctl/app20.tar ]] || return 0
  mkdir -p "$IN/oras" "$IN/regctl"
  local app
  for app in $apps; do
    oras backup --plain-http --output "$IN/oras/$app.tar" "$SOURCE/bench/$app:1" >/dev/null
    regctl --host "reg=$SOURCE,tls=disabled" image export "$SOURCE/bench/$app:1" "$IN/regctl/$app.tar"
  done
  images_at "$SOURCE"
  # shellcheck disable=SC2086 # one word an image
  "$bundle" export --plain-http $IMAGES -o "$IN/20.tar" >/dev/null 2>&1 || echo "  no bundle to import" >&2
}

# --- TLS

# The same storage as the plain source, behind TLS.
tls_source() {
  make_certificates
  start_registry tls-source root="$work/registries/source/storage" cert="$secrets/leaf.pem" key="$secrets/leaf.key"
  SOURCE=$(address_of tls-source)
}

fresh_tls_target() {
  make_certificates
  stop_registry target
  rm -rf "$work/registries/target/storage"
  start_registry target cert="$secrets/leaf.pem" key="$secrets/leaf.key"
  TARGET=$(address_of target)
}
