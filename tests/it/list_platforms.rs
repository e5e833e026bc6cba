//! Platforms that lists name for single images, and `--single-platform` where nothing lies in between.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::platforms::{THREE, put_app, put_index, put_platform};
use crate::referrer_scene::{SIGNATURE, put_referrer};
use crate::scene::{Scene, command};
use crate::support::registry::Registry;

/// Lists that name platforms for one image and none for another, in each form that can.
fn lists_with_platforms(scene: &Scene) -> [(&'static str, String); 5] {
    let (app, other) = (scene.name("org/app:1"), scene.name("org/other:1"));
    let (repository, _) = app.rsplit_once(':').expect("a tag");
    [
        (
            "hauler.yaml",
            format!(
                "apiVersion: content.hauler.cattle.io/v1\nkind: Images\nspec:\n  images:\n  - name: {other}\n  - name: {app}\n    platform: linux/arm64\n"
            ),
        ),
        (
            "compose.yaml",
            format!("services:\n  other:\n    image: {other}\n  app:\n    platform: linux/arm64\n    image: {app}\n"),
        ),
        (
            "set.yaml",
            format!(
                "kind: ImageSetConfiguration\napiVersion: mirror.openshift.io/v2alpha1\nmirror:\n  additionalImages:\n  - name: {other}\n  - name: {app}\n    platforms: [linux/arm64]\n"
            ),
        ),
        (
            "images.lock",
            format!(
                "apiVersion: v0\nkind: ImagesLock\nimages:\n- image: {other}\n- image: {app}\n  digests: [{{arch: linux/arm64}}]\n"
            ),
        ),
        (
            "regsync.yml",
            format!(
                "version: 1\nsync:\n- {{source: '{other}', type: image}}\n- source: {repository}\n  type: repository\n  platform: linux/arm64\n"
            ),
        ),
    ]
}

#[test]
fn platforms_that_a_list_names_for_an_image_are_taken_of_it_alone() {
    let scene = Scene::with(Registry::builder(), Registry::builder().accepting());
    let digests = put_app(&scene.source, &THREE);
    let child = |platform: &&str| put_platform(&scene.source, "org/other", platform, &[]);
    let children: Vec<Value> = THREE.iter().map(child).collect();
    put_index(&scene.source, "org/other", "1", &children);
    for (name, text) in lists_with_platforms(&scene) {
        let list = scene.path(name);
        fs::write(&list, text).expect("a list");
        let said = scene.export(&[]).args(["--force", "-f"]).args([&list]).run().succeeds().all();
        let line = if name == "regsync.yml" { 4 } else { list_line(&list) };
        assert!(said.contains(&format!("{}:{line}: linux/arm64 alone, as the list says", list.display())), "{said}");
        let listed = scene.list().args(["--format", "json"]).run().succeeds().json();
        let others = |at: usize| listed["images"][at]["otherPlatforms"].as_array().map_or(0, Vec::len);
        assert_eq!((others(0), others(1)), (2, 0), "{name}: {listed}");

        // What is said for all images holds for these too, and that is said.
        let said = scene.export(&[]).args(["--force", "--platform", "all", "-f"]).args([&list]).run().succeeds().all();
        assert!(said.contains("linux/arm64 alone: --platform decides for all images"), "{said}");
        assert!(!said.contains("left out"), "{said}");
    }
    // A copy brings the same, and then a check finds it; the other platforms are asked for by the flag alone.
    let list = scene.path("hauler.yaml");
    let text = list.display().to_string();
    let at_target = |verb: &str| command(verb).args(["--plain-http", "--registry", &scene.target.host(), "-f", &text]);
    at_target("copy").run().succeeds();
    assert!(scene.target.manifest("library/org/app", &digests[2]).is_some());
    assert!(scene.target.manifest("library/org/app", &digests[1]).is_none());
    at_target("check").run().succeeds();
    let said = at_target("check").args(["--platform", "linux/amd64,linux/arm64"]).run().exits(4).all();
    assert!(said.contains("linux/amd64"), "{said}");
}

/// The line that names `org/app`.
fn list_line(list: &Path) -> usize {
    let text = fs::read_to_string(list).expect("a list");
    1 + text.lines().position(|line| line.contains("org/app")).expect("a line")
}

#[test]
fn a_platform_in_a_list_that_is_none_is_said_with_its_line_and_one_that_no_image_has_too() {
    let scene = Scene::new();
    put_app(&scene.source, &THREE);
    let list = scene.path("set.yaml");
    let name = scene.name("org/app:1");
    let write = |platform: &str| {
        let head = "apiVersion: content.hauler.cattle.io/v1\nkind: Images\nspec:\n  images:\n";
        fs::write(&list, format!("{head}  - {{name: '{name}', platform: {platform}}}\n")).expect("a list");
    };
    write("nonsense");
    let said = scene.export(&[]).args(["-f"]).args([&list]).run().exits(2).all();
    assert!(said.contains(&format!("{}:5: `nonsense` is no platform", list.display())), "{said}");
    write("linux/mips");
    let said = scene.export(&[]).args(["-f"]).args([&list]).run().exits(4).all();
    assert!(said.contains("it has no linux/mips, only linux/amd64, linux/arm64, linux/s390x"), "{said}");
}

#[test]
fn a_copy_of_a_single_platform_puts_its_manifest_under_the_tag_and_says_so() {
    let scene = Scene::new();
    let digests = put_app(&scene.source, &THREE);
    let of_arm = put_referrer(&scene.source, "org/app", &digests[2], SIGNATURE);
    let of_index = put_referrer(&scene.source, "org/app", &digests[0], SIGNATURE);
    let name = scene.name("org/app:1");
    let copy = |platform: &str| {
        let to = ["--plain-http", "--src-plain-http", "--registry", &scene.target.host()];
        command("copy").args(to).args(["--single-platform", platform, &name])
    };
    let said = copy("linux/mips").run().exits(4).all();
    assert!(said.contains("it has no linux/mips, only linux/amd64, linux/arm64, linux/s390x"), "{said}");
    let said = copy("linux/arm64").run().succeeds().all();
    assert!(said.contains(&digests[2]) && said.contains(&digests[0]), "both digests are said: {said}");
    assert_eq!(scene.target.digest("library/org/app", "1"), Some(digests[2].clone()));
    assert!(scene.target.manifest("library/org/app", &of_arm).is_some());
    for absent in [&digests[0], &digests[1], &digests[3], &of_index] {
        assert!(scene.target.manifest("library/org/app", absent).is_none(), "{absent}");
    }
    let said = copy("linux/arm64").run().succeeds().all();
    assert!(said.contains("present") && said.contains("0 blobs sent"), "{said}");
    assert_eq!(scene.target.violations(), Vec::<String>::new());
}
