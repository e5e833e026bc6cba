# The manifests in deploy/: they are what the API takes, and their command lines do what docs/scale.md says, three at once.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

deploy=$work/deploy

# The API as it was when all that they use was there, and as it is now.
the_api_takes_the_manifests() {
  local version
  mkdir -p "$deploy"
  for version in 1.29.0 1.33.0 "$schemas_version"; do
    kubernetes-validate --strict --kubernetes-version "$version" "$root"/deploy/*.yaml
  done
  # It would say so, if they were not.
  sed 's/^  completions:/  completion:/' "$root/deploy/import-job.yaml" >"$deploy/wrong.yaml"
  refused 1 kubernetes-validate --strict "$deploy/wrong.yaml"
  # Trying again does not help with these, and the pages of the program say so.
  [[ $(grep -c 'values: \[2, 3, 4\]' "$root/deploy/import-job.yaml") == 1 ]] || fail "other statuses are final"
}

# in_container MANIFEST INDEX NAME=VALUE…: `bundle` is the program that the lane is about.
in_container() {
  local manifest=$1
  shift
  PATH=$deploy/commands:$PATH "$schemas/bin/python" "$here/container.py" "$root/deploy/$manifest" "$@"
}

# The pod with this index.
import_pod() {
  in_container import-job.yaml "$1" bundle="$deploy/volumes" credentials="$deploy/credentials" ca="$deploy/ca" \
    BUNDLE_REGISTRY="$(address_of deploy-target)/library" BUNDLE_EXPECT="$(<"$deploy/digest")" "${@:2}"
}

# As the Job does: started again after status 1, at most so often.
import_job_index() {
  local try status
  for ((try = 1; try <= 50; try++)); do
    status=0
    import_pod "$1" >>"$deploy/log-$1" 2>&1 || status=$?
    case $status in
      0) echo "note: index $1 was there after $try tries"; return 0 ;;
      1) sleep 0.2 ;;
      *) tail -n 3 "$deploy/log-$1" >&2; fail "index $1 ended with $status" ;;
    esac
  done
  fail "index $1 is not done"
}

# An image with a layer that has to be cut, and two small ones: three volumes, as the manifest says.
a_registry_with_a_login_waits_for_volumes() {
  local base name
  base=http://$(address_of source)
  make_certificates
  make_htpasswd
  push_seeded_manifest "$base" deploy/a 1 amd64 "$work/seeding" deploy-base:102400 deploy-a:1048576 >/dev/null
  push_seeded_manifest "$base" deploy/b 1 amd64 "$work/seeding" deploy-base:102400 deploy-b:614400 >/dev/null
  push_seeded_manifest "$base" deploy/large 1 amd64 "$work/seeding" deploy-base:102400 deploy-large:2621440 >/dev/null
  mkdir -p "$deploy"/{volumes,credentials,ca,commands,lists,out}
  ln -s "$bundle" "$deploy/commands/bundle"
  # The same storage, behind TLS.
  start_registry deploy-source root="$work/registries/source/storage" cert="$secrets/leaf.pem" key="$secrets/leaf.key"
  cp "$secrets/ca.pem" "$deploy/ca/ca.crt"
  for name in a b large; do echo "$(address_of deploy-source)/deploy/$name:1"; done >"$deploy/images.txt"
  "$bundle" export --ca-file "$secrets/ca.pem" --format json -f "$deploy/images.txt" --volume-size 2MiB -o "$deploy/volumes/images.tar" |
    jq -r .digest >"$deploy/digest"
  [[ $(find "$deploy/volumes" -type f | wc -l) == 3 ]] || fail "not three volumes: $(ls "$deploy/volumes")"
  start_registry deploy-target cert="$secrets/leaf.pem" key="$secrets/leaf.key" htpasswd="$secrets/htpasswd"
  docker_config "$deploy/credentials" "$(address_of deploy-target)"
}

three_pods_import_a_volume_each() {
  local pods=() pod index sent name
  for index in 0 1 2; do
    import_job_index "$index" &
    pods+=($!)
  done
  for pod in "${pods[@]}"; do wait "$pod"; done
  for name in a b large; do
    get_manifest "http://$(address_of source)" "deploy/$name" 1 "$deploy/here"
    curl_options=(--cacert "$secrets/ca.pem" --user "lane:$password")
    get_manifest "https://$(address_of deploy-target)" "library/deploy/$name" 1 "$deploy/there"
    curl_options=()
    cmp "$deploy/there" "$deploy/here"
  done
  sent=$(grep -o 'PUT /v2/[^ ]*/blobs/uploads/[^ ]*digest=[^ &]*[^ ]* HTTP/[0-9.]*" 201' "$(access_log deploy-target)" |
    sed 's/.*digest=\([^ &]*\).*/\1/' | sort)
  [[ $(wc -l <<<"$sent") == 7 && $(sort -u <<<"$sent" | wc -l) == 7 ]] || fail "not each of seven blobs once: $sent"
}

a_pod_that_cannot_succeed_ends_so() {
  # More completions than volumes.
  refused 2 import_pod 3
  # Another login than the registry knows.
  docker_config "$deploy/wrong" "$(address_of deploy-target)" not-it
  refused 4 import_pod 0 credentials="$deploy/wrong"
  # Another bundle than the one that was announced.
  refused 3 import_pod 0 BUNDLE_EXPECT="sha256:$(printf '%064d' 0)"
  # As it lies in deploy/, nothing filled in.
  refused 2 in_container import-job.yaml 0 bundle="$deploy/volumes" credentials="$deploy/credentials" ca="$deploy/ca"
}

three_pods_export_a_share_each() {
  local index pods=() pod
  # The line of the manifest.
  (cd "$deploy/lists" && eval "$(sed -n 's/^ *# \(split .*\)/\1/p' "$root/deploy/export-job.yaml" | sed 's|images.txt|../images.txt|')")
  for index in 0 1 2; do
    in_container export-job.yaml "$index" lists="$deploy/lists" out="$deploy/out" credentials="$deploy/credentials" \
      ca="$deploy/ca" >"$deploy/export-$index" 2>&1 &
    pods+=($!)
  done
  for pod in "${pods[@]}"; do wait "$pod" || { tail -n 5 "$deploy"/export-* >&2; fail "a share was not exported"; }; done
  "$bundle" pack "$deploy"/out/images-{0,1,2}.tar -o "$deploy/packed.tar"
  "$bundle" export --ca-file "$secrets/ca.pem" -f "$deploy/images.txt" -o "$deploy/whole.tar"
  cmp "$deploy/packed.tar" "$deploy/whole.tar"
}

deploy_parts=("${base_parts[@]}" python3 openssl kubernetes-validate)
check "the manifests in deploy/ are what the API takes, of three versions" the_api_takes_the_manifests "${deploy_parts[@]}"
check "a registry with TLS and a login waits for three volumes" a_registry_with_a_login_waits_for_volumes "${deploy_parts[@]}"
check "the command line of the import Job, three at once, brings all of it, each blob once" \
  three_pods_import_a_volume_each "${deploy_parts[@]}"
check "what trying again does not help ends with a status that the Job takes so" a_pod_that_cannot_succeed_ends_so "${deploy_parts[@]}"
check "the command line of the export Job, three at once, exports a share each, and packed they are the whole" \
  three_pods_export_a_share_each "${deploy_parts[@]}"
stop_registry deploy-source
stop_registry deploy-target
