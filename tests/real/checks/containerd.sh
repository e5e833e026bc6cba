# A containerd of its own (root, state, socket): it takes the bundle as a file, and pulls through the target registry
# as a node would whose hosts.toml names it as the mirror of gcr.io.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

ctr_lane() { ctr --address "$sockets/containerd.sock" --namespace "$@"; }

containerd_starts() { start_containerd containerd containerd "$work/containerd"; }

# same_content NAMESPACE LAYOUT DIGEST TYPE: what containerd holds below a manifest, byte for byte.
same_content() {
  local namespace=$1 layout=$2 digest=$3 type=$4 child child_type rest
  ctr_lane "$namespace" content get "$digest" | cmp - "$(blob_file "$layout" "$digest")"
  is_manifest_type "$type" || return 0
  while read -r child child_type rest; do
    same_content "$namespace" "$layout" "$child" "$child_type"
  done < <(children "$(blob_file "$layout" "$digest")"; blobs_of "$(blob_file "$layout" "$digest")")
}

containerd_imports_all() {
  local repo tag digest type count=0
  # An artifact has no file system: containerd 1.6 stops at the first thing it cannot unpack.
  ctr_lane file images import --all-platforms --no-unpack "$fixture_bundle"
  ctr_lane file images ls
  while read -r repo tag digest type; do
    ctr_lane file images ls "name==$(address_of source)/$repo:$tag" | grep -q -F " $digest " || fail "$repo:$tag is not $digest"
    same_content file "$fixtures" "$digest" "$type"
    count=$((count + 1))
  done < <(named_images "$fixtures")
  [[ $count -gt 0 ]] || fail "no image was imported"
  echo "note: $count images, every manifest and blob compared"
}

containerd_imports_what_has_referrers() {
  local digest type
  read -r _ _ digest type < <(named_images "$fixtures" | grep '^org/web 2 ')
  ctr_lane referrers images import --all-platforms --no-unpack "$work/signed/web.tar"
  ctr_lane referrers images ls | tee "$work/containerd-images"
  grep -q -F "$(address_of source)/signed/web:2 " "$work/containerd-images" || fail "the image is not there"
  [[ $(tail -n +2 "$work/containerd-images" | wc -l) == 1 ]] || fail "something else became an image"
  same_content referrers "$fixtures" "$digest" "$type"
}

# The image a workload pins, as its source is called in the manifests of the cluster.
pinned_image() {
  named_images "$fixtures" | while read -r repo tag digest _; do
    if [[ $repo:$tag == google-containers/pause:latest ]]; then echo "gcr.io/$repo:$tag@$digest"; fi
  done
}

containerd_pulls_through_the_mirror() {
  local image digest before after
  image=$(pinned_image)
  [[ -n $image ]] || fail "the fixtures have no google-containers/pause:latest"
  digest=${image#*@}
  mkdir -p "$work/hosts/gcr.io"
  # Port 9 stands for the way out that a node without a network does not have.
  cat >"$work/hosts/gcr.io/hosts.toml" <<TOML
server = "http://127.0.0.1:9"
[host."http://$(address_of target)/v2/library"]
  capabilities = ["pull", "resolve"]
  override_path = true
TOML
  before=$(wc -l <"$(access_log target)")
  if ctr_lane node images pull --snapshotter native --hosts-dir "$work/hosts" "$image" >"$work/pull.log" 2>&1; then
    ctr_lane node images ls "name==$image" | grep -F " $digest " || fail "pulled, but not as $digest"
    # The native snapshotter keeps the unpacked tree as plain files.
    [[ -n $(find "$work/containerd/root/io.containerd.snapshotter.v1.native" -type f -path '*/snapshots/*' -print -quit) ]] ||
      fail "nothing was unpacked"
  elif grep -q -i 'operation not permitted' "$work/pull.log"; then
    # Unpacking mounts; a sandbox that forbids it still lets containerd resolve and fetch.
    ctr_lane node content fetch --hosts-dir "$work/hosts" "$image"
    echo "note: mounts are not permitted here: fetched and resolved, not unpacked"
  else
    cat "$work/pull.log"
    fail "the pull failed"
  fi
  after=$(wc -l <"$(access_log target)")
  [[ $after -gt $before ]] || fail "the target registry was not asked"
  ctr_lane node content get "$digest" | cmp - "$(blob_file "$fixtures" "$digest")"
}

containerd_parts=("${base_parts[@]}" containerd ctr)
check "a containerd of its own starts" containerd_starts "${containerd_parts[@]}"
check "ctr images import takes every image of the bundle, digests kept" containerd_imports_all "${containerd_parts[@]}"
# Only after the checks of referrers, which write that bundle.
if [[ -e $work/signed/web.tar ]]; then
  check "ctr images import takes the image alone from a bundle with referrers" containerd_imports_what_has_referrers \
    "${containerd_parts[@]}"
fi
check "containerd pulls gcr.io/google-containers/pause by digest through the target as its mirror" \
  containerd_pulls_through_the_mirror "${containerd_parts[@]}"
