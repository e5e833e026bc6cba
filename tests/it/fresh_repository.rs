//! A repository that holds nothing of an image yet: small blobs go there without a question each.

use serde_json::json;

use crate::fault_scene::{AT, arrived, bundle_of, in_query, requests};
use crate::scene::Scene;
use crate::support::registry::{Fault, Match, Registry};

const SMALL: u64 = 5_000;
/// Asked for whatever the repository holds.
const LARGE: u64 = 1 << 20;

/// These blobs as an import into another registry leaves them.
fn as_elsewhere(scene: &Scene, layers: &[String]) -> Vec<Vec<u8>> {
    let other = Registry::builder().start();
    scene.import_into(&other.host()).run().succeeds();
    layers.iter().map(|layer| other.blob(AT, layer).expect("imported")).collect()
}

#[test]
fn small_blobs_are_sent_without_being_asked_for_first() {
    let (scene, layers) = bundle_of(Registry::builder(), &[SMALL, LARGE, SMALL + 1]);
    // Of several at once, each may take the session that was opened ahead for its own.
    scene.import().args(["-j", "1"]).run().succeeds();
    arrived(&scene);
    let asked: Vec<_> = requests(&scene.target, "HEAD", "/blobs/").into_iter().map(|r| r.path).collect();
    assert!(asked.contains(&format!("/v2/{AT}/blobs/{}", layers[1])), "{asked:?}");
    // One of the small ones is asked for: it takes the session that was opened ahead.
    assert!(asked.len() <= 2, "{asked:?}");
    // Every session was used: none had to be given up.
    assert_eq!(requests(&scene.target, "DELETE", "").len(), 0);
}

#[test]
fn small_blobs_that_an_interrupted_import_left_are_found_and_not_sent_again() {
    let (scene, layers) = bundle_of(Registry::builder(), &[SMALL, SMALL + 1]);
    for (layer, bytes) in layers.iter().zip(as_elsewhere(&scene, &layers)) {
        assert_eq!(scene.target.put_blob(AT, bytes), *layer);
    }
    let out = scene.import().args(["--format", "json"]).run().succeeds().json();
    assert_eq!((&out["blobs"]["present"], &out["blobs"]["sent"]), (&json!(2), &json!(1)), "the config is sent");
    arrived(&scene);
    for layer in &layers {
        assert_eq!(requests(&scene.target, "PUT", &in_query(layer)).len(), 0, "{layer}");
    }
}

#[test]
fn a_small_blob_of_another_length_is_not_taken_for_the_one_of_its_name() {
    let (scene, layers) = bundle_of(Registry::builder(), &[SMALL, SMALL + 1]);
    for layer in &layers {
        scene.target.put_blob_as(AT, layer, b"cut".to_vec());
    }
    scene.import().run().succeeds();
    arrived(&scene);
    for (layer, bytes) in layers.iter().zip(as_elsewhere(&scene, &layers)) {
        assert!(scene.target.blob(AT, layer) == Some(bytes), "{layer}");
    }
}

#[test]
fn a_registry_that_refuses_mounts_within_a_repository_is_asked_for_each_blob_instead() {
    for status in [400, 404, 405] {
        let (scene, _) = bundle_of(Registry::builder(), &[SMALL, SMALL + 1, SMALL + 2]);
        scene.target.fault(Match::on("POST", "mount="), Fault::status(status));
        scene.import().args(["-j", "1"]).run().succeeds();
        arrived(&scene);
        assert_eq!(requests(&scene.target, "POST", "mount=").len(), 1, "{status}: one lesson is enough");
    }
}

#[test]
fn once_a_manifest_is_there_every_blob_is_asked_for() {
    let (scene, layers) = bundle_of(Registry::builder(), &[SMALL, SMALL + 1]);
    scene.import().run().succeeds();
    scene.target.remove_blob(AT, &layers[0]);
    scene.target.clear_requests();
    let out = scene.import().args(["--format", "json"]).run().succeeds().json();
    assert_eq!((&out["blobs"]["present"], &out["blobs"]["sent"]), (&json!(2), &json!(1)));
    assert_eq!(requests(&scene.target, "HEAD", "/blobs/").len(), 3);
    arrived(&scene);
}
