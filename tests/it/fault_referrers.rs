//! A source registry whose lists of referrers are absent, wrong or without end: found another way,
//! or refused with the image's name, and never taken for none.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use crate::fault_scene::requests;
use crate::referrer_scene::{
    EMPTY, SBOM, SIGNATURE, Signed, described, list_by_tag, nameless, put_index, put_referrer,
};
use crate::scene::{INDEX, MANIFEST, Scene, descriptor, put_small_image};
use crate::support::registry::{Auth, Fault, Match, Registry};
use crate::support::run::Output;

const LISTS: &str = "/referrers/";

fn scene() -> (Scene, Signed) {
    let scene = Scene::new();
    let signed = Signed::put(&scene.source, "org/app");
    (scene, signed)
}

fn answer(code: u16, media_type: &str, body: &str) -> Fault {
    Fault::Status { code, headers: vec![("Content-Type".into(), media_type.into())], body: body.into() }
}

/// Exports `org/app:1`, which fails with this status, names the image and tells the way out.
#[track_caller]
fn refused(scene: &Scene, code: i32) -> Output {
    let out = scene.export(&["org/app:1"]).args(["--retries", "1"]).run().exits(code);
    assert!(out.stderr.contains(&scene.name("org/app:1")), "{}", out.stderr);
    assert!(!scene.bundle().exists());
    out
}

