//! Files that are no layout, or one in an odd shape: each is read, or answered with what it is and the
//! command that helps.

use std::fs;
use std::io::Write;
use std::path::Path;

use crate::bundle;
use crate::reader_parts::{Contents, Given, MANIFEST, Tar, blob_path, header, record, start};
use crate::support::registry::Registry;
use crate::support::run::Output;

/// Both `list` and `import` say these words and end so.
#[track_caller]
fn is_answered(path: &Path, status: i32, words: &[&str]) {
    let registry = Registry::start();
    let path = path.to_str().expect("a path");
    let outputs: [Output; 3] = [
        bundle().args(["list", path]).run(),
        bundle().args(["verify", path]).run(),
        bundle().args(["import", path, "--plain-http", "--registry", &registry.host()]).run(),
    ];
    for output in outputs {
        let said = output.exits(status).all();
        for word in words {
            assert!(said.contains(word), "`{word}` expected: {said}");
        }
    }
    assert_eq!(registry.connections(), 0);
}

/// A pax header with these records, and the file after it.
fn with_records(tar: Tar, records: &[u8], path: &str, bytes: &[u8]) -> Tar {
    tar.entry(b'x', "PaxHeader", records).file(path, bytes)
}

#[test]
fn extended_attributes_may_hold_anything_and_what_readers_go_by_may_not() {
    let contents = Contents::small();
    let binary = |key: &str| {
        let mut bytes = record(key, "ab");
        let at = bytes.len() - 2;
        bytes[at] = 0;
        bytes
    };
    let packed = |records: &[u8]| {
        let tar = start(&contents.index_json());
        contents
            .blobs
            .iter()
            .fold(tar, |tar, (digest, bytes)| with_records(tar, records, &blob_path(digest), bytes))
            .end()
    };
    for key in ["SCHILY.xattr.com.apple.provenance", "LIBARCHIVE.xattr.user.x", "SCHILY.xattr.security.selinux"] {
        let (outputs, registry) = Given::new(packed(&binary(key))).run_all();
        outputs.into_iter().for_each(|output| drop(output.succeeds()));
        assert_eq!(registry.tags("library/org/app"), ["1"]);
    }
    for key in ["path", "linkpath", "comment", "GNU.sparse.name", "SCHILY.dev"] {
        is_answered(&Given::new(packed(&binary(key))).path, 3, &["pax"]);
    }
}

/// A hard link.
fn link(to: &str, from: &str) -> [u8; 512] {
    crate::reader_parts::changed(header(b'1', from, 0), 157, to.as_bytes())
}

#[test]
fn a_hard_link_to_a_blob_before_it_is_that_content() {
    let mut contents = Contents::small();
    let layer = contents.blobs.iter().position(|(_, bytes)| bytes == b"a layer").expect("a layer");
    let (digest, bytes) = contents.blobs.remove(layer);
    let path = blob_path(&digest);
    let linked = |first: &str, to: &str| {
        let tar = start(&contents.index_json()).file(first, &bytes).raw(link(to, &path));
        Given::new(tar.blobs(&contents).end())
    };
    // As a build that stores each content once has it.
    let same = blob_path(&format!("sha256:{}", "1".repeat(64)));
    for to in [same.clone(), format!("./{same}")] {
        let given = linked(&same, &to);
        let registry = Registry::start();
        let path = given.path.to_str().expect("a path");
        bundle().args(["import", path, "--plain-http", "--registry", &registry.host()]).run().succeeds();
        assert_eq!(registry.missing("library/org/app", "1"), Vec::<String>::new());
    }
    // What it leads to is hashed like everything.
    let other = start(&contents.index_json()).blobs(&contents).raw(link(&blob_path(&contents.blobs[0].0), &path));
    let said = bundle().args(["verify"]).args([&Given::new(other.end()).path]).run().exits(3);
    assert!(said.stdout.contains(&digest), "{}", said.stdout);
    for to in ["elsewhere", "../../etc/passwd", "/etc/passwd", path.as_str()] {
        is_answered(&linked("elsewhere", to).path, 3, &["no blob before it", "--hard-dereference"]);
    }
}

#[test]
fn soft_links_and_holes_come_with_the_remedy() {
    let contents = Contents::small();
    let first = blob_path(&contents.blobs[0].0);
    let soft = start(&contents.index_json()).entry(b'2', &first, "").end();
    is_answered(&Given::new(soft).path, 3, &["neither a plain file", "--dereference"]);
    let sparse = start(&contents.index_json()).entry(b'S', &first, "x").end();
    is_answered(&Given::new(sparse).path, 3, &["neither a plain file", "without -S"]);
    let pax = with_records(start(&contents.index_json()), &record("GNU.sparse.major", "1"), &first, b"x").end();
    is_answered(&Given::new(pax).path, 3, &["a sparse file", "without -S"]);
    // In a bundle there are none at all.
    let bundle = contents.bundle();
    let mut hard = bundle[..bundle.len() - 1024].to_vec();
    hard.extend(link(&first, &blob_path(&format!("sha256:{}", "1".repeat(64)))));
    hard.extend([0; 1024]);
    is_answered(&Given::new(hard).path, 3, &[]);
}

