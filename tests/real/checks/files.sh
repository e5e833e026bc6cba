# Files as they come back from nodes and tired people, each made here by the tool itself, and the layouts that other
# projects test themselves with: every one goes through list, verify and import, and ends as docs/interop.md says. The table
# there is written by these checks: WRITE_TABLE=1 tests/real/run files
# shellcheck shell=bash disable=SC2034,SC2154 # variables are shared with what sources this

# shellcheck source=tests/interop/build.sh
source "$root/tests/interop/build.sh"

files=$work/files
# Extended attributes need a file system that keeps them.
drive=$(mktemp -d "$root/target/bundle-files.XXXXXX")
mkdir -p "$files" "$HOME/.config/containers"
: >"$files/table"

files_registry_starts() { start_registry files; }

# row TOOL VERSION KIND LIST VERIFY IMPORT: one line of the table.
row() { printf '| %s | %s | %s | %s | %s | %s |\n' "$@" >>"$files/table"; }

# verdict FILE LIST VERIFY IMPORT [OPTION…]: the three exit statuses are these. The import goes to the registry $to.
verdict() {
  local file=$1 listed=$2 verified=$3 imported=$4
  shift 4
  refused "$listed" "$bundle" list "$file"
  refused "$verified" "$bundle" verify "$file"
  refused "$imported" "$bundle" import --plain-http --retries 0 --registry "$(address_of "${to:-files}")" "$@" "$file"
}

# stands REPO TAG DIGEST: that tag names that manifest at the registry, and everything below it is there.
stands() {
  local body=$files/stands child type size
  get_manifest "http://$(address_of files)" "$1" "$2" "$body"
  [[ $(digest_of "$body") == "$3" ]] || fail "$1:$2 is $(digest_of "$body"), not $3"
  while read -r child type size; do
    cp "$body" "$files/parent"
    stands "$1" "$child" "$child"
    cp "$files/parent" "$body"
  done < <(children "$body")
  while read -r child type size; do
    blob_present "http://$(address_of files)" "$1" "$child" "$size" "$files"
  done < <(blobs_of "$body")
}

# seeded REPO TAG: the digest it was seeded with.
seeded() { named_images "$fixtures" | sed -n "s|^$1 $2 \([^ ]*\) .*|\1|p"; }

# A layout of one image with a name, on the drive, every file with a binary attribute.
a_layout_on_the_drive() {
  local source
  source=$(address_of source)
  rm -rf "$drive/layout"
  "$bundle" export --plain-http "$source/org/web:2" -o "$drive/web.tar" --force
  mkdir "$drive/layout"
  tar -xf "$drive/web.tar" -C "$drive/layout"
  # What is left is a layout like that of any tool.
  rm "$drive/layout/bundle.json"
  find "$drive/layout" -type f | python3 -c 'import os, sys
for path in sys.stdin.read().splitlines():
    os.setxattr(path, "user.quarantine", b"0081;\x00\xff\n;Safari")'
}

archivers() {
  local tool
  a_layout_on_the_drive
  cd "$drive/layout" || return
  bsdtar --xattrs -cf "$files/bsdtar.tar" .
  tar --xattrs --xattrs-include='*' --format=posix -cf "$files/gnu.tar" .
  busybox tar -cf "$files/busybox.tar" .
  7z a -bso0 -ttar "$files/7z.tar" . >/dev/null
  # The attributes are really in there.
  for tool in bsdtar gnu; do
    grep -q -a "SCHILY.xattr.user.quarantine" "$files/$tool.tar" || fail "$tool wrote no attribute"
  done
  for tool in bsdtar gnu busybox 7z; do
    verdict "$files/$tool.tar" 0 0 0 --namespace "$tool"
    stands "$tool/org/web" 2 "$(seeded org/web 2)"
  done
  row "bsdtar --xattrs" "$(bsdtar --version | sed 's/^bsdtar \([^ ]*\).*/\1/')" "a layout, binary attributes in PAX" read read read
  row "GNU tar --xattrs" "$(tar --version | sed -n '1s/.* //p')" "a layout, binary attributes in PAX" read read read
  row "busybox tar" "$(busybox | sed -n '1s/BusyBox v\([^ ]*\).*/\1/p')" "a layout" read read read
  row "7z -ttar" "$(7z i | grep -m 1 '^7-Zip' | grep -o -E '[0-9]+[.][0-9]+' | head -n 1)" "a layout" read read read
}

