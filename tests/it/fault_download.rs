//! A source registry, or the line to it, that fails during an export: broken and stalled bodies,
//! ranges, pauses and statuses.

use std::time::Duration;

use crate::fault_scene::{IMAGE, put_in, requests, source_of};
use crate::scene::{Scene, command, put_layer, put_small_image};
use crate::support::registry::{Cut, Fault, Match, Registry};

const KIB64: u64 = 64 << 10;

/// The bundle is there, and every byte of it is right.
fn exported(scene: &Scene) {
    scene.verify().run().succeeds();
}

/// No bundle is there.
fn refused(scene: &Scene) {
    assert!(!scene.bundle().exists(), "{:?}", scene.files());
}

/// The offsets that a blob was asked for.
fn offsets(scene: &Scene, digest: &str) -> Vec<u64> {
    let start = |r: &crate::support::registry::Request| {
        let range = r.header("Range")?.strip_prefix("bytes=")?.strip_suffix('-')?;
        range.parse().ok()
    };
    requests(&scene.source, "GET", digest).iter().map(|r| start(r).unwrap_or(0)).collect()
}

#[test]
fn a_download_cut_at_any_64_kib_goes_on_where_it_broke() {
    let cuts: Vec<u64> = (1..=5).flat_map(|n| [n * KIB64 - 1, n * KIB64, n * KIB64 + 1]).collect();
    for how in [Cut::Close, Cut::Reset] {
        let (scene, layers) = source_of(&(0..15).map(|n| 6 * KIB64 + n).collect::<Vec<_>>());
        for (layer, at) in layers.iter().zip(&cuts) {
            scene.source.fault(Match::on("GET", layer).once(), Fault::CutBodyAfter(*at, how));
        }
        scene.export(&[IMAGE]).run().succeeds();
        exported(&scene);
        for (layer, at) in layers.iter().zip(&cuts) {
            let asked = offsets(&scene, layer);
            assert_eq!((asked.len(), asked[0]), (2, 0), "{asked:?}");
            // A reset takes what the system holds and nobody has read yet with it.
            assert!(asked[1] <= *at, "{asked:?} after {at}");
            assert!(how == Cut::Reset || asked[1] == *at, "not one byte comes twice: {asked:?} after {at}");
        }
    }
}

#[test]
fn all_downloads_that_break_at_one_moment_go_on() {
    for how in [Cut::Close, Cut::Reset] {
        let (scene, layers) = source_of(&[300_000, 300_001]);
        for layer in &layers {
            scene.source.fault(Match::on("GET", layer).once(), Fault::CutBodyAfter(100_000, how));
        }
        // One request at a time: the broken one must not stand in the way of its own continuation.
        scene.export(&[IMAGE]).args(["-j", "1"]).run().succeeds();
        exported(&scene);
    }
}

#[test]
fn a_registry_that_ignores_ranges_is_read_from_its_start_again() {
    let (scene, layers) = source_of(&[300_000]);
    scene.source.fault(Match::on("GET", &layers[0]).once(), Fault::CutBodyAfter(100_000, Cut::Close));
    scene.source.fault(Match::on("GET", &layers[0]), Fault::IgnoreRange);
    scene.export(&[IMAGE]).run().succeeds();
    exported(&scene);
    assert_eq!(requests(&scene.source, "GET", &layers[0]).len(), 2);
}

