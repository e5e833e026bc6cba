//! Files of other tools, and files that suffered.

use super::bundle;
use super::told::Told;
use crate::reader_parts::{Contents, Given, INDEX, MANIFEST, Tar, blob_path, start};
use crate::support::registry::Registry;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("written");
    encoder.finish().expect("written")
}

/// What `import` says of a file.
fn add(told: &mut Told, label: &str, bytes: impl AsRef<[u8]>, status: i32) {
    let given = Given::new(bytes);
    told.know_place(given.directory());
    let registry = Registry::start();
    let import = bundle().args(["import"]).args([&given.path]).args(["--plain-http", "--registry", &registry.host()]);
    told.add(label, &import.run().exits(status));
}

pub(super) fn scenes(told: &mut Told) {
    of_what_it_is(told);
    of_archives(told);
    of_names(told);
    let whole = Contents::small().bundle();
    add(told, "a file that was cut", &whole[..whole.len() - 1500], 3);
    add(told, "a file that was padded", [&whole[..], &vec![0; 4096]].concat(), 3);
    let first = blob_path(&Contents::small().blobs[0].0);
    add(told, "links in place of blobs", start(&Contents::small().index_json()).entry(b'2', &first, "").end(), 3);
    let marked = format!("\u{feff}{}", Contents::small().index_json());
    add(told, "a byte order mark", start(&marked).blobs(&Contents::small()).end(), 3);
    let run = bundle().args(["list", "-", "--max-spool", "1KiB"]).stdin(gzip(&vec![0; 1 << 20]));
    told.add("more on standard input than it may take", &run.run().exits(3));
}

fn of_what_it_is(told: &mut Told) {
    add(told, "an empty file", "", 3);
    add(told, "a pointer of git LFS", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n", 3);
    add(told, "an HTML page", "<!DOCTYPE html><title>Log in</title>", 3);
    add(told, "a file of xz", b"\xfd7zXZ\0...", 2);
}

fn of_archives(told: &mut Told) {
    let hex = "1".repeat(64);
    let list = format!(r#"[{{"Config":"{hex}.json","RepoTags":["team/app:1"],"Layers":[]}}]"#);
    let image = format!(r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","layers":[]}}"#);
    let version = "Directory Transport Version: 1.1\n";
    let (packed, layer, bare, config) =
        (format!("sha256-{hex}.tar.gz"), format!("{hex}/layer.tar"), format!("{hex}.tar"), format!("sha256:{hex}"));
    let archives: [(&str, Vec<(&str, &str)>); 6] = [
        ("a directory of skopeo", vec![("version", version), ("manifest.json", &image), (&hex, "x")]),
        ("a tar of imgpkg", vec![("manifest.json", "[]"), (&packed, "x")]),
        ("an archive of docker", vec![("manifest.json", &list), (&layer, "x"), ("repositories", "{}")]),
        ("an archive of podman", vec![("manifest.json", &list), (&bare, "x")]),
        ("an archive of crane", vec![("manifest.json", &list), (&config, "{}")]),
        ("a layout with its folder", vec![("images/oci-layout", "{}"), ("images/index.json", "{}")]),
    ];
    for (label, files) in archives {
        let tar = files.iter().fold(Tar::default(), |tar, (name, bytes)| tar.file(name, bytes));
        add(told, label, tar.end(), 3);
    }
}

fn of_names(told: &mut Told) {
    let mut nameless = Contents::default();
    let image = nameless.image(&[b"a layer"]);
    let empty = format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[]}}"#);
    add(told, "a layout of nothing, with blobs", start(&empty).file("manifest.json", "[]").blobs(&nameless).end(), 3);
    nameless.lines.push(image);
    add(told, "an image without a name", nameless.packed(), 2);

    let mut twice = Contents::default();
    for layer in [&b"one"[..], b"two"] {
        let image = twice.image(&[layer]);
        twice.name("gcr.io/org/twice:1", &image);
    }
    add(told, "one name for two images", twice.packed(), 3);
    let one = |layer: &[u8]| {
        let mut contents = Contents::default();
        let image = contents.image(&[layer]);
        contents.name("gcr.io/org/app:2", &image);
        Given::new(contents.packed())
    };
    let (first, second) = (one(b"one"), one(b"two"));
    told.know_place(first.directory());
    told.know_place(second.directory());
    let out = bundle().args(["import"]).args([&first.path, &second.path]).args(["--registry", "h.example"]).run();
    told.add("one name for two images in two files", &out.exits(2));

    let mut part = Contents::default();
    let here = part.image(&[b"this platform"]);
    let gone = Contents::default().image(&[b"another platform"]);
    let index = part.index(&[here, gone]);
    part.name("docker.io/rancher/part:1", &index);
    add(told, "an image in part", part.packed(), 3);
}
