//! A bundle that somebody took something out of, or wrote other names into, and made look right again as well as he
//! could: never a word that it is whole, and with a pin it is not taken at all.

use std::fs;
use std::io::Read;

use serde_json::{Value, json};

use crate::bundle;
use crate::reader_parts::{Contents, Given, Tar, header};
use crate::scene::{CONFIG, LAYER, MANIFEST, Scene, descriptor};
use crate::support::registry::{Registry, digest_like};

const BYTES: &[u8] = b"a layer that the registry may or may not have";

/// Bundles of one image whose layer has `urls`: with the layer, and from a registry that lacks it.
fn with_and_without() -> [(Vec<u8>, String); 2] {
    let scene = Scene::new();
    let mut layer = descriptor(LAYER, BYTES);
    layer["urls"] = json!(["https://layers.example/one"]);
    let config = descriptor(CONFIG, b"{}");
    let document = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]});
    scene.source.put_blob("org/app", "{}");
    let digest = scene.source.put_blob("org/app", BYTES);
    scene.source.put_manifest("org/app", Some("1"), MANIFEST, document.to_string());
    [true, false].map(|has_it| {
        if !has_it {
            scene.source.remove_blob("org/app", &digest);
        }
        let json = scene.export(&["org/app:1"]).args(["--force", "--format", "json"]).run().succeeds().json();
        let identity = json["digest"].as_str().expect("a digest").to_owned();
        (fs::read(scene.bundle()).expect("the bundle"), identity)
    })
}

/// The files and directories of a tar.
fn entries(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = tar::Archive::new(bytes);
    let read = |entry: std::io::Result<tar::Entry<'_, &[u8]>>| {
        let mut entry = entry.expect("an entry");
        let path = String::from_utf8(entry.path_bytes().into_owned()).expect("a path");
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("its bytes");
        (path, bytes)
    };
    archive.entries().expect("a tar").map(read).collect()
}

fn packed(entries: &[(String, Vec<u8>)]) -> Given {
    let mut tar = Tar::default();
    for (path, bytes) in entries {
        tar = if path.ends_with('/') { tar.raw(header(b'5', path, 0)) } else { tar.file(path, bytes) };
    }
    Given::new(tar.end())
}

/// `verify`, `list` and `import` with this pin end with status 3, say nothing good, and ask nobody.
fn is_refused(given: &Given, pin: Option<&str>) {
    let registry = Registry::start();
    let (path, host) = (given.path.to_str().expect("a path"), registry.host());
    let pin: Vec<&str> = pin.iter().flat_map(|pin| ["--expect", pin]).collect();
    for command in [&["verify", path][..], &["list", path], &["import", path, "--plain-http", "--registry", &host]] {
        let said = bundle().args(command).args(&pin).run().exits(3);
        assert!(!said.all().contains("intact") && !said.all().contains("matches"), "{}", said.all());
    }
    assert_eq!(registry.connections(), 0);
}

#[test]
fn what_these_tests_change_is_put_together_again_to_the_same_bytes() {
    let [(whole, _), (without, _)] = with_and_without();
    for bytes in [whole, without] {
        let again = packed(&entries(&bytes));
        assert!(fs::read(&again.path).expect("the file") == bytes);
    }
}

#[test]
fn a_layer_with_urls_that_was_taken_out_is_missed_whatever_bundle_json_says_of_it() {
    let [(whole, identity), (without, other)] = with_and_without();
    assert_ne!(identity, other, "what was left out is part of the identity");
    let layer = format!("blobs/{}", digest_like("sha256:", BYTES).replace(':', "/"));
    let without_layer = |bytes: &[u8]| -> Vec<(String, Vec<u8>)> {
        entries(bytes).into_iter().filter(|(path, _)| *path != layer).collect()
    };
    let of = |bytes: &[u8], name: &str| entries(bytes).into_iter().find(|(path, _)| path == name).expect("a file").1;
    // Taken out, and nothing else done.
    let taken = without_layer(&whole);
    is_refused(&packed(&taken), None);
    is_refused(&packed(&taken), Some(&identity));
    // Declared absent in bundle.json, with the digest of the old index.json or of the new one, and under the old one.
    let about: Value = serde_json::from_slice(&of(&without, "bundle.json")).expect("JSON");
    for (index, names) in [(&identity, &whole), (&other, &whole), (&identity, &without)] {
        let mut about = about.clone();
        about["index"] = index.as_str().into();
        let mut forged = taken.clone();
        for (path, bytes) in &mut forged {
            match path.as_str() {
                "bundle.json" => *bytes = about.to_string().into_bytes(),
                "index.json" => *bytes = of(names, "index.json"),
                _ => {}
            }
        }
        is_refused(&packed(&forged), None);
        is_refused(&packed(&forged), Some(&identity));
    }
    // Everything rewritten is the bundle of somebody to whom the layer was never given. It is another one by its digest,
    // and without a pin never bare.
    let forged = Given::new(&without);
    is_refused(&forged, Some(&identity));
    let verify = || bundle().args(["verify".as_ref(), forged.path.as_os_str()]);
    let said = verify().run().succeeds().stdout;
    assert!(said.contains("1 layer left out (nondistributable)"), "{said}");
    let said = verify().args(["--expect", &other]).run().succeeds().stdout;
    assert!(said.contains("matches") && said.contains("1 layer left out (nondistributable)"), "{said}");
    let json = verify().args(["--format", "json"]).run().succeeds().json();
    assert_eq!(json["leftOut"][0]["digest"], digest_like("sha256:", BYTES));
}

