//! Damage in a layout of another tool is local: the fault of one image neither hides nor stops another.

use std::path::Path;

use serde_json::Value;

use crate::bundle;
use crate::reader_parts::{Contents, Given, INDEX, MANIFEST, start};
use crate::support::registry::Registry;
use crate::support::run::Output;

const REF: &str = "org.opencontainers.image.ref.name";

fn import(path: &Path, registry: &Registry) -> Output {
    let host = registry.host();
    bundle().args(["import", path.to_str().expect("a path"), "--plain-http", "--registry", &host]).run()
}

/// `verify` and `list` name what is bad, all three end with 3, and the good image is listed and imported.
#[track_caller]
fn hurts_nobody_else(contents: &Contents, bad: &str) {
    let given = Given::new(contents.packed());
    let path = given.path.to_str().expect("a path");
    let verified = bundle().args(["verify", path]).run().exits(3);
    assert!(verified.stdout.contains(bad), "{}", verified.all());
    let listed = bundle().args(["list", path]).run().exits(3);
    assert!(listed.stdout.contains("gcr.io/org/app:1") && listed.stdout.contains(bad), "{}", listed.all());
    let registry = Registry::start();
    let imported = import(&given.path, &registry).exits(3);
    assert!(imported.stderr.contains(bad), "{}", imported.all());
    assert_eq!(registry.missing("library/org/app", "1"), Vec::<String>::new(), "{}", imported.all());
    let json = bundle().args(["list", "--format", "json", path]).run().exits(3).json();
    assert_eq!(json["damaged"].as_array().map(Vec::len), Some(1), "{json}");
}

/// A good image and another, whose descriptor is given to `spoil`.
fn with_another(spoil: impl FnOnce(&mut Contents, String)) -> Contents {
    let mut contents = Contents::small();
    let other = contents.image(&[b"another layer"]);
    spoil(&mut contents, other);
    contents
}

#[test]
fn an_entry_that_is_absent_damaged_or_nonsense_hurts_nobody_else() {
    let absent = with_another(|contents, image| {
        contents.name("gcr.io/org/bad:1", &image);
        contents.blobs.pop();
    });
    let flipped = with_another(|contents, image| {
        contents.name("gcr.io/org/bad:1", &image);
        contents.blobs.last_mut().expect("the manifest").1[20] ^= 1;
    });
    let other_size = with_another(|contents, image| {
        let mut image: Value = serde_json::from_str(&image).expect("a descriptor");
        contents.name("gcr.io/org/fine:1", &image.to_string());
        image["size"] = 5.into();
        contents.name("gcr.io/org/bad:1", &image.to_string());
    });
    let no_digest = with_another(|contents, image| {
        let mut image: Value = serde_json::from_str(&image).expect("a descriptor");
        image["digest"] = "sha256:short".into();
        contents.name("gcr.io/org/bad:1", &image.to_string());
    });
    let no_name = with_another(|contents, image| contents.name("gcr.io/org/bad:1:2", &image));
    let no_type = with_another(|contents, _| {
        let blob = contents.put("text/plain", "some text");
        contents.name("gcr.io/org/bad:1", &blob);
    });
    let no_manifest = with_another(|contents, _| {
        let blob = contents.put(MANIFEST, "{}");
        contents.name("gcr.io/org/bad:1", &blob);
    });
    let too_deep = with_another(|contents, image| {
        let mut node = image;
        for _ in 0..20 {
            node = contents.index(&[node]);
        }
        contents.name("gcr.io/org/bad:1", &node);
    });
    let schema_1 = with_another(|contents, _| {
        let text = r#"{"schemaVersion":1,"name":"x","tag":"1","fsLayers":[]}"#;
        let blob = contents.put("application/vnd.docker.distribution.manifest.v1+prettyjws", text);
        contents.name("gcr.io/org/bad:1", &blob);
    });
    for contents in [too_deep, schema_1, absent, flipped, other_size, no_digest, no_name, no_type, no_manifest] {
        hurts_nobody_else(&contents, "gcr.io/org/bad:1");
    }
    let nothing = with_another(|contents, _| contents.lines.push("null".into()));
    hurts_nobody_else(&nothing, "entry 2");
    let nameless = with_another(|contents, image| {
        contents.lines.push(image);
        contents.blobs.pop();
    });
    let digest = Contents::small().blobs[0].0.len();
    assert!(digest > 7);
    let given = Given::new(nameless.packed());
    let registry = Registry::start();
    assert!(import(&given.path, &registry).exits(3).stderr.contains("without a name"));
    assert_eq!(registry.tags("library/org/app"), ["1"]);
}

