# The registries of the interop lane: built where they are missing, into .lane/bin, at versions that stay.
# Sourced, never run. tests/lane/parts.sh brings what Debian has.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

lane_bin=$root/.lane/bin
# Half a gibibyte of dependencies on two slow cores; zot takes far longer than all the rest.
build_seconds=${INTEROP_BUILD_SECONDS:-1200}
zot_seconds=${INTEROP_ZOT_SECONDS:-300}
# cosign is built by its own checks: six minutes of one core.
cosign_seconds=${INTEROP_COSIGN_SECONDS:-900}

# build NAME MODULE VERSION PACKAGE SECONDS [GO-FLAG…]
# In a module of its own that pins the version: `go install` would also want the list of all versions, and a proxy of
# a company does not always have that.
build() {
  local name=$1 module=$2 version=$3 package=$4 seconds=$5 place=$root/.lane/build/$1
  shift 5
  [[ ! -x $lane_bin/$name ]] || return 0
  if ! type -P go >/dev/null; then
    echo "$name is not built: no go"
    return 0
  fi
  mkdir -p "$lane_bin" "$place"
  printf 'module lane\n\ngo 1.25.0\n\nrequire %s %s\n' "$module" "$version" >"$place/go.mod"
  echo "building $name $version"
  if ! (cd "$place" && GOFLAGS="-mod=mod -p=1" nice timeout "$seconds" \
    go build "$@" -o "$lane_bin/$name.new" "$package" >"$place/log" 2>&1 </dev/null); then
    echo "$name could not be built:"
    tail -n 3 "$place/log" | sed 's/^/  /'
    return 0
  fi
  mv "$lane_bin/$name.new" "$lane_bin/$name"
}

# build_zot_1: the last zot whose module is called as its repository is, so that a proxy may have it when it has no
# zot 2. Its go.mod bears another name, so it is built where its sources are.
build_zot_1() {
  local place=$root/.lane/build/zot-1 sources version=v1.4.3
  [[ ! -x $lane_bin/zot-1 ]] || return 0
  type -P go >/dev/null || return 0
  mkdir -p "$lane_bin" "$place"
  echo "building zot-1 $version"
  sources=$(cd "$place" && timeout 300 go mod download -json "github.com/project-zot/zot@$version" 2>/dev/null </dev/null |
    jq -r '.Dir // empty') || sources=""
  if [[ -z $sources ]]; then
    echo "zot-1 could not be had"
    return 0
  fi
  rm -rf "$place/src"
  cp -r "$sources" "$place/src"
  chmod -R u+w "$place/src"
  if ! (cd "$place/src" && GOFLAGS="-mod=mod -p=1" nice timeout "$zot_seconds" \
    go build -tags containers_image_openpgp,exclude_graphdriver_btrfs -o "$lane_bin/zot-1.new" ./cmd/zot >"$place/log" 2>&1 </dev/null); then
    echo "zot-1 could not be built:"
    tail -n 3 "$place/log" | sed 's/^/  /'
    return 0
  fi
  rm -rf "$place/src"
  mv "$lane_bin/zot-1.new" "$lane_bin/zot-1"
}

get_registries() {
  build registry github.com/distribution/distribution/v3 v3.1.1 \
    github.com/distribution/distribution/v3/cmd/registry "$build_seconds"
  build olareg github.com/olareg/olareg v0.1.1 github.com/olareg/olareg/cmd/olareg "$build_seconds"
  build crane github.com/google/go-containerregistry v0.21.9 github.com/google/go-containerregistry/cmd/crane \
    "$build_seconds"
  # The conformance program of the distribution-spec.
  build conformance github.com/opencontainers/distribution-spec/conformance v0.0.0-20260831232431-97274622c111 \
    github.com/opencontainers/distribution-spec/conformance "$build_seconds"
  # Without its extensions: what is left is the registry.
  build zot zotregistry.dev/zot/v2 v2.1.20 zotregistry.dev/zot/v2/cmd/zot "$zot_seconds" -tags ''
  build_zot_1
  PATH=$lane_bin:$PATH
}