#[test]
fn a_layer_that_is_there_may_not_be_called_left_out() {
    let [(whole, identity), (without, _)] = with_and_without();
    let mut forged = entries(&whole);
    for (path, bytes) in &mut forged {
        if path == "bundle.json" {
            let about = entries(&without).into_iter().find(|(path, _)| path == "bundle.json").expect("a file").1;
            let mut about: Value = serde_json::from_slice(&about).expect("JSON");
            about["index"] = identity.as_str().into();
            *bytes = about.to_string().into_bytes();
        }
    }
    is_refused(&packed(&forged), None);
}

/// Two annotations name an image, and tools differ in which of them they read.
#[test]
fn two_full_names_that_differ_are_refused_wherever_they_stand() {
    let names = |one: &str, other: &str| {
        format!(r#""io.containerd.image.name":"{one}","org.opencontainers.image.ref.name":"{other}""#)
    };
    for (one, other) in [
        ("gcr.io/org/app:1", "gcr.io/org/app:2"),
        ("gcr.io/org/app:1", "quay.io/org/app:1"),
        ("gcr.io/org/app", "gcr.io/org/app:1"),
        ("docker.io/library/app:1", "docker.io/other/app:1"),
    ] {
        let mut contents = Contents::default();
        let image = contents.image(&[b"a layer"]);
        contents.line(&image, &names(one, other));
        let registry = Registry::start();
        let given = Given::new(contents.packed());
        let (path, host) = (given.path.to_str().expect("a path"), registry.host());
        for command in [&["verify", path][..], &["list", path], &["import", path, "--plain-http", "--registry", &host]]
        {
            let said = bundle().args(command).run().exits(3);
            assert!(said.stderr.contains("for containerd"), "{}", said.stderr);
        }
        assert_eq!(registry.connections(), 0);
        // And the same beside bundle.json.
        let mut lines = contents.roots();
        lines[0]["annotations"]["io.containerd.image.name"] = one.into();
        is_refused(&Given::new(contents.bundle_of(&lines)), None);
    }
    // The same image in two spellings is one.
    let mut contents = Contents::default();
    let image = contents.image(&[b"a layer"]);
    contents.line(&image, &names("docker.io/library/app:1", "index.docker.io/library/app:1"));
    let given = Given::new(contents.packed());
    bundle().args(["verify".as_ref(), given.path.as_os_str()]).run().succeeds();
}

#[test]
fn beside_bundle_json_nothing_in_index_json_is_free() {
    let contents = Contents::small();
    let lines = contents.roots();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut changed = lines.clone();
        change(&mut changed[0]);
        contents.bundle_of(&changed)
    };
    for change in [
        &(|line: &mut Value| line["annotations"]["com.example"] = "x".into()) as &dyn Fn(&mut Value),
        &|line| line["platform"] = json!({"os": "linux", "architecture": "arm64"}),
        &|line| line["urls"] = json!(["https://elsewhere.example/"]),
        &|line| line["x"] = json!({"digest": "sha256:0"}),
        &|line| line["artifactType"] = "x/y".into(),
        &|line| drop(line["annotations"].as_object_mut().map(|names| names.remove("io.containerd.image.name"))),
    ] {
        is_refused(&Given::new(with(change)), None);
    }
    let given = Given::new(contents.bundle());
    bundle().args(["verify".as_ref(), given.path.as_os_str()]).run().succeeds();
}