#[test]
fn zstd_is_read_like_gzip_and_other_packings_are_unpacked_into_a_pipe() {
    let bytes = Contents::small().packed();
    let packed = ruzstd::encoding::compress_to_vec(&bytes[..], ruzstd::encoding::CompressionLevel::Fastest);
    let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3], &packed[..]].concat();
    let (half, rest) = bytes.split_at(bytes.len() / 2);
    let halves = [half, rest]
        .map(|part| ruzstd::encoding::compress_to_vec(part, ruzstd::encoding::CompressionLevel::Fastest))
        .concat();
    for file in [packed.clone(), skippable, halves] {
        let (outputs, registry) = Given::new(&file).run_all();
        outputs.into_iter().for_each(|output| drop(output.succeeds()));
        assert_eq!(registry.tags("library/org/app"), ["1"]);
        bundle().args(["list", "-"]).stdin(file).run().succeeds();
    }
    is_answered(&Given::new(&packed[..packed.len() / 2]).path, 3, &["zstd stream"]);
    for (start, with) in [
        (&b"\xfd7zXZ\0..."[..], "xz -dc"),
        (b"BZh91AY&SY", "bzip2 -dc"),
        (b"\x04\x22\x4d\x18....", "lz4 -dc"),
        (b"7z\xbc\xaf\x27\x1c....", "7z x -so"),
        (b"PK\x03\x04......", "unzip -p"),
    ] {
        let given = Given::new(start);
        is_answered(&given.path, 2, &[&format!("`{with} {} | bundle", given.path.display())]);
        bundle().args(["list", "-"]).stdin(start.to_vec()).run().exits(2);
    }
}

#[test]
fn what_is_no_archive_is_told_by_what_it_begins_with() {
    let lfs = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n";
    is_answered(&Given::new(lfs).path, 3, &["git LFS", "git lfs pull"]);
    for page in ["<!DOCTYPE html><title>Log in</title>", "\n <html lang=en>", "\u{feff}<HTML>"] {
        is_answered(&Given::new(page).path, 3, &["HTML page", "log in"]);
    }
    is_answered(&Given::new("<?xml version='1.0'?><Error/>").path, 3, &["XML"]);
    is_answered(&Given::new("").path, 3, &["empty", "copy it from its source"]);
    let whole = Contents::small().bundle();
    is_answered(&Given::new(&whole[..whole.len() - 1500]).path, 3, &["truncated", "sha256sum"]);
}

#[test]
fn a_bundle_that_was_padded_is_cut_to_its_length() {
    for whole in [Contents::small().bundle(), Contents::small().packed()] {
        let padded = [&whole[..], &vec![0; 4 << 20]].concat();
        is_answered(&Given::new(padded).path, 3, &["padded", &format!("truncate -s {} FILE", whole.len())]);
    }
    let whole = Contents::small().bundle();
    let given = Given::new([&whole[..], &[0; 512]].concat());
    is_answered(&given.path, 3, &["512 bytes of zeros", &format!("truncate -s {} FILE", whole.len())]);
    fs::File::options().write(true).open(&given.path).and_then(|file| file.set_len(whole.len() as u64)).expect("cut");
    bundle().args(["verify"]).args([&given.path]).run().succeeds();
}

#[test]
fn archives_of_other_kinds_are_called_by_their_names() {
    let hex = "1".repeat(64);
    let list = format!(r#"[{{"Config":"{hex}.json","RepoTags":["team/app:1"],"Layers":[]}}]"#);
    let image = format!(r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","layers":[]}}"#);
    for (files, words) in [
        (
            vec![("version", "Directory Transport Version: 1.1\n"), ("manifest.json", &image), (&hex, "x")],
            ["skopeo", "oci-archive:"],
        ),
        (vec![("manifest.json", "[]"), (&format!("sha256-{hex}.tar.gz"), "x")], ["imgpkg", "imgpkg copy --tar"]),
        (
            vec![("manifest.json", &list), (&format!("{hex}/layer.tar"), "x"), ("repositories", "{}")],
            ["docker archive", "bundle export team/app:1"],
        ),
        (vec![("manifest.json", &list), (&format!("{hex}.tar"), "x")], ["podman", "--format oci-archive"]),
        (vec![("manifest.json", &list), (&format!("sha256:{hex}"), "{}")], ["crane", "--format=oci"]),
        (vec![("out/oci-layout", "{}"), ("out/index.json", "{}")], ["`out/`", "tar -C out/ -cf"]),
    ] {
        let tar = files.iter().fold(Tar::default(), |tar, (name, bytes)| tar.file(name, bytes));
        is_answered(&Given::new(tar.end()).path, 3, &words);
        let directory = tempfile::tempdir().expect("a directory");
        for (name, bytes) in files {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            fs::File::create(path).expect("a file").write_all(bytes.as_bytes()).expect("written");
        }
        is_answered(directory.path(), 3, &words);
    }
}
