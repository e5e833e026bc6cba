//! Closing requests without a clear answer: they may have taken effect, and what did is not sent again.

use std::sync::Mutex;
use std::time::Duration;

use crate::fault_scene::{AT, arrived, bundle_of, in_query, nothing_false, requests};
use crate::scene::body_bytes;
use crate::support::registry::{Fault, Match, Registry};

/// The ways in which an answer is lost whose request took effect. Silence ends when the registry
/// does, or by whoever asks elsewhere meanwhile.
fn losses() -> Vec<Fault> {
    let mut losses: Vec<Fault> = [500, 502, 503, 504].map(Fault::answered_all_the_same).into();
    losses.extend([Fault::LoseAnswer, Fault::NeverAnswer]);
    losses
}

fn total(sizes: &[u64]) -> u64 {
    sizes.iter().sum::<u64>() + 2_000
}

#[test]
fn a_commit_whose_answer_is_lost_is_found_and_nothing_sent_twice() {
    for loss in losses() {
        // Below and above what asks first.
        for sizes in [&[200_000][..], &[2 << 20]] {
            let (scene, _) = bundle_of(Registry::builder(), sizes);
            scene.target.fault(Match::on("PUT", "/blobs/uploads/"), loss.clone());
            let run = scene.import().args(["--idle-timeout", "1"]).limit(Duration::from_secs(60));
            run.run().succeeds();
            arrived(&scene);
            let sent = body_bytes(&scene.target);
            assert!(sent <= total(sizes), "{sent} bytes of {}", total(sizes));
        }
    }
}

#[test]
fn forty_layers_whose_answers_are_all_lost_arrive() {
    let sizes: Vec<u64> = (0..40).map(|n| 20_000 + n).collect();
    for loss in losses() {
        let (scene, layers) = bundle_of(Registry::builder(), &sizes);
        scene.target.fault(Match::on("PUT", "/blobs/uploads/"), loss);
        let run = scene.import().args(["--idle-timeout", "1"]).limit(Duration::from_secs(60));
        run.run().succeeds();
        arrived(&scene);
        assert!(layers.iter().all(|layer| scene.target.has_blob(AT, layer)));
        let sent = body_bytes(&scene.target);
        assert!(sent <= 2 * total(&sizes), "{sent} bytes of {}", total(&sizes));
    }
}

#[test]
fn the_answer_to_the_end_of_chunks_may_be_lost_too() {
    for loss in losses() {
        let (scene, _) = bundle_of(Registry::builder(), &[200_000]);
        let closing = Match::on("PUT", "/blobs/uploads/");
        scene.target.fault(closing.clone(), Fault::RefuseMonolithic(404));
        scene.target.intercept(move |request| {
            let closes = request.method == "PUT" && request.header("Content-Length") == Some("0");
            (closes && request.path.contains("/blobs/uploads/")).then(|| loss.clone())
        });
        let run = scene.import().args(["--idle-timeout", "1"]).limit(Duration::from_secs(60));
        run.run().succeeds();
        arrived(&scene);
        let content: u64 = requests(&scene.target, "PATCH", "").iter().map(|r| r.body_bytes).sum();
        assert!(content <= total(&[200_000]), "{content} bytes in chunks");
    }
}

#[test]
fn a_commit_that_ends_after_its_proxy_gave_up_is_waited_for() {
    // The registry shows the blob two seconds after the proxy, which took its time, has said 504.
    let lag = Duration::from_secs(3);
    let (scene, layers) = bundle_of(Registry::builder().shows_after(lag), &[200_000]);
    let hit = Match::on("PUT", &in_query(&layers[0]));
    scene.target.fault(hit.clone(), Fault::answered_all_the_same(504));
    scene.target.fault(hit, Fault::Wait(Duration::from_millis(1_200)));
    scene.import().run().succeeds();
    arrived(&scene);
    let sent = requests(&scene.target, "PUT", &in_query(&layers[0]));
    assert_eq!(sent.len(), 1, "{sent:?}");
}

#[test]
fn a_closing_request_that_never_does_anything_is_a_failure_for_now() {
    for fault in [
        Fault::status(500),
        Fault::status(504),
        Fault::Reset,
        Fault::error(404, "BLOB_UPLOAD_UNKNOWN", "who"),
        Fault::error(404, "BLOB_UPLOAD_INVALID", "who"),
    ] {
        let (scene, _) = bundle_of(Registry::builder(), &[200_000]);
        scene.target.fault(Match::on("PUT", "/blobs/uploads/"), fault);
        let out = scene.import().args(["--retries", "2"]).run().exits(1);
        assert!(!out.stderr.contains("check the name"), "{}", out.stderr);
        nothing_false(&scene.target);
        assert!(scene.target.tags(AT).is_empty());
        scene.target.clear_faults();
        scene.import().run().succeeds();
        arrived(&scene);
    }
}

#[test]
fn an_upload_that_is_lost_in_between_starts_anew_within_the_retries() {
    for status in [400, 404] {
        for code in ["BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID", ""] {
            let (scene, layers) = bundle_of(Registry::builder(), &[200_000]);
            let closing = Match::on("PUT", &in_query(&layers[0]));
            scene.target.fault(closing.times(3), Fault::error(status, code, "lost"));
            scene.target.fault(Match::on("GET", "/blobs/uploads/"), Fault::status(404));
            scene.import().run().succeeds();
            arrived(&scene);
        }
    }
}

#[test]
fn one_question_without_an_answer_does_not_end_an_import() {
    let (scene, layers) = bundle_of(Registry::builder(), &[2 << 20, (2 << 20) + 1]);
    scene.target.fault(Match::on("HEAD", &layers[0]), Fault::Reset);
    scene.import().args(["--retries", "1"]).run().succeeds();
    arrived(&scene);
}

/// Sessions go wrong for good: olareg answers so where the request before did not come through.
#[test]
fn a_session_that_fails_again_where_it_stood_is_given_up_for_another() {
    let (scene, _) = bundle_of(Registry::builder(), &[200_000]);
    let bad: Mutex<Option<String>> = Mutex::default();
    scene.target.intercept(move |request| {
        let is_closing = request.method == "PUT" && request.path.contains("/blobs/uploads/");
        let mut bad = bad.lock().expect("no panic");
        let first = bad.get_or_insert_with(|| if is_closing { request.path.clone() } else { String::new() });
        if first.is_empty() {
            *bad = None;
            return None;
        }
        (is_closing && *first == request.path).then(|| Fault::status(500))
    });
    scene.import().run().succeeds();
    arrived(&scene);
    nothing_false(&scene.target);
}
