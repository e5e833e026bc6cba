//! Hosts that refuse what only saves time: ranges, `Expect`, HEAD, mounts, chunks. None of that is a
//! refused image, and none is asked for twice.

use serde_json::json;

use crate::fault_scene::{AT, IMAGE, arrived, bundle_of, in_query, put_app, put_in, requests, source_of};
use crate::scene::{Scene, body_bytes, put_image, put_layer};
use crate::support::registry::{Cut, Fault, Match, Registry};
use crate::support::run::Output;

/// How often something is said to have been learned.
fn learned(out: &Output, what: &str) -> usize {
    out.stderr.lines().filter(|line| line.starts_with("learned") && line.contains(what)).count()
}

fn with_range(scene: &Scene) -> usize {
    scene.source.count(|r| r.header("Range").is_some())
}

#[test]
fn a_range_that_is_refused_is_read_from_the_start_once_and_not_asked_for_again() {
    for status in [400, 403, 404, 405, 412, 416, 500, 501] {
        let (scene, layers) = source_of(&[300_000, 300_001]);
        scene.source.fault(Match::on("GET", "/blobs/"), Fault::RefuseRange(status));
        for layer in &layers {
            scene.source.fault(Match::on("GET", layer).once(), Fault::CutBodyAfter(100_000, Cut::Close));
        }
        let out = scene.export(&[IMAGE]).args(["-v", "-j", "1", "--retries", "1"]).run().succeeds();
        scene.verify().run().succeeds();
        assert_eq!(learned(&out, "no Range"), 1, "{status}: {}", out.stderr);
        let most = if status == 500 { 2 } else { 1 };
        assert!(with_range(&scene) <= most, "{status}: asked for {} times", with_range(&scene));
    }
}

#[test]
fn a_partial_file_before_a_host_that_takes_no_ranges_is_no_worse_than_none() {
    for fault in [
        Fault::RefuseRange(416),
        Fault::RefuseRange(400),
        Fault::RefuseRange(403),
        Fault::RefuseRange(404),
        Fault::RefuseRange(500),
        Fault::LyingContentRange("bytes 0-1/2".into()),
        Fault::IgnoreRange,
    ] {
        let (scene, layers) = source_of(&[300_000]);
        scene.source.fault(Match::on("GET", &layers[0]), Fault::CutBodyAfter(100_000, Cut::Close));
        scene.source.fault(Match::on("GET", &layers[0]), Fault::RefuseRange(503));
        scene.export(&[IMAGE]).args(["--retries", "0"]).run().exits(1);
        assert!(scene.files().iter().any(|name| name.contains("partial")), "{:?}", scene.files());
        scene.source.clear_faults();
        scene.source.fault(Match::on("GET", &layers[0]), fault);
        scene.export(&[IMAGE]).args(["--retries", "0"]).run().succeeds();
        scene.verify().run().succeeds();
    }
}

#[test]
fn a_range_that_breaks_every_connection_is_done_without() {
    let (scene, layers) = source_of(&[300_000]);
    scene.source.fault(Match::on("GET", &layers[0]).once(), Fault::CutBodyAfter(100_000, Cut::Close));
    scene.source.intercept(|request| request.header("Range").map(|_| Fault::Reset));
    scene.export(&[IMAGE]).args(["--retries", "1"]).run().succeeds();
    scene.verify().run().succeeds();
}

#[test]
fn a_refused_range_where_storage_redirects_to_is_done_without() {
    for status in [403, 416] {
        let (scene, layers) = source_of(&[300_000]);
        let storage = Registry::start();
        put_in(&storage, "org/app", 100, &[300_000]);
        let link = format!("{}{{path}}", storage.url());
        scene.source.fault(Match::on("GET", &layers[0]), Fault::Redirect(307, link));
        storage.fault(Match::on("GET", &layers[0]).once(), Fault::CutBodyAfter(100_000, Cut::Close));
        storage.fault(Match::on("GET", &layers[0]), Fault::RefuseRange(status));
        scene.export(&[IMAGE]).args(["--retries", "1"]).run().succeeds();
        scene.verify().run().succeeds();
    }
}

#[test]
fn a_host_that_takes_no_expect_is_sent_the_body_at_once_and_never_asked_again() {
    for status in [417, 400, 501] {
        let (scene, layers) = bundle_of(Registry::builder(), &[2 << 20, (2 << 20) + 1, (2 << 20) + 2]);
        scene.target.fault(Match::any(), Fault::RefuseExpect(status));
        let out = scene.import().args(["-v", "-j", "1"]).run().succeeds();
        arrived(&scene);
        assert!(scene.target.has_blob(AT, &layers[0]));
        assert_eq!(scene.target.count(|r| r.header("Expect").is_some()), 1, "{status}");
        assert_eq!(learned(&out, "no Expect"), 1, "{status}: {}", out.stderr);
    }
}

