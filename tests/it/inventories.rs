//! `bundle inventory` of a registry, and inventories that somebody made up.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::deltas::{IMAGES, delta, import_of, is_there, put_one, put_twelve};
use crate::scene::{Scene, command, put_small_image, writes};
use crate::support::run::Run;

fn at_registry(scene: &Scene, below: &str, output: &Path) -> Run {
    let registry = format!("{}{below}", scene.target.host());
    let run = command("inventory").args(["--registry", &registry, "--plain-http", "--force"]);
    run.args([Path::new("-o"), output])
}

fn document(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("a file")).expect("JSON")
}

fn write(path: &Path, document: &Value) {
    std::fs::write(path, document.to_string()).expect("a file");
}

/// Twelve images on the far side, and one of them changed on this.
fn imported() -> (Scene, Vec<String>, PathBuf, PathBuf) {
    let scene = Scene::new();
    let images = put_twelve(&scene);
    let base = scene.path("base.tar");
    delta(&scene, &base, &[], &images).run().succeeds();
    import_of(&scene, std::slice::from_ref(&base)).run().succeeds();
    put_one(&scene, 3, 77);
    let (inventory, small) = (scene.path("inventory.json"), scene.path("delta.tar"));
    (scene, images, inventory, small)
}

#[test]
fn a_registry_is_asked_for_a_list_and_what_it_has_does_not_travel_again() {
    let (scene, images, inventory, small) = imported();
    let list = scene.path("images.txt");
    let names: Vec<String> = images.iter().map(|image| scene.name(image)).collect();
    std::fs::write(&list, format!("{}\n{}\n", names.join("\n"), scene.name("org/nothing:1"))).expect("a file");
    for round in 0..2_u64 {
        let run = at_registry(&scene, "", &inventory).args([Path::new("-f"), &list]).args(["--format", "json"]);
        let report = run.run().succeeds().json();
        assert_eq!(report["source"], "registry");
        assert_eq!(report["absent"], json!([scene.name("org/nothing:1")]));
        let written = document(&inventory);
        assert_eq!(written["images"].as_array().map(Vec::len), Some(IMAGES), "{written}");
        assert_eq!(written["images"][0]["name"], scene.name("org/app0:1").as_str());
        assert!(written.get("target").is_none(), "{written}");
        put_one(&scene, 3, 77 + round);
        let run = delta(&scene, &small, std::slice::from_ref(&inventory), &images);
        let report = run.args(["--force", "--format", "json"]).run().succeeds().json();
        assert_eq!((&report["blobs"]["count"], &report["blobs"]["inBase"]), (&1.into(), &24.into()), "{report}");
        let imported = import_of(&scene, std::slice::from_ref(&small)).run().succeeds();
        (0..IMAGES).for_each(|number| is_there(&scene, number, &imported));
    }
    assert!(scene.target.requests().iter().all(|request| !request.path.contains("_catalog")), "nobody asked for that");
}

#[test]
fn repositories_are_looked_into_tag_by_tag_and_all_of_them_only_if_asked() {
    let (scene, images, inventory, small) = imported();
    let host = scene.target.host();
    put_small_image(&scene.target, "others/thing", "1");
    let repositories: Vec<String> = (0..IMAGES).map(|number| format!("library/org/app{number}")).collect();
    at_registry(&scene, "", &inventory).args(&repositories).args(["library/gone"]).run().succeeds();
    let one = document(&inventory);
    assert_eq!(one["target"], host.as_str());
    assert_eq!(one["images"][0]["name"], format!("{host}/library/org/app0:1"));
    for (below, names) in [("/library", IMAGES), ("", IMAGES + 1)] {
        at_registry(&scene, below, &inventory).args(["--catalog"]).run().succeeds();
        assert_eq!(document(&inventory)["images"].as_array().map(Vec::len), Some(names));
        let run = delta(&scene, &small, std::slice::from_ref(&inventory), &images);
        let report = run.args(["--force", "--format", "json"]).run().succeeds().json();
        assert_eq!((&report["blobs"]["count"], &report["blobs"]["inBase"]), (&1.into(), &24.into()), "{report}");
    }
    at_registry(&scene, "", &inventory).run().exits(2);
}

