//! Some images of a bundle are imported, chosen by their names, and with them what is attached to them.

use crate::cosign_tags::signed;
use crate::scene::{Scene, put_small_image};
use crate::support::registry::Registry;

/// The repositories of the target that got something.
fn repositories(registry: &Registry) -> Vec<&'static str> {
    let all = ["library/org/app", "library/org/other"];
    all.into_iter().filter(|repo| !registry.tags(repo).is_empty()).collect()
}

#[test]
fn an_image_comes_by_its_name_with_its_signatures_and_the_others_stay() {
    let (scene, wanted) = signed(true);
    scene.export(&["org/app:1", "org/other:1"]).run().succeeds();
    let app = format!("{}/org/app:1", scene.source.host());
    let said = scene.import().args(["--only", &app, "--format", "json"]).run().succeeds().json();
    assert_eq!(said["images"].as_array().map(Vec::len), Some(wanted.len()), "{said}");
    assert_eq!(scene.target.tags("library/org/app"), wanted);
    assert_eq!(repositories(&scene.target), ["library/org/app"]);
    for tag in &wanted {
        assert_eq!(scene.target.missing("library/org/app", tag), Vec::<String>::new());
    }
    // The rest can follow.
    scene.import().run().succeeds();
    assert_eq!(repositories(&scene.target), ["library/org/app", "library/org/other"]);
}

#[test]
fn the_signatures_of_an_image_that_stays_stay_too() {
    let (scene, _) = signed(true);
    scene.export(&["org/app:1", "org/other:1"]).run().succeeds();
    scene.import().args(["--only", "*/org/oth??:*"]).run().succeeds();
    assert_eq!(repositories(&scene.target), ["library/org/other"]);
    assert_eq!(scene.target.tags("library/org/other"), ["1"]);
}

#[test]
fn a_name_that_no_image_has_is_refused_before_anything_is_sent() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    scene.export(&["org/app:1"]).run().succeeds();
    let app = format!("{}/org/app:1", scene.source.host());
    let said = scene.import().args(["--only", &app, "--only", "quay.io/org/none:1"]).run().exits(2).stderr;
    assert!(said.contains("--only quay.io/org/none:1: no image here has this name"), "{said}");
    assert_eq!(scene.target.requests().len(), 0);
}
