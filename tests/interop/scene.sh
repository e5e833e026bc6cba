# What several files of checks build on: a source with the fixtures, and a line with a counter.
# Sourced, never run.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

products=(distribution-2 distribution-3 olareg zot zot-1)
base_parts=(docker-registry curl jq openssl python3)
fixture_bundle=$work/images.tar
# Those of OCI types alone.
oci_bundle=$work/oci.tar

# The program; one that stands still is a failure, and must not hold the lane up.
in_time() { timeout --kill-after=10 "${IN_TIME:-300}" "$bundle" "$@"; }

source_and_bundle() {
  local images
  start_registry source
  seed_layout "$fixtures" "http://$(address_of source)"
  mapfile -t images < <(references "$fixtures" "$(address_of source)")
  in_time export --plain-http "${images[@]}" -o "$fixture_bundle"
  mapfile -t images < <(references "$fixtures" "$(address_of source)" 'vnd\.oci\.')
  in_time export --plain-http "${images[@]}" -o "$oci_bundle"
  make_certificates
  make_token_key
  make_htpasswd
}

# bundle_for PRODUCT: of what it takes.
bundle_for() { if [[ $(types_of "$1") == . ]]; then echo "$fixture_bundle"; else echo "$oci_bundle"; fi; }

# Everything but the source ends with its check.
stop_scene() {
  local one
  for one in "$work"/registries/*/; do
    one=$(basename "$one")
    [[ $one == source || $one == big-source ]] && continue
    stop_registry "$one"
    rm -rf "$work/registries/$one"
  done
}

# statuses REPORT: what came of the images of an import.
statuses() { jq -r '[.images[].status] | unique | join(" ")' "$1"; }

# start_line NAME TARGET SEED LEAST MOST: cut.py before a registry; 0 0 0 only counts.
start_line() { start_helper "$1" "$here/cut.py" "$(address_of "$2")" "$work/registries/$1/count" "${@:3}"; }

# The counts of a line are complete once it has ended.
counted() { jq -r ".$2" "$work/registries/$1/count"; }

# again BYTES SIZE: the part of SIZE that was moved a second time, in percent.
again() { awk -v bytes="$1" -v size="$2" 'BEGIN { printf "%.1f", (bytes - size) * 100 / size }'; }
at_most() { awk -v it="$1" -v most="$2" 'BEGIN { exit !(it <= most) }' || fail "$1 % is more than $2 %"; }