#[test]
fn where_there_is_no_such_api_the_tag_of_the_digest_is_asked_for() {
    let absent = [
        answer(404, "text/plain", "404 page not found\n"),
        answer(404, "application/json", r#"{"errors":[{"code":"NOT_FOUND"}]}"#),
        answer(400, "text/plain", "what?"),
        answer(405, "application/json", r#"{"errors":[{"code":"UNSUPPORTED"}]}"#),
        answer(200, "text/html", "<html>welcome</html>"),
        answer(200, "application/json", r#"{"manifests":[]}"#),
        answer(200, INDEX, r#"{"hello":"world"}"#),
    ];
    for fault in absent {
        let (scene, signed) = scene();
        scene.source.fault(Match::on("GET", LISTS), fault);
        scene.export(&["org/app:1"]).run().succeeds();
        let entries = nameless(&scene);
        let digests: Vec<&str> = entries.iter().filter_map(|e| e["digest"].as_str()).collect();
        assert_eq!(digests, signed.referrers());
        assert_eq!(requests(&scene.source, "GET", LISTS).len(), 1, "asked once for the whole host");
    }
}

#[test]
fn whatever_another_host_says_in_place_of_the_api_means_that_there_is_none() {
    let elsewhere = Registry::start();
    let gone = Registry::start().url();
    let mut to: Vec<(String, Option<Fault>)> = [401, 403, 404, 406, 418, 422, 429, 500, 503]
        .map(|status| (elsewhere.url(), Some(Fault::status_with(status, "Retry-After", "3600"))))
        .into();
    to.push((elsewhere.url(), Some(answer(200, "text/html", "<html><title>welcome</title></html>"))));
    to.push((elsewhere.url(), Some(answer(200, INDEX, "not json"))));
    to.push((elsewhere.url(), Some(answer(302, "text/plain", ""))));
    // Nobody there, and places where we do not go.
    to.extend([(gone, None), ("file:///etc".into(), None), ("ftp://elsewhere.example".into(), None)]);
    for (url, fault) in to {
        let (scene, signed) = scene();
        list_by_tag(&scene.source, "org/app", &signed.image[0], &[&signed.sbom]);
        elsewhere.clear_faults();
        elsewhere.clear_requests();
        if let Some(fault) = fault {
            elsewhere.fault(Match::any(), fault);
        }
        scene.source.fault(Match::on("GET", LISTS), Fault::Redirect(303, format!("{url}{{path}}")));
        let out = scene.export(&["org/app:1"]).run().succeeds();
        assert!(!out.stderr.contains("waiting"), "only a registry's own word pauses it: {}", out.stderr);
        assert!(!nameless(&scene).is_empty(), "the tags were asked");
        assert!(elsewhere.requests().len() <= 1, "asked once for the whole host: {:?}", elsewhere.requests());
        assert_eq!(requests(&scene.source, "GET", LISTS).len(), 1);
    }
}

#[test]
fn a_list_that_began_and_goes_on_elsewhere_is_not_taken_for_whole() {
    let elsewhere = Registry::start();
    elsewhere.fault(Match::any(), Fault::status(404));
    let scene = Scene::with(Registry::builder().page(1), Registry::builder());
    let image = put_index(&scene.source, "org/app", "1", 2);
    put_referrer(&scene.source, "org/app", &image[0], SIGNATURE);
    put_referrer(&scene.source, "org/app", &image[0], SBOM);
    let away = format!("{}{{path}}", elsewhere.url());
    scene.source.fault(Match::on("GET", "?last="), Fault::Redirect(307, away));
    refused(&scene, 4);
}

#[test]
fn an_api_that_has_no_empty_lists_is_an_api_all_the_same() {
    let scene = Scene::new();
    let image = put_index(&scene.source, "org/app", "1", 2);
    let signature = put_referrer(&scene.source, "org/app", &image[2], SIGNATURE);
    for digest in [&image[0], &image[1], &signature] {
        let unknown = Fault::error(404, "MANIFEST_UNKNOWN", "manifest unknown");
        scene.source.fault(Match::on("GET", &format!("{LISTS}{digest}")), unknown);
    }
    scene.export(&["org/app:1"]).run().succeeds();
    assert_eq!(nameless(&scene)[0]["digest"], signature.as_str());
}

#[test]
fn a_registry_that_does_not_say_is_not_taken_to_have_none() {
    let cases = [
        (answer(404, "application/json", r#"{"errors":[{"code":"NAME_UNKNOWN"}]}"#), 4, "NAME_UNKNOWN"),
        (Fault::error(401, "UNAUTHORIZED", "who are you"), 4, "who are you"),
        (Fault::error(403, "DENIED", "not for you"), 4, "not for you"),
        (Fault::error(500, "UNKNOWN", "out of order"), 1, "out of order"),
        (answer(200, INDEX, r#"{"manifests":["#), 3, "not valid json"),
        (answer(200, INDEX, r#"{"manifests":[{"mediaType":"x/y","digest":"md5:0","size":1}]}"#), 3, "md5"),
    ];
    for (fault, code, words) in cases {
        let (scene, _) = scene();
        scene.source.fault(Match::on("GET", LISTS), fault);
        let out = refused(&scene, code);
        assert!(out.stderr.contains(words) && out.stderr.contains("--referrers none"), "{}", out.stderr);
        assert_eq!(out.stderr.matches("bundle: ").count(), 1, "once for the repository: {}", out.stderr);
        scene.export(&["org/app:1"]).args(["--referrers", "none"]).run().succeeds();
    }
    // Nor does one whose tags cannot be read.
    for (fault, code) in [(Fault::error(403, "DENIED", "no"), 4), (answer(200, INDEX, r#"{"layers":[]}"#), 3)] {
        let (scene, signed) = scene();
        scene.source.fault(Match::on("GET", LISTS), Fault::status(404));
        scene.source.fault(Match::on("GET", &signed.image[0].replace(':', "-")), fault);
        let out = refused(&scene, code);
        assert!(out.stderr.contains("--referrers none"), "{}", out.stderr);
    }
}

#[test]
fn a_list_in_pages_is_read_to_its_end() {
    let source = Registry::builder().page(2).auth(Auth::basic("user", "secret"));
    let scene = Scene::with(source, Registry::builder());
    let image = put_small_image(&scene.source, "org/app", "1");
    let mut digests: Vec<String> =
        (0..5).map(|n| put_referrer(&scene.source, "org/app", &image, &format!("application/vnd.test.{n}"))).collect();
    digests.sort();
    let export = scene.export(&["org/app:1"]).args(["--username", "user"]).env("BUNDLE_PASSWORD", "secret");
    let out = export.run().succeeds();
    assert!(out.stdout.contains("  5 referrers"), "{}", out.stdout);
    let found: Vec<_> = nameless(&scene).iter().map(|e| e["digest"].as_str().expect("a digest").to_owned()).collect();
    assert_eq!(found, digests);
    let pages = requests(&scene.source, "GET", &format!("{LISTS}{image}"));
    assert_eq!(pages.iter().filter(|r| r.status == 200).count(), 3);
}

#[test]
fn a_list_that_goes_on_at_another_host_is_refused_and_both_are_named() {
    let other = Registry::start();
    let scene = Scene::with(Registry::builder().auth(Auth::basic("user", "secret")), Registry::builder());
    Signed::put(&scene.source, "org/app");
    let link = format!("<{}/v2/org/app/referrers/x>; rel=\"next\"", other.url());
    scene.source.fault(Match::on("GET", LISTS), Fault::header("Link", &link));
    let export = scene.export(&["org/app:1"]).args(["--username", "user"]).env("BUNDLE_PASSWORD", "secret");
    let out = export.run().exits(4);
    assert!(out.stderr.contains(&other.host()) && out.stderr.contains(&scene.source.host()), "{}", out.stderr);
    assert!(out.stderr.contains("next page") && out.stderr.contains("--referrers none"), "{}", out.stderr);
    assert_eq!(other.connections(), 0);
    assert!(!scene.bundle().exists());
}

#[test]
fn a_list_without_end_is_given_up() {
    // It leads back to itself, or in a circle.
    for link in ["", "?page=2"] {
        let (scene, signed) = scene();
        let first = format!("/v2/org/app{LISTS}{}", signed.image[0]);
        scene.source.fault(Match::on("GET", LISTS), Fault::header("Link", &format!("<{first}{link}>; rel=next")));
        let out = refused(&scene, 3);
        assert!(out.stderr.contains("for ever"), "{}", out.stderr);
        assert!(requests(&scene.source, "GET", &first).len() < 10);
    }
    // There is always one more.
    let endless = |registry: &Registry| {
        let count = AtomicUsize::new(0);
        registry.intercept(move |request| {
            let page = count.fetch_add(1, Ordering::Relaxed);
            let link = format!("<{}?page={page}>; rel=next", request.path);
            (request.path.contains(LISTS)).then(|| Fault::header("Link", &link))
        });
    };
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    endless(&scene.source);
    let out = refused(&scene, 3);
    assert!(out.stderr.contains("more than 1000 pages"), "{}", out.stderr);
    assert!(requests(&scene.source, "GET", LISTS).len() <= 1_010);
    // Large pages: they come to an end sooner.
    scene
        .source
        .fault(Match::on("GET", LISTS), Fault::Body(format!("{{\"manifests\":[]{}}}", " ".repeat(4_000_000)).into()));
    scene.source.clear_requests();
    let out = refused(&scene, 3);
    assert!(out.stderr.contains("longer than"), "{}", out.stderr);
    let sent: u64 = scene.source.requests().iter().map(|r| r.sent_bytes).sum();
    assert!(sent < 80 << 20, "{sent}");
}

#[test]
fn a_list_of_tags_that_is_of_no_use_is_done_without() {
    let other = Registry::start();
    let elsewhere = format!("<{}/v2/org/app/tags/list>; rel=next", other.url());
    let faults = [
        Fault::header("Link", "</v2/org/app/tags/list?n=1000>; rel=next"),
        Fault::header("Link", &elsewhere),
        Fault::header("Link", "nonsense"),
        Fault::error(403, "DENIED", "no lists"),
        Fault::Endless,
        answer(200, "text/html", "<html>"),
    ];
    for fault in faults {
        let scene = Scene::with(Registry::builder().referrers(false), Registry::builder());
        let signed = Signed::put(&scene.source, "org/app");
        scene.source.fault(Match::on("GET", "/tags/list"), fault);
        scene.export(&["org/app:1"]).run().succeeds();
        assert_eq!(nameless(&scene).len(), 3);
        // Each tag is asked for: of the five manifests and of the three that refer to them.
        assert_eq!(requests(&scene.source, "GET", "/manifests/sha256-").len(), signed.image.len() + 3);
    }
    assert_eq!(other.connections(), 0);
}

#[test]
fn what_is_listed_and_refers_to_something_else_is_left_out_with_a_warning() {
    let scene = Scene::with(Registry::builder().referrers(false), Registry::builder());
    let image = put_small_image(&scene.source, "org/app", "1");
    let other = put_small_image(&scene.source, "org/app", "2");
    let [good, of_other] = [&image, &other].map(|subject| put_referrer(&scene.source, "org/app", subject, SIGNATURE));
    list_by_tag(&scene.source, "org/app", &image, &[&good, &of_other, &other]);
    let out = scene.export(&["org/app:1"]).run().succeeds();
    for digest in [&of_other, &other] {
        let warned = out.stderr.lines().any(|line| line.starts_with("warning") && line.contains(digest.as_str()));
        assert!(warned && out.stderr.contains(&image), "{}", out.stderr);
    }
    assert_eq!(nameless(&scene).len(), 1);
    assert_eq!(nameless(&scene)[0]["digest"], good.as_str());
    assert_eq!(scene.verify().args(["--format", "json"]).run().succeeds().json()["blobs"]["unused"], 0);
}

#[test]
fn a_referrer_that_is_seen_and_cannot_be_had_fails_its_image() {
    let broken =
        [(Fault::error(404, "MANIFEST_UNKNOWN", "gone"), 4), (Fault::FlipByte(30), 3), (Fault::Truncate(50), 3)];
    for (fault, code) in broken {
        let (scene, signed) = scene();
        scene.source.fault(Match::on("GET", &format!("/manifests/{}", signed.of_sbom)), fault);
        let out = refused(&scene, code);
        assert!(out.stderr.contains(&signed.of_sbom) && out.stderr.contains("--referrers none"), "{}", out.stderr);
    }
    // Or a part of it.
    let (scene, signed) = scene();
    let (_, bytes) = scene.source.manifest("org/app", &signed.sbom).expect("the list");
    let document: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
    let layer = document["layers"][0]["digest"].as_str().expect("a layer");
    scene.source.remove_blob("org/app", layer);
    let out = scene.export(&["org/app:1"]).run().exits(4);
    assert!(out.stderr.contains("org/app:1") && out.stderr.contains(layer), "{}", out.stderr);
    assert!(!scene.bundle().exists());
}

#[test]
fn referrers_of_referrers_come_to_an_end() {
    let scene = Scene::new();
    let mut last = put_small_image(&scene.source, "org/app", "1");
    for n in 0..30 {
        last = put_referrer(&scene.source, "org/app", &last, &format!("application/vnd.test.{n}"));
    }
    let out = scene.export(&["org/app:1"]).run().exits(3);
    assert!(out.stderr.contains("nested more than 16 deep") && out.stderr.contains("org/app:1"), "{}", out.stderr);
    assert!(!scene.bundle().exists());
    // One that lists more for everything it is asked about gets nowhere: each has to exist.
    let scene = Scene::new();
    let image = put_small_image(&scene.source, "org/app", "1");
    let made_up = json!({"schemaVersion": 2, "manifests": (0..50).map(|n| {
        let document = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor(EMPTY, b"{}"),
            "layers": [], "subject": described(&scene.source, "org/app", &image), "annotations": {"n": n.to_string()}});
        descriptor(MANIFEST, document.to_string().as_bytes())
    }).collect::<Vec<_>>()});
    scene.source.fault(Match::on("GET", LISTS), answer(200, INDEX, &made_up.to_string()));
    let out = scene.export(&["org/app:1"]).run().exits(4);
    assert!(out.stderr.contains("org/app:1"), "{}", out.stderr);
}
