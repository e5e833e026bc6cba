# Every call that writes the bundle failing once, and the program killed at every one of them: the path holds the old
# file or the whole new one, and the next run ends like one that nothing disturbed. The calls fail by strace.
# Its time is bounded: FAULT_CALLS sets how far into a run it goes (300, more than there are).
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

fault_calls=${FAULT_CALLS:-300}
# On a drive: in memory no room is set aside ahead.
faults=$(mktemp -d "$root/target/faults.XXXXXX")

# What a run in $faults/dir writes, and what it is to be like.
fault_file=$faults/dir/out.tar
fault_partial=$faults/dir/.out.tar.partial

# One job: then one thread makes all calls, and strace counts them for each thread by itself.
fault_export() { "$@" "$bundle" export --plain-http --retries 0 -j 1 --force --read-back "${fault_images[@]}" -o "$fault_file"; }

# fault_place STATE: the directory as it is before a run. An export is never begun on a clean slate alone: there is an old
# file, and in the state `other` also what an export of other images has left.
fault_place() {
  rm -rf "$faults/dir"
  mkdir "$faults/dir"
  echo "the old file" >"$fault_file"
  if [[ $1 == other ]]; then cp "$faults/other.tar" "$fault_partial"; fi
  if [[ $1 == half ]]; then head -c $(($(size_of "$faults/whole.tar") * 2 / 3)) "$faults/whole.tar" >"$fault_partial"; fi
}

# The path holds the old file or the whole new one.
is_old_or_new() { [[ $(<"$fault_file") == "the old file" ]] 2>/dev/null || cmp -s "$fault_file" "$faults/whole.tar"; }

faults_get_images() {
  local source
  start_registry faults
  source=http://$(address_of faults)
  push_seeded_manifest "$source" one/image 1 amd64 "$work/seeding" shared:400000 one:300000
  push_seeded_manifest "$source" two/image 1 amd64 "$work/seeding" shared:400000 two:350000 three:1
  mkdir -p "$faults/dir"
  fault_images=("$(address_of faults)/one/image:1")
  fault_export
  mv "$fault_file" "$faults/other.tar"
  fault_images=("$(address_of faults)/one/image:1" "$(address_of faults)/two/image:1")
  fault_export
  mv "$fault_file" "$faults/whole.tar"
}

# disturbed SYSCALL HOW N: a run whose Nth such call on the output is disturbed; false if there was no Nth.
disturbed() {
  local traced
  traced=(strace -f -o "$faults/trace" -e "trace=$1" -e "inject=$1:$2:when=$3")
  traced+=(-P "$faults/dir" -P "$fault_file" -P "$fault_partial" -P "$fault_partial.moving")
  fault_status=0
  fault_export "${traced[@]}" >"$faults/said" 2>&1 || fault_status=$?
  grep -q -e INJECTED -e 'killed by SIGKILL' "$faults/trace"
}

# sweep STATE SYSCALL HOW [STATUS]: N = 1, 2, 3 … until a run passes unharmed.
sweep() {
  local state=$1 syscall=$2 how=$3 wanted=${4:-1} n what
  for ((n = 1; n <= fault_calls; n++)); do
    fault_place "$state"
    what="$syscall $how, call $n, over $state"
    if ! disturbed "$syscall" "$how" "$n"; then
      [[ $fault_status == 0 ]] || fail "$what: exit $fault_status without a fault: $(<"$faults/said")"
      cmp "$fault_file" "$faults/whole.tar"
      return 0
    fi
    fault_runs=$((fault_runs + 1))
    [[ $fault_status == "$wanted" ]] || fail "$what: exit $fault_status, not $wanted: $(<"$faults/said")"
    is_old_or_new || fail "$what: neither the old nor the new file"
    [[ $wanted == 0 ]] || grep -q '^bundle: ' "$faults/said" || fail "$what: no word about it: $(<"$faults/said")"
    if [[ $wanted == 0 ]]; then cmp "$fault_file" "$faults/whole.tar"; fi
    fault_export >"$faults/said" 2>&1 || fail "$what: the next run fails: $(<"$faults/said")"
    cmp "$fault_file" "$faults/whole.tar"
    [[ $(ls -A "$faults/dir") == out.tar ]] || fail "$what: something is left: $(ls -A "$faults/dir")"
  done
  fail "$syscall: more than $fault_calls calls"
}

