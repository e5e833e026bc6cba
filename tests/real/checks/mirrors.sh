# The files of `bundle mirror-config` in the hands of the runtimes: containerd by hosts.toml, podman and skopeo by
# registries.conf, through TLS of our own making and with a login. The source serves all of it too, and must not be asked.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

# shellcheck source=tests/real/docker.sh
source "$here/docker.sh"
# shellcheck source=tests/lane/serve.sh
source "$root/tests/lane/serve.sh"

nodes=$work/nodes

mirror_starts() {
  make_certificates
  make_htpasswd
  start_registry mirror cert="$secrets/leaf.pem" key="$secrets/leaf.key" htpasswd="$secrets/htpasswd"
  docker_config "$work/mirror-login" "$(address_of mirror)"
  DOCKER_CONFIG=$work/mirror-login "$bundle" import --ca-file "$secrets/ca.pem" "$fixture_bundle" --registry "$(address_of mirror)" |
    tee "$work/mirror-import"
  # What only the source has.
  push_seeded_manifest "http://$(address_of source)" only/source 1 amd64 "$work/seeding" one:1000
}

# mirror_config RUNTIME FLAG…
mirror_config() {
  local runtime=$1
  shift
  "$bundle" mirror-config "$fixture_bundle" --registry "$(address_of mirror)" --ca-file "$secrets/ca.pem" --for "$runtime" "$@"
}

the_check_sees_what_a_node_sees() {
  refused 4 mirror_config containerd --check
  mirror_config containerd --check --username lane --password-stdin <<<"$password" | tee "$work/mirror-check"
  grep -q -F "?ns=$(address_of source)" "$work/mirror-check" || fail "the host is not sent along"
}

import_names_the_command() {
  grep -q "^next .*bundle mirror-config .*--ca-file .* --for containerd" "$work/mirror-import" || fail "no next line"
}

