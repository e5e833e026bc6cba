//! `serve` and its clients: slow ones, many, those that speak TLS; signals, logs and counters.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::scene::{Scene, command, fixtures, put_image, put_made_layer};
use crate::serve_scene::{Server, eventually};
use crate::support::certs::{Authority, LOOPBACK};
use crate::support::run::Output;

fn fixture_server(flags: &[&str]) -> Server {
    Server::of_one(&fixtures().join("images"), flags)
}

/// What a client of ours says that trusts this authority and looks at an image.
fn pull(server: &Server, ca: &Path, scene: &Scene, flags: &[&str]) -> Output {
    let output = scene.path("pulled.tar");
    let name = format!("{}/quay.io/org/web:2", server.host);
    command("export")
        .args([name])
        .args(["--force", "--ca-file"])
        .args([ca])
        .args(["-o"])
        .args([output])
        .args(flags)
        .run()
}

#[test]
fn who_sends_no_head_is_let_go_and_others_are_answered_meanwhile() {
    let server = fixture_server(&["--header-timeout", "1"]);
    let mut slow: Vec<_> = (0..200).map(|_| server.connect()).collect();
    for stream in &mut slow {
        stream.write_all(b"GET /v2/ HT").expect("a beginning");
    }
    assert_eq!(server.get("/v2/").status, 200);
    for stream in &mut slow {
        let mut rest = Vec::new();
        // Whether it is ended or cut is no difference to somebody who sent nothing.
        let _ = stream.read_to_end(&mut rest);
        assert!(!rest.starts_with(b"HTTP/1.1 200"), "{rest:?}");
    }
    eventually("all are gone", || server.counted("connections") == 1);
}

#[test]
fn a_thousand_slow_clients_do_not_keep_a_fast_one_waiting() {
    const SLOW: usize = 1000;
    // Both ends of each connection, and whatever else the tests have open.
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(8192, |most| most.min(8192)).max(limit.current.unwrap_or(u64::MAX));
    setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), ..limit }).expect("more files");
    let scene = Scene::new();
    let layer = put_made_layer(&scene.source, "org/app", 1, 16 << 20);
    put_image(&scene.source, "org/app", "1", std::slice::from_ref(&layer));
    scene.export(&["org/app:1"]).run().succeeds();
    let server = Server::of_one(&scene.bundle(), &["--namespace", "", "--header-timeout", "600"]);
    let path = format!("/v2/org/app/blobs/{}", layer["digest"].as_str().expect("a digest"));
    // Nearly all send half a head; a few want a layer and take nothing of it.
    let slow: Vec<_> = (0..SLOW)
        .map(|number| {
            let mut stream = server.connect();
            let said =
                if number % 20 == 0 { format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n") } else { "GET /v2/ HT".into() };
            stream.write_all(said.as_bytes()).expect("a beginning");
            stream
        })
        .collect();
    eventually("all are there", || server.counted("connections") > SLOW as u64);
    assert_eq!(server.get("/v2/org/app/manifests/1").status, 200);
    let part = server.ask("GET", &path, &[("range", "bytes=0-9")]);
    assert_eq!((part.status, part.body.len()), (206, 10));
    let (head, body) = server.raw_get(&path);
    assert!(head.starts_with("HTTP/1.1 200 ") && body.len() == 16 << 20, "{head} {}", body.len());
    assert!(server.counted("connections") > SLOW as u64, "and none of them was let go for that");
    drop(slow);
    server.stop().succeeds();
}

#[test]
fn more_than_so_many_wait_until_others_are_gone() {
    let server = fixture_server(&["--max-connections", "2", "--header-timeout", "2"]);
    let first = [server.connect(), server.connect()];
    // It is answered once their time is up.
    assert_eq!(server.get("/v2/").status, 200);
    drop(first);
    assert_eq!(server.get("/v2/").status, 200);
}

