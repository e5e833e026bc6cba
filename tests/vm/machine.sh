# The machine: a Debian kernel under qemu with nothing in it but busybox and the program, a drive, and a way to this
# machine's registries. Sourced, never run; needs lane.sh and registry.sh.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

# In software: /dev/kvm may be there and yet run nothing, and qemu does not notice. VM_ACCEL=kvm is quicker where it works.
accelerator=${VM_ACCEL:-tcg}

# fetch_kernel [FILE]: the package, as $work/kernel.deb; the one that linux-image-amd64 names, where no file is given.
fetch_kernel() {
  local name=""
  if [[ $# -gt 0 ]]; then
    cp "$1" "$work/kernel.deb"
    return 0
  fi
  for _ in once again; do
    name=$(apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
    [[ -z $name ]] || break
    # A machine whose lists were thrown away does not know.
    apt-get update --quiet </dev/null >>"$work/apt.log" 2>&1 || break
  done
  if [[ -n $name ]] && (cd "$work" && apt-get download --quiet "$name" </dev/null >>"$work/apt.log" 2>&1); then
    mv "$work"/linux-image-*.deb "$work/kernel.deb"
    return 0
  fi
  echo "Debian's kernel could not be had:"
  tail -n 3 "$work/apt.log" | sed 's/^/  /'
}

# take_modules VERSION: into the initramfs, in the order they are loaded, those it takes to see a drive and a network.
take_modules() {
  local module file to=$work/initramfs/modules
  mkdir -p "$to"
  : >"$to/list"
  depmod -b "$work/kernel" "$1"
  for module in virtio_pci virtio_blk virtio_net vfat exfat nls_cp437 nls_ascii nls_utf8; do
    # Lines of `insmod FILE`; of `builtin NAME` for what the kernel has in itself.
    while read -r _ file; do
      [[ -f $file ]] || continue
      grep -q -x "${file##*/}" "$to/list" && continue
      cp "$file" "$to/"
      echo "${file##*/}" >>"$to/list"
    done < <(modprobe -d "$work/kernel" -S "$1" --show-depends "$module" 2>/dev/null)
  done
}

# take_program FILE: into the initramfs under its own name, with its libraries where its loader looks for them.
take_program() {
  local library
  cp "$1" "$work/initramfs/bin/"
  # One that is linked statically has none, and ldd says so by its status.
  { ldd "$1" || true; } | { grep -o '/[^ ]*' || true; } | while read -r library; do
    mkdir -p "$work/initramfs$(dirname "$library")"
    cp -L "$library" "$work/initramfs$library"
  done
}

pack_machine() {
  local version
  [[ -s $work/kernel.deb ]] || fail "there is no kernel"
  dpkg-deb --extract "$work/kernel.deb" "$work/kernel"
  version=$(basename "$work"/kernel/boot/vmlinuz-*)
  version=${version#vmlinuz-}
  mkdir -p "$work"/initramfs/{bin,proc,sys,dev,mnt,tmp}
  take_modules "$version"
  take_program "$(type -P busybox)"
  cp "$bundle" "$work/bundle"
  take_program "$work/bundle"
  install -m 755 "$here/init" "$work/initramfs/init"
  (cd "$work/initramfs" && find . | cpio --quiet -o -H newc | gzip -1) >"$work/initrd"
  mv "$work/kernel/boot/vmlinuz-$version" "$work/vmlinuz"
  rm -r "$work/kernel" "$work/initramfs"
  echo "note: kernel $version, $accelerator"
}

# new_drive TYPE: $work/drive, empty.
new_drive() {
  rm -f "$work/drive"
  truncate -s 6G "$work/drive"
  case $1 in
    vfat) mkfs.vfat -F 32 "$work/drive" >/dev/null ;;
    exfat) mkfs.exfat "$work/drive" >/dev/null ;;
  esac
}

# inside NAME: the address of a registry as the machine sees it.
inside() { address_of "$1" | sed 's/.*:/10.0.2.2:/'; }

# boot TYPE JOB REFERENCE: starts the machine with $work/drive; what it says goes to $work/console.
boot() {
  : >"$work/console"
  qemu-system-x86_64 -accel "$accelerator" -cpu max -m 512 -smp 2 -nodefaults -no-reboot -display none \
    -kernel "$work/vmlinuz" -initrd "$work/initrd" -append "console=ttyS0 quiet panic=-1 kind=$1 job=$2 reference=$3" \
    -serial "file:$work/console" -drive "file=$work/drive,format=raw,if=virtio" \
    -netdev user,id=net -device virtio-net-pci,netdev=net >"$work/qemu.log" 2>&1 </dev/null &
  machine=$!
  echo "$machine" >"$work/machine.pid"
}

# pull_the_plug: the machine ends at once, if it still runs.
pull_the_plug() {
  if [[ -f $work/machine.pid ]]; then kill -9 "$(<"$work/machine.pid")" 2>/dev/null || true; fi
  rm -f "$work/machine.pid"
}

# said NAME: the last value that the machine gave this name.
said() { tr -d '\r' <"$work/console" | sed -n "s/^$1: //p" | tail -n 1; }

# await SECONDS COMMAND…: until the command succeeds or the machine ends.
await() {
  local turns=$(($1 * 5)) turn
  shift
  for ((turn = 0; turn < turns; turn++)); do
    if "$@" || is_over; then return 0; fi
    sleep 0.2
  done
  sed 's/^/| /' "$work/console" "$work/qemu.log"
  fail "waited too long for: $*"
}

is_over() { ! is_running "$machine"; }
has_written() { [[ $(said partial) -ge $1 ]] 2>/dev/null; }

# run_to_its_end TYPE JOB REFERENCE
run_to_its_end() {
  boot "$@"
  await 400 is_over
  rm "$work/machine.pid"
  sed 's/^/| /' "$work/console" "$work/qemu.log"
  [[ $(said finished) == yes ]] || fail "the machine ended early: job $2"
}
