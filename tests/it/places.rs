//! Content that can be had from several places: repositories at the source, bundles on the drive. What
//! one lacks or has damaged comes from another, and a message names the place that it is about.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::fault_scene::{arrived, put_in, requests};
use crate::scene::{CONFIG, INDEX, MANIFEST, Scene, command, descriptor, put_layer, put_small_image};
use crate::support::registry::{Fault, Match, Registry};
use crate::support::run::Run;

/// Inverts a byte in the middle of a blob's data.
fn damage(file: &[u8], digest: &str) -> Vec<u8> {
    let path = format!("blobs/{}", digest.replace(':', "/"));
    let header = file.windows(path.len()).position(|window| window == path.as_bytes()).expect("the entry");
    let mut damaged = file.to_vec();
    damaged[header + 512 + 100] ^= 0xff;
    damaged
}

/// The same image in two bundles on one drive; their paths, and the digests of its three layers.
fn twice() -> (Scene, [PathBuf; 2], Vec<String>) {
    let scene = Scene::new();
    let layers = put_in(&scene.source, "org/app", 1, &[70_000, 50_000, 30_000]);
    scene.export(&["org/app:1"]).run().succeeds();
    let paths = [scene.path("one.tar"), scene.path("two.tar")];
    for path in &paths {
        fs::copy(scene.bundle(), path).expect("copied");
    }
    (scene, paths, layers)
}

fn import(scene: &Scene, paths: &[PathBuf]) -> Run {
    command("import").args(paths).args(["--plain-http", "--registry", &scene.target.host()])
}

#[test]
fn a_layer_that_is_damaged_in_one_bundle_comes_whole_from_the_next() {
    let (scene, paths, layers) = twice();
    let whole = fs::read(&paths[0]).expect("the bundle");
    // Each of them has a fault that the other does not have.
    fs::write(&paths[0], damage(&whole, &layers[0])).expect("written");
    fs::write(&paths[1], damage(&whole, &layers[2])).expect("written");
    for order in [[0, 1], [1, 0]] {
        let target = Registry::start();
        let run = command("import").args(order.map(|n| &paths[n])).args(["--plain-http", "--registry", &target.host()]);
        run.run().succeeds();
        assert_eq!(target.digest("library/org/app", "1"), scene.source.digest("org/app", "1"));
        assert_eq!(target.missing("library/org/app", "1"), Vec::<String>::new());
        for layer in &layers {
            let size = target.blob_size("library/org/app", layer);
            assert_eq!(size, scene.source.blob_size("org/app", layer), "{layer}");
        }
    }
}

#[test]
fn what_is_damaged_in_every_bundle_is_missing_and_each_of_them_is_named() {
    let (scene, paths, layers) = twice();
    let whole = fs::read(&paths[0]).expect("the bundle");
    for path in &paths {
        fs::write(path, damage(&whole, &layers[1])).expect("written");
    }
    let said = import(&scene, &paths).run().exits(3);
    for path in &paths {
        assert!(said.stderr.contains(path.to_str().expect("a path")), "{}", said.stderr);
    }
    assert!(said.stderr.contains(&layers[1]), "{}", said.stderr);
    assert_eq!(scene.target.tags("library/org/app"), Vec::<String>::new());
}

#[test]
fn a_manifest_that_is_damaged_in_one_bundle_comes_whole_from_the_next() {
    let (scene, paths, _) = twice();
    let digest = scene.source.digest("org/app", "1").expect("the image");
    let whole = fs::read(&paths[0]).expect("the bundle");
    fs::write(&paths[0], damage(&whole, &digest)).expect("written");
    import(&scene, &paths).run().succeeds();
    arrived(&scene);
    assert!(import(&scene, &paths[..1]).run().exits(3).stderr.contains(&digest));
}

#[test]
fn content_that_is_damaged_in_every_bundle_need_not_be_sent_where_the_target_has_it() {
    let (scene, paths, layers) = twice();
    let whole = fs::read(&paths[0]).expect("the bundle");
    fs::write(&paths[0], damage(&whole, &layers[1])).expect("written");
    import(&scene, &paths[..1]).run().exits(3);
    assert_eq!(scene.target.tags("library/org/app"), Vec::<String>::new());
    scene.target.put_made_blob("library/org/app", 2, 50_000);
    import(&scene, &paths[..1]).run().succeeds();
    arrived(&scene);
}

/// An image in `one` and an index in `other`, whose image, two levels down, has the same layer.
fn shared_deep_down(registry: &Registry, layer: &Value) {
    let image = |repo: &str, label: &str| {
        let config = format!(r#"{{"os":"linux","architecture":"amd64","author":"{label}"}}"#).into_bytes();
        let document = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor(CONFIG, &config), "layers": [layer],
        });
        registry.put_blob(repo, config);
        document.to_string().into_bytes()
    };
    let one = image("one", "one");
    registry.put_manifest("one", Some("1"), MANIFEST, one);
    let below = image("other", "other");
    registry.put_manifest("other", None, MANIFEST, below.clone());
    let inner = index(&[descriptor(MANIFEST, &below)]);
    registry.put_manifest("other", None, INDEX, inner.clone());
    registry.put_manifest("other", Some("1"), INDEX, index(&[descriptor(INDEX, &inner)]));
}

fn index(children: &[Value]) -> Vec<u8> {
    json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": children}).to_string().into_bytes()
}

