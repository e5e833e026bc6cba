# What other tools write is read, what two tools would read differently is not, and reading costs little and opens
# nothing else.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

foreign=$work/foreign

# imported REPO REFERENCE DIGEST: the target holds that manifest there, byte for byte.
imported() {
  get_manifest "http://$(address_of target)" "$1" "$2" "$work/foreign-manifest"
  [[ $(digest_of "$work/foreign-manifest") == "$3" ]] || fail "$1:$2 is another manifest"
}

# One image, as `skopeo copy … oci-archive:FILE[:NAME]` writes it.
skopeo_archive() {
  skopeo --insecure-policy --tmpdir "$work" copy --all --preserve-digests --src-tls-verify=false \
    "docker://$(address_of source)/org/web:2" "oci-archive:$1"
}

reads_what_skopeo_writes() {
  local digest
  mkdir -p "$foreign"
  digest=$(named_images "$fixtures" | sed -n 's|^org/web 2 \([^ ]*\) .*|\1|p')
  skopeo_archive "$foreign/full.tar:quay.io/foreign/full:2"
  skopeo_archive "$foreign/tag.tar:v2"
  skopeo_archive "$foreign/bare.tar"
  "$bundle" verify --deep "$foreign"/*.tar
  "$bundle" list "$foreign"/*.tar
  "$bundle" import --plain-http "$foreign/full.tar" --registry "$(address_of target)"
  imported library/foreign/full 2 "$digest"
  refused 2 "$bundle" import --plain-http "$foreign/tag.tar" --registry "$(address_of target)"
  "$bundle" import --plain-http "$foreign/tag.tar" --name quay.io/foreign/tag --registry "$(address_of target)"
  imported library/foreign/tag v2 "$digest"
  "$bundle" import --plain-http "$foreign/bare.tar" --name quay.io/foreign/bare --registry "$(address_of target)"
  imported library/foreign/bare "$digest" "$digest"
}

reads_layouts_packed_by_tar() {
  local format
  for format in gnu pax ustar v7; do
    tar --format="$format" -C "$fixtures" -cf "$foreign/$format.tar" .
    tar --format="$format" -C "$fixtures" -czf "$foreign/$format.tgz" oci-layout index.json blobs
    "$bundle" verify "$foreign/$format.tar" "$foreign/$format.tgz"
    "$bundle" verify - <"$foreign/$format.tar"
    # shellcheck disable=SC2002 # a pipe is what it reads here
    cat "$foreign/$format.tgz" | "$bundle" verify -
  done
  "$bundle" verify --deep "$fixtures"
}

other_readers_see_the_same() {
  local format layouts=()
  for format in gnu pax ustar v7; do
    tar --format="$format" -C "$fixtures" -cf "$foreign/plain-$format.tar" oci-layout index.json blobs
    layouts+=("$foreign/plain-$format.tar")
  done
  python3 "$here/differential.py" "$bundle" "$foreign" "${layouts[@]}" | tee "$work/differential"
  echo "note: $(<"$work/differential")"
}

vast_bundle_is_listed_at_once() {
  local seconds kib at_least=1 try
  python3 "$here/vast.py" "$work/vast.tar"
  "$bundle" list "$work/vast.tar" >/dev/null
  # The best of five: what else the machine does is not ours.
  for try in 1 2 3 4 5; do
    read -r seconds kib < <(env time -f '%e %M' "$bundle" list "$work/vast.tar" 2>&1 >/dev/null | tail -n 1)
    at_least=$(jq -n "[$at_least, $seconds] | min")
  done
  rm "$work/vast.tar"
  echo "note: 100 GiB, 1000 images, 5000 blobs: $at_least s, $kib KiB"
  # How long is for bench/run to say, on a machine that does nothing else.
  jq -en "$kib <= 65536" || fail "too large"
}

# opened_files: of what strace wrote, each file that is opened, with its flags but for O_CLOEXEC.
opened_files() {
  sed -n 's/.*openat\{0,1\}[0-9]*(\(AT_FDCWD, \)\{0,1\}"\([^"]*\)", \(O_[A-Z_|]*\).*/\2 \3/; s/|O_CLOEXEC//; t shown; b; :shown p'
}

# opened COMMAND…: the files it opens, each with its flags.
opened() {
  strace -f -qq -e trace=open,openat,openat2,creat -o "$work/opened" "$@" >/dev/null 2>&1 || true
  opened_files <"$work/opened" | sort -u
}