#[test]
fn who_takes_nothing_of_an_answer_is_let_go() {
    let scene = Scene::new();
    // More than the buffers of both sides of a connection hold.
    let layer = put_made_layer(&scene.source, "org/app", 1, 32 << 20);
    put_image(&scene.source, "org/app", "1", std::slice::from_ref(&layer));
    scene.export(&["org/app:1"]).run().succeeds();
    let server = Server::of_one(&scene.bundle(), &["--namespace", "", "--idle-timeout", "1"]);
    let digest = layer["digest"].as_str().expect("a digest");
    let mut stream = server.connect();
    write!(stream, "GET /v2/org/app/blobs/{digest} HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
    eventually("it is let go", || server.counted("refused_connections_total") == 1);
    let mut got = Vec::new();
    let _ = stream.read_to_end(&mut got);
    assert!(got.len() < 32 << 20, "{}", got.len());
}

#[test]
fn who_takes_a_little_now_and_then_is_let_go_too() {
    let scene = Scene::new();
    let layer = put_made_layer(&scene.source, "org/app", 1, 32 << 20);
    put_image(&scene.source, "org/app", "1", std::slice::from_ref(&layer));
    scene.export(&["org/app:1"]).run().succeeds();
    let server = Server::of_one(&scene.bundle(), &["--namespace", "", "--idle-timeout", "1"]);
    let digest = layer["digest"].as_str().expect("a digest");
    let mut stream = server.connect();
    write!(stream, "GET /v2/org/app/blobs/{digest} HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
    let mut little = [0; 1 << 10];
    eventually("it is let go", || {
        let _ = stream.read(&mut little);
        server.counted("refused_connections_total") == 1
    });
}

#[test]
fn a_head_without_end_is_refused() {
    let server = fixture_server(&[]);
    let answer = server.raw(&format!("GET /v2/ HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(200_000)));
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&answer));
    assert_eq!(server.get("/v2/").status, 200);
}

#[test]
fn an_answer_that_is_under_way_is_given_before_it_stops() {
    let scene = Scene::new();
    let layer = put_made_layer(&scene.source, "org/app", 1, 16 << 20);
    put_image(&scene.source, "org/app", "1", std::slice::from_ref(&layer));
    scene.export(&["org/app:1"]).run().succeeds();
    let server = Server::of_one(&scene.bundle(), &["--namespace", ""]);
    let digest = layer["digest"].as_str().expect("a digest");
    let mut stream = server.connect();
    write!(stream, "GET /v2/org/app/blobs/{digest} HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
    let mut first = [0; 1000];
    stream.read_exact(&mut first).expect("a beginning");
    server.running().terminate();
    eventually("nobody new is let in", || std::net::TcpStream::connect(&server.host).is_err());
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).expect("all of it");
    let body = first.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 4;
    assert_eq!(first.len() - body + rest.len(), 16 << 20);
    server.ended().succeeds();
}

#[test]
fn tls_is_spoken_with_the_certificate_that_is_there_after_a_hangup_too() {
    let (scene, old, new) = (Scene::new(), Authority::new(), Authority::new());
    let (cert, key) = (scene.path("cert.pem"), scene.path("key.pem"));
    let (old_ca, new_ca) = (scene.path("old.pem"), scene.path("new.pem"));
    fs::write(&old_ca, old.pem()).expect("written");
    fs::write(&new_ca, new.pem()).expect("written");
    let give = |authority: &Authority| {
        let identity = authority.server(&LOOPBACK);
        fs::write(&cert, identity.cert_pem).expect("written");
        fs::write(&key, identity.key_pem).expect("written");
    };
    give(&old);
    let (cert_flag, key_flag) = (cert.to_str().expect("a path"), key.to_str().expect("a path"));
    let server = fixture_server(&["--tls-cert", cert_flag, "--tls-key", key_flag]);
    pull(&server, &old_ca, &scene, &[]).succeeds();
    pull(&server, &new_ca, &scene, &[]).exits(4);
    // One that does not fit its key is not taken.
    fs::write(&cert, new.server(&LOOPBACK).cert_pem).expect("written");
    server.running().hang_up();
    server.running().wait_for_stderr("not taken in");
    pull(&server, &old_ca, &scene, &[]).succeeds();
    give(&new);
    server.running().hang_up();
    eventually("the new one is there", || pull(&server, &new_ca, &scene, &[]).code == Some(0));
    pull(&server, &old_ca, &scene, &[]).exits(4);
}

#[test]
fn an_authority_of_its_own_is_made_once_and_kept() {
    let scene = Scene::new();
    let place = scene.path("authority");
    let flag = format!("--self-signed={}", place.display());
    let ca = place.join("ca.pem");
    let server = fixture_server(&[&flag]);
    assert!(
        server.running().stdout().contains(&format!("ca         {}", ca.display())),
        "{}",
        server.running().stdout()
    );
    pull(&server, &ca, &scene, &[]).succeeds();
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&fs::metadata(place.join("ca-key.pem")).expect("it").permissions());
    assert_eq!(mode & 0o777, 0o600);
    let made = fs::read(&ca).expect("it");
    server.stop().succeeds();
    let again = fixture_server(&[&flag]);
    assert_eq!(fs::read(&ca).expect("it"), made);
    pull(&again, &ca, &scene, &[]).succeeds();
}

#[test]
fn each_request_has_a_line_without_anything_that_a_terminal_would_obey() {
    let scene = Scene::new();
    let log = scene.path("access.log");
    let server = fixture_server(&["--access-log", log.to_str().expect("a path")]);
    server.ask("GET", "/v2/quay.io/org/app/manifests/1.4?ns=quay.io", &[("user-agent", "node/1.0")]);
    server.raw("GET /v2/none HTTP/1.1\r\nHost: x\r\nUser-Agent: a\u{9b}31mb\r\nConnection: close\r\n\r\n");
    let lines = || fs::read_to_string(&log).unwrap_or_default();
    eventually("both are there", || lines().lines().count() == 2);
    let text = lines();
    let first = text.lines().next().expect("a line");
    assert!(first.contains("\"GET /v2/quay.io/org/app/manifests/1.4?ns=quay.io\" 200 "), "{first}");
    assert!(first.ends_with("\"node/1.0\"") && first.contains(" 127.0.0.1:"), "{first}");
    assert!(text.contains("31mb") && !text.contains('\u{9b}'), "{text:?}");
    // Whoever keeps logs short moves them away.
    fs::rename(&log, scene.path("access.log.1")).expect("moved");
    server.running().hang_up();
    server.running().wait_for_stderr("reloaded");
    server.get("/healthz");
    eventually("it is begun anew", || lines().contains("/healthz"));
}

#[test]
fn what_it_does_is_counted() {
    let server = fixture_server(&[]);
    server.get("/v2/");
    server.ask("HEAD", "/v2/quay.io/org/app/manifests/1.4", &[]);
    eventually("they are counted", || {
        let text = String::from_utf8(server.get("/metrics").body).expect("text");
        text.contains("requests_total{endpoint=\"base\",method=\"GET\",status=\"200\"} 1\n")
            && text.contains("requests_total{endpoint=\"manifest\",method=\"HEAD\",status=\"200\"} 1\n")
            && text.contains("bundle_serve_images 6\n")
    });
    assert_eq!(server.get("/healthz").body, b"ok\n");
}

#[test]
fn whoever_opens_it_in_a_browser_sees_the_images() {
    let server = fixture_server(&[]);
    let answer = server.get("/");
    assert!(answer.header("content-type").starts_with("text/html"));
    assert!(answer.header("content-security-policy").contains("default-src 'none'"));
    let text = String::from_utf8(answer.body).expect("text");
    assert!(text.contains("quay.io/org/app:1.4"), "{text}");
    // With the name to pull it by, of the address that was asked.
    let here = format!("{}/quay.io/org/app:1.4", server.host);
    assert!(text.contains(&here), "{here}: {text}");
    // Nobody's text becomes part of it.
    let said = server.raw("GET / HTTP/1.1\r\nHost: evil.example/<b>\r\nConnection: close\r\n\r\n");
    assert!(!String::from_utf8_lossy(&said).contains("evil.example"));
}

#[test]
fn json_says_where_it_listens_and_what_it_serves_and_an_open_address_is_warned_of() {
    let run = command("serve").args([fixtures().join("images")]).args(["--format", "json", "--listen", "0.0.0.0:0"]);
    let running = run.spawn();
    running.wait_for_stdout("\n");
    let said: serde_json::Value = serde_json::from_str(&running.stdout()).expect("JSON");
    assert!(said["url"].as_str().is_some_and(|url| url.starts_with("http://0.0.0.0:")), "{said}");
    assert_eq!(said["images"].as_array().map(Vec::len), Some(6));
    assert_eq!(crate::scene::keys(&said["images"][0]), ["digest", "name", "repositories"]);
    running.wait_for_stderr("there is no authentication");
    running.interrupt();
    running.wait().succeeds();
}
