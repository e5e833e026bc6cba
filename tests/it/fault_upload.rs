//! A target registry, or the line to it, that fails in the middle of an upload: broken sessions,
//! lost sessions, lying ranges, and every way in which registries refuse a way of sending.

use crate::fault_scene::{AT, arrived, bundle_of, in_query, nothing_false, requests};
use crate::scene::{Scene, body_bytes};
use crate::support::registry::{Fault, Match, Registry};

const KIB64: u64 = 64 << 10;

/// Upload sessions that were opened.
fn sessions(scene: &Scene) -> usize {
    scene.target.count(|r| r.method == "POST" && r.status == 202)
}

/// Sends every byte in PATCH requests: a body on the closing PUT is refused.
fn stream_only(scene: &Scene) {
    scene.target.fault(Match::on("PUT", "/blobs/uploads/"), Fault::RefuseMonolithic(404));
}

#[test]
fn an_upload_cut_at_any_64_kib_goes_on_where_the_registry_stands() {
    let sizes: Vec<u64> = (0..9).map(|n| 4 * KIB64 + n).collect();
    let cuts: Vec<u64> = (1..=3).flat_map(|n| [n * KIB64 - 1, n * KIB64, n * KIB64 + 1]).collect();
    for keeps in [true, false] {
        let target = if keeps { Registry::builder() } else { Registry::builder().drop_sessions_on_cut() };
        let (scene, layers) = bundle_of(target, &sizes);
        for (layer, at) in layers.iter().zip(&cuts) {
            scene.target.fault(Match::on("PUT", &in_query(layer)).once(), Fault::CutUploadAfter(*at));
        }
        scene.import().run().succeeds();
        arrived(&scene);
        let (cut, blobs) = (cuts.len(), layers.len() + 1);
        assert!(sessions(&scene) <= blobs + cut, "at most one session more per break: {}", sessions(&scene));
        let total: u64 = sizes.iter().sum::<u64>() + 1_000;
        let most = if keeps { total } else { total + cuts.iter().sum::<u64>() };
        let sent = body_bytes(&scene.target);
        assert!(sent <= most, "{sent} of {total} bytes were sent where {most} would do");
        if keeps {
            assert_eq!(sessions(&scene), blobs, "a session that stands is gone on with");
        }
    }
}

#[test]
fn a_chunk_that_is_cut_is_gone_on_with_at_the_fresh_location() {
    let (scene, layers) = bundle_of(Registry::builder(), &[4 * KIB64]);
    stream_only(&scene);
    scene.target.fault(Match::on("PATCH", "").after(1).times(3), Fault::CutUploadAfter(KIB64));
    scene.import().run().succeeds();
    arrived(&scene);
    assert!(scene.target.has_blob(AT, &layers[0]));
    let stale = scene.target.count(|r| r.status == 416);
    assert_eq!(stale, 0, "no request went to a location that a later answer had replaced");
}

#[test]
fn a_registry_restarted_in_the_middle_of_an_upload_is_sent_the_layer_anew() {
    let (scene, layers) = bundle_of(Registry::builder(), &[4_000_000]);
    scene.target.fault(Match::on("PUT", &in_query(&layers[0])).once(), Fault::StallUploadAfter(100_000));
    let running = scene.import().spawn();
    scene.target.wait_until(|requests| requests.iter().any(|r| r.body_bytes == 100_000));
    scene.target.forget_sessions();
    scene.target.clear_faults();
    running.wait().succeeds();
    arrived(&scene);
}

#[test]
fn a_session_lost_between_two_requests_is_replaced_by_a_new_one() {
    for (status, code) in [(400, "BLOB_UPLOAD_INVALID"), (404, "BLOB_UPLOAD_INVALID"), (404, "BLOB_UPLOAD_UNKNOWN")] {
        for method in ["PUT", "PATCH"] {
            let (scene, _) = bundle_of(Registry::builder(), &[200_000]);
            if method == "PATCH" {
                stream_only(&scene);
            }
            let lost = Match::on(method, "/blobs/uploads/").after(usize::from(method == "PATCH"));
            scene.target.fault(lost.times(2), Fault::error(status, code, "restarted"));
            scene.import().run().succeeds();
            arrived(&scene);
        }
    }
}

#[test]
fn a_range_answered_416_without_a_word_is_asked_about_or_started_anew() {
    let (scene, _) = bundle_of(Registry::builder(), &[200_000]);
    stream_only(&scene);
    scene.target.fault(Match::on("PATCH", "").once(), Fault::status(416));
    scene.import().run().succeeds();
    arrived(&scene);
}

