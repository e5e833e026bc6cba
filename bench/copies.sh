# The lanes of copies, from registry to registry: with nothing in between, and with a long line on both sides.
# Sourced by bench/run, after lanes.sh. Rivals copy one image a time, with all its platforms; skopeo has to be told to keep
# the digest of an index.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this
# shellcheck disable=SC2016 # commands are expanded where they run

# copy_entrants IMAGES: who copies the large image (1) or the twenty (20).
copy_entrants() {
  local images=$1 each='for app in $apps; do'
  [[ $images == 20 ]] || each='for app in big; do'
  entrant bundle "copy --src-plain-http --plain-http $([[ $images == 20 ]] && echo '$IMAGES' || echo '$SOURCE/bench/big:1') --registry \$TARGET"
  entrant crane "$each"' crane copy $SOURCE/bench/$app:1 $TARGET/bench/$app:1; done'
  entrant oras "$each"' oras cp -r --from-plain-http --to-plain-http $SOURCE/bench/$app:1 $TARGET/bench/$app:1; done'
  entrant regctl "$each"' regctl --host reg=$SOURCE,tls=disabled --host reg=$TARGET,tls=disabled image copy $SOURCE/bench/$app:1 $TARGET/bench/$app:1; done'
  entrant skopeo "$each"' skopeo copy --all --preserve-digests --src-tls-verify=false --dest-tls-verify=false docker://$SOURCE/bench/$app:1 docker://$TARGET/bench/$app:1; done'
}

lane_copy_1g() {
  seed_1g
  copy_entrants 1
  contest copy-1g fresh_target big_arrived
}

lane_copy_20() {
  seed_20
  images_at "$SOURCE"
  copy_entrants 20
  contest copy-20 fresh_target twenty_arrived
}

lane_copy_20_far() {
  seed_20
  SOURCE=$(far source)
  images_at "$SOURCE"
  copy_entrants 20
  contest copy-20-far fresh_far_target twenty_arrived
  SOURCE=$(address_of source)
}
