//! Layouts that other tools made: directories, `index.json` last, `./` before every name, bare tags,
//! entries without a name. Named by the same rule wherever they come from.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::bundle;
use crate::reader_parts::{Contents, Given, MANIFEST, MARKER, Tar, blob_path};
use crate::support::registry::{Registry, digest_like};
use crate::support::run::Output;

const FULL: &str = "io.containerd.image.name";
const REF: &str = "org.opencontainers.image.ref.name";

fn write(contents: &Contents, directory: &Path) {
    fs::create_dir_all(directory.join("blobs/sha256")).expect("directories");
    fs::write(directory.join("oci-layout"), MARKER).expect("written");
    fs::write(directory.join("index.json"), contents.index_json()).expect("written");
    for (digest, bytes) in &contents.blobs {
        fs::write(directory.join(blob_path(digest)), bytes).expect("written");
    }
}

fn import(path: &Path, registry: &Registry, more: &[&str]) -> Output {
    let host = registry.host();
    let common = ["import", path.to_str().expect("a path"), "--plain-http", "--registry", &host];
    bundle().args(common).args(more).run()
}

#[test]
fn a_layout_directory_is_a_bundle() {
    let directory = tempfile::tempdir().expect("a directory");
    write(&Contents::small(), directory.path());
    fs::write(directory.path().join("README"), "not part of it").expect("written");
    let path = directory.path().to_str().expect("a path");
    bundle().args(["verify", path]).run().succeeds();
    assert!(bundle().args(["list", path]).run().succeeds().stdout.contains("gcr.io/org/app:1"));
    let registry = Registry::start();
    import(directory.path(), &registry, &[]).succeeds();
    assert_eq!(registry.missing("library/org/app", "1"), Vec::<String>::new());
    // The fixtures are one, made by other code.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/images");
    let registry = Registry::start();
    import(&folder, &registry, &[]).succeeds();
    assert_eq!(registry.tags("library/google-containers/pause"), ["latest"]);
}

#[test]
fn no_link_in_a_layout_directory_is_followed() {
    for link in ["oci-layout", "index.json", "blobs", "blobs/sha256", "a blob"] {
        let (outside, inside) = (tempfile::tempdir().expect("one"), tempfile::tempdir().expect("two"));
        let contents = Contents::small();
        write(&contents, inside.path());
        let name = if link == "a blob" { blob_path(&contents.blobs[1].0) } else { link.into() };
        let (from, to) = (inside.path().join(&name), outside.path().join("moved"));
        fs::rename(&from, &to).expect("moved");
        symlink(&to, &from).expect("a link");
        let path = inside.path().to_str().expect("a path");
        for command in ["verify", "list"] {
            let said = bundle().args([command, path]).run().exits(3);
            assert!(said.stderr.contains("links are not followed"), "{link}: {}", said.stderr);
        }
        let registry = Registry::start();
        import(inside.path(), &registry, &[]).exits(3);
        assert_eq!(registry.connections(), 0);
    }
    // But the directory itself may be given by a link.
    let (outside, inside) = (tempfile::tempdir().expect("one"), tempfile::tempdir().expect("two"));
    write(&Contents::small(), inside.path());
    symlink(inside.path(), outside.path().join("link")).expect("a link");
    bundle().args(["verify", outside.path().join("link").to_str().expect("a path")]).run().succeeds();
}

#[test]
fn damage_in_a_layout_directory_is_found() {
    let contents = Contents::small();
    for (digest, bytes) in &contents.blobs {
        let directory = tempfile::tempdir().expect("a directory");
        write(&contents, directory.path());
        let mut wrong = bytes.clone();
        wrong[0] ^= 1;
        fs::write(directory.path().join(blob_path(digest)), wrong).expect("written");
        let said = bundle().args(["verify", directory.path().to_str().expect("a path")]).run().exits(3);
        assert!(said.stdout.contains("digestMismatch") && said.stdout.contains("gcr.io/org/app:1"), "{}", said.stdout);
        fs::remove_file(directory.path().join(blob_path(digest))).expect("removed");
        let said = bundle().args(["verify", directory.path().to_str().expect("a path")]).run().exits(3);
        assert!(said.stdout.contains("missing") && said.stdout.contains("gcr.io/org/app:1"), "{}", said.stdout);
    }
}