#[test]
fn a_range_that_lies_costs_one_fresh_start_and_is_not_asked_for_again() {
    let lies = || {
        [
            Fault::LyingContentRange("bytes 0-299999/300000".into()),
            Fault::LyingContentRange("bytes 100000-299999/300001".into()),
            Fault::ShiftRange(-7),
        ]
    };
    for lie in lies() {
        let (scene, layers) = source_of(&[300_000]);
        scene.source.fault(Match::on("GET", &layers[0]).once(), Fault::CutBodyAfter(100_000, Cut::Close));
        scene.source.fault(Match::on("GET", &layers[0]).nth(2), lie);
        scene.export(&[IMAGE]).run().succeeds();
        exported(&scene);
        assert_eq!(offsets(&scene, &layers[0]), [0, 100_000, 0]);
    }
    for lie in lies() {
        let shifts = matches!(lie, Fault::ShiftRange(_));
        let (scene, layers) = source_of(&[300_000]);
        scene.source.fault(Match::on("GET", &layers[0]).nth(1), Fault::CutBodyAfter(100_000, Cut::Close));
        scene.source.fault(Match::on("GET", &layers[0]).nth(3), Fault::CutBodyAfter(100_000, Cut::Close));
        scene.source.fault(Match::on("GET", &layers[0]), lie);
        if !shifts {
            scene.export(&[IMAGE]).run().succeeds();
            exported(&scene);
            assert_eq!(offsets(&scene, &layers[0]), [0, 100_000, 0, 0], "one lie is enough");
            continue;
        }
        // Only the hash can tell, and it blames the content.
        let out = scene.export(&[IMAGE]).run().exits(3);
        assert!(out.stderr.contains(&layers[0]) && out.stderr.contains(&scene.source.host()), "{}", out.stderr);
        refused(&scene);
    }
}

#[test]
fn a_body_of_unstated_length_is_measured_against_the_manifest() {
    for framing in [Fault::Chunked, Fault::UntilClose] {
        let (scene, layers) = source_of(&[300_000]);
        scene.source.fault(Match::on("GET", &layers[0]), framing.clone());
        scene.export(&[IMAGE]).run().succeeds();
        exported(&scene);
        // Broken off in the same way, it ends early for all that anyone can see.
        let (scene, layers) = source_of(&[300_000]);
        scene.source.fault(Match::on("GET", &layers[0]), framing);
        scene.source.fault(Match::on("GET", &layers[0]).once(), Fault::CutBodyAfter(1_000, Cut::Close));
        scene.export(&[IMAGE]).run().succeeds();
        exported(&scene);
    }
    let (scene, layers) = source_of(&[300_000]);
    scene.source.fault(Match::on("GET", &layers[0]), Fault::Endless);
    scene.export(&[IMAGE]).run().exits(3);
    refused(&scene);
    let sent: u64 = requests(&scene.source, "GET", &layers[0]).iter().map(|r| r.sent_bytes).sum();
    assert!(sent < 32 << 20, "reading stops soon after the last byte that was due: {sent}");
}

#[test]
fn a_manifest_of_another_length_than_stated_is_judged_by_its_bytes() {
    let (scene, _) = source_of(&[1_000]);
    scene.source.fault(Match::on("GET", "/manifests/1").once(), Fault::WrongLength(5));
    scene.export(&[IMAGE]).run().succeeds();
    exported(&scene);
}

#[test]
fn a_tag_that_moves_during_an_export_is_taken_as_it_was_first() {
    let (scene, layers) = source_of(&[300_000]);
    let before = scene.source.digest("org/app", "1").expect("a digest");
    scene.source.fault(Match::on("GET", &layers[0]).once(), Fault::StallAfter(1_000));
    let running = scene.export(&[IMAGE]).spawn();
    scene.source.wait_until(|requests| requests.iter().any(|r| r.sent_bytes == 1_000));
    put_small_image(&scene.source, "org/app", "1");
    assert_ne!(scene.source.digest("org/app", "1").expect("a digest"), before);
    scene.source.clear_faults();
    running.wait().succeeds();
    let listed = scene.list().args(["--format", "json"]).run().succeeds().json();
    assert_eq!(listed["images"][0]["digest"], before.as_str());
    assert_eq!(requests(&scene.source, "GET", "/manifests/1").len(), 1, "a tag is resolved once");
}

#[test]
fn a_pause_that_a_registry_asks_for_is_shown_and_kept_by_every_request() {
    let (scene, _) = source_of(&[1_000, 1_001, 1_002, 1_003]);
    scene.source.fault(Match::on("GET", "/blobs/").once(), Fault::status_with(429, "Retry-After", "1"));
    let out = scene.export(&[IMAGE]).args(["-j", "1"]).run().succeeds();
    assert!(out.stderr.contains("waiting") && out.stderr.contains(&scene.source.host()), "{}", out.stderr);
    let all = scene.source.requests();
    let refused = all.iter().position(|r| r.status == 429).expect("a refusal");
    let pause = all[refused + 1].at - all[refused].at;
    assert!(pause >= Duration::from_millis(950), "the next request came after {pause:?}");
    exported(&scene);
}

