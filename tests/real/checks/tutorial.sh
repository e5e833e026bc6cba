# The commands of docs/tutorial.md, in their order, as they stand there: every `sh` block of the page in one shell each. Only
# the places are exchanged: the registry's address, the drive, and containerd's folder. The sources are told by variables, as
# a site would that has a mirror.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

trip=$work/tutorial

# sh_blocks PAGE: writes its blocks below $trip, in their order.
sh_blocks() {
  awk -v into="$trip/block" '
    /^```/ { if (open) { close(file); open = 0 } else if ($0 == "```sh") { open = 1; file = sprintf("%s-%02d.sh", into, ++count) }; next }
    open { print > file }' "$1"
}

both_sides_are_there() {
  make_certificates
  mkdir -p "$trip/home/trip" "$trip/drive" "$trip/bin"
  ln -s "$bundle" "$trip/bin/bundle"
  echo "importer:${password_line#lane:}" >"$trip/htpasswd"
  start_registry tutorial cert="$secrets/leaf.pem" key="$secrets/leaf.key" htpasswd="$trip/htpasswd"
  push_seeded_manifest "http://$(address_of source)" prometheus/node-exporter v1.8.2 amd64 "$work/seeding" one:1000 two:70000
  # What the reader has by then: asked for, and carried.
  cp "$secrets/ca.pem" "$trip/home/trip/ca.crt"
  install -m 600 /dev/null "$trip/home/trip/password.txt"
  printf '%s' "$password" >"$trip/home/trip/password.txt"
}

# run_block FILE: with the places exchanged, and in this shell, so that a `cd` and an `export` hold for what follows, as they
# do for the reader.
run_block() {
  sed -i -e "s|172\.18\.0\.20|$(address_of tutorial)|g" -e "s|/media/drive|$trip/drive|g" \
    -e "s|/etc/containerd|$trip/etc/containerd|g" -e "s|nodes$trip|nodes|g" "$1"
  echo "== $(basename "$1")"
  cat "$1"
  # shellcheck source=/dev/null
  source "$1"
}

# What is for the node alone; all others are for the two sides.
for_the_node() { grep -q '^ctr ' "$1"; }

commands_run_as_written() {
  local block count=0
  sh_blocks "$root/docs/tutorial.md"
  cd "$trip/home" || return
  export HOME=$trip/home PATH=$trip/bin:$PATH
  # Read at the source alone, and by no command of the other side.
  BUNDLE_SOURCE=gcr.io=$(address_of source),quay.io=$(address_of source)
  export BUNDLE_SOURCE
  for block in "$trip"/block-*.sh; do
    ! for_the_node "$block" || continue
    run_block "$block"
    count=$((count + 1))
  done
  [[ $count -ge 15 ]] || fail "only $count blocks were found"
  echo "note: $count blocks of commands"
}

node_pulls_as_written() {
  local block count=0
  start_containerd tutorial containerd "$trip/containerd"
  # shellcheck disable=SC2064 # which one is known now
  trap "stop_process $(<"$trip/containerd/pid")" EXIT
  export CONTAINERD_ADDRESS=$sockets/tutorial.sock CONTAINERD_NAMESPACE=tutorial CONTAINERD_SNAPSHOTTER=native
  # A file names the certificate by the place that it has on a node; here that is below ours.
  sed -i "s|\"/etc/containerd/|\"$trip/etc/containerd/|" "$trip"/etc/containerd/certs.d/*/hosts.toml
  cd "$trip/home/trip" || return
  for block in "$trip"/block-*.sh; do
    for_the_node "$block" || continue
    # Unpacking mounts. In a sandbox that forbids it, all that is asked of the registry was fetched by then.
    if ! (run_block "$block") >"$trip/pull.log" 2>&1; then
      cat "$trip/pull.log"
      grep -q -i 'operation not permitted' "$trip/pull.log" || fail "the pull failed"
      echo "note: mounts are not permitted here: fetched, not unpacked"
    fi
    count=$((count + 1))
  done
  [[ $count == 1 ]] || fail "$count blocks were for the node"
  grep -q 'GET /v2/platform/google-containers/pause/blobs/' "$(access_log tutorial)" || fail "no layer was asked for"
}

registry_has_both_images_as_they_were() {
  local digest repo
  for repo in google-containers/pause prometheus/node-exporter; do
    digest=$(curl_options=() && ask "${accept[@]}" "http://$(address_of source)/v2/$repo/manifests/$(tag_of "$repo")" | sha256sum)
    [[ $digest == "$(at_the_target "$repo" | sha256sum)" ]] || fail "$repo is another at the target"
  done
  jq -e '.exitStatus == 0' "$trip/home/trip/import.json"
  [[ $(find "$trip/etc/containerd/certs.d" -name hosts.toml | wc -l) == 2 ]] || fail "not two hosts"
}

tag_of() { case $1 in */pause) echo latest ;; *) echo v1.8.2 ;; esac; }

at_the_target() {
  curl_options=(--cacert "$secrets/ca.pem" --user "importer:$password")
  ask "${accept[@]}" "https://$(address_of tutorial)/v2/platform/$1/manifests/$(tag_of "$1")"
}

tutorial_parts=("${base_parts[@]}" openssl)
check "both sides of the tutorial are there" both_sides_are_there "${tutorial_parts[@]}"
check "the commands of the tutorial run in their order, as they are written" commands_run_as_written "${tutorial_parts[@]}"
check "both images are at the registry of the site, byte for byte" registry_has_both_images_as_they_were "${tutorial_parts[@]}"
check "the node pulls from there, with the last command" node_pulls_as_written "${tutorial_parts[@]}" containerd ctr
