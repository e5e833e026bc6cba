//! A directory that the old script filled: manifests as `crane manifest` prints them, docker archives as
//! `crane pull` writes them, and the tags in a script.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::bundle;
use crate::reader_parts::{Contents, Tar};
use crate::support::registry::Registry;
use crate::support::run::Output;

fn hex(digest: &str) -> &str {
    digest.trim_start_matches("sha256:")
}

fn digest_of(descriptor: &str) -> String {
    let read: serde_json::Value = serde_json::from_str(descriptor).expect("a descriptor");
    read["digest"].as_str().expect("a digest").to_owned()
}

/// A dump in the making.
struct Dump {
    directory: TempDir,
    contents: Contents,
}

impl Dump {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().expect("a directory"), contents: Contents::default() }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn bytes(&self, digest: &str) -> &[u8] {
        &self.contents.blobs.iter().find(|(other, _)| other == digest).expect("a blob").1
    }

    fn write_manifest(&self, descriptor: &str) -> String {
        let digest = digest_of(descriptor);
        fs::write(self.path().join(format!("{}.json", hex(&digest))), self.bytes(&digest)).expect("written");
        digest
    }

    /// An image of this layer, with its archive; its descriptor.
    fn image(&mut self, layer: &[u8]) -> String {
        let descriptor = self.contents.image(&[layer]);
        let digest = self.write_manifest(&descriptor);
        let manifest: serde_json::Value = serde_json::from_slice(self.bytes(&digest)).expect("a manifest");
        let config = manifest["config"]["digest"].as_str().expect("a digest");
        let layer = manifest["layers"][0]["digest"].as_str().expect("a digest");
        let tar = Tar::default()
            .file(config, self.bytes(config))
            .file(&format!("{}.tar.gz", hex(layer)), self.bytes(layer))
            .file("manifest.json", "[]");
        fs::write(self.path().join(format!("{}.tar", hex(&digest))), tar.end()).expect("written");
        descriptor
    }

    fn script(&self, lines: &[String]) {
        let text = format!("#!/bin/sh\ntouch /nonexistent/ran\n{}\n", lines.join("\n"));
        fs::write(self.path().join("auto.sh"), text).expect("written");
    }

    fn run(&self, command: &str) -> Output {
        bundle().args([command]).args([self.path()]).run()
    }

    fn import(&self, registry: &Registry, more: &[&str]) -> Output {
        let host = registry.host();
        let run = bundle().args(["import"]).args([self.path()]);
        run.args(["--plain-http", "--registry", &host]).args(more).run()
    }
}

fn tag(digest: &str, repository: &str, tag: &str) -> String {
    format!("crane tag $TARGETHOST/$TARGETNAMESPACE/{repository}@{digest} {tag}")
}

#[test]
fn a_dump_of_the_old_script_is_imported_with_its_digests_and_tags() {
    let mut dump = Dump::new();
    let children = [dump.image(b"one platform"), dump.image(b"another")];
    let index = dump.contents.index(&children);
    let index = dump.write_manifest(&index);
    let single = digest_of(&dump.image(b"a single one"));
    dump.script(&[tag(&index, "google-containers/pause", "latest"), tag(&single, "tool", "2")]);
    for command in ["list", "verify"] {
        let said = dump.run(command).succeeds();
        assert!(said.stdout.contains("2 images"), "{}", said.stdout);
    }
    let registry = Registry::start();
    dump.import(&registry, &[]).succeeds();
    assert_eq!(registry.repositories(), ["library/google-containers/pause", "library/tool"]);
    assert_eq!(registry.digest("library/google-containers/pause", "latest"), Some(index));
    assert_eq!(registry.digest("library/tool", "2"), Some(single));
    for (repository, tag) in [("library/google-containers/pause", "latest"), ("library/tool", "2")] {
        assert_eq!(registry.missing(repository, tag), Vec::<String>::new());
    }
}

#[test]
fn without_tags_the_only_image_is_named_by_hand() {
    let mut dump = Dump::new();
    let child = dump.image(b"a layer");
    let index = dump.contents.index(&[child]);
    let index = dump.write_manifest(&index);
    let registry = Registry::start();
    assert!(dump.import(&registry, &[]).exits(2).stderr.contains("REPO:TAG"));
    dump.import(&registry, &["--name", "gcr.io/org/app:1"]).succeeds();
    assert_eq!(registry.digest("library/org/app", "1"), Some(index.clone()));
    // A line feed that a shell put after a manifest is none of it; other bytes are.
    let file = dump.path().join(format!("{}.json", hex(&index)));
    let bytes = fs::read(&file).expect("the index");
    fs::write(&file, [&bytes[..], b"\n"].concat()).expect("written");
    dump.import(&registry, &["--name", "gcr.io/org/app:2"]).succeeds();
    assert_eq!(registry.digest("library/org/app", "2"), Some(index));
}

#[test]
fn what_is_wrong_with_one_image_of_a_dump_is_named_and_hurts_no_other() {
    let mut dump = Dump::new();
    let good = digest_of(&dump.image(b"a good layer"));
    let packed = digest_of(&dump.image(b"a layer that docker packed anew"));
    let cut = digest_of(&dump.image(b"a layer of an archive that was cut"));
    let flipped = digest_of(&dump.image(b"a layer with a wrong byte"));
    let file = |digest: &str| dump.path().join(format!("{}.tar", hex(digest)));
    let tar = Tar::default().file(&format!("{}.tar", "1".repeat(64)), "unpacked").file("manifest.json", "[]");
    fs::write(file(&packed), tar.end()).expect("written");
    let bytes = fs::read(file(&cut)).expect("an archive");
    fs::write(file(&cut), &bytes[..1600]).expect("written");
    let mut bytes = fs::read(file(&flipped)).expect("an archive");
    let at = bytes.windows(10).position(|w| w == b"wrong byte").expect("the layer");
    bytes[at] ^= 1;
    fs::write(file(&flipped), bytes).expect("written");
    let gone = format!("sha256:{}", "9".repeat(64));
    let named = [(&good, "good"), (&packed, "packed"), (&cut, "cut"), (&flipped, "flipped"), (&gone, "gone")];
    dump.script(&named.map(|(digest, name)| tag(digest, &format!("org/{name}"), "1")));
    let registry = Registry::start();
    let said = dump.import(&registry, &[]).exits(3);
    assert_eq!(registry.tags("library/org/good"), ["1"]);
    for name in ["packed", "cut", "flipped", "gone"] {
        assert_eq!(registry.tags(&format!("library/org/{name}")), Vec::<String>::new(), "{name}");
        assert!(said.all().contains(&format!("org/{name}:1")), "{name}: {}", said.all());
    }
    assert!(said.stderr.contains("bundle export localhost/org/packed:1"), "{}", said.stderr);
    dump.run("verify").exits(3);
    assert!(dump.run("list").exits(3).stdout.contains("localhost/org/good:1"));
}

#[test]
fn any_other_directory_is_none() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("notes.json"), "{}").expect("written");
    fs::write(directory.path().join("auto.sh"), "crane tag x/y/z@sha256:0 1").expect("written");
    bundle().args(["list"]).args([directory.path()]).run().exits(3);
}
