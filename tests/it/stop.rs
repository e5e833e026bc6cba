//! Ctrl-C, and two exports that want the same file.

use crate::scene::{Scene, put_image, put_made_layer, put_small_image};
use crate::support::registry::{Fault, Match, Registry};
use crate::support::run::{Output, Running};

/// Asks it to stop, and waits for its end. What it waits for never comes.
fn stopped(running: Running, ask: impl Fn(&Running)) -> Output {
    ask(&running);
    running.wait()
}

/// A scene with an image of one layer of this size, and the layer's digest.
fn with_layer(size: u64) -> (Scene, String) {
    let scene = Scene::with(Registry::builder(), Registry::builder().accepting());
    let layer = put_made_layer(&scene.source, "org/app", 3, size);
    let digest = layer["digest"].as_str().expect("a digest").to_owned();
    put_image(&scene.source, "org/app", "1", &[layer]);
    (scene, digest)
}

#[test]
fn ctrl_c_ends_an_export_that_waits_for_bytes_and_leaves_the_old_file() {
    let (scene, digest) = with_layer(4_000_000);
    std::fs::write(scene.bundle(), "the old bundle").expect("a file");
    scene.source.fault(Match::on("GET", &digest), Fault::StallAfter(100_000));
    for (code, ask) in [(130, Running::interrupt as fn(&Running)), (143, Running::terminate)] {
        scene.source.clear_requests();
        let running = scene.export(&["org/app:1"]).args(["--force"]).spawn();
        scene.source.wait_until(|requests| requests.iter().any(|r| r.sent_bytes == 100_000));
        stopped(running, ask).exits(code);
        assert_eq!(std::fs::read(scene.bundle()).expect("the old file"), b"the old bundle");
    }
    scene.source.clear_faults();
    scene.export(&["org/app:1"]).args(["--force"]).run().succeeds();
    scene.verify().run().succeeds();
}

#[test]
fn ctrl_c_ends_an_export_whose_bytes_trickle() {
    let (scene, digest) = with_layer(4_000_000);
    scene.source.fault(Match::on("GET", &digest), Fault::Rate(200_000));
    let running = scene.export(&["org/app:1"]).spawn();
    scene.source.wait_until(|requests| requests.iter().any(|r| r.path.ends_with(&digest) && r.sent_bytes > 0));
    let out = stopped(running, Running::interrupt).exits(130);
    assert!(out.stderr.contains("interrupted"), "{}", out.stderr);
    assert!(!scene.bundle().exists());
}

#[test]
fn ctrl_c_ends_an_import_at_the_first_answer_and_in_the_middle_of_a_layer() {
    let (scene, digest) = with_layer(8_000_000);
    scene.export(&["org/app:1"]).run().succeeds();
    let layer = digest.replace(':', "%3A");
    for (matching, fault) in [
        (Match::on("GET", "/v2/"), Fault::NeverAnswer),
        (Match::on("HEAD", "/blobs/"), Fault::NeverAnswer),
        (Match::on("POST", "/uploads/"), Fault::NeverAnswer),
        (Match::on("PUT", &layer), Fault::StallUploadAfter(1_000_000)),
        (Match::on("PUT", &layer), Fault::NeverAnswer),
        (Match::on("PUT", "/manifests/"), Fault::StallUploadAfter(0)),
    ] {
        let hit = matching.clone();
        scene.target.fault(matching, fault);
        scene.target.clear_requests();
        let running = scene.import().spawn();
        scene.target.wait_until(|requests| requests.iter().any(|r| hit.covers(r)));
        stopped(running, Running::interrupt).exits(130);
        scene.target.clear_faults();
        assert!(scene.target.tags("library/org/app").is_empty());
    }
    scene.import().run().succeeds();
    assert_eq!(scene.target.violations(), Vec::<String>::new());
}

#[test]
fn ctrl_c_ends_a_wait_that_a_registry_asked_for() {
    let (scene, _) = with_layer(1_000);
    scene.source.fault(Match::on("GET", "/manifests/"), Fault::status_with(429, "Retry-After", "200"));
    let running = scene.export(&["org/app:1"]).spawn();
    running.wait_for_stderr("waiting");
    let out = stopped(running, Running::interrupt).exits(130);
    assert!(out.stderr.contains(&scene.source.host()), "{}", out.stderr);
    assert_eq!(scene.files(), Vec::<String>::new());
}

#[test]
fn a_second_export_to_the_same_file_fails_at_once_and_says_so() {
    let (scene, digest) = with_layer(4_000_000);
    put_small_image(&scene.source, "org/other", "1");
    scene.source.fault(Match::on("GET", &digest).once(), Fault::StallAfter(100_000));
    let first = scene.export(&["org/app:1"]).spawn();
    scene.source.wait_until(|requests| requests.iter().any(|r| r.sent_bytes == 100_000));

    let out = scene.export(&["org/other:1"]).run().exits(1);
    assert!(out.stderr.contains("in use by another bundle process"), "{}", out.stderr);
    assert!(out.stderr.contains("images.tar"), "{}", out.stderr);
    assert_eq!(scene.source.count(|r| r.path.contains("other")), 0, "nothing was fetched for it");

    scene.source.clear_faults();
    first.wait().succeeds();
    scene.verify().run().succeeds();
    let listed = scene.list().run().succeeds().stdout;
    assert!(listed.contains("org/app:1") && !listed.contains("org/other"), "the first one's bundle: {listed}");
}
