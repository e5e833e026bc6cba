//! Tars made to fool a reader. `verify`, `list` and `import` refuse each of them with exit status 3,
//! at once, in little memory, and before anything is asked of a registry.

use std::fs::File;
use std::os::unix::fs::FileExt;

use crate::reader_parts::{Contents, Given, MANIFEST, MARKER, Tar, blob_path, changed, header, record, start};
use crate::support::run::Output;

fn succeeds(output: Output) {
    output.succeeds();
}

fn small() -> (Contents, Tar) {
    let contents = Contents::small();
    let tar = start(&contents.index_json());
    (contents, tar)
}

/// A whole layout with this in front of its end.
fn with(extra: impl FnOnce(Tar) -> Tar) -> Given {
    let (contents, tar) = small();
    Given::new(extra(tar.blobs(&contents)).end())
}

/// A layout whose `index.json` comes like this.
fn with_index(index: impl FnOnce(Tar, &str) -> Tar) -> Given {
    let contents = Contents::small();
    let tar = Tar::default().file("oci-layout", MARKER);
    Given::new(index(tar, &contents.index_json()).blobs(&contents).end())
}

#[test]
fn what_these_tests_change_is_good_to_begin_with() {
    for bytes in [Contents::small().packed(), Contents::small().bundle()] {
        let (outputs, registry) = Given::new(bytes).run_all();
        for output in outputs {
            output.succeeds();
        }
        assert_eq!(registry.tags("library/org/app"), ["1"]);
    }
}

#[test]
fn links_and_devices_at_names_of_the_layout_are_refused() {
    for kind in [b'1', b'2', b'3', b'4', b'6', b'7', b'S', b'V', b'A'] {
        for path in
            ["index.json", "./oci-layout", "bundle.json", "manifest.json", "blobs", "blobs/sha256", "blobs/sha256/x"]
        {
            let link = changed(header(kind, path, 0), 157, b"elsewhere");
            with(|tar| tar.raw(link)).is_refused("neither a plain file nor a directory");
        }
    }
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    for (kind, path) in [
        (b'0', "/index.json"),
        (b'0', "../index.json"),
        (b'0', "a/../index.json"),
        (b'0', "././index.json"),
        (b'0', ".//index.json"),
        (b'0', "blobs//sha256/x"),
        (b'0', ""),
        (b'2', "a/../oci-layout"),
        (b'5', "blobs/../etc/"),
    ] {
        with(|tar| tar.entry(kind, path, "")).is_refused("a name that tar programs understand differently");
    }
    with(|tar| tar.file("blobs/", "")).is_refused("a file named like a directory");
}

#[test]
fn names_that_are_read_in_two_ways_are_refused() {
    let hidden = changed(header(b'0', "index.json", 0), 10, b"\0evil");
    with(|tar| tar.raw(hidden)).is_refused("a name goes on after a NUL");
    let prefixed = changed(header(b'0', "index.json", 0), 257, b"ustar  \0");
    with(|tar| tar.raw(changed(prefixed, 345, b"a"))).is_refused("a name that tar programs understand differently");
    with(|tar| tar.entry(b'L', "././@LongLink", "index.json\0evil\0").file("x", ""))
        .is_refused("a long name that is no name");
}

#[test]
fn fields_that_make_other_programs_stop_are_refused() {
    for (at, field) in
        [(100, &b"8000644\0"[..]), (108, b"nobody\0\0"), (136, &[0xff; 12]), (329, b"x"), (337, b"0000000x")]
    {
        let odd = changed(header(b'0', "extra", 0), at, field);
        with(|tar| tar.raw(odd)).is_refused("a header field that is no number");
    }
}

#[test]
fn pax_records_that_readers_disagree_about_are_refused() {
    let twice = [record("path", "a"), record("path", "index.json")].concat();
    let sizes = [record("size", "0"), record("size", "7")].concat();
    let after_nul = record("path", "index.json\0evil");
    for (records, words) in [
        (twice, "a pax key given twice"),
        (sizes, "a pax key given twice"),
        (after_nul, "a NUL in a pax record"),
        (record("size", "+7"), "a pax size that is no number"),
        (record("path", ""), "a pax path that is no name"),
        (b"9 path=x\n\n".to_vec(), "a pax record"),
        (record("size", "5"), "an entry has two sizes"),
    ] {
        with(|tar| tar.entry(b'x', "x", records).file("extra", "1234567")).is_refused(words);
    }
}

#[test]
fn extension_headers_that_change_each_other_are_refused() {
    let differently = "extension headers that tar programs understand differently";
    let (pax, long) = (record("path", "a"), "b\0");
    with(|tar| tar.entry(b'x', "x", &pax).entry(b'x', "x", &pax).file("c", "")).is_refused(differently);
    with(|tar| tar.entry(b'x', "x", record("size", "0")).entry(b'L', "x", long).file("c", "")).is_refused(differently);
    with(|tar| tar.entry(b'L', "x", long).entry(b'L', "x", long).file("c", "")).is_refused(differently);
    with(|tar| tar.entry(b'x', "x", &pax).entry(b'g', "x", record("a", "b")).file("c", "")).is_refused(differently);
    with(|tar| tar.entry(b'x', "x", &pax)).is_refused("the archive ends inside an entry");
}

#[test]
fn global_headers_that_rename_or_resize_are_refused() {
    for key in ["path", "size"] {
        with_index(|tar, index| tar.entry(b'g', "g", record(key, "1")).file("index.json", index))
            .is_refused("a global header renames or resizes entries");
    }
}

