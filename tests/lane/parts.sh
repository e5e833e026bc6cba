# The programs that a lane runs against: finds them on PATH, installs what is missing, says what stays missing.
# Sourced, never run; the caller sets $parts and $work.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

# command=Debian package
parts=()
missing_parts=()

# `time` is also a word of the shell: only the program counts. A containerd that may not mount is none,
# nor are those that build on it.
has_part() {
  [[ ! $1 =~ ^(containerd|dockerd|podman)$ || $(id -u) == 0 ]] || return 1
  type -P "$1" >/dev/null
}

find_missing_parts() {
  local part
  missing_parts=()
  for part in "${parts[@]}"; do
    has_part "${part%%=*}" || missing_parts+=("${part%%=*}")
  done
}

package_of() {
  local part
  for part in "${parts[@]}"; do
    if [[ ${part%%=*} == "$1" ]]; then echo "${part#*=}"; fi
  done
}

# Never removes a package to make room: somebody's docker is worth more than a check of ours.
install_package() {
  DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends --no-remove "$@" </dev/null
}

get_parts() {
  local part packages=()
  find_missing_parts
  [[ ${#missing_parts[@]} -gt 0 ]] || return 0
  echo "missing: ${missing_parts[*]}"
  if [[ $(id -u) != 0 ]] || ! type -P apt-get >/dev/null; then
    echo "not installed: that takes root and apt-get"
    return 0
  fi
  for part in "${missing_parts[@]}"; do packages+=("$(package_of "$part")"); done
  apt-get update --quiet </dev/null >"$work/apt.log" 2>&1 || echo "apt-get update failed"
  # All at once is quicker; one that cannot be had must not cost the others.
  if ! install_package "${packages[@]}" >>"$work/apt.log" 2>&1; then
    for part in "${packages[@]}"; do
      install_package "$part" >>"$work/apt.log" 2>&1 || echo "apt-get could not install $part"
    done
  fi
  [[ -z ${CI:-} ]] || tail -n 3 "$work/apt.log"
  hash -r
  find_missing_parts
}
