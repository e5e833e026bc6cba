//! Lists of images on the command line: what they name is carried, and what is wrong with them is said
//! at once, before anything starts.

use std::fs;

use serde_json::Value;

use crate::scene::{Scene, command, put_small_image};

/// A file with this text on the drive of a scene.
fn file(scene: &Scene, name: &str, text: impl AsRef<[u8]>) -> String {
    let path = scene.path(name);
    fs::write(&path, text).expect("a file");
    path.display().to_string()
}

#[test]
fn what_lists_name_is_exported_and_so_is_what_stands_on_standard_input() {
    let (scene, _) = Scene::seeded();
    let host = scene.source.host().to_owned();
    let lines = file(&scene, "images.txt", format!("\u{feff}# ours\r\n{host}/org/app:1.4\r\n"));
    let pod = format!("kind: Pod\nspec:\n  containers:\n  - image: {host}/org/web:2\n  - image: {host}/org/app:1.4\n");
    let out = scene.export(&[]).args(["-f", lines.as_str(), "-f", "-"]).stdin(pod).run().exits(0);
    assert!(out.stdout.contains("2 images"), "{}", out.stdout);
    assert!(out.stdout.contains(&format!("{host}/org/web:2")), "{}", out.stdout);
}

#[test]
fn everything_wrong_with_all_lists_is_said_at_once_and_nothing_is_started() {
    let (scene, _) = Scene::seeded();
    let host = scene.source.host().to_owned();
    let one = file(&scene, "one.txt", format!("{host}/org/app:1.4\nUPPER/case\nhttps://x.io/a\n"));
    let two = file(&scene, "two.yaml", "kind: Pod\nspec:\n  containers:\n  - image: user:canary@h.io/x\n");
    let out = scene.export(&[]).args(["-f", one.as_str(), "-f", two.as_str()]).run().exits(2);
    for said in [format!("{one}:2: "), format!("{one}:3: "), format!("{two}:4: ")] {
        assert!(out.stderr.contains(&said), "{said}: {}", out.stderr);
    }
    assert!(!out.stderr.contains("canary"), "{}", out.stderr);
    assert_eq!(scene.source.requests().len(), 0, "nothing is asked");
    assert_eq!(scene.files(), ["one.txt", "two.yaml"], "nothing is made");
}

#[test]
fn what_cannot_be_had_is_said_with_every_line_that_wants_it() {
    let (scene, _) = Scene::seeded();
    let host = scene.source.host().to_owned();
    let one = file(&scene, "one.txt", format!("{host}/org/none:1\n"));
    let two = file(&scene, "two.txt", format!("\n{host}/org/none:1\n"));
    let out = scene.export(&[]).args(["-f", one.as_str(), "-f", two.as_str()]).run().exits(4);
    assert!(out.stderr.contains(&format!("{one}:1, {two}:2: {host}/org/none:1")), "{}", out.stderr);
}

#[test]
fn a_lock_holds_the_digests_and_as_a_list_it_wants_exactly_those() {
    let scene = Scene::new();
    let old = put_small_image(&scene.source, "org/app", "1");
    put_small_image(&scene.source, "org/web", "1");
    let lock = scene.path("images.lock");
    let text = lock.display().to_string();
    let out =
        scene.export(&["org/web:1", "org/app:1"]).args(["--format", "json", "--lock", text.as_str()]).run().exits(0);
    assert_eq!(out.json()["lock"], text);
    let document: Value = serde_json::from_slice(&fs::read(&lock).expect("a lock")).expect("JSON");
    assert_eq!(document["bundleLock"], 1);
    assert_eq!(document["images"][0]["name"], scene.name("org/app:1"));
    assert_eq!(document["images"][0]["digest"], old);

    // The tag moves, and the list stays.
    scene.source.put_manifest("org/app", Some("1"), crate::scene::MANIFEST, "{}");
    let again = scene.path("again.tar");
    command("export").args(["--plain-http", "-f", text.as_str(), "-o"]).args([&again]).run().exits(0);
    assert!(fs::read(&again).expect("a bundle") == fs::read(scene.bundle()).expect("a bundle"), "byte for byte");
}

#[test]
fn a_lock_is_written_last_and_over_nothing() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    let lock = file(&scene, "images.lock", "mine");
    let bundle = scene.bundle().display().to_string();
    for path in [lock.as_str(), bundle.as_str(), "-", "/nowhere/images.lock"] {
        scene.export(&["org/app:1"]).args(["--lock", path]).run().exits(2);
        assert_eq!(scene.source.requests().len(), 0, "{path}");
    }
    let dry = scene.path("dry.lock").display().to_string();
    scene.export(&["org/app:1"]).args(["--dry-run", "--lock", dry.as_str()]).run().exits(0);
    scene.export(&["org/none:1"]).args(["--lock", dry.as_str()]).run().exits(4);
    assert_eq!(scene.files(), ["images.lock"]);
    assert_eq!(fs::read(&lock).expect("a file"), b"mine");
    scene.export(&["org/app:1"]).args(["--force", "--lock", lock.as_str()]).run().exits(0);
    assert!(fs::read_to_string(&lock).expect("a file").contains("bundleLock"));
}

#[test]
fn a_dry_run_says_what_would_travel_and_what_it_weighs() {
    let (scene, _) = Scene::seeded();
    let out = scene.export(&["org/app:1.4", "org/web:2"]).args(["--dry-run", "--format", "json"]).run().exits(0);
    let json = out.json();
    let bytes: Vec<u64> = json["images"]
        .as_array()
        .expect("images")
        .iter()
        .map(|image| image["bytes"].as_u64().expect("bytes"))
        .collect();
    let all = json["blobs"]["bytes"].as_u64().expect("bytes");
    // What they share counts for each.
    assert!(bytes.len() == 2 && bytes.iter().all(|bytes| *bytes < all) && bytes.iter().sum::<u64>() > all, "{json}");
    let out = scene.export(&["org/app:1.4"]).args(["--dry-run"]).run().exits(0);
    let line = out.stdout.lines().find(|line| line.starts_with("would take")).expect("a line");
    assert!(line.contains(&scene.name("org/app:1.4")) && line.ends_with("iB"), "{line}");
}

#[test]
fn what_a_list_has_besides_images_is_named_once_with_its_line() {
    let (scene, _) = Scene::seeded();
    let host = scene.source.host().to_owned();
    let set = file(
        &scene,
        "set.yaml",
        format!(
            "kind: ImageSetConfiguration\nmirror:\n  operators: []\n  additionalImages:\n  - name: {host}/org/app:1.4\n\
             ---\nkind: Pod\nspec:\n  containers:\n  - image: {host}/org/app:1.4\n    args: [--sidecar={host}/org/web:2]\n\
             \u{20}   env: [{{name: A, value: quay.io/org/maybe:1}}]\n"
        ),
    );
    let out = scene.export(&[]).args(["--dry-run", "-f", set.as_str()]).run().exits(0);
    assert_eq!(out.stderr.matches(&format!("{set}:3: operators: not images")).count(), 1, "{}", out.stderr);
    assert!(out.stderr.contains("maybe") && out.stderr.contains("quay.io/org/maybe:1"), "{}", out.stderr);
    assert!(out.stdout.contains("1 image ·"), "{}", out.stdout);
    let only = file(&scene, "only.yaml", "kind: ImageSetConfiguration\nmirror: {operators: []}\n");
    let out = scene.export(&[]).args(["-f", only.as_str()]).run().exits(2);
    assert!(out.stderr.contains("no image named") && out.stderr.contains("operators"), "{}", out.stderr);
}