other_shapes() {
  local blob said
  a_layout_on_the_drive
  cd "$drive/layout" || return
  # GNU tar writes a file that it meets twice as a hard link to itself.
  tar --format=gnu -cf "$files/twice.tar" oci-layout index.json blobs blobs/sha256
  # A sha512 blob and its sha256 twin would be a link too; here a store of links is packed as it lies.
  blob=$(find blobs/sha256 -type f | head -n 1)
  mkdir -p "$drive/store"
  cp "$blob" "$drive/store/blob"
  cp -r "$drive/layout" "$drive/soft"
  ln -sf "$drive/store/blob" "$drive/soft/$blob"
  tar -C "$drive/soft" -cf "$files/soft.tar" .
  verdict "$files/soft.tar" 3 3 3
  verdict "$drive/soft" 3 3 3
  tar -C "$drive/soft" --dereference --hard-dereference -cf "$files/firm.tar" .
  cp -rL "$drive/soft" "$drive/firm"
  verdict "$files/firm.tar" 0 0 0 --namespace firm
  verdict "$drive/firm" 0 0 0 --namespace firm
  stands firm/org/web 2 "$(seeded org/web 2)"
  tar -C "$drive" -cf "$files/folder.tar" layout
  verdict "$files/folder.tar" 3 3 3
  said=$("$bundle" list "$files/folder.tar" 2>&1) || true
  [[ $said == *"tar -C layout/ -cf"* ]] || fail "$said"
  tar -cf "$files/plain.tar" .
  zstd -q -f "$files/plain.tar" -o "$files/plain.tar.zst"
  xz -k -f "$files/plain.tar"
  verdict "$files/plain.tar.zst" 0 0 0 --namespace zstd
  stands zstd/org/web 2 "$(seeded org/web 2)"
  verdict "$files/plain.tar.xz" 2 2 2
  xz -dc "$files/plain.tar.xz" | "$bundle" import --plain-http --registry "$(address_of files)" --namespace xz -
  stands xz/org/web 2 "$(seeded org/web 2)"
  dd if="$drive/web.tar" of="$files/padded.tar" bs=4M conv=sync status=none
  verdict "$files/padded.tar" 3 3 3
  truncate -s "$(stat -c %s "$drive/web.tar")" "$files/padded.tar"
  verdict "$files/padded.tar" 0 0 0 --namespace cut
  row "tar" "$(tar --version | sed -n '1s/.* //p')" "symbolic links for blobs" refused refused refused
  row "tar --dereference, cp -rL" "$(tar --version | sed -n '1s/.* //p')" "the same with plain files" read read read
  row "tar" "$(tar --version | sed -n '1s/.* //p')" "a layout with its folder" refused refused refused
  row "zstd" "$(zstd --version | sed 's/.* v\([0-9.]*\).*/\1/')" "a layout" read read read
  row "xz" "$(xz --version | sed -n '1s/.* //p')" "a layout; its pipe is read" refused refused refused
  row "dd conv=sync" "$(dd --version | sed -n '1s/.* //p')" "a bundle, padded" refused refused refused
}

skopeos_files() {
  local source
  source=$(address_of source)
  skopeo --insecure-policy copy --quiet --all --preserve-digests --src-tls-verify=false "docker://$source/org/web:2" "oci-archive:$files/skopeo.tar:nginx:1.25"
  verdict "$files/skopeo.tar" 0 0 0 --namespace skopeo
  stands skopeo/library/nginx 1.25 "$(seeded org/web 2)"
  verdict "$files/skopeo.tar" 0 0 0 --namespace skopeo --name quay.io/team/web
  stands skopeo/team/web 1.25 "$(seeded org/web 2)"
  skopeo --insecure-policy copy --quiet --all --preserve-digests --src-tls-verify=false "docker://$source/org/web:2" "oci-archive:$files/skopeo-bare.tar"
  verdict "$files/skopeo-bare.tar" 0 0 2 --namespace skopeo
  verdict "$files/skopeo-bare.tar" 0 0 0 --namespace skopeo --name team/app:1.0
  stands skopeo/team/app 1.0 "$(seeded org/web 2)"
  skopeo --insecure-policy copy --quiet --all --preserve-digests --src-tls-verify=false "docker://$source/org/web:2" "dir:$files/skopeo-dir"
  tar -C "$files/skopeo-dir" -cf "$files/skopeo-dir.tar" .
  verdict "$files/skopeo-dir.tar" 3 3 3
  verdict "$files/skopeo-dir" 3 3 3
  local version
  version=$(skopeo --version | sed 's/.* //')
  row "skopeo oci-archive:FILE:nginx:1.25" "$version" "a name without a host" read read read
  row "skopeo oci-archive:FILE" "$version" "no name" read read "with --name REPO:TAG"
  row "skopeo dir:" "$version" "a directory of skopeo, packed or not" refused refused refused
}