#[test]
fn of_two_manifests_that_give_a_layer_two_sizes_the_wrong_one_is_named() {
    for wrong_first in [true, false] {
        let mut contents = Contents::default();
        let good = contents.image(&[b"a layer"]);
        let layer = contents.blobs.iter().find(|(_, bytes)| bytes == b"a layer").expect("the layer").0.clone();
        let good_text = String::from_utf8(contents.blobs.last().expect("it").1.clone()).expect("text");
        let wrong =
            good_text.replace(&format!(r#""digest":"{layer}","size":7"#), &format!(r#""digest":"{layer}","size":8"#));
        assert_ne!(wrong, good_text);
        let wrong = contents.put(MANIFEST, wrong);
        let names = if wrong_first {
            [("gcr.io/a/bad:1", &wrong), ("gcr.io/org/app:1", &good)]
        } else {
            [("gcr.io/org/app:1", &good), ("gcr.io/z/bad:1", &wrong)]
        };
        names.iter().for_each(|(name, image)| contents.name(name, image));
        hurts_nobody_else(&contents, "bad:1");
    }
}

#[test]
fn an_index_of_a_node_with_one_platform_is_marked_and_the_others_are_imported() {
    let mut contents = Contents::small();
    let here = contents.image(&[b"this platform"]);
    let mut elsewhere = Contents::default();
    let gone = elsewhere.image(&[b"another platform"]);
    let index = contents.index(&[here, gone]);
    contents.name("docker.io/rancher/part:1", &index);
    let given = Given::new(contents.packed());
    let path = given.path.to_str().expect("a path");
    let listed = bundle().args(["list", path]).run().succeeds();
    assert!(listed.stdout.contains("incomplete: 1 piece missing"), "{}", listed.stdout);
    bundle().args(["verify", path]).run().exits(3);
    let registry = Registry::start();
    let said = import(&given.path, &registry).exits(3);
    assert!(said.stderr.contains("bundle export docker.io/rancher/part:1"), "{}", said.stderr);
    assert_eq!(registry.repositories(), ["library/org/app"]);
    assert_eq!(registry.tags("library/org/app"), ["1"]);
}

#[test]
fn of_two_types_of_one_kind_the_document_decides_and_verify_says_so() {
    let docker = "application/vnd.docker.distribution.manifest.v2+json";
    let mut contents = Contents::default();
    contents.image(&[b"a layer"]);
    let text = String::from_utf8(contents.blobs.pop().expect("the manifest").1).expect("text");
    let image = contents.put(MANIFEST, text.replacen(MANIFEST, docker, 1));
    contents.name("gcr.io/org/app:1", &image);
    let given = Given::new(contents.packed());
    let verified = bundle().args(["verify"]).args([&given.path]).run().succeeds();
    assert!(verified.stdout.contains("note") && verified.stdout.contains(docker), "{}", verified.stdout);
    let registry = Registry::start();
    import(&given.path, &registry).succeeds();
    assert_eq!(registry.manifest("library/org/app", "1").expect("a manifest").0, docker);
    // Across kinds it stays refused.
    let across = contents.put(INDEX, text);
    contents.line(&across, &format!(r#""{REF}":"gcr.io/org/across:1""#));
    assert!(import(&Given::new(contents.packed()).path, &registry).exits(3).stderr.contains("does not look like one"));
}

#[test]
fn a_byte_order_mark_is_said_and_carriage_returns_do_no_harm() {
    let contents = Contents::small();
    let marked = format!("\u{feff}{}", contents.index_json());
    let given = Given::new(start(&marked).blobs(&contents).end());
    for output in given.run_all().0 {
        let said = output.exits(3).stderr;
        assert!(said.contains("byte order mark") && said.contains("hint: save it as UTF-8"), "{said}");
    }
    let windows = contents.index_json().replace(',', ",\r\n");
    let (outputs, registry) = Given::new(start(&windows).blobs(&contents).end()).run_all();
    outputs.into_iter().for_each(|output| drop(output.succeeds()));
    assert_eq!(registry.tags("library/org/app"), ["1"]);
}

#[test]
fn of_several_files_one_that_cannot_be_read_is_named_and_the_others_are_imported() {
    let good = Given::new(Contents::small().packed());
    let path = |given: &Given| given.path.to_str().expect("a path").to_owned();
    for bad in [Given::new("no bundle at all"), Given::new("<!DOCTYPE html>"), Given::new("")] {
        for files in [[path(&good), path(&bad)], [path(&bad), path(&good)]] {
            let registry = Registry::start();
            let host = registry.host();
            let import = || bundle().args(["import", "--plain-http", "--registry", &host]).args(&files);
            // What is pinned is pinned whole.
            let pinned = import().args(["--expect", &Contents::small().identity()]).run().exits(3);
            assert_eq!(registry.connections(), 0, "{}", pinned.all());
            let said = import().run().exits(3);
            assert!(said.stderr.contains(&path(&bad)) && said.stderr.contains("hint: "), "{}", said.all());
            assert_eq!(registry.missing("library/org/app", "1"), Vec::<String>::new(), "{}", said.all());
            let json = import().args(["--format", "json"]).run().exits(3).json();
            assert_eq!(json["damaged"].as_array().map(Vec::len), Some(1), "{json}");
            let listed = bundle().args(["list"]).args(&files).run().exits(3);
            assert!(listed.stdout.contains("gcr.io/org/app:1"), "{}", listed.all());
            let verified = bundle().args(["verify"]).args(&files).run().exits(3);
            assert!(verified.stdout.contains("intact"), "{}", verified.all());
        }
    }
    let twice = Given::new("no bundle at all");
    let said = bundle().args(["import", &path(&twice), &path(&twice), "--registry", "h.example"]).run().exits(3);
    assert!(said.stderr.contains(&path(&twice)), "{}", said.all());
}