#[test]
fn expect_is_refused_in_chunks_too() {
    let (scene, _) = bundle_of(Registry::builder(), &[9 << 20]);
    scene.target.fault(Match::on("PUT", "/blobs/uploads/"), Fault::RefuseMonolithic(404));
    scene.target.fault(Match::on("PATCH", ""), Fault::RefuseExpect(417));
    scene.import().run().succeeds();
    arrived(&scene);
}

#[test]
fn a_head_that_says_no_length_or_none_is_no_damage() {
    let (scene, layers) = bundle_of(Registry::builder(), &[2 << 20, 200_000]);
    scene.target.fault(Match::on("HEAD", "/blobs/"), Fault::header("Content-Length", "0"));
    scene.import().run().succeeds();
    arrived(&scene);
    scene.target.clear_requests();
    let out = scene.import().args(["-v"]).run().succeeds();
    assert_eq!(body_bytes(&scene.target), 0, "good blobs are not sent again");
    assert_eq!(learned(&out, "no length"), 1, "{}", out.stderr);
    assert!(scene.target.has_blob(AT, &layers[0]));
}

#[test]
fn a_host_without_head_is_asked_by_get() {
    for status in [400, 403, 405, 500, 501] {
        let (scene, _) = bundle_of(Registry::builder(), &[2 << 20, 200_000]);
        scene.import().run().succeeds();
        scene.target.fault(Match::on("HEAD", ""), Fault::status(status));
        scene.target.clear_requests();
        let out = scene.import().args(["-v", "-j", "1", "--retries", "0"]).run().succeeds();
        arrived(&scene);
        assert_eq!(body_bytes(&scene.target), 0, "{status}: what is there is not sent again");
        assert_eq!(scene.target.count(|r| r.method == "HEAD"), 1, "{status}: asked in that way once");
        assert_eq!(learned(&out, "no HEAD"), 1, "{status}: {}", out.stderr);
    }
}

#[test]
fn a_link_that_is_signed_for_get_is_not_asked_by_head_again() {
    let (scene, _) = bundle_of(Registry::builder(), &[2 << 20, (2 << 20) + 1]);
    scene.import().run().succeeds();
    let storage = Registry::start();
    put_in(&storage, AT, 100, &[2 << 20, (2 << 20) + 1]);
    storage.fault(Match::on("HEAD", ""), Fault::status(403));
    let link = format!("{}{{path}}", storage.url());
    for digest in crate::scene::blobs_of(&scene.target, AT, "1") {
        if storage.has_blob(AT, &digest) {
            scene.target.fault(Match::on("*", &format!("/blobs/{digest}")), Fault::Redirect(307, link.clone()));
        }
    }
    scene.target.clear_requests();
    scene.import().args(["-j", "1"]).run().succeeds();
    assert_eq!(storage.count(|r| r.method == "HEAD"), 1, "{:?}", storage.requests());
    assert_eq!(body_bytes(&scene.target), 0);
}

#[test]
fn a_layer_with_urls_that_head_denies_is_taken_where_get_has_it() {
    let scene = Scene::new();
    let mut layer = put_layer(&scene.source, "org/app", "a layer that may lie elsewhere");
    layer["urls"] = json!(["https://elsewhere.example/layer"]);
    put_image(&scene.source, "org/app", "1", &[layer]);
    scene.source.fault(Match::on("HEAD", ""), Fault::error(404, "BLOB_UNKNOWN", "not by HEAD"));
    scene.export(&[IMAGE]).run().succeeds();
    let out = scene.verify().run().succeeds();
    assert!(!out.all().contains("left out"), "{}", out.all());
    scene.target.fault(Match::on("HEAD", "/blobs/"), Fault::error(404, "BLOB_UNKNOWN", "not by HEAD"));
    scene.import().run().succeeds();
    arrived(&scene);
}

#[test]
fn mounts_that_are_refused_as_such_are_asked_for_once() {
    for fault in [Fault::status(405), Fault::error(400, "UNSUPPORTED", "no mounts"), Fault::status(501)] {
        let scene = Scene::new();
        for repo in ["org/a", "org/b", "org/c", "org/d"] {
            put_in(&scene.source, repo, 7, &[300_000, 200_000]);
        }
        scene.export(&["org/a:1", "org/b:1", "org/c:1", "org/d:1"]).run().succeeds();
        scene.target.fault(Match::on("POST", "mount="), fault);
        let out = scene.import().args(["-v", "-j", "1"]).run().succeeds();
        let between = requests(&scene.target, "POST", "mount=");
        let across = between.iter().filter(|r| !r.path.contains(&r.query_values("from")[0])).count();
        assert_eq!(across, 1, "{between:?}");
        assert_eq!(learned(&out, "no mounts ("), 1, "{}", out.stderr);
    }
}

