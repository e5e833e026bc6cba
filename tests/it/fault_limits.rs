//! Answers without end, texts that fool a terminal, digests that are none, certificates that cannot
//! be trusted.

use serde_json::json;

use crate::fault_scene::{AT, IMAGE, arrived, bundle_of, nothing_false, put_app, requests, source_of};
use crate::scene::{CONFIG, INDEX, LAYER, MANIFEST, Scene, command, descriptor};
use crate::support::certs::{Authority, Identity, LOOPBACK};
use crate::support::registry::{Auth, Fault, Match, Registry, Tokens};

/// More than any answer that is wanted here, and what the system holds of it on the way.
const BOUND: u64 = 48 << 20;

fn most_sent(registry: &Registry) -> u64 {
    registry.requests().iter().map(|r| r.sent_bytes).max().unwrap_or(0)
}

#[test]
fn an_answer_without_end_is_cut_off_wherever_it_comes() {
    let ends = ["/manifests/", "/blobs/", "/token", "/referrers/"].map(|part| Match::on("GET", part));
    for matching in ends {
        let tokens = Tokens::new("user", "password");
        let scene = Scene::between(Registry::builder().auth(Auth::bearer(&tokens)).start(), Registry::start());
        put_app(&scene.source, &[1_000]);
        scene.source.fault(matching.clone(), Fault::Endless);
        let export = scene.export(&[IMAGE]).args(["--username", "user", "--retries", "1"]);
        let out = export.env("BUNDLE_PASSWORD", "password").run();
        assert!(matches!(out.code, Some(3 | 4)), "{matching:?}: {:?} {}", out.code, out.stderr);
        assert!(!scene.bundle().exists());
        assert!(most_sent(&scene.source) < BOUND, "{matching:?}: {}", most_sent(&scene.source));
    }
    // The description of an error, on both ways.
    let (scene, _) = bundle_of(Registry::builder(), &[1_000]);
    for registry in [&scene.source, &scene.target] {
        registry.fault(Match::on("*", "/manifests/"), Fault::error(403, "DENIED", "no"));
        registry.fault(Match::on("*", "/manifests/"), Fault::Endless);
        registry.fault(Match::on("POST", ""), Fault::Endless);
    }
    scene.export(&[IMAGE]).args(["--force"]).run().exits(4);
    scene.import().run().exits(4);
    for registry in [&scene.source, &scene.target] {
        assert!(most_sent(registry) < BOUND, "{}", most_sent(registry));
    }
}

#[test]
fn a_manifest_of_more_than_32_mib_is_refused_and_one_above_4_mib_is_warned_about() {
    let padded = |size: usize| {
        let config = descriptor(CONFIG, b"{}");
        let text = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": []}).to_string();
        format!("{text}{}", " ".repeat(size - text.len()))
    };
    let scene = Scene::new();
    scene.source.put_blob("org/app", "{}");
    scene.source.put_manifest("org/app", Some("1"), MANIFEST, padded(5 << 20));
    scene.source.put_manifest("org/app", Some("2"), MANIFEST, padded(33 << 20));
    let out = scene.export(&["org/app:1"]).run().succeeds();
    assert!(out.stderr.contains("warning") && out.stderr.contains("many registries refuse"), "{}", out.stderr);
    let out = scene.export(&["org/app:2"]).args(["--force"]).run().exits(3);
    assert!(out.stderr.contains("org/app:2"), "{}", out.stderr);
}

#[test]
fn nothing_that_a_registry_says_moves_a_cursor() {
    let nasty = "\u{1b}]52;c;aGk=\u{7}\u{9b}31m\rgone\u{202e}txt\u{200f}\u{8}";
    let is_clean = |text: &str| !text.chars().any(|c| c.is_control() && c != '\n' || "\u{202e}\u{200f}".contains(c));
    for status in [400, 401, 403, 404, 500] {
        let (scene, layers) = bundle_of(Registry::builder(), &[1_000]);
        for (registry, part) in [(&scene.source, layers[0].as_str()), (&scene.target, "/manifests/")] {
            registry.fault(Match::on("*", part), Fault::error(status, nasty, nasty));
        }
        let verbose = ["-vv", "--retries", "0"];
        for out in [scene.export(&[IMAGE]).args(["--force"]).args(verbose).run(), scene.import().args(verbose).run()] {
            assert_ne!(out.code, Some(0));
            assert!(out.stderr.contains("gone"), "the words are shown: {}", out.stderr);
            assert!(is_clean(&out.all()), "{:?}", out.all());
        }
    }
    let (scene, _) = source_of(&[1_000]);
    scene
        .source
        .fault(Match::on("GET", "/blobs/"), Fault::Redirect(307, "https://[\u{1b}]x/".replace('\u{1b}', "%1b")));
    let out = scene.export(&[IMAGE]).run();
    assert!(out.code != Some(0) && is_clean(&out.all()), "{:?}", out.all());
}

