# A containerd of the lane's own: its root and its state lie below a folder of the lane, and no runtime is in it. Sourced,
# never run; needs registry.sh for processes, and $sockets, a short path for sockets.
# shellcheck shell=bash disable=SC2154 # variables are shared with what sources this

# start_containerd NAME PROGRAM PLACE: it listens at $sockets/NAME.sock, and PLACE/pid says which process it is.
start_containerd() {
  local name=$1 program=$2 place=$3 turn
  mkdir -p "$place"
  cat >"$place/config.toml" <<TOML
version = 2
root = "$place/root"
state = "$place/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime"]
[grpc]
  address = "$sockets/$name.sock"
[ttrpc]
  address = "$sockets/$name.ttrpc"
TOML
  "$program" --config "$place/config.toml" >"$place/log" 2>&1 </dev/null &
  echo $! >"$place/pid"
  for ((turn = 0; turn < 400; turn++)); do
    if ctr --address "$sockets/$name.sock" version >/dev/null 2>&1; then return 0; fi
    is_running "$(<"$place/pid")" || break
    sleep 0.05
  done
  tail -n 20 "$place/log"
  fail "containerd does not answer"
}
