# Puts images into a registry with curl alone: from an OCI layout directory, or made up from a seed.
# Sourced, never run. $1 is always the registry's base URL; $curl_options holds what TLS or a login needs.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

curl_options=()

# Every manifest type we know: without them docker-registry converts or hides what it has.
accept=(
  -H 'Accept: application/vnd.oci.image.index.v1+json'
  -H 'Accept: application/vnd.oci.image.manifest.v1+json'
  -H 'Accept: application/vnd.docker.distribution.manifest.list.v2+json'
  -H 'Accept: application/vnd.docker.distribution.manifest.v2+json'
)

ask() { curl --silent --show-error --fail --max-time 300 "${curl_options[@]}" "$@"; }

blob_file() { echo "$1/blobs/${2/://}"; }
digest_of() { sha256sum "$1" | sed 's/ .*//; s/^/sha256:/'; }
size_of() { stat -c %s "$1"; }

# push_blob BASE REPO FILE DIGEST
push_blob() {
  local base=$1 repo=$2 file=$3 digest=$4 location
  if curl --silent --fail --head --output /dev/null "${curl_options[@]}" "$base/v2/$repo/blobs/$digest"; then
    return 0
  fi
  location=$(ask --output /dev/null --dump-header - --data '' "$base/v2/$repo/blobs/uploads/" |
    tr -d '\r' | sed -n 's/^[Ll]ocation: //p')
  if [[ $location == *\?* ]]; then location+="&digest=$digest"; else location+="?digest=$digest"; fi
  ask --output /dev/null --upload-file "$file" -H 'Content-Type: application/octet-stream' "$location"
}

# push_manifest BASE REPO TAG-OR-DIGEST FILE TYPE
push_manifest() {
  ask --output /dev/null --upload-file "$4" -H "Content-Type: $5" "$1/v2/$2/manifests/$3"
}

# True for the types whose content names other content.
is_manifest_type() {
  case $1 in
    application/vnd.oci.image.index.v1+json | application/vnd.oci.image.manifest.v1+json) ;;
    application/vnd.docker.distribution.manifest.list.v2+json) ;;
    application/vnd.docker.distribution.manifest.v2+json) ;;
    *) return 1 ;;
  esac
}

# children FILE: "digest type size" of what a manifest names under `manifests`; blobs_of FILE: of every blob.
children() { jq -r '.manifests // [] | .[] | "\(.digest) \(.mediaType) \(.size)"' "$1"; }
blobs_of() {
  jq -r '([.config] + (.layers // []) + (.blobs // [])) | .[] | select(. != null) | "\(.digest) \(.mediaType) \(.size)"' "$1"
}

# push_graph LAYOUT BASE REPO TAG-OR-DIGEST DIGEST TYPE: what a manifest names goes before it.
push_graph() {
  local layout=$1 base=$2 repo=$3 reference=$4 digest=$5 type=$6 file child child_type size
  file=$(blob_file "$layout" "$digest")
  while read -r child child_type size; do
    if is_manifest_type "$child_type"; then
      push_graph "$layout" "$base" "$repo" "$child" "$child" "$child_type"
    else
      push_blob "$base" "$repo" "$(blob_file "$layout" "$child")" "$child"
    fi
  done < <(children "$file")
  while read -r child child_type size; do
    push_blob "$base" "$repo" "$(blob_file "$layout" "$child")" "$child"
  done < <(blobs_of "$file")
  push_manifest "$base" "$repo" "$reference" "$file" "$type"
}

# named_images LAYOUT: "repository tag digest type" of each entry whose name has a tag, without the host.
named_images() {
  jq -r '.manifests[] | . as $entry
    | (.annotations // {})["org.opencontainers.image.ref.name"] // empty
    | capture("^[^/]+/(?<repo>[^@]+):(?<tag>[^:/@]+)$")
    | "\(.repo) \(.tag) \($entry.digest) \($entry.mediaType)"' "$1/index.json"
}

# references LAYOUT REGISTRY [TYPES]: one per named image of a layout, as they are called at that registry. With TYPES, a
# regular expression, only those whose manifest has such a type.
references() { named_images "$1" | grep "${3:-.}" | sed "s|\([^ ]*\) \([^ ]*\) .*|$2/\1:\2|"; }

# seed_layout LAYOUT BASE: every named image of an OCI layout directory.
seed_layout() {
  local repo tag digest type count=0
  while read -r repo tag digest type; do
    push_graph "$1" "$2" "$repo" "$tag" "$digest" "$type"
    count=$((count + 1))
  done < <(named_images "$1")
  # An empty registry would let many a check pass for nothing.
  if [[ $count == 0 ]]; then
    echo "no named image in $1" >&2
    return 1
  fi
}

# seeded_bytes SEED SIZE: the same bytes for the same seed on any machine, and no compressor finds anything in them.
seeded_bytes() {
  local key
  key=$(printf '%s' "$1" | sha256sum | cut -c 1-32)
  head -c "$2" /dev/zero | openssl enc -aes-128-ctr -K "$key" -iv 00000000000000000000000000000000
}

# push_seeded_manifest BASE REPO TAG-OR-EMPTY ARCH SCRATCH SEED:SIZE…
# One image manifest with a layer per SEED:SIZE. With no tag it goes by digest. Prints "digest size".
push_seeded_manifest() {
  local base=$1 repo=$2 tag=$3 arch=$4 scratch=$5 layer seed size digest layers="" diff_ids=""
  shift 5
  mkdir -p "$scratch"
  for layer in "$@"; do
    seed=${layer%:*} size=${layer##*:}
    seeded_bytes "$seed" "$size" >"$scratch/layer"
    digest=$(digest_of "$scratch/layer")
    push_blob "$base" "$repo" "$scratch/layer" "$digest"
    layers+=",{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"$digest\",\"size\":$size}"
    diff_ids+=",\"$digest\""
  done
  printf '{"architecture":"%s","os":"linux","config":{"Labels":{"repo":"%s"}},"rootfs":{"type":"layers","diff_ids":[%s]}}' \
    "$arch" "$repo" "${diff_ids#,}" >"$scratch/config"
  digest=$(digest_of "$scratch/config")
  push_blob "$base" "$repo" "$scratch/config" "$digest"
  printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"%s","size":%s},"layers":[%s]}' \
    "$digest" "$(size_of "$scratch/config")" "${layers#,}" >"$scratch/manifest"
  digest=$(digest_of "$scratch/manifest")
  push_manifest "$base" "$repo" "${tag:-$digest}" "$scratch/manifest" application/vnd.oci.image.manifest.v1+json
  size=$(size_of "$scratch/manifest")
  # Gone before the answer: who reads it may begin the next image at once.
  rm -r "$scratch"
  echo "$digest $size"
}