buildahs_file() {
  local image buildah=(buildah --root "$files/buildah/root" --runroot "$files/buildah/run" --storage-driver vfs)
  echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$HOME/.config/containers/policy.json"
  image=$(address_of source)/org/web:2
  "${buildah[@]}" pull --quiet --tls-verify=false "$image"
  "${buildah[@]}" push --quiet "$image" "oci-archive:$files/buildah.tar:nginx:1.25"
  verdict "$files/buildah.tar" 0 0 0 --namespace buildah
  stands buildah/library/nginx 1.25 "$(tar -xOf "$files/buildah.tar" index.json | jq -r '.manifests[0].digest')"
  row "buildah push oci-archive:FILE:nginx:1.25" "$(buildah --version | sed 's/buildah version \([^ ]*\).*/\1/')" "a name without a host" read read read
}

# A node's file: the three names that CRI gives an image, and an index with the content of one platform.
ctrs_files() {
  local name config digest single
  if [[ ! -f $work/containerd/pid ]] || ! is_running "$(<"$work/containerd/pid")"; then containerd_starts; fi
  name=$(address_of source)/org/web:2
  digest=$(seeded org/web 2)
  ctr_lane k8s.io images import --all-platforms --no-unpack "$fixture_bundle"
  config=sha256:$(printf id | sha256sum | cut -c 1-64)
  ctr_lane k8s.io images tag "$name" "${name%:2}@$digest"
  ctr_lane k8s.io images tag "$name" "$config"
  ctr_lane k8s.io images export --all-platforms "$files/node.tar" "$name" "${name%:2}@$digest" "$config"
  verdict "$files/node.tar" 0 0 0 --namespace node
  stands node/org/web 2 "$digest"
  [[ $("$bundle" list --format json "$files/node.tar" | jq '.images | length') == 2 ]] || fail "not two names"
  single=$(address_of source)/google-containers/pause:latest
  ctr_lane k8s.io images export --platform linux/amd64 "$files/node-part.tar" "$name" "$single"
  row "ctr -n k8s.io images export" "$(ctr --version | sed 's/.* //')" "the three names of CRI" read read read
}

# The old script's dump, made with the tool that it used.
cranes_dump() {
  local source place list digest
  source=$(address_of source)
  place=$files/dump
  mkdir -p "$place"
  dump_of() {
    digest=$(crane digest --insecure "$source/$1")
    crane manifest --insecure "$source/$1" >"$place/${digest#sha256:}.json"
    echo "crane tag \$TARGETHOST/library/${1%:*}@$digest ${1#*:}" >>"$place/auto.sh"
    if jq -e .manifests "$place/${digest#sha256:}.json" >/dev/null; then
      for digest in $(jq -r '.manifests[].digest' "$place/${digest#sha256:}.json"); do
        crane manifest --insecure "$source/${1%:*}@$digest" >"$place/${digest#sha256:}.json"
        crane pull --insecure "$source/${1%:*}@$digest" "$place/${digest#sha256:}.tar"
      done
    else
      crane pull --insecure "$source/$1" "$place/${digest#sha256:}.tar"
    fi
  }
  for list in google-containers/pause:latest org/tool:2.0; do dump_of "$list"; done
  ls -l "$place"
  verdict "$place" 0 0 0 --namespace dump
  stands dump/google-containers/pause latest "$(seeded google-containers/pause latest)"
  stands dump/org/tool 2.0 "$(seeded org/tool 2.0)"
  verdict "$(find "$place" -name '*.tar' | head -n 1)" 3 3 3
  row "crane manifest, crane pull, auto.sh" "$(crane version)" "a dump of the old script" read read read
  row "crane pull" "$(crane version)" "a docker archive alone" refused refused refused
}

# What others test themselves with is not always what distribution 2.8 takes: crane's own registry takes it.
lenient_registry() {
  local place=$work/registries/lenient turn
  mkdir -p "$place"
  PORT=0 crane registry serve --address 127.0.0.1:0 >"$place/log" 2>&1 </dev/null &
  echo $! >"$place/pid"
  for ((turn = 0; turn < 400; turn++)); do
    sed -n 's/.*serving on \(http:..\)*\(127[.]0[.]0[.]1:[0-9]*\).*/\2/p; s/.*serving on port \([0-9]*\).*/127.0.0.1:\1/p' "$place/log" | head -n 1 >"$place/address"
    [[ ! -s $place/address ]] || return 0
    sleep 0.05
  done
  cat "$place/log"
  fail "crane's registry does not listen"
}

# module MODULE VERSION: where go keeps its sources.
module() { HOME=$owner_home timeout 120 go mod download -json "$1@$2" 2>/dev/null </dev/null | jq -r '.Dir // empty'; }

# layouts_and_tars DIR: every one below it.
layouts_and_tars() {
  (
    cd "$1" || return
    find . \( -name index.json -o -name oci-layout \) -printf '%h\n'
    find . -name '*.tar' -o -name '*.tgz' -o -name '*.tar.*'
  ) | sed 's|^[.]/||' | sort -u
}

