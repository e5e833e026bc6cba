# Every tool that reads a layout, with every kind of bundle: does it find the image by its name, and is it still the same?
# The table in docs/interop.md is written by these checks (WRITE_TABLE=1 tests/real/run kinds), and compared with what they
# find: a tool that changes its answer fails the lane.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

# shellcheck source=tests/real/clients.sh
source "$here/clients.sh"
# shellcheck source=tests/lane/signed.sh
source "$root/tests/lane/signed.sh"
# When these checks run alone, nobody has said yet how containerd starts.
if [[ $(type -t containerd_starts) != function ]]; then
  # shellcheck source=tests/real/checks/containerd.sh
  source "$here/checks/containerd.sh"
fi

kinds=$work/kinds
kinds_of_bundles=(one several docker-list nested referrers sparse volume for-docker)
mkdir -p "$kinds/rows" "$HOME/.config/containers"

# a_kind KIND REPO TAG FILE: notes the image that is looked for, and what it is: by the source, not by the bundle.
a_kind() {
  local kind=$1 repo=$2 tag=$3 file=$4 base platform config body=$kinds/body
  base=http://$(address_of source)
  get_manifest "$base" "$repo" "$tag" "$body"
  digest_of "$body" >"$kinds/$kind.digest"
  # The manifest for linux/amd64, also in an index that an index names.
  while read -r platform; do
    get_manifest "$base" "$repo" "$platform" "$body"
  done < <(platform_below "$base" "$repo" "$body")
  digest_of "$body" >"$kinds/$kind.platform"
  config=$(jq -r .config.digest "$body")
  [[ $config == sha256:* ]] || fail "$repo:$tag has no image for linux/amd64"
  echo "$config" >"$kinds/$kind.config"
  echo "$(address_of source)/$repo:$tag" >"$kinds/$kind.name"
  mv "$file" "$kinds/$kind.tar"
}

# platform_below BASE REPO FILE: prints the digests that lead from an index to the image for linux/amd64.
platform_below() {
  local base=$1 repo=$2 file=$3 child type rest direct
  direct=$(jq -r '[.manifests // [] | .[] | select(.platform.os == "linux" and .platform.architecture == "amd64")][0].digest // empty' "$file")
  if [[ -n $direct ]]; then
    echo "$direct"
    return 0
  fi
  while read -r child type rest; do
    [[ $type == *index* || $type == *list* ]] || continue
    get_manifest "$base" "$repo" "$child" "$kinds/below"
    direct=$(platform_below "$base" "$repo" "$kinds/below")
    if [[ -n $direct ]]; then
      printf '%s\n%s\n' "$child" "$direct"
      return 0
    fi
  done < <(children "$file")
}