files_are_written() {
  mirror_config containerd --username lane -o "$nodes/containerd"
  mirror_config nerdctl -o "$nodes/nerdctl"
  mirror_config podman -o "$nodes/podman"
  mirror_config nerdctl --fallback -o "$nodes/nerdctl-open"
  mirror_config podman --fallback -o "$nodes/podman-open"
  # The source speaks http: so that it would be found, and a question show in its log, if anybody asked.
  sed -i 's/^\[\[registry\]\]/&\ninsecure = true/' "$nodes"/podman*/etc/containers/registries.conf.d/*
  sed -i "s|^server = \"https:|server = \"http:|" "$nodes/nerdctl-open/certs.d"/*/hosts.toml
  # The machine's own root is left alone: the one path that the files hold is put below ours.
  sed -i "s|\"/etc/containerd/|\"$nodes/containerd/etc/containerd/|" "$nodes"/containerd/etc/containerd/certs.d/*/hosts.toml
}

# asked_lines NAME: how often the registry was asked for content so far.
asked_lines() { grep -c -e /manifests/ -e /blobs/ "$(access_log "$1")" || true; }

# through_the_mirror COMMAND…: it must end well, by way of the mirror and without a word to the source.
through_the_mirror() {
  local source mirror
  source=$(asked_lines source) mirror=$(asked_lines mirror)
  "$@"
  [[ $(asked_lines source) == "$source" ]] || fail "the source was asked: $*"
  [[ $(asked_lines mirror) -gt $mirror ]] || fail "the mirror was not asked: $*"
}

# fails_alone COMMAND…: it must fail, without a word to the source.
fails_alone() {
  local source
  source=$(asked_lines source)
  if "$@"; then fail "it was found: $*"; fi
  [[ $(asked_lines source) == "$source" ]] || fail "the source was asked: $*"
}

# falls_back COMMAND…: it must end well because the source is asked.
falls_back() {
  local source
  source=$(asked_lines source)
  "$@"
  [[ $(asked_lines source) -gt $source ]] || fail "the source was not asked: $*"
}

# The three ways to name google-containers/pause, as its source is called.
three_names() {
  local name digest
  name=$(address_of source)/google-containers/pause
  digest=$(named_images "$fixtures" | sed -n 's|^google-containers/pause latest \([^ ]*\) .*|\1|p')
  echo "$name:latest" "$name@$digest" "$name:latest@$digest"
}

# containerd_uses_the_files NAME PROGRAM CTR
containerd_uses_the_files() {
  local name=$1 program=$2 ctr=$3 image digest number=0 hosts
  start_containerd "$name" "$program" "$work/mirrored-$name"
  # shellcheck disable=SC2064 # which one is known now
  trap "stop_process $(<"$work/mirrored-$name/pid")" EXIT
  "$program" --version
  for hosts in "$nodes/containerd/etc/containerd/certs.d" "$nodes/nerdctl/certs.d"; do
    for image in $(three_names); do
      number=$((number + 1))
      through_the_mirror "$ctr" --address "$sockets/$name.sock" --namespace "n$number" \
        content fetch --hosts-dir "$hosts" --user "lane:$password" "$image"
      digest=$(named_images "$fixtures" | sed -n 's|^google-containers/pause latest \([^ ]*\) .*|\1|p')
      "$ctr" --address "$sockets/$name.sock" --namespace "n$number" content get "$digest" | cmp - "$(blob_file "$fixtures" "$digest")"
    done
    fails_alone "$ctr" --address "$sockets/$name.sock" --namespace none \
      content fetch --hosts-dir "$hosts" --user "lane:$password" "$(address_of source)/only/source:1"
  done
  falls_back "$ctr" --address "$sockets/$name.sock" --namespace open \
    content fetch --hosts-dir "$nodes/nerdctl-open/certs.d" --user "lane:$password" "$(address_of source)/only/source:1"
  served_to_containerd "$name" "$ctr"
}

# served_to_containerd NAME CTR: the same from `bundle serve`, without any registry.
served_to_containerd() {
  local name=$1 ctr=$2 image digest number=0 source
  start_serve "served-$name" --namespace library --tls-cert "$secrets/leaf.pem" --tls-key "$secrets/leaf.key" "$fixture_bundle"
  "$bundle" mirror-config "$fixture_bundle" --registry "$(address_of "served-$name")" --ca-file "$secrets/ca.pem" --for nerdctl \
    -o "$nodes/served-$name"
  source=$(asked_lines source)
  digest=$(named_images "$fixtures" | sed -n 's|^google-containers/pause latest \([^ ]*\) .*|\1|p')
  for image in $(three_names); do
    number=$((number + 1))
    "$ctr" --address "$sockets/$name.sock" --namespace "served$number" content fetch --hosts-dir "$nodes/served-$name/certs.d" "$image"
    "$ctr" --address "$sockets/$name.sock" --namespace "served$number" content get "$digest" | cmp - "$(blob_file "$fixtures" "$digest")"
  done
  fails_alone "$ctr" --address "$sockets/$name.sock" --namespace served-none \
    content fetch --hosts-dir "$nodes/served-$name/certs.d" "$(address_of source)/only/source:1"
  [[ $(asked_lines source) == "$source" ]] || fail "the source was asked"
  stop_registry "served-$name"
}

containerd_of_the_machine() { containerd_uses_the_files here containerd ctr; }
# The newest that Debian has, alone.
get_newest_containerd() {
  docker_suite=sid
  docker_root=$root/target/peers/containerd-sid
  docker_packages=(containerd)
  get_docker
}

containerd_2() {
  get_newest_containerd
  containerd_uses_the_files newest "$docker_root/usr/bin/containerd" "$docker_root/usr/bin/ctr"
}

containerd_1_7() { containerd_uses_the_files later "$docker_root/usr/bin/containerd" "$docker_root/usr/bin/ctr"; }

certs_of_podman() { echo "$nodes/podman/etc/containers/certs.d/$(address_of mirror)"; }

# skopeo_inspects IMAGE [FILES]
skopeo_inspects() {
  skopeo --registries-conf "$nodes/${2:-podman}/etc/containers/registries.conf.d/50-bundle-mirror.conf" inspect --raw \
    --cert-dir "$(certs_of_podman)" --authfile "$work/mirror-login/config.json" "docker://$1"
}

inspected_into() { skopeo_inspects "$1" >"$work/inspected"; }

skopeo_uses_the_files() {
  local names digest image
  read -ra names < <(three_names)
  digest=${names[1]#*@}
  # It takes no name with a tag and a digest.
  for image in "${names[@]:0:2}"; do
    through_the_mirror inspected_into "$image"
    cmp "$work/inspected" "$(blob_file "$fixtures" "$digest")"
  done
  fails_alone skopeo_inspects "$(address_of source)/only/source:1"
  falls_back skopeo_inspects "$(address_of source)/only/source:1" podman-open
}

podman_pulls() {
  CONTAINERS_REGISTRIES_CONF=$nodes/podman/etc/containers/registries.conf.d/50-bundle-mirror.conf \
    podman --root "$work/mirrored-podman/root" --runroot "$work/mirrored-podman/run" --tmpdir "$work/mirrored-podman/tmp" \
    --storage-driver vfs pull --cert-dir "$(certs_of_podman)" --authfile "$work/mirror-login/config.json" "$1"
}

podman_uses_the_files() {
  local image
  for image in $(three_names); do through_the_mirror podman_pulls "$image"; done
  fails_alone podman_pulls "$(address_of source)/only/source:1"
}

mirror_parts=("${base_parts[@]}" openssl)
check "a mirror behind TLS and a login is filled" mirror_starts "${mirror_parts[@]}"
check "the import ends with the command that makes the files" import_names_the_command "${mirror_parts[@]}"
check "mirror-config --check sees the login that a node lacks, and all with it" the_check_sees_what_a_node_sees "${mirror_parts[@]}"
check "mirror-config writes the files" files_are_written "${mirror_parts[@]}"
check "containerd of this machine pulls by tag, digest and both through hosts.toml, from a registry and from serve, and asks nobody else" \
  containerd_of_the_machine "${mirror_parts[@]}" containerd ctr
if [[ $(id -u) == 0 ]] && get_docker; then
  check "containerd of Debian $docker_suite does the same" containerd_1_7 "${mirror_parts[@]}" ctr
  check "containerd of Debian sid does the same" containerd_2 "${mirror_parts[@]}" ctr
fi
check "skopeo reads by tag and digest through registries.conf, and asks nobody else" skopeo_uses_the_files "${mirror_parts[@]}" skopeo
check "podman pulls by tag, digest and both through registries.conf, and asks nobody else" podman_uses_the_files "${mirror_parts[@]}" podman