#[test]
fn what_a_registry_has_lost_is_not_in_its_inventory() {
    let (scene, images, inventory, small) = imported();
    let lost = crate::scene::blobs_of(&scene.target, "library/org/app5", "1");
    lost.iter().for_each(|digest| scene.target.remove_blob("library/org/app5", digest));
    let run = at_registry(&scene, "/library", &inventory).args(["org/app5", "org/app6", "--format", "json"]);
    let report = run.run().succeeds().json();
    assert_eq!(report["absent"].as_array().map(Vec::len), Some(lost.len()), "{report}");
    let report = delta(&scene, &small, &[inventory], &images[5..7]).args(["--format", "json"]).run().succeeds().json();
    // The shared layer is in the repository of the other image, and lost in this one.
    assert_eq!((&report["blobs"]["count"], &report["blobs"]["inBase"]), (&3.into(), &2.into()), "{report}");
    import_of(&scene, &[small]).run().succeeds();
}

#[test]
fn an_inventory_that_claims_what_the_target_lacks_ends_before_anything_is_sent() {
    let scene = Scene::new();
    put_twelve(&scene);
    let small = scene.path("delta.tar");
    let (honest, forged) = (scene.path("honest.json"), scene.path("forged.json"));
    scene.export_to(&scene.path("all.tar"), &["org/app0:1"]).run().succeeds();
    command("inventory").args([scene.path("all.tar")]).args([Path::new("-o"), &honest]).run().succeeds();
    let mut claims = document(&honest);
    for held in claims["held"].as_array_mut().expect("a list") {
        held.as_object_mut().expect("an object").remove("repositories");
    }
    write(&forged, &claims);
    let images = ["org/app0:1".to_owned()];
    let report = delta(&scene, &small, std::slice::from_ref(&forged), &images).args(["--format", "json"]).run();
    let digest = report.succeeds().json()["digest"].as_str().expect("a digest").to_owned();
    // A pin is of the whole bundle, and says nothing about what is where.
    let refused = import_of(&scene, std::slice::from_ref(&small)).args(["--expect", &digest]).run().exits(4);
    assert!(writes(&scene.target).is_empty(), "{}", refused.all());
    let other = format!("sha256:{}", "1".repeat(64));
    import_of(&scene, &[small]).args(["--expect", &other]).run().exits(3);
    // Sizes that are not those of the content count for nothing.
    for held in claims["held"].as_array_mut().expect("a list") {
        held["size"] = json!(held["size"].as_u64().expect("a size") + 1);
    }
    write(&forged, &claims);
    let run = delta(&scene, &scene.path("whole.tar"), &[forged], &images).args(["--format", "json"]);
    assert_eq!(run.run().succeeds().json()["blobs"]["inBase"], 0);
}

