# The commands of the README, in their order, as they stand there, and what they print, line for line. Only the registry's
# address is exchanged; the sources are told by a variable, as a site would that has a mirror.
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

readme=$work/readme

# command_of_the_readme WORDS…: what it prints has to be what stands below it there.
command_of_the_readme() {
  printf '$ %s\n' "$1"
  eval "$1" >"$readme/printed" 2>&1 || fail "it failed: $(<"$readme/printed")"
  # The page shows what a terminal does: there, these digests are shorter.
  sed -i 's/^\(resolved .* sha256:[0-9a-f]\{12\}\)[0-9a-f]\{52\}/\1…/' "$readme/printed"
  diff "$readme/expected" "$readme/printed"
}

# The console blocks of a page, without those that show a part of an output.
console_blocks() { awk '/^```console$/ { open = 1; block = ""; next } /^```$/ { if (open && block !~ /\n…/) print block; open = 0 } open { block = block $0 "\n" }' "$1"; }

readme_runs_as_written() {
  local line command="" count=0
  mkdir -p "$readme/bin"
  ln -sf "$bundle" "$readme/bin/bundle"
  start_registry readme
  console_blocks "$root/README.md" | sed "s|172\.18\.0\.20|$(address_of readme)|g" >"$readme/blocks"
  cd "$readme" || return
  # How far it is would be said on a slow machine.
  export PATH=$readme/bin:$PATH BUNDLE_NO_PROGRESS=1
  BUNDLE_SOURCE=gcr.io=$(address_of source),quay.io=$(address_of source)
  export BUNDLE_SOURCE
  while IFS= read -r line; do
    if [[ $line == '$ '* ]]; then
      [[ -z $command ]] || command_of_the_readme "$command"
      command=${line#\$ } count=$((count + 1))
      : >"$readme/expected"
    elif [[ -n $line ]]; then
      printf '%s\n' "$line" >>"$readme/expected"
    fi
  done <"$readme/blocks"
  command_of_the_readme "$command"
  [[ $count -ge 5 ]] || fail "only $count commands were found"
  echo "note: $count commands and what they print"
}

check "the commands of the README run in their order, and print what stands there" readme_runs_as_written "${base_parts[@]}" tar