bundles_of_all_kinds() {
  local source file number
  source=$(address_of source)
  bring() { "$bundle" export --plain-http --referrers none --force -o "$kinds/new.tar" "$@"; }
  bring "$source/org/web:2"
  a_kind one org/web 2 "$kinds/new.tar"
  bring "$source/org/web:2" "$source/org/tool:2.0"
  a_kind several org/web 2 "$kinds/new.tar"
  bring "$source/google-containers/pause:latest"
  a_kind docker-list google-containers/pause latest "$kinds/new.tar"
  [[ $(tar -xOf "$kinds/docker-list.tar" index.json) == *manifest.list.v2+json* ]] || fail "it is no Docker list"
  bring "$source/org/app:1.4"
  a_kind nested org/app 1.4 "$kinds/new.tar"
  a_signed_image_is_at_the_source
  "$bundle" export --plain-http --referrers require --force -o "$kinds/new.tar" "$source/signed/web:2"
  a_kind referrers signed/web 2 "$kinds/new.tar"
  bring "$source/org/web:2" --platform linux/amd64
  a_kind sparse org/web 2 "$kinds/new.tar"
  bring "$source/org/web:2" "$source/org/tool:2.0" --docker-load linux/amd64
  a_kind for-docker org/web 2 "$kinds/new.tar"
  # Two volumes, one of which has the image whole.
  push_seeded_manifest "http://$source" kinds/large 1 amd64 "$kinds/seeding" "kinds-1:700000" "kinds-2:700000" >/dev/null
  mkdir -p "$kinds/volumes"
  "$bundle" export --plain-http --referrers none --volume-size 1MiB -o "$kinds/volumes/v.tar" "$source/org/web:2" "$source/kinds/large:1"
  for file in "$kinds"/volumes/*; do
    "$bundle" list --format json "$file" >"$kinds/listed"
    number=$(jq -r --arg name "$source/org/web:2" '[.images[] | select(.name == $name and .missing == 0 and (.absent | not))] | length' "$kinds/listed")
    if [[ $number == 1 ]]; then
      a_kind volume org/web 2 "$file"
      return 0
    fi
  done
  fail "no volume has org/web:2 whole"
}

# verdict KIND DIGEST-OR-ID…: what the first of these means that is known. Without any, the tool did not take it.
verdict() {
  local kind=$1 found
  shift
  for found in "$@"; do
    case sha256:${found#sha256:} in
      "$(<"$kinds/$kind.digest")") echo yes ;;
      "$(<"$kinds/$kind.platform")") echo "one platform" ;;
      "$(<"$kinds/$kind.config")") echo "new digest" ;;
      *) continue ;;
    esac
    return 0
  done
  echo no
}

# cells LABEL VERSION FUNCTION: a line of the table: FUNCTION KIND FILE NAME prints the digests or IDs that the tool then has.
cells() {
  local label=$1 version=$2 body=$3 kind found line="| $1 | $2 |"
  [[ -n $version ]] || fail "$label does not say its version"
  for kind in "${kinds_of_bundles[@]}"; do
    found=()
    read -ra found < <("$body" "$kind" "$kinds/$kind.tar" "$(<"$kinds/$kind.name")" 2>>"$kinds/said" </dev/null | tail -n 1) || true
    line+=" $(verdict "$kind" "${found[@]}") |"
  done
  echo "$line" | tee "$kinds/rows/$body"
}

tagged_as() {
  get_manifest "http://$(address_of kinds)" "$1" "$2" "$kinds/tagged"
  digest_of "$kinds/tagged"
}

kinds_registry_starts() { start_registry kinds; }

ctr_takes() {
  ctr_lane "kinds-$1" images import --all-platforms --no-unpack "$2" >&2 ||
    ctr_lane "kinds-$1" images import --platform linux/amd64 --no-unpack "$2" >&2 || return 0
  # What it lists is worth something only with the manifest below.
  ctr_lane "kinds-$1" content get "$(<"$kinds/$1.platform")" >/dev/null
  ctr_lane "kinds-$1" images ls "name==$3" | tail -n +2 | grep -o 'sha256:[0-9a-f]*'
}
containerd_and_all_kinds() {
  if [[ ! -f $work/containerd/pid ]] || ! is_running "$(<"$work/containerd/pid")"; then containerd_starts; fi
  cells "\`ctr images import FILE\`" "$(containerd --version | sed 's/^[^ ]* [^ ]* \([^ ]*\).*/\1/')" ctr_takes
}

skopeo_copies_to_a_directory() {
  rm -rf "$kinds/skopeo"
  skopeo --insecure-policy --tmpdir "$work" --override-os linux --override-arch amd64 copy --quiet --preserve-digests "$@" \
    "dir:$kinds/skopeo" >&2
}
skopeo_takes() {
  skopeo_copies_to_a_directory --all "oci-archive:$2:$3" || skopeo_copies_to_a_directory "oci-archive:$2:$3" || return 0
  digest_of "$kinds/skopeo/manifest.json"
}
skopeo_and_all_kinds() { cells "\`skopeo copy oci-archive:FILE:NAME\`" "$(skopeo --version | sed 's/.* //')" skopeo_takes; }

podman_has() {
  local id
  id=$(podman_lane image inspect --format '{{.Id}}' "$1") || return 0
  echo "$(podman_lane images --digests --no-trunc --format '{{.Digest}}' "$1" | tr '\n' ' ') $id"
}
podman_loads() {
  podman_lane rmi --all --force >&2
  podman_lane load --input "$2" >&2 || return 0
  podman_has "$3"
}
podman_pulls() {
  podman_lane rmi --all --force >&2
  podman_lane pull "oci-archive:$2:$3" >&2 || return 0
  podman_has "$3"
}
podman_and_all_kinds() {
  local version
  echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$HOME/.config/containers/policy.json"
  version=$(podman_lane version --format '{{.Client.Version}}')
  cells "\`podman load -i FILE\`" "$version" podman_loads
  cells "\`podman pull oci-archive:FILE:NAME\`" "$version" podman_pulls
}

