//! `verify` finds every damage; and what is damaged is not imported.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;

use oci_bundle::verify::Verify;
use oci_bundle::{Kind, Quiet};
use serde_json::{Value, json};

use crate::scene::{Scene, blobs_of, borrowed, keys, names, put_small_image};
use crate::support::registry::Registry;

/// A bundle of one small image.
fn small() -> Scene {
    let scene = Scene::with(Registry::builder(), Registry::builder().accepting());
    put_small_image(&scene.source, "org/app", "1");
    scene.export(&["org/app:1"]).run().succeeds();
    scene
}

/// The verdict on the file as it lies there.
fn verdict(bundle: &Path) -> Option<Kind> {
    match Verify::new([bundle.into()]).jobs(1).run(&Quiet).remove(0) {
        Ok(verified) => verified.kind(),
        Err(error) => Some(error.kind()),
    }
}

/// The places where a flipped bit is not called bad content; the file is left as it was.
fn unnoticed(bundle: &Path, places: impl Iterator<Item = (usize, u8)>) -> Vec<(usize, u8)> {
    let bytes = fs::read(bundle).expect("the bundle");
    let file = File::options().write(true).open(bundle).expect("the bundle");
    let missed = |&(place, bit): &(usize, u8)| {
        let at = place as u64;
        file.write_all_at(&[bytes[place] ^ bit], at).expect("a flipped bit");
        let verdict = verdict(bundle);
        file.write_all_at(&[bytes[place]], at).expect("the bit as it was");
        verdict != Some(Kind::Content)
    };
    places.filter(missed).collect()
}

#[test]
fn every_flipped_bit_of_a_small_bundle_is_noticed() {
    let scene = small();
    let bundle = scene.bundle();
    let length = fs::metadata(&bundle).expect("the bundle").len() as usize;
    let places = (0..length).flat_map(|place| (0..8).map(move |bit| (place, 1 << bit)));
    assert_eq!(unnoticed(&bundle, places), Vec::<(usize, u8)>::new());
    assert_eq!(verdict(&bundle), None, "and as it was it is intact");
}

#[test]
fn flipped_bits_all_over_a_bundle_of_many_images_are_noticed() {
    let (scene, images) = Scene::seeded();
    scene.export(&borrowed(&names(&images))).run().succeeds();
    let bundle = scene.bundle();
    let length = fs::metadata(&bundle).expect("the bundle").len() as usize;
    let places = (0..length).step_by(211).map(|place| (place, 1 << (place % 8)));
    assert_eq!(unnoticed(&bundle, places), Vec::<(usize, u8)>::new());
    assert_eq!(verdict(&bundle), None);
}

#[test]
fn a_bundle_cut_anywhere_or_with_anything_behind_it_is_noticed() {
    let scene = small();
    let bytes = fs::read(scene.bundle()).expect("the bundle");
    let other = scene.path("other.tar");
    fs::copy(scene.bundle(), &other).expect("a copy");
    let file = File::options().write(true).open(&other).expect("the copy");
    for length in (0..bytes.len()).rev() {
        file.set_len(length as u64).expect("a shorter file");
        assert_eq!(verdict(&other), Some(Kind::Content), "cut at {length} of {}", bytes.len());
    }
    for tail in [&b"\0"[..], &[0; 512], b"x"] {
        fs::write(&other, [&bytes[..], tail].concat()).expect("a longer file");
        assert_eq!(verdict(&other), Some(Kind::Content), "{} bytes more", tail.len());
    }
}

#[test]
fn intact_is_said_with_the_digest_and_json_has_the_documented_keys() {
    let (scene, images) = Scene::seeded();
    scene.export(&borrowed(&names(&images))).run().succeeds();
    let text = scene.verify().run().succeeds().stdout;
    let json = scene.verify().args(["--format", "json"]).run().succeeds().json();
    for key in ["bundle", "digest", "findings", "intact"] {
        assert!(keys(&json).contains(&key), "{key}");
    }
    assert_eq!((&json["intact"], &json["findings"]), (&json!(true), &json!([])));
    let digest = json["digest"].as_str().expect("a digest");
    assert!(text.starts_with("intact ") && text.contains(digest), "{text}");
    assert!(!text.contains("trusted"), "{text}");
}

/// Flips a bit of this content, wherever it lies in the file.
fn damage(bundle: &Path, content: &[u8]) {
    let mut bytes = fs::read(bundle).expect("the bundle");
    let at = bytes.windows(content.len()).position(|window| window == content).expect("the content");
    bytes[at + content.len() / 2] ^= 1;
    fs::write(bundle, bytes).expect("a damaged bundle");
}

