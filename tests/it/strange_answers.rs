//! Answers that are not a registry's, or not quite: pings that say anything, pages for people, codings that
//! nobody asked for, and errors in whatever shape.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::fault_scene::{AT, IMAGE, arrived, bundle_of, source_of};
use crate::scene::{Scene, command, put_image, put_layer, put_small_image, writes};
use crate::support::registry::{Fault, Match, Registry, Request};

const PORTAL: &str = "<!DOCTYPE html>\n<html><head><title>Guest Wi-Fi: log in</title></head><body>x</body></html>";

/// Every answer of a network that wants a login first.
fn portal() -> Fault {
    let headers = vec![("Content-Type".into(), "text/html; charset=utf-8".into())];
    Fault::Status { code: 200, headers, body: PORTAL.into() }
}

fn is_ping(request: &Request) -> bool {
    request.path == "/v2/"
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = GzEncoder::new(Vec::new(), Compression::default());
    writer.write_all(bytes).and_then(|()| writer.finish()).expect("memory")
}

/// The answer is coded although it should not be.
fn coded() -> Fault {
    Fault::change(|response| {
        let bytes = match &response.content {
            crate::support::registry::Content::Bytes(bytes) => gzip(bytes),
            _ => return,
        };
        response.length = bytes.len() as u64;
        response.content = bytes.into();
        response.set("Content-Encoding", "gzip");
    })
}

#[test]
fn the_answer_to_a_ping_decides_nothing_about_an_image() {
    let elsewhere = Registry::start();
    let gone = Registry::start().url();
    let answers = [
        Fault::Redirect(301, format!("{}/v2/", elsewhere.url())),
        Fault::Redirect(302, format!("{gone}/v2/")),
        Fault::Redirect(302, "file:///etc/passwd".into()),
        Fault::status(301),
        Fault::status(403),
        Fault::status(404),
        Fault::status(405),
        Fault::status(410),
        Fault::status(500),
        Fault::status(501),
        Fault::status(204),
        portal(),
    ];
    for (number, answer) in answers.into_iter().enumerate() {
        let (scene, _) = bundle_of(Registry::builder(), &[1000]);
        for registry in [&scene.source, &scene.target] {
            let answer = answer.clone();
            registry.intercept(move |request| is_ping(request).then(|| answer.clone()));
        }
        scene.export(&[IMAGE]).args(["--force", "--retries", "1"]).run().succeeds();
        scene.import().args(["--retries", "1"]).run().succeeds();
        arrived(&scene);
        assert!(scene.source.count(is_ping) > 0, "{number}");
    }
}

#[test]
fn a_redirected_ping_asks_for_nothing_on_behalf_of_the_registry() {
    use crate::support::registry::{Auth, Tokens};
    let tokens = Tokens::new("user", "canary");
    let elsewhere = Registry::builder().auth(Auth::bearer(&tokens)).start();
    let (scene, _) = source_of(&[1000]);
    let to = format!("{}/v2/", elsewhere.url());
    scene.source.intercept(move |request| is_ping(request).then(|| Fault::Redirect(302, to.clone())));
    let run = scene.export(&[IMAGE]).args(["--username", "user", "--password-stdin"]).stdin("canary\n");
    run.run().succeeds();
    assert_eq!(elsewhere.count(|r| r.header("Authorization").is_some()), 0);
    assert_eq!(tokens.count(), 0);
}

#[test]
fn a_page_in_place_of_a_registry_is_named_by_its_title_by_every_command() {
    let (scene, _) = bundle_of(Registry::builder(), &[1000]);
    for registry in [&scene.source, &scene.target] {
        registry.intercept(|_| Some(portal()));
    }
    let host = scene.target.host();
    let runs = [
        scene.export(&[IMAGE]).args(["--force"]),
        scene.import(),
        scene.import().args(["--dry-run"]),
        command("login").args([host.as_str(), "--plain-http", "--username", "me", "--password-stdin"]).stdin("x\n"),
    ];
    for run in runs {
        let out = run.run().exits(4);
        let named = "this is not a registry's answer (HTML: «Guest Wi-Fi: log in»)";
        assert!(out.stderr.contains(named), "{}{}", out.stdout, out.stderr);
        assert!(!out.stdout.contains("would push"), "{}", out.stdout);
        assert!(out.stderr.contains("login in a browser"), "{}", out.stderr);
    }
    let changed: Vec<String> = writes(&scene.target).into_iter().filter(|line| !line.starts_with("POST")).collect();
    assert_eq!(changed, Vec::<String>::new());
}

