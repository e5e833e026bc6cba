# A registry that is killed and started again three times during one import, with everything at its defaults.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

stored() { du -s --block-size=1M "$work/registries/target/storage" 2>/dev/null | cut -f 1; }

registry_dies_three_times() {
  local importer turn wanted deaths=0 began
  start_product target "$product" secret=no
  in_time import --plain-http -vv --limit-rate 24M "$work/quarter.tar" --registry "$(address_of target)" >"$work/import.log" 2>&1 &
  importer=$!
  began=$SECONDS
  for wanted in 40 100 160; do
    for ((turn = 0; turn < 1200; turn++)); do
      [[ $(stored) -lt $wanted ]] || break
      is_running "$importer" || break
      sleep 0.05
    done
    is_running "$importer" || break
    kill_product target
    deaths=$((deaths + 1))
    sleep 1
    start_again target
  done
  wait "$importer" || { status=$?; tail -n 30 "$work/import.log"; fail "exit $status after $deaths deaths"; }
  [[ $deaths == 3 ]] || fail "it was over after $deaths deaths"
  echo "note: $((SECONDS - began)) s"
  has_arrived quarter target
}

need_big_images
for product in "${products[@]}"; do
  check "$product is killed and started again three times during an import, which ends well" \
    registry_dies_three_times "${base_parts[@]}" "$(program_of "$product")"
done
