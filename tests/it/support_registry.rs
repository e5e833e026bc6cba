//! The test registry is itself a registry: what the other tests lean on, checked with another client.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::{Request, Response, StatusCode};
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig, TlsProvider};

use crate::support::certs::{Authority, Identity, LOOPBACK};
use crate::support::proxy::Proxy;
use crate::support::registry::{Auth, Cut, Fault, Match, Registry, Tokens, digest_like};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

struct Answer {
    status: u16,
    headers: ureq::http::HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }
}

fn agent() -> Agent {
    Agent::config_builder().http_status_as_error(false).max_redirects(0).proxy(None).build().into()
}

fn send(agent: &Agent, method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer, ureq::Error> {
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut response: Response<ureq::Body> = match method {
        "GET" | "HEAD" | "DELETE" => agent.run(request.body(()).expect("a request"))?,
        _ => agent.run(request.body(body).expect("a request"))?,
    };
    let headers = response.headers().clone();
    let status: StatusCode = response.status();
    let mut body = Vec::new();
    response.body_mut().as_reader().read_to_end(&mut body)?;
    Ok(Answer { status: status.as_u16(), headers, body })
}

fn call(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    send(&agent(), method, url, headers, body).expect("an answer")
}

fn manifest(config: &str, layer: &str) -> Vec<u8> {
    let part = |digest: &str| json!({"mediaType": "application/octet-stream", "digest": digest, "size": 1});
    json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": part(config), "layers": [part(layer)]})
        .to_string()
        .into_bytes()
}

#[test]
fn a_blob_sent_in_chunks_is_read_back_whole_and_in_part() {
    let registry = Registry::start();
    let uploads = format!("{}/v2/org/app/blobs/uploads/", registry.url());
    let first = call("POST", &uploads, &[], b"");
    assert_eq!((first.status, first.header("range")), (202, "0-0"));

    let second = call("PATCH", first.header("location"), &[("Content-Range", "0-4")], b"hello");
    assert_eq!((second.status, second.header("range")), (202, "0-4"));
    let stale = call("PATCH", first.header("location"), &[("Content-Range", "0-4")], b"hello");
    assert_eq!(stale.status, 416, "an old state is out of date");
    let gap = call("PATCH", second.header("location"), &[("Content-Range", "9-9")], b"x");
    assert_eq!((gap.status, gap.header("range")), (416, "0-4"));
    let asked = call("GET", second.header("location"), &[], b"");
    assert_eq!((asked.status, asked.header("range")), (204, "0-4"));

    let digest = digest_like("sha512:", b"hello world");
    let close = format!("{}&digest={digest}", asked.header("location"));
    assert_eq!(call("PUT", &close, &[], b" world").status, 201);
    assert_eq!(registry.open_sessions(), 0);

    let blob = format!("{}/v2/org/app/blobs/{digest}", registry.url());
    assert_eq!(call("GET", &blob, &[], b"").body, b"hello world");
    let part = call("GET", &blob, &[("Range", "bytes=6-")], b"");
    assert_eq!((part.status, part.header("content-range")), (206, "bytes 6-10/11"));
    assert_eq!(part.body, b"world");
    assert_eq!(call("GET", &blob, &[("Range", "bytes=11-")], b"").status, 416);
    assert_eq!(call("HEAD", &blob, &[], b"").header("content-length"), "11");
    assert_eq!(registry.requests().iter().map(|r| r.body_bytes).sum::<u64>(), 5 + 5 + 1 + 6);
}

#[test]
fn content_that_is_not_its_digest_is_refused() {
    let registry = Registry::start();
    let digest = digest_like("sha256:", b"right");
    let start = call("POST", &format!("{}/v2/org/app/blobs/uploads/", registry.url()), &[], b"");
    let close = format!("{}&digest={digest}", start.header("location"));
    let refused = call("PUT", &close, &[], b"wrong");
    assert_eq!((refused.status, refused.json()["errors"][0]["code"].as_str()), (400, Some("DIGEST_INVALID")));
    assert_eq!(call("PUT", &close, &[], b"right").status, 404, "the session is gone");
    let single = format!("{}/v2/org/app/blobs/uploads/?digest={digest}", registry.url());
    assert_eq!(call("POST", &single, &[], b"right").status, 201);
    assert!(registry.has_blob("org/app", &digest));
    assert!(!registry.has_blob("org/other", &digest));
}

#[test]
fn a_mount_is_201_where_the_source_has_it_and_a_session_otherwise() {
    let registry = Registry::start();
    let digest = registry.put_blob("org/base", "layer");
    let mount = |to: &str, from: &str| {
        let url = format!("{}/v2/{to}/blobs/uploads/?mount={digest}&from={from}", registry.url());
        call("POST", &url, &[], b"").status
    };
    assert_eq!((mount("org/app", "org/base"), mount("org/web", "org/nothing")), (201, 202));
    registry.fault(Match::on("POST", "mount="), Fault::RefuseMount);
    assert_eq!(mount("org/web", "org/base"), 202);
    assert!(registry.has_blob("org/app", &digest) && !registry.has_blob("org/web", &digest));
}

#[test]
fn a_manifest_without_its_blobs_is_refused_or_noted() {
    let bytes = manifest(&digest_like("sha256:", b"config"), &digest_like("sha256:", b"layer"));
    let put = |registry: &Registry| {
        registry.put_blob("org/app", "config");
        call("PUT", &format!("{}/v2/org/app/manifests/1", registry.url()), &[("Content-Type", MANIFEST)], &bytes)
    };
    let strict = Registry::start();
    let refused = put(&strict);
    assert_eq!((refused.status, refused.json()["errors"][0]["code"].as_str()), (400, Some("MANIFEST_BLOB_UNKNOWN")));
    strict.put_blob("org/app", "layer");
    assert_eq!(put(&strict).status, 201);
    assert_eq!(strict.manifest("org/app", "1"), Some((MANIFEST.into(), bytes.clone())));
    assert_eq!(strict.tags("org/app"), ["1"]);

    let accepting = Registry::builder().accepting().start();
    assert_eq!(put(&accepting).status, 201);
    assert_eq!(accepting.violations().len(), 1, "{:?}", accepting.violations());
    let index = json!({"manifests": [{"mediaType": MANIFEST, "digest": digest_like("sha256:", &bytes)}]}).to_string();
    let url = format!("{}/v2/org/app/manifests/all", accepting.url());
    assert_eq!(call("PUT", &url, &[("Content-Type", "x/index")], index.as_bytes()).status, 201);
    assert_eq!(accepting.violations().len(), 2, "the hole below the child counts: {:?}", accepting.violations());
}

#[test]
fn referrers_are_listed_unless_there_is_no_such_api() {
    let registry = Registry::start();
    let subject = registry.put_manifest("org/app", Some("1"), MANIFEST, "{}");
    let signature = json!({"subject": {"digest": subject}, "artifactType": "x/sig"}).to_string();
    let signature = registry.put_manifest("org/app", None, MANIFEST, signature);
    let url = |registry: &Registry| format!("{}/v2/org/app/referrers/{subject}", registry.url());
    assert_eq!(call("GET", &url(&registry), &[], b"").json()["manifests"][0]["digest"], signature.as_str());
    let none = call("GET", &format!("{}?artifactType=y", url(&registry)), &[], b"");
    assert_eq!((none.json()["manifests"].clone(), none.header("oci-filters-applied")), (json!([]), "artifactType"));
    assert_eq!(call("GET", &url(&Registry::builder().referrers(false).start()), &[], b"").status, 404);
}

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
fn an_early_refusal_needs_no_body_when_the_client_waits_for_it() {
    let registry = Registry::builder().auth(Auth::basic("user", "secret")).start();
    let mut stream = TcpStream::connect(registry.address()).expect("a connection");
    let head =
        "POST /v2/org/app/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).expect("a request");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer and the end");
    assert!(text.starts_with("HTTP/1.1 401 "), "{text}");
    assert!(text.contains("WWW-Authenticate: Basic realm="), "{text}");
}