#[test]
fn a_mount_that_failed_for_now_is_asked_for_again() {
    let scene = Scene::new();
    put_app(&scene.source, &[1_000, 1_001, 1_002]);
    scene.export(&[IMAGE]).run().succeeds();
    scene.target.fault(Match::on("POST", "mount=").times(2), Fault::status(503));
    scene.import().args(["--retries", "1", "-j", "1"]).run().succeeds();
    arrived(&scene);
    let mounts = requests(&scene.target, "POST", "mount=");
    assert!(mounts.len() > 2, "{mounts:?}");
}

#[test]
fn a_host_without_chunks_is_sent_whole_blobs_after_a_break_too() {
    for status in [405, 404, 501] {
        let (scene, layers) = bundle_of(Registry::builder(), &[400_000]);
        scene.target.fault(Match::on("PUT", &in_query(&layers[0])).once(), Fault::CutUploadAfter(100_000));
        scene.target.fault(Match::on("PATCH", ""), Fault::error(status, "UNSUPPORTED", "no chunks here"));
        scene.import().run().succeeds();
        arrived(&scene);
        assert_eq!(requests(&scene.target, "PATCH", "").len(), 1);
    }
}

#[test]
fn a_failing_post_says_nothing_about_the_way_of_sending() {
    let (scene, _) = bundle_of(Registry::builder(), &[200_000, 200_001]);
    scene.target.fault(Match::on("POST", "/blobs/uploads/").after(1).times(1), Fault::error(404, "UNKNOWN", "not now"));
    let _ = scene.import().args(["-j", "1"]).run();
    scene.target.clear_requests();
    scene.import().args(["-j", "1"]).run().succeeds();
    assert_eq!(requests(&scene.target, "PATCH", "").len(), 0);
}

#[test]
fn a_registry_that_only_reads_is_said_to_be_read_only_or_a_cache() {
    for code in ["UNSUPPORTED", ""] {
        let (scene, _) = bundle_of(Registry::builder(), &[200_000]);
        scene.target.fault(Match::on("POST", "/blobs/uploads/"), Fault::error(405, code, "not here"));
        let out = scene.import().run().exits(4);
        assert!(out.stderr.contains("405") && out.stderr.contains("push to the registry behind it"), "{}", out.stderr);
        assert_eq!(body_bytes(&scene.target), 0);
    }
    // Where all blobs are there, the manifest meets it.
    let (scene, _) = bundle_of(Registry::builder(), &[200_000]);
    scene.import().run().succeeds();
    let digest = scene.target.digest(AT, "1").expect("a digest");
    scene.target.remove_manifest(AT, &digest);
    scene.target.fault(Match::on("PUT", "/manifests/"), Fault::error(405, "UNSUPPORTED", "not here"));
    let out = scene.import().run().exits(4);
    assert!(out.stderr.contains("push to the registry behind it"), "{}", out.stderr);
}

#[test]
fn a_conflict_or_a_400_that_no_registry_wrote_is_repeated_while_content_goes_up() {
    let html = || Fault::Status {
        code: 400,
        headers: vec![("Content-Type".into(), "text/html".into())],
        body: b"<h1>Bad Request</h1>".into(),
    };
    let uploads = "/blobs/uploads/";
    for hit in [Match::on("POST", uploads), Match::on("PUT", uploads), Match::on("PUT", "/manifests/sha256:")] {
        for fault in [Fault::error(409, "CONFLICT", "another request is at it"), Fault::status(409), html()] {
            let (scene, _) = bundle_of(Registry::builder(), &[200_000]);
            scene.target.fault(hit.clone().times(2), fault);
            scene.import().args(["-j", "1"]).run().succeeds();
            arrived(&scene);
        }
    }
    for fault in [Fault::error(409, "CONFLICT", "another request is at it"), html()] {
        let (scene, _) = bundle_of(Registry::builder(), &[200_000]);
        scene.target.fault(Match::on("PUT", uploads), Fault::RefuseMonolithic(404));
        scene.target.fault(Match::on("PATCH", "").times(2), fault);
        scene.import().args(["-j", "1"]).run().succeeds();
        arrived(&scene);
    }
    // It stays: nothing is said about tags, since none was set.
    let (scene, _) = bundle_of(Registry::builder(), &[200_000]);
    scene.target.fault(Match::on("PUT", uploads), Fault::error(409, "CONFLICT", "another request is at it"));
    let out = scene.import().args(["--retries", "1"]).run();
    assert_eq!(out.code, Some(1), "{}", out.stderr);
    assert!(!out.stderr.contains("immutable") && out.stderr.contains("another request is at it"), "{}", out.stderr);
}
