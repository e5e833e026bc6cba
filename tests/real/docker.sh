# A docker daemon of its own, as Debian 13 has it: unpacked beside the other tools, never installed. Its containerd too.
# Sourced, never run; needs registry.sh for stop_process.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

docker_suite=${LANE_DOCKER_SUITE:-trixie}
docker_root=$root/target/peers/docker-$docker_suite
docker_packages=(docker.io docker-cli containerd)

# debian_mirror: where this machine has Debian's packages from.
debian_mirror() {
  # shellcheck disable=SC2016 # apt's own placeholders
  apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' | sed -n 's/^Debian //p' | head -n 1
}

# get_docker: unpacks what is missing. apt keeps its lists in a place of their own, so that the machine's stay as they are.
get_docker() {
  local place=$docker_root.new package mirror
  [[ ! -x $docker_root/usr/bin/containerd ]] || return 0
  mirror=$(debian_mirror)
  if [[ -z $mirror ]]; then
    # A machine whose lists were thrown away does not know.
    apt-get update --quiet >"$work/docker-apt.log" 2>&1 </dev/null || return 1
    mirror=$(debian_mirror)
  fi
  rm -rf "$place"
  mkdir -p "$place"/apt/{state/lists/partial,cache/archives/partial,parts} "$place/packages"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $docker_suite main" >"$place/apt/sources.list"
  : >"$place/apt/state/status"
  cat >"$place/apt/apt.conf" <<APT
Dir::State "$place/apt/state";
Dir::State::status "$place/apt/state/status";
Dir::Cache "$place/apt/cache";
Dir::Etc::sourcelist "$place/apt/sources.list";
Dir::Etc::sourceparts "$place/apt/parts";
Dir::Etc::preferencesparts "$place/apt/parts";
Dir::Etc::preferences "/dev/null";
Acquire::Languages "none";
APT::Sandbox::User "root";
APT
  (
    export APT_CONFIG=$place/apt/apt.conf
    cd "$place/packages"
    apt-get update --quiet
    apt-get download --quiet "${docker_packages[@]}"
  ) >>"$work/docker-apt.log" 2>&1 </dev/null || return 1
  for package in "$place"/packages/*.deb; do dpkg-deb --extract "$package" "$place"; done
  rm -rf "$place/apt" "$place/packages"
  rm -rf "$docker_root"
  mv "$place" "$docker_root"
}

docker_lane() { "$docker_root/usr/bin/docker" --config "$work/docker/config" --host "unix://$sockets/docker.sock" "$@"; }

# start_docker STORE: a daemon without a network of its own; STORE is `containerd` or `classic`.
start_docker() {
  local place=$work/docker driver turn
  mkdir -p "$place/config"
  if [[ ! -f $place/containerd.pid ]]; then
    cat >"$place/containerd.toml" <<TOML
version = 2
root = "$place/containerd-root"
state = "$place/containerd-state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "$sockets/docker-containerd.sock"
[ttrpc]
  address = "$sockets/docker-containerd.ttrpc"
TOML
    "$docker_root/usr/bin/containerd" --config "$place/containerd.toml" >"$place/containerd.log" 2>&1 </dev/null &
    echo $! >"$place/containerd.pid"
  fi
  driver=vfs
  echo '{}' >"$place/daemon.json"
  if [[ $1 == containerd ]]; then
    driver=native
    echo '{"features": {"containerd-snapshotter": true}}' >"$place/daemon.json"
  fi
  PATH=$docker_root/usr/sbin:$docker_root/usr/bin:$PATH dockerd --config-file "$place/daemon.json" \
    --containerd "$sockets/docker-containerd.sock" --data-root "$place/$1" --exec-root "$place/exec" \
    --pidfile "$place/docker.pidfile" --host "unix://$sockets/docker.sock" --storage-driver "$driver" \
    --bridge none --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false \
    >"$place/$1.log" 2>&1 </dev/null &
  echo $! >"$place/docker.pid"
  for ((turn = 0; turn < 400; turn++)); do
    if docker_lane version >/dev/null 2>&1; then return 0; fi
    is_running "$(<"$place/docker.pid")" || break
    sleep 0.05
  done
  tail -n 5 "$place/$1.log" "$place/containerd.log"
  echo "docker does not answer"
  return 1
}

stop_docker() {
  if [[ -f $work/docker/docker.pid ]]; then stop_process "$(<"$work/docker/docker.pid")"; fi
  rm -f "$work/docker/docker.pid"
}

stop_docker_and_its_containerd() {
  stop_docker
  if [[ -f $work/docker/containerd.pid ]]; then stop_process "$(<"$work/docker/containerd.pid")"; fi
  rm -f "$work/docker/containerd.pid"
}