#[test]
fn a_layer_with_addresses_that_one_repository_lacks_is_asked_for_in_another_deeper_down() {
    let scene = Scene::new();
    let bytes = b"a layer with an address".to_vec();
    let mut layer = descriptor("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", &bytes);
    layer["urls"] = json!(["https://layers.example/1"]);
    shared_deep_down(&scene.source, &layer);
    scene.source.put_blob("other", bytes.clone());
    let out = scene.export(&["one:1", "other:1"]).run().succeeds();
    assert!(!out.stdout.contains("left out"), "{}", out.stdout);
    scene.import().run().succeeds();
    for repo in ["library/one", "library/other"] {
        let digest = layer["digest"].as_str().expect("a digest");
        assert_eq!(scene.target.blob(repo, digest), Some(bytes.clone()), "{repo}");
    }
}

#[test]
fn a_manifest_that_one_repository_lacks_is_asked_for_in_another_deeper_down() {
    let scene = Scene::new();
    let layer = put_layer(&scene.source, "other", "a layer");
    shared_deep_down(&scene.source, &layer);
    // The index in `one` names the same image, which only `other` has.
    let (_, inner) = scene.source.manifest("other", "1").expect("the index");
    let inner: Value = serde_json::from_slice(&inner).expect("JSON");
    let inner = inner["manifests"][0]["digest"].as_str().expect("a digest").to_owned();
    let (_, inner) = scene.source.manifest("other", &inner).expect("the inner index");
    let inner: Value = serde_json::from_slice(&inner).expect("JSON");
    let child = inner["manifests"][0].clone();
    scene.source.put_manifest("one", Some("index"), INDEX, index(std::slice::from_ref(&child)));
    for refusal in [None, Some(404), Some(403), Some(500)] {
        scene.source.clear_faults();
        if let Some(status) = refusal {
            let path = format!("/one/manifests/{}", child["digest"].as_str().expect("a digest"));
            scene.source.fault(Match::on("GET", &path), Fault::status(status));
        }
        let out = scene.export(&["one:index", "other:1"]).args(["--force", "--retries", "0"]).run().succeeds();
        assert!(out.stdout.contains("other:1"), "{}", out.stdout);
    }
    scene.verify().run().succeeds();
}

#[test]
fn an_error_names_the_repository_that_it_is_about() {
    let scene = Scene::new();
    for repo in ["first/app", "second/app"] {
        put_in(&scene.source, repo, 1, &[40_000]);
    }
    let digest = scene.source.put_made_blob("first/app", 1, 40_000);
    // The first never has it, the second has it damaged.
    scene.source.fault(Match::on("*", &format!("/first/app/blobs/{digest}")), Fault::status(404));
    scene.source.fault(Match::on("GET", &format!("/second/app/blobs/{digest}")), Fault::FlipByte(1_000));
    let said = scene.export(&["first/app:1", "second/app:1"]).args(["--retries", "1"]).run().exits(3).stderr;
    let about_bytes = said.lines().find(|line| line.contains("hashes to")).unwrap_or_else(|| panic!("{said}"));
    assert!(about_bytes.contains("/second/app"), "{said}");
    // Or it has it, and gives it to nobody.
    scene.source.clear_faults();
    scene.source.fault(Match::on("*", &format!("/first/app/blobs/{digest}")), Fault::status(404));
    let denied = Fault::error(403, "DENIED", "not for you");
    scene.source.fault(Match::on("GET", &format!("/second/app/blobs/{digest}")), denied);
    let said = scene.export(&["first/app:1", "second/app:1"]).args(["--retries", "1"]).run().exits(4).stderr;
    // The last place named before the words is the one that they come from.
    let (before, _) = said.split_once("not for you").unwrap_or_else(|| panic!("{said}"));
    let (first, second) = (before.rfind("/first/app@"), before.rfind("/second/app@"));
    assert!(second > first, "{said}");
    // A healthy copy in a place that comes later is what counts.
    scene.source.clear_faults();
    scene.source.fault(Match::on("GET", &format!("/first/app/blobs/{digest}")), Fault::FlipByte(1_000));
    scene.export(&["first/app:1", "second/app:1"]).run().succeeds();
    assert!(!requests(&scene.source, "GET", &format!("/second/app/blobs/{digest}")).is_empty());
    scene.verify().run().succeeds();
}

#[test]
fn pins_hold_for_all_bundles_together_whatever_reads_them() {
    let scene = Scene::new();
    let mut pins = Vec::new();
    let mut paths = Vec::new();
    for name in ["a", "b"] {
        let digest = put_small_image(&scene.source, name, "1");
        let path = scene.path(&format!("{name}.tar"));
        scene.export_to(&path, &[&format!("{name}:1")]).run().succeeds();
        pins.push(format!("{}@{digest}", scene.name(&format!("{name}:1"))));
        paths.push(path);
    }
    let pinned = |verb: &str, pins: &[String]| {
        let pins = pins.iter().flat_map(|pin| ["--expect", pin]);
        command(verb).args(&paths).args(pins)
    };
    for verb in ["list", "verify"] {
        pinned(verb, &pins).run().succeeds();
        let other = format!("{}@{}", scene.name("c:1"), pins[0].split_once('@').expect("a digest").1);
        let said = pinned(verb, &[pins[0].clone(), other]).run().exits(3);
        assert!(said.all().contains("/c:1"), "{verb}: {}", said.all());
    }
}