docker_loads() {
  local images
  mapfile -t images < <(docker_lane images --quiet --no-trunc | sort -u)
  if [[ ${#images[@]} -gt 0 ]]; then docker_lane rmi --force "${images[@]}" >&2; fi
  docker_lane load --input "$2" >&2 || return 0
  docker_lane image inspect --format '{{.Id}}' "$3" || return 0
}
docker_loads_into_its_own() { docker_loads "$@"; }
docker_and_all_kinds() {
  start_docker containerd
  cells "\`docker load -i FILE\`, containerd image store" "$(docker_lane version --format '{{.Server.Version}}')" docker_loads
  stop_docker
  start_docker classic
  cells "\`docker load -i FILE\`, its own store" "$(docker_lane version --format '{{.Server.Version}}')" docker_loads_into_its_own
  stop_docker
}

oras_takes() {
  local to=oras/$1
  oras copy --from-oci-layout-path "$2" --to-plain-http "$3" "$(address_of kinds)/$to:1" >&2 ||
    oras copy --platform linux/amd64 --from-oci-layout-path "$2" --to-plain-http "$3" "$(address_of kinds)/$to:1" >&2 || return 0
  tagged_as "$to" 1
}
oras_and_all_kinds() { cells "\`oras copy --from-oci-layout-path FILE NAME\`" "$(oras version | sed -n 's/^Version: *//p')" oras_takes; }

regctl_takes() {
  regctl image import --name "$3" "$(address_of kinds)/regctl/$1:1" "$2" >&2 || return 0
  tagged_as "regctl/$1" 1
}
regctl_and_all_kinds() {
  regctl registry set --tls disabled "$(address_of kinds)"
  cells "\`regctl image import --name NAME\`" "$(regctl version --format '{{.VCSTag}}')" regctl_takes
}

crane_pushes() {
  rm -rf "$kinds/unpacked"
  mkdir "$kinds/unpacked"
  tar -xf "$2" -C "$kinds/unpacked"
  crane push --insecure "$kinds/unpacked" "$(address_of kinds)/crane/$1:1" >&2 || return 0
  tagged_as "crane/$1" 1
}
crane_and_all_kinds() { cells "\`crane push DIRECTORY\`, unpacked" "$(crane version)" crane_pushes; }

# The table on the page is what these checks found, versions included only where it is written.
the_table_of_kinds_is_on_the_page() {
  local page=$root/docs/interop.md row rows=(ctr_takes skopeo_takes podman_loads podman_pulls docker_loads docker_loads_into_its_own
    oras_takes regctl_takes crane_pushes)
  for row in "${rows[@]}"; do cat "$kinds/rows/$row"; done >"$kinds/table"
  cat "$kinds/table"
  if [[ -n ${WRITE_TABLE:-} ]]; then
    python3 - "$page" "$kinds/table" <<'PYTHON'
import re, sys
page, table = open(sys.argv[1]).read(), open(sys.argv[2]).read()
head = ("| tool | version | one image | several | Docker list | index in an index | with referrers | one platform | a volume "
        "| with a list for Docker |\n" + "|---" * 10 + "|\n")
begin, end = "<!-- kinds: written by tests/real/run kinds -->\n", "<!-- kinds: end -->"
page = re.sub(re.escape(begin) + ".*?" + re.escape(end), lambda _: begin + "\n" + head + table + "\n" + end, page, flags=re.S)
open(sys.argv[1], "w").write(page)
PYTHON
  fi
  bare() { sed -E 's/^(\|[^|]*)\|[^|]*/\1/'; }
  sed -n '/^<!-- kinds: written/,/^<!-- kinds: end/ { /^| tool/d; /^| /p }' "$page" | bare >"$kinds/on-the-page"
  bare <"$kinds/table" >"$kinds/found"
  diff "$kinds/on-the-page" "$kinds/found" || fail "run WRITE_TABLE=1 tests/real/run kinds"
}

get_tools
must_have oras regctl crane dockerd
kinds_parts=("${base_parts[@]}" tar)
check "a registry for what tools read starts" kinds_registry_starts "${kinds_parts[@]}"
check "a bundle of each kind is written" bundles_of_all_kinds "${kinds_parts[@]}"
check "ctr is given every kind of bundle" containerd_and_all_kinds "${kinds_parts[@]}" containerd ctr
check "skopeo is given every kind of bundle" skopeo_and_all_kinds "${kinds_parts[@]}" skopeo
check "podman is given every kind of bundle" podman_and_all_kinds "${kinds_parts[@]}" podman
check "docker with either store is given every kind of bundle" docker_and_all_kinds "${kinds_parts[@]}" dockerd
check "oras is given every kind of bundle" oras_and_all_kinds "${kinds_parts[@]}" oras
check "regctl is given every kind of bundle" regctl_and_all_kinds "${kinds_parts[@]}" regctl
check "crane is given every kind of bundle" crane_and_all_kinds "${kinds_parts[@]}" crane
check "the table of tools and kinds in docs/interop.md is what was found here" the_table_of_kinds_is_on_the_page \
  "${kinds_parts[@]}" containerd ctr skopeo podman dockerd oras regctl crane
stop_docker_and_its_containerd
stop_registry kinds
