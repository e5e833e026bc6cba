//! The same images at the same digests give the same bytes, whatever happens on the way.

use std::time::Duration;

use crate::scene::{Scene, borrowed, names};
use crate::support::registry::{Fault, Match};

#[test]
fn argument_order_and_jobs_and_delays_change_no_byte() {
    let (scene, images) = Scene::seeded();
    let mut names = names(&images);
    scene.source.fault(Match::on("GET", "/v2/org/"), Fault::Delay(Duration::from_millis(30)));
    let mut bundles = Vec::new();
    for (jobs, turn) in [("1", 0), ("16", 2), ("16", 5), ("3", 1)] {
        names.rotate_left(turn);
        let output = scene.path(&format!("{}.tar", bundles.len()));
        scene.export_to(&output, &borrowed(&names)).args(["-j", jobs]).run().succeeds();
        bundles.push(std::fs::read(output).expect("a bundle"));
        names.reverse();
    }
    for other in &bundles[1..] {
        assert!(bundles[0] == *other, "bundles of the same images differ");
    }
}

#[test]
fn naming_an_image_twice_or_by_its_digest_too_changes_what_it_should() {
    let (scene, images) = Scene::seeded();
    let app = images.iter().find(|image| image.repository == "org/app").expect("the app");
    let (once, twice, pinned) = (scene.path("once.tar"), scene.path("twice.tar"), scene.path("pinned.tar"));
    scene.export_to(&once, &["org/app:1.4"]).run().succeeds();
    scene.export_to(&twice, &["org/app:1.4", "org/app:1.4"]).run().succeeds();
    scene.export_to(&pinned, &[&format!("org/app:1.4@{}", app.digest)]).run().succeeds();
    let read = |path| std::fs::read(path).expect("a bundle");
    assert!(read(&once) == read(&twice), "twice is once");
    assert!(read(&once) == read(&pinned), "a tag that was pinned keeps its name");
}
