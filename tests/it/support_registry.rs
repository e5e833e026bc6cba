//! The test registry is itself a registry: what the other tests lean on, checked with another client.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use ureq::Agent;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig, TlsProvider};

use crate::support::certs::{Authority, Identity, LOOPBACK};
use crate::support::client::{Answer, call, send};
use crate::support::registry::{Auth, Fault, Match, Registry, Tokens, digest_like};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

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
    let plain = Registry::start();
    let error = send(&trusting(&authority.pem(), None), "GET", &format!("https://{}/v2/", plain.host()), &[], b"");
    assert!(error.err().expect("no TLS there").to_string().contains("InvalidContentType"));
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