#[test]
fn tars_of_other_shapes_are_read() {
    let contents = Contents::small();
    let (index, dot) = (contents.index_json(), |name: &str| format!("./{name}"));
    // As skopeo, oras backup, podman save and docker save write it: index.json last.
    let mut last = Tar::default().entry(b'5', "blobs/", "").entry(b'5', "blobs/sha256/", "").blobs(&contents);
    last = last.file("oci-layout", MARKER).file("index.json", &index);
    // As `tar -C layout -c .` does.
    let mut dotted = Tar::default().entry(b'5', "./", "").file(&dot("index.json"), &index);
    for (digest, bytes) in &contents.blobs {
        dotted = dotted.file(&dot(&blob_path(digest)), bytes);
    }
    dotted = dotted.file(&dot("oci-layout"), [MARKER, b"\n"].concat());
    // docker's list for the classic store, links of a bundler's own, a Mac's leavings.
    let extra =
        Tar(last.0.clone()).file("manifest.json", "[]").file("repositories", "{}").file("._index.json", "\0\x05");
    let extra = extra.entry(b'2', "latest", "").entry(b'g', "pax", crate::reader_parts::record("comment", "x"));
    for tar in [last, dotted, extra] {
        let (outputs, registry) = Given::new(tar.end()).run_all();
        outputs.into_iter().for_each(|output| drop(output.succeeds()));
        assert_eq!(registry.missing("library/org/app", "1"), Vec::<String>::new());
    }
}

/// A layout of one image with these annotations.
fn named(annotations: &str) -> Given {
    let mut contents = Contents::default();
    let image = contents.image(&[b"a layer"]);
    contents.line(&image, annotations);
    Given::new(contents.packed())
}

