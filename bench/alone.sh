# The lanes without a rival: what a bundle costs by itself, against bounds that are figures. Sourced by bench/run.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

# each TIMES COMMAND…: milliseconds that one run of the command takes, starting it included.
each() {
  local times=$1 turn began ended
  shift
  began=$EPOCHREALTIME
  for ((turn = 0; turn < times; turn++)); do "$@" >/dev/null 2>&1 </dev/null; done
  ended=$EPOCHREALTIME
  awk -v a="$began" -v b="$ended" -v n="$times" 'BEGIN { printf "%.2f", (b - a) * 1000 / n }'
}

# each_of_rounds TIMES COMMAND…: the same once a round; fastest, median, slowest.
each_of_rounds() {
  local round figures=()
  for ((round = 0; round < rounds; round++)); do figures+=("$(each "$@")"); done
  printf '%s\n' "${figures[@]}" | sort -n | awk '{ v[NR] = $1 } END { print v[1], v[int((NR + 1) / 2)], v[NR] }'
}

# alone_row LANE WHAT FASTEST MEDIAN SLOWEST
alone_row() {
  if ! grep -q '^### alone' "$results/table.md" 2>/dev/null; then
    printf '\n### alone\n\n| | median | fastest | slowest |\n|---|---|---|---|\n' | tee -a "$results/table.md"
  fi
  printf '| %s | %s | %s | %s |\n' "$1: $2" "$4" "$3" "$5" | tee -a "$results/table.md"
}

# --- starting, and opening what is vast

lane_start_up() {
  # shellcheck disable=SC2046 # three words
  alone_row start-up "bundle --version, ms" $(each_of_rounds 200 "$bundle" --version)
}

lane_list_100g() {
  python3 "$root/tests/real/vast.py" "$work/vast.tar"
  # shellcheck disable=SC2046 # three words
  alone_row list-100g "1 000 images, 5 000 blobs, ms" $(each_of_rounds 20 "$bundle" list "$work/vast.tar")
  rm "$work/vast.tar"
}

# --- what is written for a bundle: bytes handed to the kernel in all, by strace, for one of the bundle

lane_written() {
  seed_1g
  clear_output
  strace -f -qq -e trace=write,pwrite64,writev,pwritev -o "$work/trace" \
    "$bundle" export --plain-http "$SOURCE/bench/big:1" -o "$OUT/bundle.tar" >/dev/null 2>&1
  local written length
  written=$(awk '$NF ~ /^[0-9]+$/ { sum += $NF } END { printf "%d", sum }' "$work/trace")
  length=$(stat -c %s "$OUT/bundle.tar")
  drop_output
  rm "$work/trace"
  local ratio
  ratio=$(awk -v a="$written" -v b="$length" 'BEGIN { printf "%.5f", a / b }')
  alone_row written "bytes written ÷ length of the bundle, 1 GiB" "$ratio" "$ratio" "$ratio"
}

# --- memory: the peak for 16 GiB beside that for 1 GiB

# peak COMMAND…: KiB of memory that it had at most.
peak() {
  "$gnu_time" -f '%M' -o "$work/time" "$@" >"$work/output" 2>&1 </dev/null || { tail "$work/output" >&2; return 1; }
  tail -n 1 "$work/time"
}

# On a drive: neither 16 GiB of source nor of target fits into memory. The source's layers have holes.
lane_memory_16g() {
  local place=$root/target/bench-16g small large
  rm -rf "$place"
  mkdir -p "$place/source" "$place/out"
  seed_1g
  clear_output
  small=$(peak "$bundle" export --plain-http "$SOURCE/bench/big:1" -o "$OUT/bundle.tar")
  fresh_target
  small+=" $(peak "$bundle" import --plain-http "$OUT/bundle.tar" --registry "$TARGET")"
  small+=" $(peak "$bundle" verify "$OUT/bundle.tar")"
  drop_output
  stop_registry target
  python3 "$here/holes.py" "$place/source" bench/huge 16 1024
  start_registry huge root="$place/source"
  large=$(peak "$bundle" export --plain-http "$(address_of huge)/bench/huge:1" -o "$place/out/bundle.tar")
  stop_registry huge
  rm -rf "$place/source"
  start_registry huge-target root="$place/target"
  large+=" $(peak "$bundle" import --plain-http "$place/out/bundle.tar" --registry "$(address_of huge-target)")"
  stop_registry huge-target
  rm -rf "$place/target"
  large+=" $(peak "$bundle" verify "$place/out/bundle.tar")"
  rm -rf "$place"
  local verbs=(export import verify) at
  read -ra small <<<"$small"
  read -ra large <<<"$large"
  printf '\n### memory\n\n| | 1 GiB: peak KiB | 16 GiB: peak KiB |\n|---|---|---|\n' | tee -a "$results/table.md"
  for at in 0 1 2; do printf '| %s | %s | %s |\n' "${verbs[at]}" "${small[at]}" "${large[at]}"; done | tee -a "$results/table.md"
}
