# What a person sees: in a real terminal, whose window changes its size five times, every line of the result stays, and
# Ctrl-C leaves a clean line. The terminal is tmux, which rewraps what it holds, as most terminals do.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

screen_bundle=$work/screen.tar
screen_socket=$sockets/tmux

screen_tmux() { tmux -S "$screen_socket" -f /dev/null "$@"; }

# All that the terminal holds, the lines joined that it has wrapped.
screen_text() { screen_tmux capture-pane -p -J -S - -t screen; }

# screen_wait WHAT: until the terminal shows it; at most a minute.
screen_wait() {
  local turn
  for ((turn = 0; turn < 600; turn++)); do
    if screen_text | grep -q -e "$1"; then return 0; fi
    sleep 0.1
  done
  screen_text
  fail "the screen never showed: $1"
}

# screen_begin COMMAND…: in a new terminal of 80 columns. What it ends with is shown as `ended N`.
screen_begin() {
  local command
  printf -v command '%q ' "$@"
  screen_tmux new-session -d -s screen -x 80 -y 24 "$command; status=\$?; echo; echo ended \$status; sleep 600"
  screen_tmux set-option -g history-limit 50000 >/dev/null
}

screen_end() { screen_tmux kill-server 2>/dev/null || true; }

screen_images_are_there() {
  local source name
  start_registry screen-source
  start_registry screen-target
  source=http://$(address_of screen-source)
  screen_images=()
  for name in one two three; do
    push_seeded_manifest "$source" "team/$name" 1 amd64 "$work/seeding" "shared:400000" "$name:9000000" "$name-small:30000"
    screen_images+=("$(address_of screen-source)/team/$name:1")
  done
  printf '%s\n' "${screen_images[@]}" >"$work/screen-images"
}

# Narrower, wider, lower, higher, and as it was.
screen_resizes() {
  local size
  for size in 60x24 200x50 40x24 132x12 80x24; do
    screen_tmux resize-window -t screen -x "${size%x*}" -y "${size#*x}"
    sleep 1.2
  done
}

every_line_survives() {
  local images name digest text
  mapfile -t images <"$work/screen-images"
  screen_begin "$bundle" export -v --plain-http --limit-rate 3MB "${images[@]}" -o "$screen_bundle"
  screen_wait 'fetching '
  screen_resizes
  screen_wait '^ended 0'
  text=$(screen_text)
  screen_end
  echo "$text"
  for name in "${images[@]}"; do
    digest=$("$bundle" list --format json "$screen_bundle" | jq -r --arg name "$name" '.images[] | select(.name == $name).digest')
    [[ $(grep -c -F "resolved   $name  $digest" <<<"$text") == 1 ]] || fail "not once on the screen: $name"
  done
  while read -r digest; do
    [[ $(grep -c "^blob  *$digest" <<<"$text") == 1 ]] || fail "not once on the screen: $digest"
  done < <(tar -tf "$screen_bundle" | sed -n 's|^blobs/sha256/\([0-9a-f]\{64\}\)$|sha256:\1|p' | not_manifests)
  grep -q '^wrote  *' <<<"$text" || fail "no last line"
}

# Digests of blobs in the bundle that are neither index nor manifest.
not_manifests() {
  local digest
  while read -r digest; do
    tar -xOf "$screen_bundle" "blobs/sha256/${digest#sha256:}" | head -c 2000 | grep -q -a '"layers"' || echo "$digest"
  done
}

every_line_of_an_import_survives() {
  local text name
  screen_begin "$bundle" import --plain-http --limit-rate 3MB "$screen_bundle" --registry "$(address_of screen-target)"
  screen_wait 'sending '
  screen_resizes
  screen_wait '^ended 0'
  text=$(screen_text)
  screen_end
  echo "$text"
  for name in one two three; do
    [[ $(grep -c "^pushed  *$(address_of screen-target)/library/team/$name:1  sha256:[0-9a-f]\{64\}$" <<<"$text") == 1 ]] ||
      fail "not once on the screen: $name"
  done
  grep -q '^done  *3 images' <<<"$text" || fail "no last line"
}

a_line_fits_into_forty_columns() {
  local images
  mapfile -t images <"$work/screen-images"
  screen_begin "$bundle" export --plain-http --force --limit-rate 3MB "${images[@]}" -o "$screen_bundle"
  screen_wait 'fetching '
  screen_tmux resize-window -t screen -x 40 -y 24
  sleep 2
  # The last line is the one that moves, and it is one row.
  screen_tmux capture-pane -p -t screen | tee "$work/screen-forty"
  grep -q '^fetching .* left' "$work/screen-forty" || fail "no line with the time that is left"
  screen_wait '^ended 0'
  screen_end
}

ctrl_c_leaves_a_clean_line() {
  local images text
  mapfile -t images <"$work/screen-images"
  screen_begin "$bundle" export --plain-http --force --limit-rate 200KB "${images[@]}" -o "$screen_bundle"
  screen_wait 'fetching '
  sleep 1
  screen_tmux send-keys -t screen C-c
  screen_wait '^ended 130'
  text=$(screen_text)
  screen_end
  echo "$text"
  grep -q '^bundle: interrupted' <<<"$text" || fail "it does not say that it was interrupted"
  grep -q '^hint: run the same command again' <<<"$text" || fail "it does not say how to go on"
  if grep -q -e '^fetching' -e '^resolving' <<<"$text"; then fail "a line that is no longer true stays"; fi
}

screen_parts=("${base_parts[@]}" tmux)
check "three images are there to be carried" screen_images_are_there "${screen_parts[@]}"
check "an export in a window that is resized five times: every line stays" every_line_survives "${screen_parts[@]}"
check "an import in a window that is resized five times: every line stays" every_line_of_an_import_survives "${screen_parts[@]}"
check "the line that moves fits into forty columns" a_line_fits_into_forty_columns "${screen_parts[@]}"
check "Ctrl-C leaves a clean line, and says how to go on" ctrl_c_leaves_a_clean_line "${screen_parts[@]}"
screen_end