every_call_fails_once() {
  local state error call
  fault_runs=0
  fault_place nothing
  disturbed fallocate error=EIO 1 || fail "no room is set aside on the file system of $faults"
  for state in nothing half other; do
    for error in EIO ENOSPC EFBIG EDQUOT; do sweep "$state" pwrite64 "error=$error"; done
    for error in EIO ENOSPC; do sweep "$state" fallocate "error=$error"; done
    for error in EIO ENOSPC EDQUOT; do sweep "$state" fsync "error=$error"; done
    for error in EIO EMFILE; do
      sweep "$state" open "error=$error"
      sweep "$state" openat "error=$error"
    done
    # What needs a person: rights, and a drive that is not for writing.
    for call in open openat; do sweep "$state" "$call" error=EACCES 4; done
    for error in EIO ENOSPC; do sweep "$state" renameat2 "error=$error"; done
    sweep "$state" renameat2 error=EROFS 4
    for error in write fdatasync; do sweep "$state" "$error" error=EIO; done
    sweep "$state" ftruncate error=EIO
  done
  echo "note: $fault_runs runs with a fault, each followed by a clean one"
}

what_need_not_be_is_no_failure() {
  local state
  fault_runs=0
  for state in nothing half other; do
    # File systems that cannot set room aside, or do not know fsync.
    sweep "$state" fallocate error=EOPNOTSUPP 0
    sweep "$state" fsync error=EINVAL 0
    sweep "$state" fsync error=EOPNOTSUPP 0
  done
  fault_place nothing
  disturbed fsync error=EINVAL 1
  grep -q '^warning .*cannot confirm' "$faults/said" || fail "no warning: $(<"$faults/said")"
  grep -q 'read back)' "$faults/said" || fail "not read back: $(<"$faults/said")"
}

a_failed_sync_is_final() {
  local syncs
  fault_place nothing
  disturbed fsync error=EIO 1
  syncs=$(grep -c 'fsync(' "$faults/trace")
  [[ $syncs == 1 ]] || fail "$syncs calls of fsync"
  [[ ! -e $fault_partial ]] || fail "what cannot be believed is still there"
}

the_cache_is_dropped_after_the_sync() {
  local order
  fault_place nothing
  fault_export strace -f -o "$faults/trace" -e trace=fsync,fadvise64,open,openat,renameat2 -P "$faults/dir" -P "$fault_partial"
  order=$(sed -n 's/^[0-9]* *\([a-z0-9_]*\)(.*/\1/p' "$faults/trace" | tail -n 6 | tr '\n' ' ')
  cat "$faults/trace"
  # `open` is the look whether the directory is still the one at its path.
  [[ $order == "fsync fadvise64 openat open renameat2 fsync " ]] || fail "calls in another order: $order"
}