#[test]
fn absurd_lengths_are_not_believed() {
    let huge = 600_u64 << 20;
    for (kind, words) in
        [(b'L', "an extension header of"), (b'K', "an extension header of"), (b'x', "an extension header of")]
    {
        sparse(kind, "name", huge).is_refused(words);
    }
    sparse(b'0', "oci-layout", huge).is_refused("are too many");
    sparse(b'0', "index.json", huge).is_refused("are too many");
    sparse(b'0', "bundle.json", huge).is_refused("are too many");
    let beyond = header(b'0', "extra", 1 << 40);
    with(|tar| tar.raw(beyond)).is_refused("goes on after the end of the file");
    let negative = changed(header(b'0', "extra", 0), 124, &[0xff; 12]);
    with(|tar| tar.raw(negative)).is_refused("an absurd size");
    let wraps = changed(header(b'0', "extra", 0), 124, b"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff");
    with(|tar| tar.raw(wraps)).is_refused("goes on after the end of the file");
}

/// A tar that really is so long, but for its holes: an entry of `size` bytes, and a layout after it.
fn sparse(kind: u8, path: &str, size: u64) -> Given {
    let (contents, mut tar) = small();
    match path {
        "oci-layout" => tar = Tar::default().file("index.json", contents.index_json()),
        "index.json" => tar = Tar::default().file("oci-layout", MARKER),
        _ => {}
    }
    let rest = tar.blobs(&contents).end();
    Given::written(|path_of_tar| {
        let file = File::create(path_of_tar).expect("a file");
        file.write_all_at(&header(kind, path, size), 0).expect("written");
        file.write_all_at(&rest, 512 + size.next_multiple_of(512)).expect("written");
    })
}

#[test]
fn a_manifest_that_no_registry_would_take_is_not_read() {
    let mut contents = Contents::default();
    let digest = format!("sha256:{}", "0".repeat(64));
    // More than the program may take up, and little enough to be hashed at once.
    let size = 100_u64 << 20;
    contents.name("gcr.io/org/app:1", &format!(r#"{{"mediaType":"{MANIFEST}","digest":"{digest}","size":{size}}}"#));
    let head = start(&contents.index_json()).raw(header(b'0', &blob_path(&digest), size)).0;
    let given = Given::written(|path| {
        let file = File::create(path).expect("a file");
        file.write_all_at(&head, 0).expect("written");
        file.set_len(head.len() as u64 + size + 1024).expect("room");
    });
    given.is_refused(&digest);
}

#[test]
fn sparse_entries_are_refused() {
    for (key, value) in [("GNU.sparse.major", "1"), ("GNU.sparse.map", "0,1"), ("SCHILY.realsize", "1099511627776")] {
        with(|tar| tar.entry(b'x', "x", record(key, value)).file("extra", "")).is_refused("a sparse file");
    }
}

#[test]
fn an_archive_cut_between_two_entries_is_refused() {
    let whole = Contents::small().packed();
    let body = whole.len() - 1024;
    Given::new(&whole[..body]).is_refused("truncated");
    let last = whole[..body].chunks(512).rposition(|block| block.starts_with(b"blobs/")).expect("an entry");
    Given::new(&whole[..last * 512]).is_refused("truncated");
    // One zero block is an end, and all that some programs write.
    let (outputs, _) = Given::new(&whole[..body + 512]).run_all();
    outputs.into_iter().for_each(succeeds);
}

#[test]
fn files_of_the_layout_that_are_there_twice_are_refused() {
    for path in ["oci-layout", "index.json", "./index.json", "./oci-layout"] {
        with(|tar| tar.file(path, "{}")).is_refused("is there twice");
    }
    with(|tar| tar.file("bundle.json", "{}").file("./bundle.json", "{}")).is_refused("is there twice");
    with(|tar| tar.entry(b'x', "x", record("path", "index.json")).file("other", "{}")).is_refused("is there twice");
    with(|tar| tar.entry(b'L', "x", "./index.json\0").file("other", "{}")).is_refused("is there twice");
}

#[test]
fn a_blob_that_is_there_twice_must_be_right_twice() {
    let contents = Contents::small();
    let (digest, bytes) = contents.blobs[1].clone();
    with(|tar| tar.file(&blob_path(&digest), "other")).is_refused("is there twice, in two lengths");
    let mut wrong = bytes.clone();
    wrong[0] ^= 1;
    let ([verified, ..], _) = with(|tar| tar.file(&format!("./{}", blob_path(&digest)), wrong)).run_all();
    assert!(verified.exits(3).stdout.contains("digestMismatch"));
    let (outputs, _) = with(|tar| tar.file(&blob_path(&digest), bytes)).run_all();
    outputs.into_iter().for_each(succeeds);
}

#[test]
fn data_after_the_end_or_between_entries_is_refused() {
    let whole = Contents::small().packed();
    let second = [&whole[..], &whole[..]].concat();
    Given::new(second).is_refused("there is data after the end marker");
    let mut padded = whole.clone();
    padded[512 + MARKER.len()] = 1;
    Given::new(padded).is_refused("the padding after an entry is not zero");
    let long_tail = [&whole[..], &vec![0; 2 << 20]].concat();
    Given::new(long_tail).is_refused("more than a mebibyte follows the end marker");
    // As GNU tar fills its last record.
    let (outputs, _) = Given::new([&whole[..], &[0; 10240]].concat()).run_all();
    outputs.into_iter().for_each(succeeds);
}

#[test]
fn what_is_no_bundle_at_all_is_said_to_be_something_else() {
    for (bytes, words) in [
        (&b""[..], "the file is empty"),
        (&[0; 1024], "oci-layout"),
        (&b"\x28\xb5\x2f\xfd whatever"[..], "zstd"),
        (&b"{\"manifests\":[]}"[..], "json"),
        (&[b'x'; 4096], "not a tar, so not a bundle"),
    ] {
        Given::new(bytes).is_refused(words);
    }
}