#[test]
fn a_pause_until_a_date_that_is_over_or_without_any_time_is_short() {
    for header in [Some("Fri, 02 Jan 2015 03:05:05 GMT"), None] {
        let (scene, _) = source_of(&[1_000]);
        let refusal = header.map_or(Fault::status(429), |date| Fault::status_with(429, "Retry-After", date));
        scene.source.fault(Match::on("GET", "/blobs/").times(3), refusal);
        scene.export(&[IMAGE]).run().succeeds();
        exported(&scene);
    }
}

#[test]
fn a_pause_of_a_day_is_not_waited_for_but_named() {
    for header in ["86400", "Fri, 02 Jan 2150 03:05:05 GMT"] {
        let (scene, _) = source_of(&[1_000]);
        scene.source.fault(Match::on("GET", "/blobs/"), Fault::status_with(429, "Retry-After", header));
        let out = scene.export(&[IMAGE]).run().exits(1);
        assert!(out.stderr.contains("log in, or wait until "), "{}", out.stderr);
        assert!(out.stderr.contains(&scene.source.host()), "{}", out.stderr);
        refused(&scene);
    }
}

#[test]
fn a_status_that_passes_is_tried_again_and_one_that_stays_ends_after_so_many_tries() {
    for status in [408, 429, 500, 502, 503, 504] {
        let (scene, layers) = source_of(&[1_000, 1_001]);
        scene.source.fault(Match::on("GET", &layers[0]).times(3), Fault::status(status));
        scene.export(&[IMAGE]).run().succeeds();
        exported(&scene);

        let (scene, layers) = source_of(&[1_000, 1_001]);
        scene.source.fault(Match::on("GET", &layers[0]), Fault::error(status, "UNAVAILABLE", "not now"));
        let out = scene.export(&[IMAGE]).args(["--retries", "2"]).run().exits(1);
        assert!(out.stderr.contains(&layers[0]) && out.stderr.contains("not now"), "{}", out.stderr);
        assert_eq!(requests(&scene.source, "GET", &layers[0]).len(), 3, "the first try and two more");
        assert!(requests(&scene.source, "GET", &layers[1]).iter().any(|r| r.status == 200), "the others go on");
        refused(&scene);
    }
}

#[test]
fn a_line_that_falls_silent_is_given_up_and_the_rest_asked_for_again() {
    for silence in [0, 100_000] {
        let (scene, layers) = source_of(&[300_000]);
        scene.source.fault(Match::on("GET", &layers[0]).once(), Fault::StallAfter(silence));
        scene.export(&[IMAGE]).args(["--idle-timeout", "1"]).run().succeeds();
        exported(&scene);
        assert_eq!(offsets(&scene, &layers[0]), [0, silence]);
    }
    let (scene, layers) = source_of(&[300_000]);
    scene.source.fault(Match::on("GET", &layers[0]), Fault::StallAfter(0));
    let out = scene.export(&[IMAGE]).args(["--idle-timeout", "1", "--retries", "0"]).run().exits(1);
    assert!(out.stderr.contains("no progress") && out.stderr.contains("hint:"), "{}", out.stderr);
    refused(&scene);
}

#[test]
fn a_line_that_only_trickles_counts_as_silent() {
    let (scene, layers) = source_of(&[300_000]);
    scene.source.fault(Match::on("GET", &layers[0]), Fault::Rate(200));
    let out = scene.export(&[IMAGE]).args(["--idle-timeout", "1", "--retries", "0"]).run().exits(1);
    assert!(out.stderr.contains("bytes in 1 s"), "{}", out.stderr);
    refused(&scene);
}

