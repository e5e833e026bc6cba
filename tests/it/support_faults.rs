//! The test registry and the proxy fail as they are told to, when they are told to, and only then.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::support::client::{agent, call, send};
use crate::support::proxy::Proxy;
use crate::support::registry::{Cut, Fault, Match, Registry, digest_like};

#[test]
fn answers_go_wrong_as_told_and_as_often() {
    let registry = Registry::start();
    let digest = registry.put_blob("org/app", "0123456789");
    let blob = format!("{}/v2/org/app/blobs/{digest}", registry.url());
    let get = |headers: &[(&str, &str)]| send(&agent(), "GET", &blob, headers, b"");
    let good = |headers: &[(&str, &str)]| get(headers).expect("an answer");

    registry.fault(Match::on("GET", "/blobs/").nth(2), Fault::status_with(429, "Retry-After", "1"));
    assert_eq!(good(&[]).status, 200);
    let limited = good(&[]);
    assert_eq!((limited.status, limited.header("retry-after")), (429, "1"));
    assert_eq!(good(&[]).status, 200);

    for (fault, arrives) in [
        (Fault::FlipByte(3), Some(&b"0122456789"[..])),
        (Fault::Truncate(4), Some(b"0123")),
        (Fault::Body(b"other".to_vec()), Some(b"other")),
        (Fault::Chunked, Some(b"0123456789")),
        (Fault::UntilClose, Some(b"0123456789")),
        (Fault::WrongLength(-2), Some(b"01234567")),
        (Fault::WrongLength(2), None),
        (Fault::CutBodyAfter(4, Cut::Close), None),
        (Fault::CutBodyAfter(4, Cut::Reset), None),
        (Fault::LoseAnswer, None),
        (Fault::Reset, None),
    ] {
        registry.clear_faults();
        registry.fault(Match::any().once(), fault);
        assert_eq!(get(&[]).ok().map(|answer| answer.body).as_deref(), arrives);
        assert_eq!(good(&[]).body, b"0123456789", "and only once");
    }

    registry.clear_faults();
    registry.intercept(|request| request.header("Range").map(|_| Fault::IgnoreRange));
    assert_eq!(good(&[("Range", "bytes=5-")]).status, 200);
    registry.clear_faults();
    registry.fault(Match::any(), Fault::ShiftRange(-1));
    assert_eq!(good(&[("Range", "bytes=5-6")]).body, b"45");
    registry.fault(Match::any(), Fault::LyingContentRange("bytes 0-1/10".into()));
    assert_eq!(good(&[("Range", "bytes=5-6")]).header("content-range"), "bytes 0-1/10");
    registry.fault(Match::on("HEAD", "/blobs/"), Fault::HeadSays { status: 200, length: Some(3) });
    assert_eq!(call("HEAD", &blob, &[], b"").header("content-length"), "3");
    registry.fault(Match::on("GET", "/blobs/"), Fault::Redirect(307, "http://elsewhere.test{path}".into()));
    let away = good(&[]);
    assert_eq!(
        (away.status, away.header("location")),
        (307, format!("http://elsewhere.test/v2/org/app/blobs/{digest}").as_str())
    );
}

#[test]
fn a_stalled_answer_goes_on_when_it_is_released() {
    let registry = Registry::start();
    let digest = registry.put_blob("org/app", "0123456789");
    registry.fault(Match::any(), Fault::StallAfter(4));
    let mut stream = TcpStream::connect(registry.address()).expect("a connection");
    write!(stream, "GET /v2/org/app/blobs/{digest} HTTP/1.1\r\nHost: x\r\n\r\n").expect("a request");
    let mut text = [0; 512];
    let mut seen = 0;
    while !text[..seen].ends_with(b"0123") {
        seen += stream.read(&mut text[seen..]).expect("bytes up to the stall");
    }
    stream.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
    assert!(stream.read(&mut text[seen..]).is_err(), "nothing more comes");
    registry.release();
    stream.set_read_timeout(None).expect("no timeout");
    assert_eq!(stream.read(&mut text[seen..]).expect("the end"), 0);
}

#[test]
fn a_cut_upload_is_counted_and_its_session_kept_or_lost() {
    for keeps in [true, false] {
        let builder = Registry::builder();
        let registry = if keeps { builder.start() } else { builder.drop_sessions_on_cut().start() };
        registry.fault(Match::on("PATCH", "/uploads/"), Fault::CutUploadAfter(100_000));
        let start = call("POST", &format!("{}/v2/org/app/blobs/uploads/", registry.url()), &[], b"");
        let body = vec![7; 4_000_000];
        assert!(send(&agent(), "PATCH", start.header("location"), &[], &body).is_err());
        registry.wait_until(|requests| requests.iter().any(|r| r.method == "PATCH" && r.body_bytes == 100_000));
        let asked = call("GET", start.header("location"), &[], b"");
        assert_eq!((asked.status, asked.header("range")), if keeps { (204, "0-99999") } else { (404, "") });
    }
}

