# Times entrants against each other and makes a table of it. Sourced by bench/run.
# Wall time is that of the whole process, started from nothing; CPU and peak memory come from GNU time.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

entrants=()
commands=()

# entrant NAME COMMAND: COMMAND is a line for bash, run as one process to be timed.
entrant() {
  if [[ $1 == bundle ]] && ! "$bundle" "${2%% *}" --help >/dev/null 2>&1; then
    echo "  bundle has no \`${2%% *}\` yet: only the others run" >&2
    return 0
  fi
  entrants+=("$1")
  if [[ $1 == bundle ]]; then commands+=("${bundle@Q} $2"); else commands+=("$2"); fi
}

# contest LANE BEFORE AFTER: every entrant once a round, each round beginning with another one.
# BEFORE and AFTER are functions (given the entrant's name) that run outside of the timed part.
contest() {
  local lane=$1 before=$2 after=$3 round turn at
  echo "$lane: ${entrants[*]}" >&2
  for ((round = 0; round < rounds; round++)); do
    for ((turn = 0; turn < ${#entrants[@]}; turn++)); do
      at=$(((round + turn) % ${#entrants[@]}))
      "$before" "${entrants[at]}"
      one_run "$lane" "${entrants[at]}" "$round" "${commands[at]}"
      "$after" "${entrants[at]}"
    done
  done
  entrants=()
  commands=()
  print_table "$lane" | tee -a "$results/table.md"
}

one_run() {
  local lane=$1 name=$2 round=$3 command=$4 began ended seconds status=0
  began=$EPOCHREALTIME
  "$gnu_time" -f '%U %S %M' -o "$work/time" bash -euc "$command" >"$work/output" 2>&1 </dev/null || status=$?
  ended=$EPOCHREALTIME
  if [[ $status != 0 ]]; then
    echo "$lane: $name failed (exit $status):" >&2
    tail -n 15 "$work/output" >&2
    return 1
  fi
  seconds=$(awk -v a="$began" -v b="$ended" 'BEGIN { printf "%.4f", b - a }')
  echo "  $name $seconds s" >&2
  awk -v head="$lane,$name,$round,$seconds" '{ printf "%s,%.2f,%d\n", head, $1 + $2, $3 }' <(tail -n 1 "$work/time") >>"$results/runs.csv"
}

# column LANE NAME NUMBER: that column of an entrant's runs, sorted.
column() { awk -F, -v lane="$1" -v name="$2" -v at="$3" '$1 == lane && $2 == name { print $at }' "$results/runs.csv" | sort -n; }
middle() { awk '{ v[NR] = $1 } END { print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

print_table() {
  local lane=$1 name ours seconds
  ours=$(column "$lane" bundle 4 | middle)
  printf '\n### %s\n\n| | median s | fastest | slowest | CPU s | peak MiB | bundle ÷ this |\n|---|---|---|---|---|---|---|\n' "$lane"
  while read -r name; do
    seconds=$(column "$lane" "$name" 4 | middle)
    printf '| %s | %.3f | %.3f | %.3f | %.2f | %d | %s |\n' "$name" "$seconds" \
      "$(column "$lane" "$name" 4 | head -n 1)" "$(column "$lane" "$name" 4 | tail -n 1)" \
      "$(column "$lane" "$name" 5 | middle)" "$(($(column "$lane" "$name" 6 | tail -n 1) / 1024))" \
      "$(awk -v ours="$ours" -v it="$seconds" 'BEGIN { if (ours > 0) printf "%.2f", ours / it; else printf "–" }')"
  done < <(awk -F, -v lane="$lane" '$1 == lane { print $2 }' "$results/runs.csv" | sort -u)
}

describe_machine() {
  echo "date      $(date -u +%Y-%m-%dT%H:%M:%SZ)"
  echo "commit    $(git -C "$root" rev-parse --short HEAD) $([[ -z $(git -C "$root" status --porcelain --untracked-files=no) ]] || echo '(with changes)')"
  echo "cpu       $(nproc) × $(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1)"
  echo "memory    $(sed -n 's/^MemTotal: *//p' /proc/meminfo)"
  echo "kernel    $(uname -sr)"
  echo "files on  $(stat -f -c %T "$work")"
  echo "rounds    $rounds, alternating; flags at their defaults"
  echo "bundle    $("$bundle" --version 2>&1 | head -n 1)"
  echo "crane     $(crane version)"
  echo "oras      $(oras version | sed -n 's/^Version: *//p')"
  echo "skopeo    $(skopeo --version | sed 's/^skopeo version //')"
  echo "regctl    $(regctl version | sed -n 's/^VCSTag: *//p')"
  echo "registry  $(docker-registry --version)"
}