#[test]
fn a_session_that_may_hold_one_byte_or_none_is_not_gone_on_with() {
    for at in [0, 1] {
        let (scene, layers) = bundle_of(Registry::builder(), &[200_000]);
        scene.target.fault(Match::on("PUT", &in_query(&layers[0])).once(), Fault::CutUploadAfter(at));
        scene.import().run().succeeds();
        arrived(&scene);
        assert_eq!(sessions(&scene), 3, "one for each blob, and one more");
    }
}

#[test]
fn what_a_chunks_answer_says_to_hold_is_not_believed() {
    for lie in ["0-0", "0-99", "0-999999999"] {
        let (scene, layers) = bundle_of(Registry::builder(), &[9 << 20]);
        scene.target.fault(Match::on("PUT", "/blobs/uploads/"), Fault::MaxBody(4 << 20));
        scene.target.fault(Match::on("PATCH", ""), Fault::header("Range", lie));
        scene.import().run().succeeds();
        arrived(&scene);
        let chunks = requests(&scene.target, "PATCH", "").iter().filter(|r| r.status == 202).count();
        assert!(chunks >= 3, "{chunks} chunks for {}", layers[0]);
        assert!(body_bytes(&scene.target) < 20 << 20, "every byte about once");
    }
}

#[test]
fn a_session_that_misstates_what_it_holds_ends_in_a_new_one() {
    for lie in ["0-99", "0-199998"] {
        let (scene, layers) = bundle_of(Registry::builder(), &[200_000]);
        scene.target.fault(Match::on("PUT", &in_query(&layers[0])).once(), Fault::CutUploadAfter(100_000));
        scene.target.fault(Match::on("GET", "/blobs/uploads/"), Fault::header("Range", lie));
        scene.import().run().succeeds();
        arrived(&scene);
        assert!(body_bytes(&scene.target) < 2_000_000, "no endless loop");
    }
}

#[test]
fn the_closing_request_of_a_chunked_upload_is_empty() {
    let (scene, _) = bundle_of(Registry::builder(), &[200_000]);
    stream_only(&scene);
    scene.import().run().succeeds();
    arrived(&scene);
    let closing = requests(&scene.target, "PUT", "/blobs/uploads/");
    let taken: Vec<_> = closing.iter().filter(|r| r.status == 201).collect();
    assert!(!taken.is_empty() && taken.iter().all(|r| r.body_bytes == 0), "{taken:?}");
}

#[test]
fn a_registry_without_chunks_is_sent_whole_blobs() {
    let (scene, _) = bundle_of(Registry::builder(), &[9 << 20, 200_000]);
    scene.target.fault(Match::on("PATCH", ""), Fault::error(405, "UNSUPPORTED", "no chunks here"));
    scene.import().run().succeeds();
    arrived(&scene);
    assert_eq!(requests(&scene.target, "PATCH", "").len(), 0);
}

#[test]
fn a_registry_that_takes_no_body_on_the_closing_request_learns_it_once() {
    for status in [404, 405, 501] {
        let (scene, _) = bundle_of(Registry::builder(), &[200_000, 200_001, 200_002]);
        scene.target.fault(Match::on("PUT", "/blobs/uploads/"), Fault::RefuseMonolithic(status));
        scene.import().args(["-j", "1"]).run().succeeds();
        arrived(&scene);
        let refused = scene.target.count(|r| r.method == "PUT" && r.status == status);
        assert_eq!(refused, 1, "the host is asked in that way once, not for every blob");
    }
}

#[test]
fn a_limit_on_bodies_is_found_and_remembered() {
    // GitHub's registry answers 416 above 4 MiB, proxies 413 above theirs.
    for status in [416, 413] {
        let (scene, _) = bundle_of(Registry::builder(), &[9 << 20, (9 << 20) + 1]);
        scene.target.intercept(move |request| {
            let length: u64 = request.header("Content-Length")?.parse().ok()?;
            (length > 4 << 20).then(|| Fault::status(status))
        });
        scene.import().args(["-j", "1"]).run().succeeds();
        arrived(&scene);
        assert_eq!(scene.target.count(|r| r.status == status), 1, "the second blob goes in chunks at once");
    }
    let (scene, _) = bundle_of(Registry::builder(), &[3 << 20]);
    scene.target.fault(Match::on("*", "/blobs/uploads/"), Fault::MaxBody(300_000));
    scene.import().run().succeeds();
    arrived(&scene);
}

