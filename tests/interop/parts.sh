# The registries of the interop lane: built where they are missing, into .lane/bin, at versions that stay.
# Sourced, never run. tests/real/parts.sh brings what Debian has.
# shellcheck shell=bash disable=SC2034,SC2154

lane_bin=$root/.lane/bin
# Half a gibibyte of dependencies on two slow cores; zot takes far longer than all the rest.
build_seconds=${INTEROP_BUILD_SECONDS:-1200}
zot_seconds=${INTEROP_ZOT_SECONDS:-300}

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

get_registries() {
  build registry github.com/distribution/distribution/v3 v3.1.1 \
    github.com/distribution/distribution/v3/cmd/registry "$build_seconds"
  build olareg github.com/olareg/olareg v0.1.1 github.com/olareg/olareg/cmd/olareg "$build_seconds"
  # Without its extensions: what is left is the registry.
  build zot zotregistry.dev/zot/v2 v2.1.20 zotregistry.dev/zot/v2/cmd/zot "$zot_seconds" -tags ''
  PATH=$lane_bin:$PATH
}
