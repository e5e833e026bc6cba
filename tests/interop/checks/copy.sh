# Copies straight from one registry into another: every product takes the fixtures byte for byte, on broken lines and
# after kills too, and within one registry nothing moves.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

# The fixtures that the product takes, in $images.
choose_images() { mapfile -t images < <(references "$fixtures" "$(address_of source)" "$(types_of "$product")"); }

# copied_into ADDRESS
copied_into() {
  local images
  choose_images
  in_time copy --src-plain-http --plain-http --format json "${images[@]}" --registry "$1" >"$work/report.json"
}

fixtures_are_copied() {
  start_product target "$product"
  start_line line target 0 0 0
  copied_into "$(address_of line)"
  [[ $(statuses "$work/report.json") == pushed ]] || fail "not all were pushed"
  stop_registry line
  [[ $(counted line changes) -gt 0 ]] || fail "the line saw no upload"
  same_images "$fixtures" "http://$(address_of source)" "http://$(address_of target)" "$(types_of "$product")"

  start_line line target 0 0 0
  copied_into "$(address_of line)"
  stop_registry line
  [[ $(statuses "$work/report.json") == present ]] || fail "not all were present: $(statuses "$work/report.json")"
  [[ $(counted line changes) == 0 ]] || fail "the second copy sent $(counted line changes) requests that change something"
}

# tagged_is_whole: what the target serves by a tag is the image of the source, and whole.
tagged_is_whole() {
  local repo tag digest type scratch
  scratch=$(mktemp -d "$work/compare.XXXXXX")
  while read -r repo tag digest type; do
    [[ $type =~ $(types_of "$product") ]] || continue
    curl --silent --fail --output /dev/null "${accept[@]}" "http://$(address_of target)/v2/library/$repo/manifests/$tag" || continue
    same_graph "http://$(address_of source)" "$repo" "http://$(address_of target)" "library/$repo" "$digest" "$type" "$scratch"
  done < <(named_images "$fixtures")
  rm -r "$scratch"
}

# Moments over the time that a whole copy takes, each in a registry that is empty: fifty, and where it is slow to make
# one anew, twelve.
moments_for() { if [[ $1 == distribution-3 ]]; then echo 50; else echo 12; fi; }

killed_at_many_moments() {
  local images moment moments began took copying killed=0
  moments=$(moments_for "$product")
  choose_images
  start_product target "$product"
  began=$EPOCHREALTIME
  copied_into "$(address_of target)"
  took=$(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }')
  for ((moment = 1; moment <= moments; moment++)); do
    stop_registry target
    # At another port, since somebody else may have taken this one.
    rm -rf "$work/registries/target"
    start_product target "$product"
    "$bundle" copy --src-plain-http --plain-http "${images[@]}" --registry "$(address_of target)" >/dev/null 2>&1 &
    copying=$!
    sleep "$(awk -v took="$took" -v at="$moment" -v of="$moments" 'BEGIN { print took * at / (of + 1) }')"
    if kill -9 "$copying" 2>/dev/null; then
      killed=$((killed + 1))
    else
      # The first copy, which says how long one takes, may be slower than those after it.
      took=$(awk -v took="$took" 'BEGIN { print took * 0.85 }')
    fi
    wait "$copying" 2>/dev/null || true
    tagged_is_whole >/dev/null
    copied_into "$(address_of target)"
    [[ $(statuses "$work/report.json") =~ ^(present|pushed|present pushed)$ ]] || fail "after a kill: $(statuses "$work/report.json")"
  done
  echo "note: $killed of $moments were killed, of copies that take $took s"
  [[ $killed -ge $((moments / 3)) ]] || fail "only $killed were killed in time"
  same_images "$fixtures" "http://$(address_of source)" "http://$(address_of target)" "$(types_of "$product")"
}

# Both lines break, and both are counted.
copy_over_bad_lines() {
  local size from to began=$SECONDS least=$((8 * mib)) most=$((64 * mib))
  size=$(size_of "$work/whole.tar")
  start_product target "$product"
  start_line from big-source "$seed" "$least" "$most"
  start_line to target "$((seed + 1))" "$least" "$most"
  in_time copy --src-plain-http --plain-http -vv --retry-delay 20 "$(address_of from)/lines/whole:1" \
    --registry "$(address_of to)" 2>"$work/copy.log" || { status=$?; tail -n 20 "$work/copy.log"; fail "exit $status"; }
  stop_registry from
  stop_registry to
  from=$(again "$(counted from down)" "$size")
  to=$(again "$(counted to up)" "$size")
  echo "note: fetched $from % again over $(counted from cuts) cuts, sent $to % again over $(counted to cuts), $((SECONDS - began)) s"
  has_arrived whole target
  # Where sessions are lost, most of it goes in chunks that are too short to be cut.
  [[ $(counted from cuts) -ge 8 && $(counted to cuts) -ge 2 ]] || fail "hardly a cut"
  at_most "$from" "$share_allowed"
  at_most "$to" "$share_allowed"
}

# 256 MiB from one repository into another of the same registry, by a line that counts.
nothing_moves_within() {
  start_product target "$product"
  in_time copy --src-plain-http --plain-http "$(address_of big-source)/lines/quarter:1" --registry "$(address_of target)"
  start_line line target 0 0 0
  in_time copy --src-plain-http --plain-http "$(address_of line)/library/lines/quarter:1" --registry "$(address_of line)/more"
  stop_registry line
  echo "note: $(counted line up) bytes up, $(counted line down) bytes down"
  [[ $(($(counted line up) + $(counted line down))) -lt $mib ]] || fail "content moved"
  mkdir -p "$work/compare"
  same_graph "http://$(address_of target)" library/lines/quarter "http://$(address_of target)" more/library/lines/quarter \
    "$(cut -d ' ' -f 1 "$work/quarter.root")" application/vnd.oci.image.manifest.v1+json "$work/compare"
  rm -r "$work/compare"
}

seed=${INTEROP_SEED:-1}
need_big_images
for product in distribution-2 distribution-3 olareg zot zot-1; do
  needed=("${base_parts[@]}" "$(program_of "$product")")
  check "a copy into $product serves every manifest and blob alike; a second one sends nothing" fixtures_are_copied "${needed[@]}"
  check "a copy into $product that is killed at $(moments_for "$product") moments ends well" killed_at_many_moments "${needed[@]}"
  share_allowed=35
  # These lose a session with its connection.
  case $product in zot | zot-1) share_allowed=100 ;; esac
  check "1 GiB, both lines reset after 8 to 64 MiB: a copy into $product moves at most $share_allowed % again" \
    copy_over_bad_lines "${needed[@]}"
done
for product in distribution-2 distribution-3 olareg; do
  check "a copy within $product moves no blob" nothing_moves_within "${base_parts[@]}" "$(program_of "$product")"
done