#[test]
fn what_is_no_inventory_is_refused_in_one_line_before_anything_is_asked() {
    let scene = Scene::new();
    put_twelve(&scene);
    let (path, output) = (scene.path("inventory.json"), scene.path("delta.tar"));
    let one = format!("sha256:{}", "1".repeat(64));
    let good = json!({
        "held": [{"digest": one, "size": 7}], "images": [], "inventoryVersion": 1, "source": "files",
    });
    let mut bad: Vec<(String, String)> = vec![
        ("an empty object".into(), "{}".into()),
        ("cut off".into(), r#"{"held":["#.into()),
        ("deep".into(), format!("{{\"held\":{}", "[".repeat(100_000))),
        ("two keys".into(), good.to_string().replacen("\"images\"", "\"held\":[],\"images\"", 1)),
    ];
    for (key, value) in [
        ("inventoryVersion", json!(2)),
        ("inventoryVersion", json!("1")),
        ("source", json!("word")),
        ("source", json!(7)),
        ("held", json!({})),
        ("held", json!(null)),
        ("held", json!([one])),
        ("held", json!([{"digest": one, "size": u64::MAX}])),
        ("held", json!([{"digest": one, "size": 1.5}])),
        ("held", json!([{"digest": "md5:00", "size": 1}])),
        ("held", json!([{"digest": one, "size": 1}, {"digest": one, "size": 1}])),
        ("images", json!([{"digest": one, "name": "app"}])),
        ("images", json!([{"digest": one, "name": "quay.io/a:1"}, {"digest": one, "name": "quay.io/a:1"}])),
        ("more", json!(1)),
    ] {
        let mut document = good.clone();
        document[key] = value.clone();
        bad.push((format!("{key} {value}"), document.to_string()));
    }
    for (what, text) in bad {
        std::fs::write(&path, text).expect("a file");
        let refused = delta(&scene, &output, std::slice::from_ref(&path), &["org/app0:1".to_owned()]).run();
        assert_eq!(refused.code, Some(3), "{what}: {}", refused.all());
        assert!(refused.stderr.starts_with("bundle: "), "{what}: {}", refused.stderr);
        assert!(!output.exists(), "{what}");
    }
    assert!(scene.source.requests().is_empty());
    std::fs::write(&path, good.to_string()).expect("a file");
    delta(&scene, &output, &[path], &["org/app0:1".to_owned()]).run().succeeds();
}

#[test]
fn an_inventory_that_an_editor_saved_with_a_mark_is_told_from_a_damaged_bundle() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app0", "1");
    let (path, output) = (scene.path("inventory.json"), scene.path("delta.tar"));
    let good = json!({"held": [], "images": [], "inventoryVersion": 1, "source": "files"}).to_string();
    let utf16 = |text: &str| [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    for (bytes, is_list_too) in [(format!("\u{feff}{good}").into_bytes(), true), (utf16(&good), false)] {
        std::fs::write(&path, bytes).expect("a file");
        let refused = delta(&scene, &output, std::slice::from_ref(&path), &["org/app0:1".to_owned()]).run().exits(3);
        let said = refused.stderr;
        assert!(said.contains("byte order mark, as") && said.contains("without a byte order mark"), "{said}");
        assert!(!said.contains("bundle inventory"), "{said}");
        if is_list_too {
            let said = scene.export(&[]).args(["-f"]).args([&path]).run().exits(2).stderr;
            assert!(said.contains("byte order mark, as") && said.contains("without a byte order mark"), "{said}");
        }
    }
    std::fs::write(&path, good).expect("a file");
    delta(&scene, &output, &[path], &["org/app0:1".to_owned()]).run().succeeds();
}

#[test]
fn an_inventory_of_a_large_site_is_read() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    let path = scene.path("inventory.json");
    let line = |n: usize| format!("{{\"digest\":\"sha256:{n:064x}\",\"size\":{n}}}");
    let held = (0..50_000).map(line).collect::<Vec<_>>().join(",");
    let text = format!("{{\"held\":[{held}],\"images\":[],\"inventoryVersion\":1,\"source\":\"files\"}}");
    std::fs::write(&path, text).expect("a file");
    let images = ["org/app:1".to_owned()];
    delta(&scene, &scene.path("one.tar"), &[path], &images).run().succeeds();
}

#[test]
fn an_inventory_that_is_longer_than_other_lists_may_be_is_a_list_and_a_base_up_to_the_same_limit() {
    let scene = Scene::new();
    let digest = put_small_image(&scene.source, "org/app", "1");
    let (path, output) = (scene.path("inventory.json"), scene.path("one.tar"));
    let image = json!({"digest": digest, "name": scene.name("org/app:1")});
    let document = json!({"held": [], "images": [image], "inventoryVersion": 1, "source": "files"}).to_string();
    // White space does not matter: what counts is the length of the file.
    let padded = |len: usize| {
        let space = " ".repeat(len - document.len());
        std::fs::write(&path, format!("{{{space}{}", &document[1..])).expect("a file");
    };
    let as_list =
        || command("export").args([Path::new("-f"), &path, Path::new("-o"), &output]).args(["--plain-http", "--force"]);
    let as_base = || delta(&scene, &output, std::slice::from_ref(&path), &["org/app:1".to_owned()]).args(["--force"]);
    padded(65 << 20);
    as_list().run().succeeds();
    as_base().run().succeeds();
    padded((256 << 20) + 1);
    for (run, status) in [(as_list(), 2), (as_base(), 3)] {
        let refused = run.run().exits(status);
        assert!(refused.stderr.contains("longer than 256 MiB: too long for an inventory"), "{}", refused.stderr);
    }
}