#[test]
fn a_token_is_good_for_what_it_was_granted_and_no_longer() {
    let tokens = Tokens::new("user", "secret").refresh_token("identity").anonymous("pull");
    let issuer = Registry::builder().tokens(&tokens).start();
    let realm = format!("{}/token", issuer.url());
    let registry = Registry::builder().auth(Auth::bearer_from(&tokens, &realm)).start();
    let uploads = format!("{}/v2/org/app/blobs/uploads/", registry.url());
    let challenge = call("POST", &uploads, &[], b"").header("www-authenticate").to_owned();
    assert!(challenge.contains(&realm) && challenge.contains(r#"scope="repository:org/app:pull,push""#), "{challenge}");

    let ask = format!("{realm}?service=x&scope=repository:org/app:pull,push");
    let token = |answer: Answer| format!("Bearer {}", answer.json()["token"].as_str().expect("a token"));
    let basic = "Basic dXNlcjpzZWNyZXQ=";
    let ours = token(call("GET", &ask, &[("Authorization", basic)], b""));
    assert_eq!(call("POST", &uploads, &[("Authorization", &ours)], b"").status, 202);
    let other = uploads.replace("app", "web");
    assert_eq!(call("POST", &other, &[("Authorization", &ours)], b"").status, 401);
    let nobodys = token(call("GET", &ask, &[], b""));
    assert_eq!(call("POST", &uploads, &[("Authorization", &nobodys)], b"").status, 401);
    assert_eq!(call("GET", &ask, &[("Authorization", "Basic dXNlcjp3cm9uZw==")], b"").status, 401);
    let form = b"grant_type=refresh_token&refresh_token=identity&scope=repository%3Aorg%2Fapp%3Apull%2Cpush";
    let refreshed = token(call("POST", &realm, &[], form));
    assert_eq!(call("POST", &uploads, &[("Authorization", &refreshed)], b"").status, 202);
    tokens.revoke_all();
    assert_eq!(call("POST", &uploads, &[("Authorization", &refreshed)], b"").status, 401);
    assert_eq!(tokens.count(), 3);
    let short =
        Registry::builder().auth(Auth::bearer(&Tokens::new("user", "secret").expires_in(Duration::ZERO))).start();
    let dead = token(call("GET", &format!("{}/token", short.url()), &[("Authorization", basic)], b""));
    assert_eq!(call("GET", &format!("{}/v2/", short.url()), &[("Authorization", &dead)], b"").status, 401);
}

#[test]
fn tls_holds_only_for_those_who_know_the_authority() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let trusting = |root: &str, client: Option<&Identity>| -> Agent {
        let root = Certificate::from_pem(root.as_bytes()).expect("a certificate");
        let client = client.map(|identity| {
            let chain = [Certificate::from_pem(identity.cert_pem.as_bytes()).expect("a certificate")];
            ClientCert::new_with_certs(&chain, PrivateKey::from_pem(identity.key_pem.as_bytes()).expect("a key"))
        });
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(provider)
            .root_certs(RootCerts::new_with_certs(&[root]))
            .client_cert(client)
            .build();
        Agent::config_builder().http_status_as_error(false).proxy(None).tls_config(tls).build().into()
    };
    let ping = |registry: &Registry, agent: &Agent| {
        send(agent, "GET", &format!("{}/v2/", registry.url()), &[], b"").ok().map(|answer| answer.status)
    };
    let registry = Registry::builder().tls(&authority.server(&LOOPBACK)).start();
    assert_eq!(ping(&registry, &trusting(&authority.pem(), None)), Some(200));
    assert_eq!(ping(&registry, &trusting(&stranger.pem(), None)), None);
    let expired = Registry::builder().tls(&authority.expired_server(&LOOPBACK)).start();
    assert_eq!(ping(&expired, &trusting(&authority.pem(), None)), None);
    let mutual = Registry::builder().tls(&authority.server(&LOOPBACK)).require_client(&authority).start();
    assert_eq!(ping(&mutual, &trusting(&authority.pem(), None)), None);
    assert_eq!(ping(&mutual, &trusting(&authority.pem(), Some(&authority.client("someone")))), Some(200));
}

#[test]
fn large_blobs_take_no_memory_on_either_side() {
    let source = Registry::start();
    let digest = source.put_made_blob("org/app", 7, 5_000_001);
    let bytes = call("GET", &format!("{}/v2/org/app/blobs/{digest}", source.url()), &[], b"").body;
    assert_eq!(digest_like(&digest, &bytes), digest);
    assert_ne!(digest, source.put_made_blob("org/app", 8, 5_000_001));
    let target = Registry::builder().discard_large().start();
    let url = format!("{}/v2/org/app/blobs/uploads/?digest={digest}", target.url());
    assert_eq!(call("POST", &url, &[], &bytes).status, 201);
    assert_eq!((target.blob_size("org/app", &digest), target.blob("org/app", &digest)), (Some(5_000_001), None));
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
