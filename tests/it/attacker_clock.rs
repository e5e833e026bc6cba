//! Answers that never end, in every part of every kind of answer: the command does.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::fault_scene::{IMAGE, bundle_of, put_app};
use crate::scene::{Scene, command, put_small_image};
use crate::support::registry::{Auth, DRIPS, Drip, Fault, Match, Registry, Tokens};
use crate::support::run::{Output, Run};

/// Between two bytes: far less than the idle timeout.
const EVERY: Duration = Duration::from_millis(120);
/// The idle timeout, in seconds.
const IDLE: &str = "1";
/// No command has more to wait for than this.
const END: Duration = Duration::from_secs(45);

/// Gives up soon, and is to end soon.
fn patient(run: Run) -> Run {
    run.args(["--idle-timeout", IDLE, "--retries", "0", "-j", "2"]).limit(END)
}

fn with_user(run: Run) -> Run {
    run.args(["--username", "user"]).env("BUNDLE_PASSWORD", "password")
}

fn guarded() -> Registry {
    Registry::builder().auth(Auth::bearer(&Tokens::new("user", "password").refresh_token("identity"))).start()
}

/// Every request of an export or an import, and whether its failure is one of the command.
fn requests() -> Vec<(bool, &'static str, &'static str)> {
    vec![
        (true, "GET", "/v2/"),
        (true, "GET", "/token"),
        (true, "GET", "/manifests/"),
        (true, "GET", "/blobs/"),
        (true, "GET", "/referrers/"),
        (false, "GET", "/v2/"),
        (false, "GET", "/token"),
        (false, "HEAD", "/manifests/"),
        (false, "HEAD", "/blobs/"),
        (false, "POST", "/uploads/"),
        (false, "PATCH", "/uploads/"),
        (false, "PUT", "/uploads/"),
        (false, "PUT", "/manifests/"),
        (false, "GET", "/manifests/"),
    ]
}

/// One of the two commands, with one fault at one kind of request.
fn run_with(is_export: bool, method: &str, part: &str, fault: &Fault) -> Output {
    let scene = Scene::between(guarded(), guarded());
    put_app(&scene.source, &[2_000]);
    if is_export {
        scene.source.fault(Match::on(method, part), fault.clone());
        return with_user(patient(scene.export(&[IMAGE]))).run();
    }
    with_user(scene.export(&[IMAGE])).run().succeeds();
    if method == "PATCH" {
        scene.target.fault(Match::on("PUT", "/uploads/"), Fault::RefuseMonolithic(405));
    }
    scene.target.fault(Match::on(method, part), fault.clone());
    with_user(patient(scene.import())).run()
}

/// All of these at once: they mostly sleep.
fn at_once<T: Send>(cases: Vec<T>, test: impl Fn(T) + Sync) {
    let cases = std::sync::Mutex::new(cases);
    thread::scope(|scope| {
        for _ in 0..24 {
            scope.spawn(|| {
                loop {
                    let Some(case) = cases.lock().expect("cases").pop() else { return };
                    test(case);
                }
            });
        }
    });
}

#[test]
fn whatever_part_of_whatever_answer_drips_the_command_ends() {
    let mut cases = Vec::new();
    for (is_export, method, part) in requests() {
        for drip in DRIPS {
            if method == "HEAD" && !matches!(drip, Drip::Head | Drip::Interim) {
                continue;
            }
            cases.push((is_export, method, part, drip));
        }
    }
    at_once(cases, |(is_export, method, part, drip)| {
        let out = run_with(is_export, method, part, &Fault::Drip(drip, EVERY));
        // What only ends an answer that is not read may be left alone, and there are other ways to upload.
        // And what was sent may be there, whatever the answer was.
        let is_upload = matches!(method, "PATCH" | "PUT") && part == "/uploads/";
        let must_fail = matches!(drip, Drip::Head | Drip::Interim) && method != "HEAD" && !is_upload;
        let what = format!("{method} {part} {drip:?}: {} {}", out.stdout, out.stderr);
        assert!(!must_fail || matches!(out.code, Some(1 | 3 | 4)), "{what}");
        assert!(out.took < END, "{what}");
    });
}

#[test]
fn what_comes_fast_and_is_no_content_ends_too() {
    let mut cases = Vec::new();
    for (is_export, method, part) in requests() {
        for drip in [Drip::Interim, Drip::Trailers, Drip::Head] {
            if method != "HEAD" {
                cases.push((is_export, method, part, drip));
            }
        }
    }
    at_once(cases, |(is_export, method, part, drip)| {
        let out = run_with(is_export, method, part, &Fault::Drip(drip, Duration::ZERO));
        assert!(out.took < END, "{method} {part} {drip:?}: {}", out.all());
    });
}

