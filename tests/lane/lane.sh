# The frame of every lane: the place it works in, what of the machine's owner it leaves aside, its checks one by one, and
# its end. Sourced by tests/real/run, tests/interop/run and tests/vm/run; bench/run has its place and its environment from
# here too. Sourcing it starts nothing. Needs $root, parts.sh for the parts of a check, and registry.sh for its end.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

# What a lane may set: commands that run after every check and at the end, to stop what was started, and patterns below
# $work of what is too large to be kept for a look.
after_each_check=:
stop_everything=stop_all_registries
noise=()

passed=0
failed=0
skipped=0
left_out=()
summed_up=no

# --- the program and the place

# find_program: $bundle, which the lane is about. Without it there is nothing to say.
find_program() {
  bundle=$(realpath --canonicalize-missing "${BUNDLE_BINARY:-${CARGO_TARGET_DIR:-$root/target}/release/bundle}")
  if [[ ! -x $bundle ]]; then
    echo "no program at $bundle; cargo build --release makes one" >&2
    exit 2
  fi
}

# open_workplace NAME GIB: makes $work, which has room for so much: in memory if there is plenty, else beside the build.
open_workplace() {
  local name=$1 gib=$2 place=$root/target
  # There in any case: what has to be on a drive goes there.
  mkdir -p "$place"
  if [[ -w /dev/shm && $(df --output=avail -k /dev/shm | tail -n 1) -gt $((gib * 1048576)) ]] &&
    [[ $(sed -n 's/^MemAvailable: *\([0-9]*\) kB/\1/p' /proc/meminfo) -gt $(((gib + 2) * 1048576)) ]]; then
    place=/dev/shm
  fi
  work=$(mktemp -d "$place/bundle-$name.XXXXXX")
  mkdir -p "$work/home" "$work/logs" "$work/tmp"
}

# at_the_end FUNCTION: runs when the shell ends, by itself or by a signal.
at_the_end() {
  # shellcheck disable=SC2064 # which function is known now
  trap "$1" EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

end_lane() {
  local status=$? pattern
  [[ $summed_up == yes ]] || echo "the lane stopped before its end (exit $status)"
  "$stop_everything"
  if [[ $status == 0 ]]; then
    rm -rf "$work"
  else
    # Gigabytes of noise teach nothing, and may lie in memory.
    # shellcheck disable=SC2086 # these are patterns
    for pattern in "${noise[@]}"; do rm -rf "${work:?}"/$pattern; done
    echo "kept for a look: $work"
  fi
}

# What this machine's owner has set up must not decide: no proxy for loopback, no logins, no defaults of ours, none of
# docker-registry's settings.
forget_the_owner() {
  local name
  for name in $(compgen -e); do
    case $name in
      *_proxy | *_PROXY | BUNDLE_* | TARGETHOST | TARGETNAMESPACE | AUTHCRED | SSL_CERT_* | DOCKER_CONFIG | REGISTRY_* | XDG_*)
        unset "$name"
        ;;
    esac
  done
  owner_home=$HOME
  export HOME=$work/home TMPDIR=$work/tmp LC_ALL=C NO_COLOR=1
}

# --- checks

# fail WORDS…: the reason why a check fails. It ends by the status, which `set -e` sees.
fail() {
  echo "$*" >&2
  return 1
}

# refused STATUS COMMAND…: it must end with that status.
refused() {
  local wanted=$1 status=0
  shift
  "$@" || status=$?
  [[ $status == "$wanted" ]] || fail "exit $status, not $wanted"
}

# check SENTENCE FUNCTION [PART…]: runs one check on its own; without one of its parts it is left out, and counted so.
# Lines that it begins with `note: ` are shown.
check() {
  local sentence=$1 body=$2 part log status began=$SECONDS
  shift 2
  for part in "$@"; do
    if ! has_part "$part"; then
      skipped=$((skipped + 1))
      left_out+=("$sentence (no $part)")
      echo "left out  $sentence (no $part)"
      return 0
    fi
  done
  log=$work/logs/$((passed + failed))-$body.log
  # `set -e` holds in the subshell only as long as nothing asks for its status in the same breath.
  set +e
  (
    set -euo pipefail
    "$body"
  ) >"$log" 2>&1 </dev/null
  status=$?
  set -e
  "$after_each_check"
  if [[ $status == 0 ]]; then
    passed=$((passed + 1))
    echo "ok    $sentence ($((SECONDS - began)) s)"
    sed -n 's/^note: /      /p' "$log"
  else
    failed=$((failed + 1))
    echo "FAIL  $sentence ($((SECONDS - began)) s)"
    sed -n 's/^note: /      /p' "$log"
    tail -n 30 "$log" | cut -c 1-400 | sed 's/^/      | /'
  fi
}

required_part_is_here() { has_part "$required" || fail "$required is missing"; }

# must_have PART…: in CI a part that is missing is a failure, and not only something left out.
must_have() {
  local required
  [[ -n ${CI:-} ]] || return 0
  for required in "$@"; do
    has_part "$required" || check "$required is here, as it must be in CI" required_part_is_here
  done
}

# sum_up: the last lines. False if a check failed.
sum_up() {
  if [[ ${#missing_parts[@]} -gt 0 ]]; then
    echo
    echo "could not have: ${missing_parts[*]}"
  fi
  if [[ ${#left_out[@]} -gt 0 ]]; then
    echo "therefore not checked:"
    printf '  %s\n' "${left_out[@]}"
  fi
  echo
  summed_up=yes
  if [[ $skipped == 0 ]]; then
    echo "$passed passed, $failed failed, $SECONDS s"
  else
    echo "$passed passed, $failed failed, $skipped skipped, $SECONDS s"
  fi
  [[ $failed == 0 ]]
}
