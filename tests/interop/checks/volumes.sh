# A bundle in volumes, one of them with a layer that is cut: three importers bring them to one registry side by side, in
# random order, while somebody looks at every tag that appears; and three that see all of them share the work.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

volumes=$work/volumes
volume_images=(v1 v2 v3 v4 v5 v6 large)

volumes_are_made() {
  local base names=() name
  base=http://$(address_of source)
  for name in "${volume_images[@]}"; do
    case $name in
      large) push_seeded_manifest "$base" volumes/large 1 amd64 "$work/seeding" vbase:"$mib" "vlarge:$((12 * mib))" ;;
      *) push_seeded_manifest "$base" "volumes/$name" 1 amd64 "$work/seeding" vbase:"$mib" "$name-a:$((2 * mib))" "$name-b:$mib" ;;
    esac >/dev/null
    names+=("$(address_of source)/volumes/$name:1")
  done
  mkdir -p "$volumes"
  in_time export --plain-http --volume-size 8MiB "${names[@]}" -o "$volumes/images.tar"
  [[ $(find "$volumes" -type f | wc -l) -ge 4 ]] || fail "too few volumes"
  # The files with a part of the layer that is cut go together, the others one by one.
  tar -xOf "$(find "$volumes" -type f | head -n 1)" bundle.json |
    jq -r '.volume.count as $count | [.table[] | objects | .volumes[]] | unique | map("images-\(.)of\($count).tar") | join(" ")' \
      >"$work/cut-volumes"
  [[ -s $work/cut-volumes ]] || fail "no layer is cut"
}

# Every tag that appears has everything below it at that moment.
look_for_early_tags() {
  local target=$1 name seen=" " child rest
  while [[ ! -e $work/volumes-done ]]; do
    for name in "${volume_images[@]}"; do
      [[ $seen != *" $name "* ]] || continue
      curl --silent --fail --output "$work/early" "${accept[@]}" "$target/v2/library/volumes/$name/manifests/1" || continue
      while read -r child rest; do
        curl --silent --fail --head --output /dev/null "$target/v2/library/volumes/$name/blobs/$child" ||
          echo "$name is tagged and lacks $child" >>"$work/volumes-early"
      done < <(blobs_of "$work/early")
      seen+="$name "
    done
    sleep 0.02
  done
  echo "$seen" >"$work/volumes-seen"
}

# volumes_come HOW: by three at once, each with `own` files or with one of those that are `shared`.
volumes_come() {
  local target importers=() poller share one name again
  rm -f "$work"/volumes-{done,early,share-*}
  start_product target "$product"
  start_line line target 0 0 0
  target=http://$(address_of target)
  look_for_early_tags "$target" &
  poller=$!
  if [[ $1 == own ]]; then
    {
      for one in $(<"$work/cut-volumes"); do printf '%s ' "$volumes/$one"; done
      echo
      for one in "$volumes"/*; do grep -q -w -F "$(basename "$one")" "$work/cut-volumes" || echo "$one"; done
    } | shuf >"$work/volumes-order"
  else
    seq "$(find "$volumes" -type f | wc -l)" | shuf >"$work/volumes-order"
  fi
  split -n r/3 "$work/volumes-order" "$work/volumes-share-"
  for share in "$work"/volumes-share-*; do
    volumes_one_by_one "$1" "$share" >"$share.log" 2>&1 &
    importers+=($!)
  done
  for one in "${importers[@]}"; do wait "$one" || { cat "$work"/volumes-share-*.log; fail "an importer failed"; }; done
  touch "$work/volumes-done"
  wait "$poller"
  stop_registry line
  [[ ! -e $work/volumes-early ]] || fail "$(<"$work/volumes-early")"
  mkdir -p "$work/compare"
  for name in "${volume_images[@]}"; do
    get_manifest "http://$(address_of source)" "volumes/$name" 1 "$work/compare/here"
    same_graph "http://$(address_of source)" "volumes/$name" "$target" "library/volumes/$name" \
      "$(digest_of "$work/compare/here")" application/vnd.oci.image.manifest.v1+json "$work/compare"
    get_manifest "$target" "library/volumes/$name" 1 "$work/compare/there"
    cmp "$work/compare/here" "$work/compare/there"
  done
  rm -r "$work/compare"
  again=$(again "$(counted line up)" "$(cat "$volumes"/* | wc -c)")
  echo "note: $again % sent again"
  at_most "$again" 5
}

# Whoever was last has found everything there; the others end with 1.
volumes_one_by_one() {
  local line status
  while read -r line; do
    status=0
    # shellcheck disable=SC2086 # several files in a line
    case $1 in
      own) in_time import --plain-http $line --registry "$(address_of line)" || status=$? ;;
      shared) in_time import --plain-http "$volumes"/* --volume "$line" --registry "$(address_of line)" || status=$? ;;
    esac
    [[ $status == 0 || $status == 1 ]] || return "$status"
  done <"$2"
}

volumes_come_one_by_one() { volumes_come own; }
volumes_are_shared_out() { volumes_come shared; }

check "a bundle is made in volumes, with a layer that is cut" volumes_are_made "${base_parts[@]}"
for product in distribution-2 distribution-3; do
  needed=("${base_parts[@]}" "$(program_of "$product")")
  check "$product gets all of them from three importers side by side, next to nothing twice, and no tag early" \
    volumes_come_one_by_one "${needed[@]}"
  check "$product does so from three that see all volumes and bring one at a time" volumes_are_shared_out "${needed[@]}"
done
rm -rf "$volumes"