# What each project tests itself with: PATH LIST VERIFY IMPORT, the import with a name for what has none.
fixtures_of_others() {
  local name module version place path listed verified imported count=0 to=lenient
  lenient_registry
  while read -r name module version; do
    place=$(module "$module" "$version")
    [[ -n $place ]] || fail "$module could not be had"
    diff <(layouts_and_tars "$place") <(sed -n "s|^$name \([^ ]*\) .*|\1|p" "$here/files-of-others" | sort) ||
      fail "not all of $name are in files-of-others"
    while read -r path listed verified imported; do
      verdict "$place/$path" "$listed" "$verified" "$imported" --name "peers.example/$name/$count" --namespace peers
      count=$((count + 1))
    done < <(sed -n "s|^$name ||p" "$here/files-of-others")
    row "$name" "$version" "its own layouts and tars" "see below" "see below" "see below"
  done <<MODULES
go-containerregistry github.com/google/go-containerregistry v0.21.9
regclient github.com/regclient/regclient v0.11.5
olareg github.com/olareg/olareg v0.1.1
oras-go oras.land/oras-go/v2 v2.6.0
containers-image github.com/containers/image/v5 v5.36.2
containers-common github.com/containers/common v0.64.2
MODULES
  [[ $count -gt 40 ]] || fail "only $count files"
  # docker 25 named nothing in this one.
  place=$(module github.com/google/go-containerregistry v0.21.9)/pkg/v1/tarball/testdata/hello-world-v25.tar
  refused 0 "$bundle" import --plain-http --registry "$(address_of lenient)" --name peers.example/hello:25 "$place"
  stop_registry lenient
  echo "note: $count layouts and tars of six projects"
}

# The table on the page is what these checks found, apart from versions.
the_table_is_on_the_page() {
  local page=$root/docs/interop.md line bare
  # cosign and hauler do not build in minutes: their layouts are made from their sources, in tests/it/foreign_names.rs.
  row "cosign save" "2.6, by its sources" "image, signatures and attestations of one name" read read read
  row "cosign save" "3, by its sources" "referrers among the blobs only" read read read
  row "hauler store save" "1, 2, by its sources" "one name, told apart by kind; hauler-index.json" read read read
  if [[ -n ${WRITE_TABLE:-} ]]; then
    python3 - "$page" "$files/table" <<'PYTHON'
import re, sys
page, table = open(sys.argv[1]).read(), open(sys.argv[2]).read()
head = "| file of | version | kind | list | verify | import |\n|---|---|---|---|---|---|\n"
begin, end = "<!-- files: written by tests/real/run files -->\n", "<!-- files: end -->"
page = re.sub(re.escape(begin) + ".*?" + re.escape(end), lambda _: begin + "\n" + head + table + "\n" + end, page, flags=re.S)
open(sys.argv[1], "w").write(page)
PYTHON
  fi
  bare() { sed -E 's/^(\|[^|]*)\|[^|]*/\1/' | sort; }
  sed -n '/^<!-- files: written/,/^<!-- files: end/ { /^| file of/d; /^| /p }' "$page" | bare >"$files/on-the-page"
  bare <"$files/table" >"$files/found"
  diff "$files/on-the-page" "$files/found" || fail "run WRITE_TABLE=1 tests/real/run files"
}

# When these checks run alone, nobody has said yet how containerd starts.
if [[ $(type -t containerd_starts) != function ]]; then
  # shellcheck source=tests/real/checks/containerd.sh
  source "$here/checks/containerd.sh"
fi
HOME=$owner_home build crane github.com/google/go-containerregistry v0.21.9 github.com/google/go-containerregistry/cmd/crane 120
PATH=$lane_bin:$PATH
files_parts=("${base_parts[@]}" tar)
check "a registry for files of all kinds starts" files_registry_starts "${files_parts[@]}"
check "what bsdtar, GNU tar, busybox and 7z pack is read, binary attributes too" archivers "${files_parts[@]}" bsdtar 7z busybox python3
check "links, folders, padding and other packings are read, or answered with the command that then works" other_shapes "${files_parts[@]}" zstd xz
check "what skopeo calls by a name without a host, or by none, arrives under the name it is given" skopeos_files "${files_parts[@]}" skopeo
check "what buildah calls by a name without a host arrives" buildahs_file "${files_parts[@]}" buildah
check "the three names that CRI gives an image are read as two" ctrs_files "${files_parts[@]}" containerd ctr
check "a dump of the old script, made with crane, is imported with its digests and tags" cranes_dump "${files_parts[@]}" crane
check "the layouts and tars that six projects test themselves with end as they should" fixtures_of_others "${files_parts[@]}" go crane
check "the table of files in docs/interop.md is what was found here" the_table_is_on_the_page
stop_registry files
rm -rf "$drive"
