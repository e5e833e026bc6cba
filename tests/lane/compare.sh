# Compares what two registries serve, with curl, cmp and sha256sum: nothing of ours has a say here.
# Sourced, never run; needs lane.sh and seed.sh.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

# header FILE NAME: the value of a response header.
header() { tr -d '\r' <"$1" | sed -n "s/^$2: //Ip" | tail -n 1; }

# get_manifest BASE REPO REFERENCE FILE: body to FILE, headers to FILE.headers.
get_manifest() {
  ask "${accept[@]}" --dump-header "$4.headers" --output "$4" "$1/v2/$2/manifests/$3"
}

# same_manifest SOURCE REPO TARGET TARGET-REPO REFERENCE DIGEST TYPE SCRATCH
# The same bytes and Content-Type on both sides, and the digest they were seeded with.
same_manifest() {
  local source=$1 repo=$2 target=$3 target_repo=$4 reference=$5 digest=$6 type=$7 scratch=$8 side
  get_manifest "$source" "$repo" "$reference" "$scratch/source"
  get_manifest "$target" "$target_repo" "$reference" "$scratch/target"
  cmp "$scratch/source" "$scratch/target" || fail "$repo $reference differs"
  for side in source target; do
    [[ $(digest_of "$scratch/$side") == "$digest" ]] || fail "$side $repo $reference is not $digest"
    [[ $(header "$scratch/$side.headers" Content-Type) == "$type" ]] ||
      fail "$side $repo $reference: Content-Type $(header "$scratch/$side.headers" Content-Type), not $type"
  done
  echo "manifest $repo $reference"
}

# blob_present TARGET REPO DIGEST SIZE SCRATCH: HEAD states the length, GET delivers the digest.
blob_present() {
  ask --head --output /dev/null --dump-header "$5/blob.headers" "$1/v2/$2/blobs/$3"
  [[ $(header "$5/blob.headers" Content-Length) == "$4" ]] || fail "blob $3 in $2 has another length"
  ask --output "$5/blob" "$1/v2/$2/blobs/$3"
  [[ $(digest_of "$5/blob") == "$3" ]] || fail "blob $3 in $2 has other bytes"
  echo "blob $2 $3"
}

# same_graph SOURCE REPO TARGET TARGET-REPO DIGEST TYPE SCRATCH: everything below a manifest, each under its own digest.
same_graph() {
  local source=$1 repo=$2 target=$3 target_repo=$4 digest=$5 type=$6 scratch=$7
  local child child_type size body=$7/${5#sha256:}
  same_manifest "$source" "$repo" "$target" "$target_repo" "$digest" "$digest" "$type" "$scratch"
  cp "$scratch/source" "$body"
  while read -r child child_type size; do
    if is_manifest_type "$child_type"; then
      same_graph "$source" "$repo" "$target" "$target_repo" "$child" "$child_type" "$scratch"
    else
      blob_present "$target" "$target_repo" "$child" "$size" "$scratch"
    fi
  done < <(children "$body")
  while read -r child child_type size; do
    blob_present "$target" "$target_repo" "$child" "$size" "$scratch"
  done < <(blobs_of "$body")
}

# same_images LAYOUT SOURCE TARGET [TYPES]: every named image of the layout, by tag and by digest, under `library/` at
# the target. With TYPES, a regular expression, only those whose manifest has such a type.
same_images() {
  local layout=$1 source=$2 target=$3 types=${4:-.} repo tag digest type scratch count=0
  scratch=$(mktemp -d "$work/compare.XXXXXX")
  while read -r repo tag digest type; do
    [[ $type =~ $types ]] || continue
    same_manifest "$source" "$repo" "$target" "library/$repo" "$tag" "$digest" "$type" "$scratch"
    same_graph "$source" "$repo" "$target" "library/$repo" "$digest" "$type" "$scratch"
    count=$((count + 1))
  done < <(named_images "$layout")
  rm -r "$scratch"
  # A comparison of nothing would pass too.
  [[ $count -gt 0 ]] || fail "no image was compared"
  echo "$count images are the same on both sides"
}