#[test]
fn everything_that_an_index_lacks_is_listed_at_once() {
    let (scene, images) = Scene::seeded();
    let app = images.iter().find(|image| image.repository == "org/app").expect("the fixture");
    let manifests = scene.source.manifests_of("org/app", &app.tag);
    let gone = [&manifests[3], &manifests[4]];
    gone.iter().for_each(|digest| scene.source.remove_manifest("org/app", digest));
    let out = scene.export(&[&format!("org/app:{}", app.tag)]).run().exits(4);
    for digest in gone {
        assert!(out.stderr.contains(digest.as_str()), "{digest}: {}", out.stderr);
    }
    assert!(out.stderr.contains("404"), "{}", out.stderr);
    refused(&scene);
}

#[test]
fn a_question_asked_in_another_way_waits_for_no_other_request() {
    // One request at a time, and a registry that knows no HEAD: what takes its place must not wait for it.
    let scene = Scene::new();
    let mut layer = put_layer(&scene.source, "org/app", "a layer that may lie elsewhere");
    layer["urls"] = serde_json::json!(["https://elsewhere.example/layer"]);
    crate::scene::put_image(&scene.source, "org/app", "1", &[layer]);
    scene.source.fault(Match::on("HEAD", ""), Fault::status(405));
    scene.export(&[IMAGE]).args(["-j", "1"]).limit(std::time::Duration::from_secs(20)).run().succeeds();
    exported(&scene);
}

#[test]
fn a_link_into_storage_that_ran_out_is_asked_for_anew() {
    for status in [401, 403] {
        let (scene, layers) = source_of(&[300_000]);
        let storage = Registry::start();
        put_in(&storage, "org/app", 100, &[300_000]);
        let link = format!("{}{{path}}?X-Amz-Signature=canary-signature", storage.url());
        scene.source.fault(Match::on("GET", &layers[0]), Fault::Redirect(307, link));
        storage.fault(Match::on("GET", &layers[0]).once(), Fault::status(status));
        let out = scene.export(&[IMAGE]).args(["-vv"]).run().succeeds();
        exported(&scene);
        assert_eq!(requests(&scene.source, "GET", &layers[0]).len(), 2, "the registry is asked for a new link");
        assert!(!out.all().contains("canary-signature"), "{}", out.all());
    }
}

#[test]
fn of_two_hundred_images_all_that_fail_are_in_one_report() {
    let scene = Scene::new();
    let names: Vec<String> = (0..200).map(|n| format!("org/n{n}:1")).collect();
    for name in &names {
        let repo = name.trim_end_matches(":1");
        let layer = put_layer(&scene.source, repo, format!("layer of {repo}"));
        crate::scene::put_image(&scene.source, repo, "1", &[layer]);
    }
    for bad in ["org/n17/", "org/n118/"] {
        let blobs = format!("{bad}blobs/");
        scene.source.fault(Match::on("GET", &blobs), Fault::error(503, "UNAVAILABLE", "out of order"));
    }
    let images: Vec<&str> = names.iter().map(String::as_str).collect();
    let out = scene.export(&images).args(["--retries", "1"]).run().exits(1);
    for bad in ["org/n17:1", "org/n118:1"] {
        assert!(out.stderr.contains(&scene.name(bad)), "{}", out.stderr);
    }
    assert_eq!(out.stderr.lines().filter(|line| line.starts_with("bundle: ")).count(), 4, "{}", out.stderr);
    refused(&scene);
    scene.source.clear_faults();
    scene.export(&images).run().succeeds();
    exported(&scene);
}

#[test]
fn a_host_that_is_not_there_is_named_and_tried_only_so_often() {
    let scene = Scene::new();
    let gone = Registry::start().host();
    let out = scene.export_to(&scene.bundle(), &[]).args([format!("{gone}/org/app:1")]).run().exits(1);
    assert!(out.stderr.contains(&gone) && out.stderr.contains("hint:"), "{}", out.stderr);
    // A label of more than 63 characters has no address, and no name server is asked about it.
    let nowhere = format!("{}.invalid", "x".repeat(64));
    let out = command("export").args(["-o"]).args([scene.bundle()]).args([format!("{nowhere}/org/app:1")]);
    let out = out.args(["--retries", "1"]).run().exits(1);
    assert!(out.stderr.contains(&nowhere), "{}", out.stderr);
    refused(&scene);
}
