//! `export --ref-name tag`: what other tools are shown, and that nothing changes for us.

use std::fs::File;
use std::path::Path;

use serde_json::Value;

use crate::scene::{Scene, command, put_small_image};

fn scene() -> Scene {
    let scene = Scene::new();
    for (repository, tag) in [("org/app", "1"), ("org/app", "2"), ("org/other", "1")] {
        put_small_image(&scene.source, repository, tag);
    }
    scene
}

/// What containerd and others are shown, by entry.
fn names(bundle: &Path) -> Vec<(String, String)> {
    let mut archive = tar::Archive::new(File::open(bundle).expect("a bundle"));
    let mut entries = archive.entries().expect("entries").map(|entry| entry.expect("an entry"));
    let is_index = |entry: &tar::Entry<'_, File>| entry.path().is_ok_and(|path| path.as_os_str() == "index.json");
    let index: Value = serde_json::from_reader(entries.find(is_index).expect("index.json")).expect("JSON");
    let text = |root: &Value, key: &str| root["annotations"][key].as_str().expect("a name").to_owned();
    let name = |root: &Value| (text(root, "io.containerd.image.name"), text(root, "org.opencontainers.image.ref.name"));
    index["manifests"].as_array().expect("roots").iter().map(name).collect()
}

#[test]
fn a_bundle_with_tags_alone_is_read_listed_and_imported_like_any_other() {
    let scene = scene();
    scene.export(&["org/app:1", "org/app:2"]).args(["--ref-name", "tag"]).run().succeeds();
    let full = |tag: &str| scene.name(&format!("org/app:{tag}"));
    assert_eq!(names(&scene.bundle()), [(full("1"), "1".into()), (full("2"), "2".into())]);
    scene.verify().run().succeeds();
    let json = scene.list().args(["--format", "json"]).run().succeeds().json();
    assert_eq!(json["images"][0]["name"], full("1"));
    scene.import().run().succeeds();
    assert_eq!(scene.target.tags("library/org/app"), ["1", "2"]);
    // The same images in full are another bundle.
    let other = scene.path("full.tar");
    scene.export_to(&other, &["org/app:1", "org/app:2"]).run().succeeds();
    let digest = |file: &Path| command("list").args([file]).args(["--format", "json"]).run().json()["digest"].clone();
    assert_ne!(digest(&other), digest(&scene.bundle()));
}

#[test]
fn images_that_tags_do_not_tell_apart_are_refused() {
    let scene = scene();
    let short = |images: &[&str]| scene.export(images).args(["--ref-name", "tag"]).run();
    let said = short(&["org/app:1", "org/other:1"]).exits(2).stderr;
    assert!(said.contains("of several repositories") && said.contains("leave --ref-name out"), "{said}");
    let digest = scene.source.digest("org/app", "1").expect("a digest");
    short(&[&format!("org/app@{digest}")]).exits(2);
    assert_eq!(scene.files(), Vec::<String>::new());
}

#[test]
fn volumes_and_what_is_packed_of_it_keep_the_form() {
    let scene = scene();
    scene.export(&["org/app:1", "org/app:2"]).args(["--ref-name", "tag"]).run().succeeds();
    let packed = scene.path("packed.tar");
    command("pack").args([scene.bundle()]).args(["-o"]).args([&packed]).run().succeeds();
    assert!(std::fs::read(&packed).expect("a bundle") == std::fs::read(scene.bundle()).expect("a bundle"));
    // Together with others, names are what tells images apart.
    let other = scene.path("other.tar");
    scene.export_to(&other, &["org/other:1"]).run().succeeds();
    command("pack").args([scene.bundle(), other]).args(["-o"]).args([&packed]).args(["--force"]).run().succeeds();
    assert!(names(&packed).iter().all(|(of_containerd, standard)| of_containerd == standard), "{:?}", names(&packed));
    command("verify").args([&packed]).run().succeeds();
}
