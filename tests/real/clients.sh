# The tools that read and write files of images beside ours: where they come from, and how they are run without touching
# what the machine's owner has. Sourced, never run; needs what lane.sh and registry.sh make.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

# shellcheck source=tests/real/docker.sh
source "$root/tests/real/docker.sh"

# The owner's home has what go downloaded; the lane's is empty.
get_tools() {
  if type -P go >/dev/null; then
    HOME=$owner_home "$root/bench/peers" oras regctl crane >/dev/null || echo "oras, regctl and crane could not be built"
  fi
  if [[ $(id -u) == 0 ]] && type -P apt-get dpkg-deb >/dev/null; then
    get_docker || echo "docker could not be unpacked: $(tail -n 1 "$work/docker-apt.log")"
  fi
  PATH=$root/target/peers/bin:$docker_root/usr/sbin:$PATH
}

podman_lane() {
  podman --root "$work/podman/root" --runroot "$work/podman/run" --tmpdir "$work/podman/tmp" --storage-driver vfs \
    --events-backend none --cgroup-manager cgroupfs "$@"
}
