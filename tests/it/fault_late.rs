//! A registry that shows what it took only some seconds later: what this run has just brought is waited
//! for, and never sent twice.

use std::time::Duration;

use serde_json::json;

use crate::fault_scene::{AT, arrived, bundle_of, nothing_false, put_app, put_in, requests};
use crate::scene::{CONFIG, INDEX, MANIFEST, Scene, body_bytes, descriptor, put_small_image};
use crate::support::registry::{Builder, Fault, Match, Registry};

const LAG: Duration = Duration::from_secs(3);

fn late() -> Builder {
    Registry::builder().shows_after(LAG)
}

/// No content was sent twice.
fn once(registry: &Registry) {
    let mut seen = std::collections::BTreeSet::new();
    for request in requests(registry, "PUT", "/blobs/uploads/") {
        let digest = request.query_values("digest")[0].clone();
        assert!(seen.insert(digest.clone()), "{digest} was sent twice");
    }
}

#[test]
fn a_registry_that_shows_everything_three_seconds_later_gets_everything_once() {
    let scene = Scene::with(Registry::builder(), late());
    put_in(&scene.source, "org/one", 1, &[400_000, 70_000]);
    // What two repositories share is mounted, as soon as it shows.
    put_in(&scene.source, "org/two", 1, &[400_000, 70_000, 90_000]);
    let children: Vec<_> = (0..3)
        .map(|n| {
            let digest = put_small_image(&scene.source, "org/list", &format!("c{n}"));
            let (_, bytes) = scene.source.manifest("org/list", &digest).expect("a child");
            json!({"mediaType": MANIFEST, "digest": digest, "size": bytes.len()})
        })
        .collect();
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": children});
    scene.source.put_manifest("org/list", Some("1"), INDEX, index.to_string());
    scene.export(&["org/one:1", "org/two:1", "org/list:1"]).run().succeeds();
    scene.import().run().succeeds();
    nothing_false(&scene.target);
    for repo in ["org/one", "org/two", "org/list"] {
        let at = format!("library/{repo}");
        assert_eq!(scene.target.digest(&at, "1"), scene.source.digest(repo, "1"));
    }
    once(&scene.target);
    let sent = body_bytes(&scene.target);
    assert!(sent < 400_000 + 70_000 + 90_000 + 10_000, "{sent} bytes");
}

#[test]
fn a_tag_that_shows_its_old_image_for_a_while_is_read_again() {
    let (scene, _) = bundle_of(late(), &[1_000]);
    put_small_image(&scene.target, AT, "1");
    scene.import().args(["--check", "read-back"]).run().succeeds();
    arrived(&scene);
}

#[test]
fn a_list_of_referrers_that_shows_late_loses_no_entry() {
    let scene = Scene::with(Registry::builder(), late().referrers(false));
    put_app(&scene.source, &[1_000]);
    let subject = scene.source.digest("org/app", "1").expect("the image");
    let (_, bytes) = scene.source.manifest("org/app", "1").expect("the image");
    scene.source.put_blob("org/app", "{}");
    for name in ["one", "two"] {
        let document = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/vnd.test.signature",
            "config": descriptor(CONFIG, b"{}"), "layers": [],
            "subject": {"mediaType": MANIFEST, "digest": subject, "size": bytes.len()},
            "annotations": {"of": name},
        });
        scene.source.put_manifest("org/app", None, MANIFEST, document.to_string());
    }
    scene.export(&["org/app:1"]).run().succeeds();
    scene.import().run().succeeds();
    let (_, list) = scene.target.manifest(AT, &subject.replace(':', "-")).expect("a list");
    let list: serde_json::Value = serde_json::from_slice(&list).expect("JSON");
    assert_eq!(list["manifests"].as_array().map(Vec::len), Some(2), "{list}");
    let puts = requests(&scene.target, "PUT", &format!("/manifests/{}", subject.replace(':', "-")));
    let taken = puts.iter().filter(|r| r.status == 201).count();
    assert_eq!(taken, 2, "each entry was written once");
}

#[test]
fn children_that_an_index_does_not_find_yet_are_waited_for_whatever_the_code() {
    for (status, code) in [(404, "MANIFEST_UNKNOWN"), (400, "MANIFEST_BLOB_UNKNOWN"), (404, "BLOB_UNKNOWN"), (404, "")]
    {
        let (scene, _) = bundle_of(Registry::builder(), &[1_000]);
        let by_digest = Match::on("PUT", "/manifests/sha256:");
        // Of an image, what it needs are blobs.
        let code = if code == "MANIFEST_UNKNOWN" { "NAME_UNKNOWN" } else { code };
        scene.target.fault(by_digest.times(3), Fault::error(status, code, "not yet"));
        scene.import().run().succeeds();
        arrived(&scene);
        once(&scene.target);
    }
}

#[test]
fn what_never_shows_is_a_failure_for_now() {
    let (scene, _) = bundle_of(Registry::builder().shows_after(Duration::from_secs(600)), &[1_000]);
    let out = scene.import().run().exits(1);
    assert!(out.stderr.contains("does not show"), "{}", out.stderr);
    once(&scene.target);
    assert!(scene.target.tags(AT).is_empty());
}