#[test]
fn a_damaged_layer_is_named_with_every_image_that_needs_it() {
    let (scene, images) = Scene::seeded();
    scene.export(&borrowed(&names(&images))).run().succeeds();
    // The base layer on amd64: of `app`, `web`, `tool` and `legacy`.
    let layers = blobs_of(&scene.source, "org/tool", "2.0");
    let layer = layers.iter().find(|digest| scene.source.has_blob("library/legacy", digest)).expect("the base");
    damage(&scene.bundle(), &scene.source.blob("org/tool", layer).expect("the layer"));

    let json = scene.verify().args(["--format", "json"]).run().exits(3).json();
    assert_eq!(json["intact"], false);
    let findings = json["findings"].as_array().expect("findings");
    assert_eq!(findings.len(), 1, "{json}");
    assert_eq!(keys(&findings[0]), ["digest", "images", "kind", "message", "path"]);
    assert_eq!((&findings[0]["kind"], &findings[0]["digest"]), (&json!("digestMismatch"), &json!(layer)));
    assert_eq!(findings[0]["path"], format!("blobs/{}", layer.replace(':', "/")));
    let needing: Vec<&str> =
        findings[0]["images"].as_array().expect("images").iter().filter_map(Value::as_str).collect();
    let expected = ["library/legacy:1", "org/app:1.4", "org/tool:2.0", "org/web:2"].map(|name| scene.name(name));
    assert_eq!(needing, expected);
    let text = scene.verify().run().exits(3).stdout;
    assert!(text.contains(layer.as_str()) && text.contains("damaged"), "{text}");
}

#[test]
fn only_the_images_of_a_damaged_layer_are_kept_from_the_target() {
    let scene = Scene::with(Registry::builder(), Registry::builder().accepting());
    for name in ["one", "two", "three"] {
        put_small_image(&scene.source, name, "1");
    }
    scene.export(&["one:1", "two:1", "three:1"]).run().succeeds();
    damage(&scene.bundle(), b"the layer of two:1");
    let out = scene.import().run().exits(3);
    let failed: Vec<&str> = out.stdout.lines().filter(|line| line.starts_with("failed ")).collect();
    assert!(failed.len() == 1 && failed[0].contains("library/two:1"), "{}", out.stdout);
    assert!(out.stderr.contains("two:1") && out.stderr.contains("sha256:"), "{}", out.stderr);
    assert_eq!(
        (scene.target.tags("library/one"), scene.target.tags("library/three")),
        (vec!["1".into()], vec!["1".into()])
    );
    assert!(scene.target.tags("library/two").is_empty());
    assert_eq!(scene.target.violations(), Vec::<String>::new());
}

#[test]
fn damage_to_names_or_manifests_keeps_everything_from_the_target() {
    let scene = small();
    let manifest = scene.source.manifest("org/app", "1").expect("the manifest").1;
    let good = fs::read(scene.bundle()).expect("the bundle");
    let pieces: [&[u8]; 5] =
        [b"imageLayoutVersion", b"io.containerd.image.name", b"formatVersion", &manifest, b"ustar"];
    for piece in pieces {
        fs::write(scene.bundle(), &good).expect("the bundle");
        damage(&scene.bundle(), piece);
        for run in [scene.import(), scene.verify(), scene.list()] {
            let out = run.run().exits(3);
            assert!(out.all().contains("images.tar"), "{}", out.all());
        }
    }
    assert_eq!(scene.target.requests().len(), 0, "not even a question was asked");
}

#[test]
fn a_missing_blob_is_found_and_its_image_named() {
    let scene = small();
    let digest = blobs_of(&scene.source, "org/app", "1")[1].clone();
    let bytes = fs::read(scene.bundle()).expect("the bundle");
    // The same archive without its last entry, made by another program.
    let mut archive = tar::Archive::new(&bytes[..]);
    let mut without = tar::Builder::new(Vec::new());
    for entry in archive.entries().expect("a tar") {
        let entry = entry.expect("an entry");
        if !entry.path().expect("a path").ends_with(digest.trim_start_matches("sha256:")) {
            let header = entry.header().clone();
            without.append(&header, entry).expect("a copy");
        }
    }
    fs::write(scene.bundle(), without.into_inner().expect("a tar")).expect("the bundle");
    let json = scene.verify().args(["--format", "json"]).run().exits(3).json();
    let finding = &json["findings"][0];
    assert_eq!((&finding["kind"], &finding["digest"]), (&json!("missing"), &json!(digest)));
    assert_eq!(finding["images"], json!([scene.name("org/app:1")]));
    let out = scene.import().run().exits(3);
    assert!(out.stderr.contains(&digest) && out.stderr.contains("org/app:1"), "{}", out.stderr);
    assert_eq!(crate::scene::writes(&scene.target), Vec::<String>::new());
}