#[test]
fn what_is_no_digest_never_becomes_a_request() {
    let bad = [
        "sha256:../../../../etc/passwd",
        "sha256:",
        "sha256",
        "",
        "md5:d41d8cd98f00b204e9800998ecf8427e",
        "sha256:%2e%2e%2f",
        "SHA256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "sha512:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/..",
    ];
    let scene = Scene::new();
    scene.source.put_blob("org/app", "{}");
    for bad in bad {
        let wrong = |media_type: &str| json!({"mediaType": media_type, "digest": bad, "size": 2});
        let right = || descriptor(CONFIG, b"{}");
        let manifest = |config, layers, subject| {
            let mut document = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers});
            if let Some(subject) = subject {
                document["subject"] = subject;
            }
            (MANIFEST, document)
        };
        let documents = [
            manifest(wrong(CONFIG), json!([]), None),
            manifest(right(), json!([wrong(LAYER)]), None),
            manifest(right(), json!([]), Some(wrong(MANIFEST))),
            (INDEX, json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [wrong(MANIFEST)]})),
        ];
        for (media_type, document) in documents {
            scene.source.put_manifest("org/app", Some("1"), media_type, document.to_string());
            scene.source.clear_requests();
            let out = scene.export(&[IMAGE]).run().exits(3);
            assert!(out.stderr.contains(&scene.name(IMAGE)), "{}", out.stderr);
            for request in scene.source.requests() {
                assert!(["/v2/", "/v2/org/app/manifests/1"].contains(&request.path.as_str()), "{request}");
            }
        }
    }
}

#[test]
fn a_certificate_that_cannot_be_trusted_is_refused_with_what_to_do() {
    let authority = Authority::new();
    let scene = Scene::new();
    let ca = scene.path("ca.pem");
    std::fs::write(&ca, authority.pem()).expect("a file");
    let cases: [(Identity, bool, &str); 4] = [
        (authority.server(&LOOPBACK), false, "--ca-file"),
        (authority.expired_server(&LOOPBACK), true, "check this machine's clock"),
        (authority.server(&["other.example"]), true, "other.example"),
        (Identity::self_signed_ca(&LOOPBACK), false, "--ca-file"),
    ];
    for (identity, trusted, words) in cases {
        let registry = Registry::builder().tls(&identity).start();
        put_app(&registry, &[1_000]);
        let export =
            command("export").args(["-o"]).args([scene.bundle()]).args([format!("{}/{IMAGE}", registry.host())]);
        let export = if trusted { export.args(["--ca-file"]).args([&ca]) } else { export };
        let out = export.run().exits(4);
        assert!(out.stderr.contains(words), "{}", out.stderr);
        assert!(out.stderr.contains(&registry.host()), "{}", out.stderr);
        assert!(registry.requests().is_empty(), "no request is made over http instead");
        assert!(!scene.bundle().exists());
    }
}

#[test]
fn what_is_not_a_registry_is_called_so() {
    for (status, body) in [(200, "<html>login"), (302, ""), (404, "nothing"), (403, "blocked")] {
        let (scene, _) = bundle_of(Registry::builder(), &[1_000]);
        let fault = Fault::Status {
            code: status,
            headers: vec![("Content-Type".into(), "text/html".into())],
            body: body.into(),
        };
        // A captive portal answers everything in this way.
        scene.target.fault(Match::any(), fault);
        let out = scene.import().run();
        assert!(out.code == Some(4), "{:?} {}", out.code, out.stderr);
        assert!(out.stderr.contains(&scene.target.host()) && out.stderr.contains("hint:"), "{}", out.stderr);
        scene.target.clear_faults();
        nothing_false(&scene.target);
    }
}

#[test]
fn a_registry_that_is_out_of_order_at_first_contact_is_tried_again() {
    for fault in [Fault::status(503), Fault::Reset, Fault::CutBodyAfter(0, crate::support::registry::Cut::Close)] {
        let (scene, _) = bundle_of(Registry::builder(), &[1_000]);
        scene.target.fault(Match::on("GET", "/v2/").times(2), fault);
        scene.import().run().succeeds();
        arrived(&scene);
        assert!(!requests(&scene.target, "PUT", AT).is_empty());
    }
}