#[test]
fn the_proxy_passes_bytes_on_and_resets_as_told() {
    let registry = Registry::start();
    let digest = registry.put_made_blob("org/app", 1, 1_000_000);
    let proxy = Proxy::to(registry.address()).reset_after(300_000..600_000).resets(1).start();
    let url = format!("http://{}/v2/org/app/blobs/{digest}", proxy.host());
    let address: SocketAddr = proxy.host().parse().expect("an address");
    let mut stream = TcpStream::connect(address).expect("a connection");
    write!(stream, "GET /v2/org/app/blobs/{digest} HTTP/1.1\r\nHost: x\r\n\r\n").expect("a request");
    let error = stream.read_to_end(&mut Vec::new()).expect_err("a cut");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert!((300_000..600_000).contains(&(proxy.bytes_down() + proxy.bytes_up())), "{}", proxy.bytes_down());
    assert_eq!(call("GET", &url, &[], b"").body.len(), 1_000_000);
    assert_eq!(proxy.connections(), 2);
}

#[test]
fn a_registry_can_be_picky_about_uploads() {
    let registry = Registry::builder().relative_locations().start();
    let uploads = format!("{}/v2/org/app/blobs/uploads/", registry.url());
    let start = || format!("{}{}", registry.url(), call("POST", &uploads, &[], b"").header("location"));
    let digest = digest_like("sha256:", b"hello");
    registry.fault(Match::on("*", "/uploads/"), Fault::RefuseMonolithic(405));
    registry.fault(Match::on("PATCH", "/uploads/"), Fault::MaxBody(3));
    assert_eq!(call("PUT", &format!("{}&digest={digest}", start()), &[], b"hello").status, 405);
    let url = start();
    assert_eq!(call("PATCH", &url, &[], b"hello").status, 413);
    let next = call("PATCH", &url, &[], b"hel");
    assert_eq!((next.status, next.header("range")), (202, "0-2"));
    let next = call("PATCH", &format!("{}{}", registry.url(), next.header("location")), &[], b"lo");
    let close = format!("{}{}&digest={digest}", registry.url(), next.header("location"));
    assert_eq!(call("PUT", &close, &[], b"").status, 201);

    registry.clear_faults();
    registry.fault(Match::on("POST", "/uploads/"), Fault::location(|old| format!("http://elsewhere.test{old}")));
    registry.fault(Match::on("POST", "/uploads/"), Fault::header("OCI-Chunk-Min-Length", "7"));
    registry.fault(Match::on("POST", "/uploads/").nth(2), Fault::NoHeader("Location".into()));
    let first = call("POST", &uploads, &[], b"");
    assert!(first.header("location").starts_with("http://elsewhere.test/v2/org/app/"), "{}", first.header("location"));
    assert_eq!(first.header("oci-chunk-min-length"), "7");
    assert_eq!(call("POST", &uploads, &[], b"").header("location"), "");
}

#[test]
fn silence_lasts_until_it_is_released() {
    let registry = Registry::start();
    let uploads = format!("{}/v2/org/app/blobs/uploads/", registry.url());
    let start = call("POST", &uploads, &[], b"");
    registry.fault(Match::on("GET", "/v2/").once(), Fault::NeverAnswer);
    registry.fault(Match::on("PATCH", "/uploads/"), Fault::StallUploadAfter(1000));
    std::thread::scope(|scope| {
        let silent = scope.spawn(|| send(&agent(), "GET", &format!("{}/v2/", registry.url()), &[], b"").is_err());
        let stalled = scope.spawn(|| send(&agent(), "PATCH", start.header("location"), &[], &[0; 9_000_000]).is_err());
        registry.wait_until(|requests| {
            let [_, others @ ..] = requests else { return false };
            others.len() == 2 && others.iter().all(|r| r.method == "GET" || r.body_bytes == 1000)
        });
        assert!(!silent.is_finished() && !stalled.is_finished());
        registry.release();
        // The stall may begin after that release; the registry's end ends it in any case.
        while !(silent.is_finished() && stalled.is_finished()) {
            registry.release();
            std::thread::yield_now();
        }
        assert!(silent.join().expect("a thread") && stalled.join().expect("a thread"));
    });
}

#[test]
fn an_endless_body_ends_with_the_client() {
    let registry = Registry::start();
    registry.fault(Match::any(), Fault::Endless);
    let mut stream = TcpStream::connect(registry.address()).expect("a connection");
    stream.write_all(b"GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n").expect("a request");
    let mut buffer = vec![0; 1_000_000];
    stream.read_exact(&mut buffer).expect("a million bytes");
    drop(stream);
    registry.clear_faults();
    assert_eq!(call("GET", &format!("{}/v2/", registry.url()), &[], b"").status, 200);
}

#[test]
fn a_reset_is_told_from_an_early_end() {
    let registry = Registry::start();
    let digest = registry.put_blob("org/app", vec![1; 200_000]);
    for (cut, ends) in [(Cut::Close, Ok(())), (Cut::Reset, Err(ErrorKind::ConnectionReset))] {
        registry.clear_faults();
        registry.fault(Match::any(), Fault::CutBodyAfter(100_000, cut));
        let mut stream = TcpStream::connect(registry.address()).expect("a connection");
        write!(stream, "GET /v2/org/app/blobs/{digest} HTTP/1.1\r\nHost: x\r\n\r\n").expect("a request");
        let mut bytes = Vec::new();
        assert_eq!(stream.read_to_end(&mut bytes).map(drop).map_err(|error| error.kind()), ends);
        assert!(bytes.ends_with(&[1]) && bytes.len() < 101_000, "{}", bytes.len());
    }
    assert!(registry.requests().iter().all(|request| request.sent_bytes == 100_000));
}