#[test]
fn a_limit_below_every_chunk_ends_with_the_setting_to_change() {
    let (scene, _) = bundle_of(Registry::builder(), &[200_000]);
    scene.target.fault(Match::on("*", "/blobs/uploads/"), Fault::MaxBody(10_000));
    let out = scene.import().run().exits(4);
    assert!(out.stderr.contains("413") && out.stderr.contains("body limit"), "{}", out.stderr);
    nothing_false(&scene.target);
    assert!(scene.target.tags(AT).is_empty());
}

#[test]
fn a_token_that_ends_before_the_closing_request_costs_that_request_alone() {
    use crate::support::registry::{Auth, Tokens};
    let tokens = Tokens::new("user", "password");
    let scene = Scene::with(Registry::builder(), Registry::builder().auth(Auth::bearer(&tokens)));
    let layers = crate::fault_scene::put_app(&scene.source, &[200_000]);
    scene.export(&["org/app:1"]).run().succeeds();
    stream_only(&scene);
    let closing = in_query(&layers[0]);
    let revoked = std::sync::atomic::AtomicBool::new(false);
    scene.target.intercept(move |request| {
        let empty = request.header("Content-Length") == Some("0");
        if request.method == "PUT" && empty && request.query.contains(&closing) {
            let first = !revoked.swap(true, std::sync::atomic::Ordering::SeqCst);
            first.then(|| tokens.revoke_all());
        }
        None
    });
    let login = ["--username", "user"];
    scene.import().args(login).env("BUNDLE_PASSWORD", "password").run().succeeds();
    arrived(&scene);
    let closing = requests(&scene.target, "PUT", &in_query(&layers[0]));
    let statuses: Vec<u16> =
        closing.iter().filter(|r| r.header("Content-Length") == Some("0")).map(|r| r.status).collect();
    assert_eq!(statuses, [401, 201]);
    let content = requests(&scene.target, "PATCH", "").iter().filter(|r| r.body_bytes == 200_000).count();
    assert_eq!(content, 1, "the content went over once");
}

#[test]
fn a_blob_taken_under_another_digest_is_a_failure_and_a_terse_answer_is_none() {
    let (scene, layers) = bundle_of(Registry::builder(), &[200_000]);
    let other = format!("sha256:{}", "0".repeat(64));
    scene.target.fault(Match::on("PUT", &in_query(&layers[0])), Fault::content_digest(&other));
    let out = scene.import().run().exits(1);
    assert!(out.stderr.contains(&other) && out.stderr.contains(&layers[0]), "{}", out.stderr);
    nothing_false(&scene.target);
    assert!(scene.target.tags(AT).is_empty());

    let terse: [fn() -> Fault; 3] = [
        || Fault::NoHeader("Location".into()),
        || Fault::NoHeader("Docker-Content-Digest".into()),
        || Fault::change(|response| response.status = 204),
    ];
    for fault in terse {
        let (scene, _) = bundle_of(Registry::builder(), &[200_000]);
        scene.target.fault(Match::on("PUT", "/blobs/uploads/"), fault());
        scene.import().run().succeeds();
        arrived(&scene);
    }
}

#[test]
fn a_registry_that_never_answers_is_given_up_with_the_next_step() {
    for hit in [Match::on("HEAD", "/blobs/"), Match::on("POST", "/uploads/"), Match::on("PUT", "/manifests/")] {
        let (scene, _) = bundle_of(Registry::builder(), &[200_000]);
        scene.target.fault(hit, Fault::NeverAnswer);
        let out = scene.import().args(["--idle-timeout", "1", "--retries", "0"]).run().exits(1);
        assert!(
            out.stderr.contains("no progress") && out.stderr.contains("run the same command again"),
            "{}",
            out.stderr
        );
        scene.target.clear_faults();
        nothing_false(&scene.target);
        scene.import().run().succeeds();
        arrived(&scene);
    }
}

#[test]
fn two_imports_of_one_bundle_at_once_both_succeed() {
    let (scene, _) = bundle_of(Registry::builder(), &[3 << 20, 200_000, 200_001]);
    let both = [scene.import().spawn(), scene.import().spawn()];
    for running in both {
        running.wait().succeeds();
    }
    arrived(&scene);
    assert_eq!(scene.target.open_sessions(), 0);
}