#[test]
fn a_name_with_a_host_is_the_name_and_containerds_comes_first() {
    for (annotations, target) in [
        (format!(r#""{FULL}":"gcr.io/a/b:1","{REF}":"GCR.io:443/a/b:1""#), "a/b"),
        (format!(r#""{FULL}":"b:1","{REF}":"quay.io/c/d:1""#), "c/d"),
        (format!(r#""{FULL}":"docker.io/library/app:1","{REF}":"1""#), "library/app"),
        (format!(r#""{REF}":"localhost:5000/c/d:1""#), "c/d"),
    ] {
        let registry = Registry::start();
        import(&named(&annotations).path, &registry, &[]).succeeds();
        assert_eq!(registry.tags(&format!("library/{target}")), ["1"], "{annotations}");
    }
}

#[test]
fn two_full_names_that_differ_are_refused() {
    for other in ["quay.io/c/d:2", "gcr.io/a/b:2", "gcr.io/a/B:1"] {
        named(&format!(r#""{FULL}":"gcr.io/a/b:1","{REF}":"{other}""#)).is_refused("");
    }
}

#[test]
fn a_bare_tag_needs_a_repository() {
    let given = named(&format!(r#""{REF}":"v1.0""#));
    let registry = Registry::start();
    let said = import(&given.path, &registry, &[]).exits(2);
    assert!(said.stderr.contains("`v1.0`") && said.stderr.contains("--name"), "{}", said.stderr);
    assert_eq!(registry.connections(), 0);
    let listed = bundle().args(["list", "--format", "json", given.path.to_str().expect("a path")]).run().succeeds();
    assert_eq!(listed.json()["images"][0]["tag"], "v1.0");
    assert_eq!(listed.json()["images"][0].get("name"), None);
    assert!(bundle().args(["verify"]).args([&given.path]).run().succeeds().stdout.contains("  1 image ·"));
    import(&given.path, &registry, &["--name", "quay.io/org/app"]).succeeds();
    assert_eq!(registry.tags("library/org/app"), ["v1.0"]);
    for bad in ["quay.io/Org", &format!("quay.io/a@sha256:{}", "0".repeat(64))] {
        import(&given.path, &registry, &["--name", bad]).exits(2);
    }
    // Neither a full name nor a tag, and nothing that docker would take for a name.
    import(&named(&format!(r#""{REF}":"Org/app:1""#)).path, &registry, &["--name", "quay.io/a"]).exits(2);
}

#[test]
fn a_tag_that_means_two_images_is_refused_and_a_name_given_twice_is_one() {
    let mut contents = Contents::default();
    for layer in [&b"one"[..], b"two"] {
        let image = contents.image(&[layer]);
        contents.line(&image, &format!(r#""{REF}":"latest""#));
    }
    let registry = Registry::start();
    let said = import(&Given::new(contents.packed()).path, &registry, &["--name", "quay.io/org/app"]);
    assert!(said.exits(2).stderr.contains("quay.io/org/app:latest"));
    assert_eq!(registry.connections(), 0);
    // As `docker save a:latest b:latest` has it: the tags alike, the names not.
    let mut contents = Contents::default();
    for name in ["a", "b"] {
        let image = contents.image(&[name.as_bytes()]);
        contents.line(&image, &format!(r#""{FULL}":"docker.io/library/{name}:latest","{REF}":"latest""#));
        contents.line(&image, &format!(r#""{FULL}":"docker.io/library/{name}:latest","{REF}":"latest""#));
    }
    import(&Given::new(contents.packed()).path, &registry, &[]).succeeds();
    assert_eq!(registry.repositories().len(), 2);
}

#[test]
fn an_entry_without_a_name_is_a_part_a_referrer_or_in_need_of_one() {
    let mut contents = Contents::default();
    let child = contents.image(&[b"a layer"]);
    let index = contents.index(std::slice::from_ref(&child));
    contents.name("gcr.io/org/app:1", &index);
    contents.lines.push(child.clone());
    let given = Given::new(contents.packed());
    let registry = Registry::start();
    import(&given.path, &registry, &[]).succeeds();
    assert_eq!(registry.tags("library/org/app"), ["1"]);
    let listed = bundle().args(["list", "--format", "json", given.path.to_str().expect("a path")]).run().succeeds();
    assert_eq!(listed.json()["images"].as_array().map(Vec::len), Some(1));
    assert_eq!(listed.json()["images"][0]["sharedBytes"], 0, "an image shares nothing with its own parts");

    // A signature goes where its subject goes, by digest; the signature of the signature too.
    let mut subject = child.clone();
    for text in ["signature", "countersignature"] {
        let config = contents.put("application/vnd.oci.empty.v1+json", "{}");
        let layer = contents.put("application/x", text);
        let text = format!(
            r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","artifactType":"application/x","config":{config},"layers":[{layer}],"subject":{subject}}}"#
        );
        subject = contents.put(MANIFEST, text);
        contents.lines.push(subject.clone());
    }
    let registry = Registry::start();
    import(&Given::new(contents.packed()).path, &registry, &[]).succeeds();
    let last = &contents.blobs.last().expect("the countersignature").0;
    assert_eq!(registry.missing("library/org/app", last), Vec::<String>::new());
    assert_eq!(registry.tags("library/org/app"), ["1"]);

    let mut alone = Contents::default();
    let image = alone.image(&[b"a layer"]);
    alone.lines.push(image);
    let given = Given::new(alone.packed());
    let registry = Registry::start();
    assert!(import(&given.path, &registry, &[]).exits(2).stderr.contains("has no name"));
    assert_eq!(registry.connections(), 0);
    import(&given.path, &registry, &["--name", "quay.io/org/app"]).succeeds();
    assert!(registry.tags("library/org/app").is_empty());
    assert_eq!(registry.manifests_of("library/org/app", &alone.blobs[2].0).len(), 1);
}

#[test]
fn what_refers_only_to_a_part_of_itself_belongs_to_no_image() {
    let mut contents = Contents::small();
    let part = contents.image(&[b"another layer"]);
    let text = format!(
        r#"{{"schemaVersion":2,"mediaType":"{}","manifests":[{part}],"subject":{part}}}"#,
        crate::reader_parts::INDEX
    );
    let odd = contents.put(crate::reader_parts::INDEX, text);
    contents.lines.push(odd);
    let given = Given::new(contents.packed());
    let registry = Registry::start();
    assert!(
        import(&given.path, &registry, &[]).exits(2).stderr.contains("has no name"),
        "it is not dropped in silence"
    );
    let listed = bundle().args(["list", "--format", "json", given.path.to_str().expect("a path")]).run().succeeds();
    assert_eq!(listed.json()["images"].as_array().map(Vec::len), Some(2));
    import(&given.path, &registry, &["--name", "quay.io/org/odd"]).succeeds();
    assert_eq!(registry.missing("library/org/odd", &contents.blobs.last().expect("the index").0), Vec::<String>::new());
}

#[test]
fn a_docker_archive_without_a_layout_is_refused_with_the_reason() {
    let layer = digest_like("sha256:", b"layer");
    let tar = Tar::default()
        .file("abc.json", "{}")
        .file(&format!("{}/layer.tar", &layer[7..]), "layer")
        .entry(b'2', "another/layer.tar", "")
        .file("manifest.json", r#"[{"Config":"abc.json","RepoTags":["app:1"],"Layers":[]}]"#)
        .file("repositories", "{}");
    let given = Given::new(tar.end());
    given.is_refused("its digests are gone");
    given.is_refused("bundle export");
}

#[test]
fn a_pipe_is_told_apart_from_a_bundle() {
    let said = bundle().args(["list", "/dev/null"]).run().exits(2);
    assert!(said.stderr.contains("neither a file nor a directory") && said.stderr.contains("`-`"), "{}", said.stderr);
    bundle().args(["list", "/nowhere/at/all"]).run().exits(2);
    let empty = tempfile::tempdir().expect("a directory");
    bundle().args(["list", empty.path().to_str().expect("a path")]).run().exits(3);
}