#[test]
fn errors_and_challenges_and_redirects_that_drip_hold_nobody_up() {
    let mut cases = Vec::new();
    for is_export in [true, false] {
        for (status, header) in [
            (400, None),
            (401, Some(("WWW-Authenticate", "Basic realm=\"x\""))),
            (403, None),
            (404, None),
            (429, None),
            (503, None),
            (307, Some(("Location", "/v2/other"))),
        ] {
            for drip in [Drip::Body, Drip::Framing, Drip::Trailers] {
                cases.push((is_export, status, header, drip));
            }
        }
    }
    at_once(cases, |(is_export, status, header, drip)| {
        let scene = Scene::new();
        put_app(&scene.source, &[2_000]);
        scene.export(&[IMAGE]).run().succeeds();
        let registry = if is_export { &scene.source } else { &scene.target };
        let headers = header.into_iter().map(|(name, value): (&str, &str)| (name.into(), value.into())).collect();
        let body = json!({"errors": [{"code": "DENIED", "message": "no"}]}).to_string().into_bytes();
        registry.fault(Match::on("*", "/v2/"), Fault::Status { code: status, headers, body });
        registry.fault(Match::on("*", "/v2/"), Fault::Drip(drip, EVERY));
        let run = if is_export { scene.export(&[IMAGE]).args(["--force"]) } else { scene.import() };
        let out = with_user(patient(run)).run();
        assert!(matches!(out.code, Some(1 | 3 | 4)), "{status} {drip:?}: {:?} {}", out.code, out.all());
    });
}

#[test]
fn a_limit_on_the_rate_does_not_keep_a_dead_line_alive() {
    let (scene, layers) = bundle_of(Registry::builder(), &[300_000]);
    // Eight bytes a second, which no read ever has to wait long for.
    scene.source.fault(Match::on("GET", &layers[0]), Fault::Drip(Drip::Body, EVERY));
    let export = patient(scene.export(&[IMAGE])).args(["--force", "--limit-rate", "100K"]);
    let out = export.run().exits(1);
    assert!(out.stderr.contains("bytes in 1 s"), "{}", out.stderr);
    // A limit below what counts as dead is a limit all the same.
    scene.source.clear_faults();
    let slow = scene.export(&["org/small:1"]).args(["--force", "--idle-timeout", "1", "--limit-rate", "400"]);
    put_small_image(&scene.source, "org/small", "1");
    slow.run().succeeds();
}

#[test]
fn a_slow_line_that_brings_something_is_not_given_up_on() {
    let (scene, layers) = bundle_of(Registry::builder(), &[40_000]);
    for part in ["/manifests/", &layers[0]] {
        scene.source.fault(Match::on("GET", part), Fault::Rate(8_000));
    }
    scene.export(&[IMAGE]).args(["--force", "--idle-timeout", "1", "--retries", "0"]).run().succeeds();
    scene.verify().run().succeeds();
}

/// A server that answers whatever it is sent with these bytes at once, and then a byte now and then.
fn dripping(at_once: &'static [u8], byte: u8) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let host = listener.local_addr().expect("an address").to_string();
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut some = [0; 1024];
                let _ = client.read(&mut some);
                let _ = client.write_all(at_once);
                while client.write_all(&[byte]).is_ok() {
                    thread::sleep(EVERY);
                }
            });
        }
    });
    host
}

#[test]
fn a_handshake_or_a_proxy_that_drips_has_an_end() {
    let scene = Scene::new();
    let export = |host: &str| {
        let run = command("export").args([format!("{host}/org/app:1"), "-o".into()]).args([scene.bundle()]);
        run.args(["--idle-timeout", IDLE, "--retries", "0"]).limit(Duration::from_secs(90))
    };
    thread::scope(|scope| {
        // A record of TLS that is long in coming.
        scope.spawn(|| {
            let out = export(&dripping(b"\x16\x03\x03\x40\x00", 0)).run();
            assert_eq!(out.code, Some(1), "{}", out.stderr);
        });
        // The answer of a proxy: HTTP, and SOCKS in two ways.
        let proxies = [
            ("http", b"HTTP/1.1 200 OK\r\nX-Slow: " as &[u8], b'a'),
            ("http", b"HTTP/1.1 100 ", b'C'),
            ("socks5", b"\x05", 0),
            ("socks5h", b"\x05\x00\x05\x00\x00\x03\xff", b'a'),
        ];
        for (scheme, first, byte) in proxies {
            let export = &export;
            scope.spawn(move || {
                let proxy = format!("{scheme}://{}", dripping(first, byte));
                let out = export("registry.invalid").env("HTTPS_PROXY", &proxy).run();
                assert!(matches!(out.code, Some(1 | 4)), "{scheme}: {}", out.all());
            });
        }
    });
}
