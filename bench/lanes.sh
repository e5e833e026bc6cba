# The lanes: who runs, and what is cleared between runs. Sourced by bench/run, after inputs.sh.
# A lane is a function lane_NAME (with _ for -). Rivals run at their defaults; only what plain HTTP needs is said.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this
# shellcheck disable=SC2016 # commands are expanded where they run

# --- export

lane_export_1g() {
  seed_1g
  entrant bundle 'export --plain-http $SOURCE/bench/big:1 -o $OUT/bundle.tar'
  entrant regctl 'regctl --host reg=$SOURCE,tls=disabled image export $SOURCE/bench/big:1 $OUT/regctl.tar'
  entrant crane 'crane pull --format=oci $SOURCE/bench/big:1 $OUT/crane'
  entrant oras 'oras backup --plain-http --output $OUT/oras.tar $SOURCE/bench/big:1'
  contest export-1g clear_output "drop_output"
}

export_20_entrants() {
  entrant bundle 'export --plain-http $IMAGES -o $OUT/bundle.tar'
  entrant regctl 'for app in $apps; do regctl --host reg=$SOURCE,tls=disabled image export $SOURCE/bench/$app:1 $OUT/$app.tar; done'
  entrant crane 'crane pull --format=oci $IMAGES $OUT/crane'
  entrant oras 'for app in $apps; do oras backup --plain-http --output $OUT/$app.tar $SOURCE/bench/$app:1; done'
}

lane_export_20() {
  seed_20
  images_at "$SOURCE"
  export_20_entrants
  contest export-20 clear_output drop_output
}

lane_export_20_far() {
  seed_20
  SOURCE=$(far source)
  images_at "$SOURCE"
  export_20_entrants
  contest export-20-far clear_output drop_output
  SOURCE=$(address_of source)
}

# --- import

lane_import_1g() {
  inputs_1g
  entrant bundle 'import --plain-http $IN/bundle.tar --registry $TARGET'
  entrant oras 'oras restore --plain-http --input $IN/oras.tar $TARGET/bench/big:1'
  entrant regctl 'regctl --host reg=$TARGET,tls=disabled image import $TARGET/bench/big:1 $IN/regctl.tar'
  contest import-1g fresh_target big_arrived
  rm -rf "$IN"/*.tar "$work/registries/target/storage"
}

import_20_entrants() {
  entrant bundle 'import --plain-http $IN/20.tar --registry $TARGET'
  entrant oras 'for app in $apps; do oras restore --plain-http --input $IN/oras/$app.tar $TARGET/bench/$app:1; done'
  entrant regctl 'for app in $apps; do regctl --host reg=$TARGET,tls=disabled image import $TARGET/bench/$app:1 $IN/regctl/$app.tar; done'
}

lane_import_20() {
  inputs_20
  import_20_entrants
  contest import-20 fresh_target twenty_arrived
}

lane_import_20_far() {
  inputs_20
  import_20_entrants
  contest import-20-far fresh_far_target twenty_arrived
}

# With nothing left to send. oras and regctl share their repositories; ours lie under library/.
fill_target() {
  fresh_target
  local command
  import_20_entrants
  for command in "${commands[@]}"; do bash -euc "$command" >/dev/null 2>&1 </dev/null; done
  entrants=()
  commands=()
}

lane_second_import() {
  inputs_20
  fill_target
  import_20_entrants
  contest second-import nothing nothing
}

lane_second_import_far() {
  inputs_20
  fill_target
  TARGET=$(far target)
  import_20_entrants
  contest second-import-far nothing nothing
}

# --- over TLS, which all four negotiate with the same server. SSL_CERT_FILE is the one way that all four read.

lane_export_1g_tls() {
  seed_1g
  tls_source
  export SSL_CERT_FILE=$secrets/ca.pem
  entrant bundle 'export $SOURCE/bench/big:1 -o $OUT/bundle.tar'
  entrant regctl 'regctl image export $SOURCE/bench/big:1 $OUT/regctl.tar'
  entrant crane 'crane pull --format=oci $SOURCE/bench/big:1 $OUT/crane'
  entrant oras 'oras backup --output $OUT/oras.tar $SOURCE/bench/big:1'
  contest export-1g-tls clear_output drop_output
  unset SSL_CERT_FILE
  stop_registry tls-source
  SOURCE=$(address_of source)
}

lane_import_1g_tls() {
  inputs_1g
  make_certificates
  export SSL_CERT_FILE=$secrets/ca.pem
  entrant bundle 'import $IN/bundle.tar --registry $TARGET'
  entrant oras 'oras restore --input $IN/oras.tar $TARGET/bench/big:1'
  entrant regctl 'regctl image import $TARGET/bench/big:1 $IN/regctl.tar'
  contest import-1g-tls fresh_tls_target nothing
  unset SSL_CERT_FILE
  rm -rf "$IN"/*.tar "$work/registries/target/storage"
}

# --- to the file system the build is on, each followed until the data is there

lane_export_1g_disk() {
  seed_1g
  local memory=$OUT
  OUT=$root/target/bench-out
  entrant bundle 'export --plain-http $SOURCE/bench/big:1 -o $OUT/bundle.tar; sync -f $OUT'
  entrant regctl 'regctl --host reg=$SOURCE,tls=disabled image export $SOURCE/bench/big:1 $OUT/regctl.tar; sync -f $OUT'
  contest export-1g-disk clear_output drop_output
  OUT=$memory
}

# --- into volumes, against itself into one file: every layer goes into one of them whole

lane_export_1g_volumes() {
  seed_1g
  entrant bundle 'export --plain-http $SOURCE/bench/big:1 --volume-size 200MiB -o $OUT/bundle.tar'
  entrant one-file '$bundle export --plain-http $SOURCE/bench/big:1 -o $OUT/bundle.tar'
  export bundle
  contest export-1g-volumes clear_output drop_output
}

# --- packing, against a copy of the same bytes and a hash of the same blobs on as many cores

lane_pack_1g() {
  inputs_1g
  mkdir -p "$IN/blobs"
  tar -xf "$IN/regctl.tar" -C "$IN/blobs"
  entrant bundle 'pack $IN/bundle.tar -o $OUT/bundle.tar'
  entrant cp-and-sha256sum 'cp $IN/bundle.tar $OUT/copy.tar; find $IN/blobs -type f -size +1M -print0 | xargs -0 -n 1 -P $(nproc) sha256sum'
  contest pack-1g clear_output drop_output
  rm -rf "$IN/blobs" "$IN"/*.tar
}

# --- reading every byte back, against openssl over the same blobs on as many cores

lane_verify_1g() {
  inputs_1g
  mkdir -p "$IN/blobs"
  tar -xf "$IN/regctl.tar" -C "$IN/blobs"
  entrant bundle 'verify $IN/bundle.tar'
  entrant openssl 'find $IN/blobs -type f -size +1M -print0 | xargs -0 -n 1 -P $(nproc) openssl dgst -sha256'
  contest verify-1g nothing nothing
  rm -rf "$IN/blobs" "$IN"/*.tar
}