nothing_else_is_opened() {
  local file command
  # A hostile one, cut within its blobs, and a good one.
  head -c 20000 "$fixture_bundle" >"$foreign/cut.tar"
  opened "$bundle" --version >"$work/opened-anyway"
  for file in "$foreign/cut.tar" "$fixture_bundle"; do
    for command in verify list; do
      opened "$bundle" "$command" "$file" >"$work/opened-now"
      grep -F "$file O_RDONLY" "$work/opened-now"
      # How many processors there are is asked of the system, and glibc asks how it may give memory back.
      if grep -v -F -x -f "$work/opened-anyway" "$work/opened-now" | grep -v -F "$file O_RDONLY" |
        grep -v -E '^/(proc/self/|proc/sys/vm/overcommit_memory |sys/fs/cgroup/)'; then
        fail "$command opens something else"
      fi
      if grep -E 'O_WRONLY|O_RDWR|O_CREAT|O_TRUNC' "$work/opened-now"; then fail "$command opens something for writing"; fi
    done
  done
}

# The tests leave here every file that they try on the debug program.
leave_refused_files() {
  mkdir -p "$foreign/refused"
  (cd "$root" && HOME=$owner_home BUNDLE_TEST_REFUSED=$foreign/refused TMPDIR=$work \
    cargo test --quiet --locked --test it -- reader_hostile reader_documents reader_spooled foreign_layouts)
}

every_hostile_file_is_refused_at_once() {
  local file command status seconds kib most_seconds=0 most_kib=0 count=0
  leave_refused_files
  strace -f -qq -e trace=open,openat,openat2,creat,socket -o "$work/opened" "$bundle" --version
  opened_files <"$work/opened" | sort -u >"$work/opened-anyway"
  for file in "$foreign"/refused/*.tar; do
    for command in verify list import; do
      status=0
      # shellcheck disable=SC2046 # no words but for an import
      env time -o "$work/cost" -f '%e %M' \
        strace -f -qq --seccomp-bpf -e trace=open,openat,openat2,creat,socket -o "$work/opened" \
        "$bundle" "$command" "$file" --tmpdir "$foreign" \
        $([[ $command != import ]] || echo --plain-http --registry 127.0.0.1:9) >"$work/said" 2>&1 || status=$?
      [[ $status == 3 ]] || fail "$command $file: exit $status: $(<"$work/said")"
      read -r seconds kib < <(tail -n 1 "$work/cost")
      most_seconds=$(jq -n "[$most_seconds, $seconds] | max")
      most_kib=$((kib > most_kib ? kib : most_kib))
      if grep 'socket(' "$work/opened"; then fail "$command $file: asks somebody"; fi
      # What is compressed is spooled into a file without a name. An import reads the credentials that it may need.
      if opened_files <"$work/opened" | grep -v -F -x -f "$work/opened-anyway" | grep -v -F -x "$file O_RDONLY" |
        grep -v -E '^/(proc/self/[^ ]*|proc/sys/vm/overcommit_memory|sys/fs/cgroup/[^ ]*) O_RDONLY$' | grep -v -F -x "$foreign O_RDWR|O_TMPFILE" |
        { if [[ $command == import ]]; then grep -v -E '/(auth\.json|config\.json|\.dockercfg) O_RDONLY\|O_NONBLOCK$'; else cat; fi; }; then
        fail "$command $file: opens something else"
      fi
      count=$((count + 1))
    done
  done
  echo "note: $count runs, the longest $most_seconds s under strace, the largest $((most_kib / 1024)) MiB"
  # Under half a second on a machine that does nothing else; what would go on for ever ends here.
  jq -en "$most_seconds < 10 and $most_kib < 65536" || fail "too slow or too large"
  [[ $count -gt 450 ]] || fail "only $count runs"
  rm -r "$foreign/refused"
}

reader_parts=("${base_parts[@]}" tar)
check "what skopeo writes is verified, listed and imported by its names" reads_what_skopeo_writes "${reader_parts[@]}" skopeo
check "layouts packed by tar, in each of its formats and compressed, are read" reads_layouts_packed_by_tar "${reader_parts[@]}"
check "whatever is taken for intact, Python and GNU tar read alike" other_readers_see_the_same "${reader_parts[@]}" python3
check "a bundle of 100 GiB is listed at once, within 64 MiB" vast_bundle_is_listed_at_once "${reader_parts[@]}" python3 time
check "verify and list open the bundle for reading, and nothing else" nothing_else_is_opened "${reader_parts[@]}" strace
check "every file made to fool a reader: exit 3 at once, within 64 MiB, and nothing else is opened" \
  every_hostile_file_is_refused_at_once "${reader_parts[@]}" strace time cargo