#[test]
fn a_page_in_place_of_any_single_answer_is_named() {
    for (method, part) in [("GET", "/manifests/"), ("GET", "/blobs/"), ("GET", "/token")] {
        let mut scene = source_of(&[70_000]).0;
        if part == "/token" {
            use crate::support::registry::{Auth, Tokens};
            let tokens = Tokens::new("user", "pass").anonymous("pull");
            scene = Scene::with(Registry::builder().auth(Auth::bearer(&tokens)), Registry::builder());
            put_small_image(&scene.source, "org/app", "1");
        }
        scene.source.fault(Match::on(method, part), portal());
        let out = scene.export(&[IMAGE]).run().exits(4);
        assert!(out.stderr.contains("(HTML: «Guest Wi-Fi: log in»)"), "{method} {part}: {}", out.stderr);
    }
    let (scene, _) = bundle_of(Registry::builder(), &[1000]);
    scene.target.fault(Match::on("HEAD", ""), portal());
    let out = scene.import().args(["--dry-run"]).run().exits(4);
    assert!(out.stderr.contains("this is not a registry's answer (HTML"), "{}", out.stderr);
}

#[test]
fn manifests_tokens_and_content_that_come_coded_are_what_they_are() {
    use crate::support::registry::{Auth, Tokens};
    let tokens = Tokens::new("user", "pass").anonymous("pull");
    let scene = Scene::with(Registry::builder().auth(Auth::bearer(&tokens)), Registry::builder());
    let layer = put_layer(&scene.source, "org/app", gzip(&vec![7; 200_000]));
    let odd = put_layer(&scene.source, "org/app", b"no gzip at all".repeat(1000));
    put_image(&scene.source, "org/app", "1", &[layer, odd]);
    scene.source.fault(Match::on("GET", ""), coded());
    scene.export(&[IMAGE]).run().succeeds();
    scene.import().run().succeeds();
    assert_eq!(scene.target.digest(AT, "1"), scene.source.digest("org/app", "1"));

    // A layer that storage calls coded because it is gzip itself.
    scene.source.clear_faults();
    scene.source.fault(Match::on("GET", "/blobs/"), Fault::header("Content-Encoding", "gzip"));
    scene.source.fault(Match::on("GET", "/blobs/"), Fault::Chunked);
    scene.export(&[IMAGE]).args(["--force"]).run().succeeds();
    scene.verify().run().succeeds();

    // More than may come, and what is not undone.
    let bomb = gzip(&vec![b' '; 64 << 20]);
    scene.source.clear_faults();
    let headers = vec![("Content-Encoding".into(), "gzip".into())];
    scene.source.fault(Match::on("GET", "/manifests/"), Fault::Status { code: 200, headers, body: bomb });
    let out = scene.export(&[IMAGE]).args(["--force"]).run().exits(3);
    assert!(out.stderr.contains("longer than"), "{}", out.stderr);
    let headers = vec![("Content-Encoding".into(), "br".into())];
    scene.source.clear_faults();
    scene.source.fault(Match::on("GET", "/manifests/"), Fault::Status { code: 200, headers, body: vec![1; 99] });
    let out = scene.export(&[IMAGE]).args(["--force"]).run().exits(3);
    assert!(out.stderr.contains("Content-Encoding is `br`"), "{}", out.stderr);
}

#[test]
fn the_reason_in_an_error_is_shown_whatever_its_shape() {
    let shapes: &[(&str, &str)] = &[
        ("Your authorization token has expired.", "Your authorization token has expired."),
        (r#"{"details":"the reason"}"#, "the reason"),
        (r#"{"error":{"code":403,"message":"the reason"}}"#, "403: the reason"),
        (r#"{"errors":[{"code":17,"message":"the reason"}]}"#, "17: the reason"),
        (r#"{"errors":null,"message":"the reason"}"#, "the reason"),
        (r#"[{"code":"DENIED","message":"the reason"}]"#, "DENIED: the reason"),
        ("\u{feff}{\"errors\":[{\"code\":\"DENIED\",\"message\":\"the reason\"}]}", "DENIED: the reason"),
        ("<Error><Code>AccessDenied</Code><Message>the reason</Message></Error>", "AccessDenied: the reason"),
        ("<html><head><title>403 Forbidden</title></head></html>", "HTML: «403 Forbidden»"),
        (
            r#"{"errors":[{"code":"DENIED","message":"no"},{"code":"QUOTA","message":"the reason"}]}"#,
            "DENIED: no; QUOTA: the reason",
        ),
        (r#"{"errors":[{"code":"DENIED","message":null,"detail":"the reason"}]}"#, "DENIED: the reason"),
    ];
    for (body, reason) in shapes {
        let (scene, _) = source_of(&[1000]);
        let fault = Fault::Status { code: 403, headers: Vec::new(), body: body.as_bytes().to_vec() };
        scene.source.fault(Match::on("GET", "/manifests/"), fault);
        let out = scene.export(&[IMAGE]).run().exits(4);
        assert!(out.stderr.contains(&format!("403 {reason}")), "{body}: {}", out.stderr);
    }
}