# Until the rename, two runs together ask for what was missing, and for what was in flight once more: with one job the
# blob that was being fetched, and the one that was being moved.
killed_at_every_call() {
  local state syscall n runs=0 asked most
  for state in nothing half other; do
    for syscall in pwrite64 fallocate fsync open openat renameat2 ftruncate unlinkat; do
      for ((n = 1; n <= fault_calls; n++)); do
        fault_place "$state"
        asked=$(grep -c 'GET /v2/.*/blobs/' "$(access_log faults)" || true)
        if ! disturbed "$syscall" signal=KILL "$n"; then break; fi
        runs=$((runs + 1))
        [[ $fault_status == 137 ]] || fail "$syscall $n over $state: exit $fault_status: $(<"$faults/said")"
        is_old_or_new || fail "killed at $syscall $n over $state: neither the old nor the new file"
        most=1000
        if ! cmp -s "$fault_file" "$faults/whole.tar"; then
          # Of six blobs, `other` has three, and `half` three and a part of one.
          case $state in nothing) most=7 ;; half) most=4 ;; other) most=5 ;; esac
        fi
        fault_export >"$faults/said" 2>&1 || fail "killed at $syscall $n over $state: $(<"$faults/said")"
        cmp "$fault_file" "$faults/whole.tar"
        [[ $(ls -A "$faults/dir") == out.tar ]] || fail "killed at $syscall $n over $state: left: $(ls -A "$faults/dir")"
        asked=$(($(grep -c 'GET /v2/.*/blobs/' "$(access_log faults)") - asked))
        [[ $asked -le $most ]] || fail "killed at $syscall $n over $state: $asked blobs asked for, not $most at most"
      done
    done
  done
  echo "note: $runs kills"
}

# Room is real here: a file system of one mebibyte in memory, and one that cannot be written.
full_and_read_only_drives() {
  local status=0 mount=$faults/small
  mkdir -p "$mount"
  mount -t tmpfs -o size=512k tmpfs "$mount"
  # shellcheck disable=SC2064 # the variable is gone when the shell ends
  trap "umount '$mount'" EXIT
  "$bundle" export --plain-http "${fault_images[@]}" -o "$mount/out.tar" >"$faults/said" 2>&1 || status=$?
  cat "$faults/said"
  [[ $status == 1 ]] || fail "exit $status on a drive that is too small"
  grep -q 'the bundle needs [0-9.]* MiB, [0-9.]* KiB are free' "$faults/said"
  [[ -z $(ls -A "$mount") ]] || fail "left on the full drive: $(ls -A "$mount")"
  # With room for the bundle and nothing else: what was fetched before counts as room.
  mount -o remount,size=1200k "$mount"
  head -c 900000 "$faults/whole.tar" >"$mount/.out.tar.partial"
  "$bundle" export --plain-http "${fault_images[@]}" -o "$mount/out.tar"
  cmp "$mount/out.tar" "$faults/whole.tar"
  rm "$mount/out.tar"
  mount -o remount,ro "$mount"
  status=0
  "$bundle" export --plain-http "${fault_images[@]}" -o "$mount/out.tar" >"$faults/said" 2>&1 || status=$?
  cat "$faults/said"
  [[ $status == 4 ]] || fail "exit $status on a drive that cannot be written"
  grep -q 'Read-only file system' "$faults/said"
}

# A bundle of three images, and a place for them.
read_get_images() {
  local source
  source=http://$(address_of faults)
  push_seeded_manifest "$source" three/image 1 amd64 "$work/seeding" long:3000000
  start_registry reads
  "$bundle" export --plain-http "${fault_images[@]}" "$(address_of faults)/three/image:1" -o "$faults/read.tar"
}

# read_fails N COMMAND…: the Nth read of the bundle by a thread fails; false if there was no Nth.
read_fails() {
  local n=$1
  shift
  fault_status=0
  strace -f -o "$faults/trace" -e trace=pread64,read -e "inject=pread64,read:error=EIO:when=$n" -P "$faults/read.tar" \
    "$bundle" "$@" >"$faults/said" 2>&1 || fault_status=$?
  grep -q INJECTED "$faults/trace"
}

# What fails is the drive: not the content, and not the registry.
place_is_named() {
  [[ $fault_status == 1 ]] || fail "$1: exit $fault_status: $(<"$faults/said")"
  grep -q -E "$faults/read.tar: read: byte [0-9]+: Input/output error" "$faults/said" ||
    fail "$1: the place is not named: $(<"$faults/said")"
}

