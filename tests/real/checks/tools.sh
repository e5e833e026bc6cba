# Files as today's tools write them, made here by the tools themselves: each is verified, listed and imported under the names
# it carries, or a repository is named where it carries none; what arrives is compared by digest. And the other way round: the
# tools read a bundle. docs/interop.md says the same in tables.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

# shellcheck source=tests/real/clients.sh
source "$here/clients.sh"

tools=$work/tools
mkdir -p "$tools" "$HOME/.config/containers"

tools_registry_starts() { start_registry tools; }

# named_in FILE N: digest and type of the Nth entry of its index.
named_in() { tar -xOf "$1" index.json | jq -r ".manifests[$2].digest"; }

# whole REPO DIGEST: the registry holds all that this manifest leads to, each under its digest.
whole() {
  local repo=$1 body=$tools/${2#sha256:} child type size
  get_manifest "http://$(address_of tools)" "$repo" "$2" "$body"
  [[ $(digest_of "$body") == "$2" ]] || fail "$repo@$2 is another manifest"
  while read -r child type size; do whole "$repo" "$child"; done < <(children "$body")
  while read -r child type size; do
    blob_present "http://$(address_of tools)" "$repo" "$child" "$size" "$tools"
  done < <(blobs_of "$body")
}

# read_and_import FILE NAMESPACE [OPTION…]
read_and_import() {
  local file=$1 namespace=$2
  shift 2
  "$bundle" verify --deep "$file"
  "$bundle" list "$file"
  "$bundle" import --plain-http "$file" --registry "$(address_of tools)" --namespace "$namespace" "$@"
}

# arrived REPO TAG DIGEST: that tag names that manifest, and nothing of it is missing.
arrived() {
  get_manifest "http://$(address_of tools)" "$1" "$2" "$tools/tagged"
  [[ $(digest_of "$tools/tagged") == "$3" ]] || fail "$1:$2 is $(digest_of "$tools/tagged"), not $3"
  whole "$1" "$3"
}

# fixture REPO TAG: the digest it was seeded with.
fixture() { named_images "$fixtures" | sed -n "s|^$1 $2 \([^ ]*\) .*|\1|p"; }

oras_backup() {
  local source digest note
  source=$(address_of source)
  echo "a note" >"$tools/note.txt"
  (cd "$tools" && oras attach --plain-http --artifact-type application/vnd.example.note "$source/org/tool:2.0" note.txt:text/plain)
  oras backup --plain-http --output "$tools/oras.tar" "$source/org/web:2"
  oras backup --plain-http --output "$tools/oras-list.tar" "$source/google-containers/pause"
  oras backup --plain-http --include-referrers --output "$tools/oras-note.tar" "$source/org/tool:2.0"
  refused 2 "$bundle" import --plain-http "$tools/oras.tar" --registry "$(address_of tools)"
  read_and_import "$tools/oras.tar" oras --name quay.io/org/web
  arrived oras/org/web 2 "$(fixture org/web 2)"
  read_and_import "$tools/oras-list.tar" oras --name gcr.io/google-containers/pause
  arrived oras/google-containers/pause latest "$(fixture google-containers/pause latest)"
  read_and_import "$tools/oras-note.tar" oras --name quay.io/org/tool
  arrived oras/org/tool 2.0 "$(fixture org/tool 2.0)"
  # What refers to the image goes along by digest.
  note=$(named_in "$tools/oras-note.tar" 1)
  [[ $note == sha256:* ]] || fail "oras wrote no referrer"
  whole oras/org/tool "$note"
}

regctl_image_export() {
  local source
  source=$(address_of source)
  regctl registry set --tls disabled "$source"
  regctl image export "$source/org/web:2" "$tools/regctl.tar"
  regctl image export --compress "$source/google-containers/pause:latest" "$tools/regctl-list.tar.gz"
  regctl image export --platform linux/amd64 --name quay.io/team/web:9 "$source/org/web:2" "$tools/regctl-one.tar"
  read_and_import "$tools/regctl.tar" regctl
  arrived regctl/org/web 2 "$(fixture org/web 2)"
  read_and_import "$tools/regctl-list.tar.gz" regctl
  arrived regctl/google-containers/pause latest "$(fixture google-containers/pause latest)"
  read_and_import "$tools/regctl-one.tar" regctl
  arrived regctl/team/web 9 "$(named_in "$tools/regctl-one.tar" 0)"
}

# What podman stores is unpacked: it writes manifests of its own, and the digest is one that no registry has seen.
podman_save() {
  local image
  echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$HOME/.config/containers/policy.json"
  image=$(address_of source)/org/web:2
  podman_lane pull --tls-verify=false "$image"
  podman_lane tag "$image" quay.io/team/web:7
  podman_lane save --format oci-archive --output "$tools/podman.tar" quay.io/team/web:7
  podman_lane save --output "$tools/podman-docker.tar" quay.io/team/web:7
  read_and_import "$tools/podman.tar" podman
  arrived podman/team/web 7 "$(named_in "$tools/podman.tar" 0)"
}

# dockers_file STORE: two images of one platform each, under their names and one of them by its ID, and one of many.
dockers_files() {
  local source image
  source=$(address_of source)
  start_docker "$1"
  for image in org/tool:2.0 library/legacy:1 org/web:2; do docker_lane pull --quiet "$source/$image"; done
  docker_lane tag "$source/org/tool:2.0" tool:new
  docker_lane save --output "$tools/docker-$1.tar" "$source/org/tool:2.0" tool:new "$source/library/legacy:1"
  docker_lane save --output "$tools/docker-$1-many.tar" "$source/org/web:2"
  docker_lane save --output "$tools/docker-$1-id.tar" "$(docker_lane images --quiet "$source/library/legacy:1")"
  echo "note: docker $(docker_lane version --format '{{.Server.Version}}'), storing by $(docker_lane info --format '{{.Driver}}')"
  stop_docker
}

# Manifests as they were pulled. Of an image of many platforms docker keeps the index and one platform.
docker_save_containerd_store() {
  local said status=0
  dockers_files containerd
  read_and_import "$tools/docker-containerd.tar" docker
  arrived docker/org/tool 2.0 "$(fixture org/tool 2.0)"
  arrived docker/library/tool new "$(fixture org/tool 2.0)"
  arrived docker/library/legacy 1 "$(fixture library/legacy 1)"
  read_and_import "$tools/docker-containerd-id.tar" docker-id --name docker.io/library/legacy
  whole docker-id/library/legacy "$(fixture library/legacy 1)"
  said=$("$bundle" verify "$tools/docker-containerd-many.tar" 2>&1) || status=$?
  echo "$said"
  [[ $status == 3 && $(grep -c '^damaged  *missing: ' <<<"$said") == 3 ]] || fail "exit $status"
  refused 3 "$bundle" import --plain-http "$tools/docker-containerd-many.tar" --registry "$(address_of tools)"
}

# Manifests that docker makes up while it saves.
docker_save_classic_store() {
  local entry name
  dockers_files classic
  read_and_import "$tools/docker-classic.tar" classic
  for entry in 0 1 2; do
    name=$(tar -xOf "$tools/docker-classic.tar" index.json | jq -r ".manifests[$entry].annotations[\"io.containerd.image.name\"]")
    name=${name#*/}
    arrived "classic/${name%:*}" "${name##*:}" "$(named_in "$tools/docker-classic.tar" "$entry")"
  done
  read_and_import "$tools/docker-classic-many.tar" classic
  arrived classic/org/web 2 "$(named_in "$tools/docker-classic-many.tar" 0)"
}

docker_archives_are_refused() {
  local command said status
  for command in verify list "import --plain-http --registry $(address_of tools)"; do
    status=0
    # shellcheck disable=SC2086 # a command with its options
    said=$("$bundle" $command "$tools/podman-docker.tar" 2>&1) || status=$?
    echo "$said"
    [[ $status == 3 && $said == *"a docker archive without an image layout"* ]] || fail "$command: exit $status"
  done
}

# read_by_name NAMESPACE COMMAND…: the command brings each image of the bundle from its name to a reference.
read_by_name() {
  local namespace=$1 repo tag digest type
  shift
  while read -r repo tag digest type; do
    "$@" "$(address_of source)/$repo:$tag" "$(address_of tools)/$namespace/$repo:$tag"
    arrived "$namespace/$repo" "$tag" "$digest"
  done < <(named_images "$fixtures")
}

oras_copies() { oras copy --from-oci-layout-path "$fixture_bundle" --to-plain-http "$@"; }
oras_reads_a_bundle() { read_by_name oras-reads oras_copies; }

regctl_imports() { regctl image import --name "$1" "$2" "$fixture_bundle"; }
regctl_reads_a_bundle() {
  regctl registry set --tls disabled "$(address_of tools)"
  read_by_name regctl-reads regctl_imports
}

# podman keeps of an index what is for this machine, and the index's digest.
podman_reads_a_bundle() {
  local source image
  source=$(address_of source)
  podman_lane rmi --all --force >/dev/null
  for image in org/web:2 google-containers/pause:latest; do
    "$bundle" export --plain-http "$source/$image" -o "$tools/single.tar" --force
    podman_lane load --input "$tools/single.tar"
    podman_lane images --digests | grep -F "${image%:*} " | grep -F "$(fixture "${image%:*}" "${image#*:}")"
  done
  refused 125 podman_lane load --input "$fixture_bundle"
  podman_lane rmi --all --force >/dev/null
  podman_lane pull "oci-archive:$fixture_bundle:$source/org/web:2"
  refused 125 podman_lane pull "oci-archive:$fixture_bundle:$source/google-containers/pause:latest"
}

# bundle_for_docker: a bundle of several images with a list for Docker, and what of each name docker has to find.
for_docker=$tools/for-docker.tar
expected_ids=$tools/ids
bundle_for_docker() {
  local source image name digest config
  source=$(address_of source)
  "$bundle" export --plain-http "$source/org/web:2" "$source/google-containers/pause:latest" "$source/org/tool:2.0" \
    --docker-load linux/amd64 -o "$for_docker" --force 2>"$tools/said" || { cat "$tools/said"; return 1; }
  grep -F "NEW DIGESTS" "$tools/said"
  "$bundle" verify --deep "$for_docker"
  : >"$expected_ids"
  # From the registry, and not from the list: the manifest of the platform, and the digest of its config.
  for image in org/web:2 google-containers/pause:latest org/tool:2.0; do
    name=${image%:*}
    get_manifest "http://$source" "$name" "${image#*:}" "$tools/manifest"
    digest=$(jq -r '.manifests // [] | map(select(.platform | .os == "linux" and .architecture == "amd64"))[0].digest // empty' "$tools/manifest")
    if [[ -n $digest ]]; then get_manifest "http://$source" "$name" "$digest" "$tools/manifest"; fi
    config=$(jq -r .config.digest "$tools/manifest")
    [[ $config == sha256:* ]] || fail "$image has no config for linux/amd64"
    echo "$source/$image $config" >>"$expected_ids"
  done
}

# ids_are COMMAND…: the command prints the ID of an image by its name.
ids_are() {
  local name config id
  while read -r name config; do
    id=$("$@" "$name") || fail "$name was not loaded"
    [[ ${id#sha256:} == "${config#sha256:}" ]] || fail "$name has the ID $id, not $config"
  done <"$expected_ids"
}

podman_id() { podman_lane image inspect --format '{{.Id}}' "$1"; }
docker_id() { docker_lane image inspect --format '{{.Id}}' "$1"; }

podman_loads_by_the_list() {
  bundle_for_docker
  podman_lane rmi --all --force >/dev/null
  podman_lane load --input "$for_docker"
  ids_are podman_id
}

# The containerd store goes by index.json all the same, and keeps digests.
docker_loads_by_the_list() {
  local digest
  bundle_for_docker
  start_docker classic
  docker_lane load --input "$for_docker"
  ids_are docker_id
  stop_docker
  start_docker containerd
  docker_lane load --input "$for_docker"
  digest=$(docker_id "$(address_of source)/org/web:2")
  [[ $digest == "$(fixture org/web 2)" ]] || fail "the containerd store has org/web:2 as $digest"
  stop_docker
}

docker_reads_a_bundle() {
  local repo tag digest type
  start_docker containerd
  docker_lane load --input "$fixture_bundle"
  while read -r repo tag digest type; do
    [[ $(docker_lane image inspect --format '{{.Id}}' "$(address_of source)/$repo:$tag") == "$digest" ]] || fail "$repo:$tag is not $digest"
  done < <(named_images "$fixtures" | grep -v '^org/chart ')
  stop_docker
  start_docker classic
  refused 1 docker_lane load --input "$fixture_bundle"
  stop_docker
}

get_tools
must_have oras regctl dockerd
tools_parts=("${base_parts[@]}" tar)
check "a registry for what other tools wrote starts" tools_registry_starts "${tools_parts[@]}"
check "what oras backup writes arrives with its digests, referrers too" oras_backup "${tools_parts[@]}" oras
check "what regctl image export writes arrives with its names and digests" regctl_image_export "${tools_parts[@]}" regctl
check "what podman save writes as an oci-archive arrives under its name" podman_save "${tools_parts[@]}" podman
check "what docker save writes from the containerd store arrives with its digests; of an index cut to one platform, what is missing is named" \
  docker_save_containerd_store "${tools_parts[@]}" dockerd
check "what docker save writes from the classic store arrives under its names" docker_save_classic_store "${tools_parts[@]}" dockerd
check "oras reads each image of a bundle by its name" oras_reads_a_bundle "${tools_parts[@]}" oras
check "regctl reads each image of a bundle by its name" regctl_reads_a_bundle "${tools_parts[@]}" regctl
check "podman loads a bundle of one image, and pulls OCI images by name from one of several" podman_reads_a_bundle "${tools_parts[@]}" podman
check "docker load takes a bundle into the containerd store, digests kept" docker_reads_a_bundle "${tools_parts[@]}" dockerd
check "podman loads several images by a list for Docker, and their IDs are right" podman_loads_by_the_list "${tools_parts[@]}" podman
check "docker load with a store of its own takes a bundle by its list, and the IDs are right" docker_loads_by_the_list "${tools_parts[@]}" dockerd
stop_docker_and_its_containerd
check "a docker archive is refused with the reason" docker_archives_are_refused "${tools_parts[@]}" podman