verify_names_what_cannot_be_read() {
  local n options runs=0
  for options in "" --deep; do
    for ((n = 1; n <= fault_calls; n++)); do
      # shellcheck disable=SC2086 # none is no word
      read_fails "$n" verify $options -j 1 "$faults/read.tar" || break
      runs=$((runs + 1))
      place_is_named "verify $options, read $n"
    done
    [[ $fault_status == 0 ]] || fail "exit $fault_status without a fault: $(<"$faults/said")"
  done
  for ((n = 1; n <= fault_calls; n++)); do
    read_fails "$n" list "$faults/read.tar" || break
    runs=$((runs + 1))
    place_is_named "list, read $n"
  done
  echo "note: $runs runs with a read that fails"
}

# present NAMESPACE NAME: whether that image is there; docker-registry takes no manifest whose content it lacks.
present() {
  local target
  target=http://$(address_of reads)
  curl --silent --fail --output "$faults/there" "${accept[@]}" "$target/v2/$1/$2/image/manifests/1" || return 1
  get_manifest "http://$(address_of faults)" "$2/image" 1 "$faults/known"
  cmp "$faults/known" "$faults/there" || fail "$1/$2 is another image"
}

import_goes_on_without_what_cannot_be_read() {
  local n name runs=0 beside=0
  for ((n = 1; n <= fault_calls; n++)); do
    # A namespace each: nothing is there yet, and nothing can be mounted.
    read_fails "$n" import --plain-http -j 1 --retries 0 "$faults/read.tar" --registry "$(address_of reads)" --namespace "n$n" || break
    runs=$((runs + 1))
    place_is_named "import, read $n"
    for name in one two three; do
      if present "n$n" "$name"; then
        beside=$((beside + 1))
      elif grep -q '^pushed ' "$faults/said"; then
        grep -q "^failed .*$name/image" "$faults/said" || fail "read $n: $name is neither there nor said to have failed"
      fi
    done
  done
  [[ $fault_status == 0 ]] || fail "exit $fault_status without a fault: $(<"$faults/said")"
  [[ $beside -gt $((runs / 2)) ]] || fail "only $beside images arrived beside what failed, in $runs runs"
  # The drive may be better the next time.
  "$bundle" import --plain-http "$faults/read.tar" --registry "$(address_of reads)" --namespace n1
  mkdir -p "$faults/compare"
  for name in one two three; do
    present n1 "$name" || fail "$name is not there after a good run"
    same_graph "http://$(address_of faults)" "$name/image" "http://$(address_of reads)" "n1/$name/image" \
      "$(digest_of "$faults/known")" application/vnd.oci.image.manifest.v1+json "$faults/compare"
  done
  echo "note: $runs runs with a read that fails; $beside images arrived all the same"
  stop_registry reads
}

fault_parts=("${base_parts[@]}" openssl strace)
check "a registry is seeded for the faults" faults_get_images "${fault_parts[@]}"
if [[ -s $faults/whole.tar ]]; then
  fault_images=("$(address_of faults)/one/image:1" "$(address_of faults)/two/image:1")
  check "every call on the output failing once: exit 1 or 4, the old file or the whole new one" every_call_fails_once "${fault_parts[@]}"
  check "a file system without fallocate or fsync: a warning, and the same bundle" what_need_not_be_is_no_failure "${fault_parts[@]}"
  check "a failed fsync is not tried again, and what it leaves is not believed" a_failed_sync_is_final "${fault_parts[@]}"
  check "--read-back: the cache is dropped after the fsync, before the rename" the_cache_is_dropped_after_the_sync "${fault_parts[@]}"
  check "killed at every call on the output: the next run completes it" killed_at_every_call "${fault_parts[@]}"
  check "a bundle of three images is made" read_get_images "${fault_parts[@]}"
  check "a read of the bundle that fails: verify and list name the byte, exit 1" verify_names_what_cannot_be_read "${fault_parts[@]}"
  check "a read of the bundle that fails: import names the byte, exit 1, and brings the other images over" \
    import_goes_on_without_what_cannot_be_read "${fault_parts[@]}"
  if [[ $(id -u) == 0 ]]; then
    check "a full and a read-only drive" full_and_read_only_drives "${fault_parts[@]}"
  fi
fi
if [[ $failed == 0 ]]; then rm -rf "$faults"; fi
