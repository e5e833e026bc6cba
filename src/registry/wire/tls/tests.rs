#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, Stream};
use tempfile::TempDir;
use ureq::{Agent, SendBody};

use super::trust::split_port;
use super::*;
use crate::{Error, Kind, Result};

/// A certificate with its key, and the PEM of both.
struct Made {
    der: CertificateDer<'static>,
    pem: String,
    key: KeyPair,
}

struct Authority {
    made: Made,
    issuer: Issuer<'static, KeyPair>,
}

fn params(names: &[&str]) -> CertificateParams {
    CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap()
}

fn authority() -> Authority {
    let mut params = params(&[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let made = self_signed(&params);
    let key = KeyPair::from_pem(&made.key.serialize_pem()).unwrap();
    Authority { made, issuer: Issuer::new(params, key) }
}

fn self_signed(params: &CertificateParams) -> Made {
    let key = KeyPair::generate().unwrap();
    let cert = params.self_signed(&key).unwrap();
    Made { der: cert.der().clone(), pem: cert.pem(), key }
}

impl Authority {
    fn sign(&self, params: &CertificateParams) -> Made {
        let key = KeyPair::generate().unwrap();
        let cert = params.signed_by(&key, &self.issuer).unwrap();
        Made { der: cert.der().clone(), pem: cert.pem(), key }
    }
}

fn pem_file(directory: &TempDir, name: &str, pem: &str) -> PathBuf {
    let path = directory.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, pem).unwrap();
    path
}

/// Answers every request with its own body, or with `hello`; returns `127.0.0.1:PORT`.
fn serve(cert: &Made, clients: Option<&Authority>) -> String {
    serve_with(cert, clients, |stream| {
        while let Some(body) = request(stream)? {
            let body = if body.is_empty() { b"hello".to_vec() } else { body };
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len())?;
            stream.write_all(&body)?;
        }
        Ok(())
    })
}

type TlsStream<'a> = Stream<'a, ServerConnection, TcpStream>;

fn serve_with(
    cert: &Made,
    clients: Option<&Authority>,
    answer: impl Fn(&mut TlsStream<'_>) -> io::Result<()> + Send + Sync + 'static,
) -> String {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().unwrap();
    let builder = match clients {
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.made.der.clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
        None => builder.with_no_client_auth(),
    };
    let key = PrivateKeyDer::try_from(cert.key.serialize_der()).unwrap();
    let config = Arc::new(builder.with_single_cert(vec![cert.der.clone()], key).unwrap());
    listen(move |mut socket| {
        let mut connection = ServerConnection::new(config.clone()).map_err(io::Error::other)?;
        answer(&mut Stream::new(&mut connection, &mut socket))
    })
}

fn listen(answer: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let answer = answer.clone();
            thread::spawn(move || answer(socket));
        }
    });
    address
}

/// The body of the next request; `None` when the client has hung up.
fn request(stream: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            return Ok(None);
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.trim().parse().unwrap())];
    stream.read_exact(&mut body)?;
    Ok(Some(body))
}

fn tls(options: &TlsOptions) -> Result<Tls> {
    Tls::load_with(options, Vec::new(), &|_| None)
}

fn trusting(file: &Path) -> TlsOptions {
    TlsOptions { ca_files: vec![file.into()], ..TlsOptions::default() }
}

fn get(tls: &Tls, host: &str) -> Result<String, Error> {
    let config = Agent::config_builder().timeout_per_read(Some(Duration::from_secs(20))).proxy(None).build();
    let agent = agent(config, tls.for_registry(host)?);
    let told = |error: ureq::Error| explain(&error, host).unwrap_or_else(|| Error::content(format!("{error:?}")));
    let mut response = agent.get(format!("https://{host}/v2/")).call().map_err(told)?;
    response.body_mut().read_to_string().map_err(told)
}

/// What the person reads, and that it is theirs to act on.
fn refusal(answer: Result<String, Error>) -> String {
    let error = answer.unwrap_err();
    assert_eq!(error.kind(), Kind::Act, "{error}");
    format!("{error}; next: {:?}", error.next_steps())
}

#[test]
fn a_certificate_of_an_authority_in_a_ca_file_is_accepted() {
    let directory = TempDir::new().unwrap();
    let (authority, other) = (authority(), authority());
    let host = serve(&authority.sign(&params(&["127.0.0.1"])), None);
    let both = pem_file(&directory, "ca.pem", &format!("{}{}", other.made.pem, authority.made.pem));
    assert_eq!(get(&tls(&trusting(&both)).unwrap(), &host).unwrap(), "hello");
}

#[test]
fn an_unknown_authority_is_refused_with_the_flag_that_helps() {
    let host = serve(&authority().sign(&params(&["127.0.0.1"])), None);
    let said = refusal(get(&tls(&TlsOptions::default()).unwrap(), &host));
    assert!(said.contains("names itself, `rcgen self signed cert`") && said.contains("[TrustAuthority {"), "{said}");
    let insecure = TlsOptions { insecure_skip_verify: true, ..TlsOptions::default() };
    assert_eq!(get(&tls(&insecure).unwrap(), &host).unwrap(), "hello");
}

#[test]
fn a_self_signed_ca_certificate_is_accepted_only_where_it_is_named_itself() {
    let directory = TempDir::new().unwrap();
    let mut params = params(&["127.0.0.1"]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let made = self_signed(&params);
    let host = serve(&made, None);
    let named = pem_file(&directory, "named.pem", &made.pem);
    assert_eq!(get(&tls(&trusting(&named)).unwrap(), &host).unwrap(), "hello");

    let other = pem_file(&directory, "other.pem", &self_signed(&params).pem);
    let said = refusal(get(&tls(&trusting(&other)).unwrap(), &host));
    assert!(said.contains("unknown authority") && said.contains("[TrustCertificate]"), "{said}");

    params.subject_alt_names = vec![rcgen::SanType::DnsName("elsewhere.example".try_into().unwrap())];
    let made = self_signed(&params);
    let host = serve(&made, None);
    let named = pem_file(&directory, "named.pem", &made.pem);
    let said = refusal(get(&tls(&trusting(&named)).unwrap(), &host));
    assert!(said.contains("has no IP address entry: it is for elsewhere.example"), "{said}");

    params.not_after = date_time_ymd(2001, 2, 3);
    params.not_before = date_time_ymd(2000, 2, 3);
    let made = self_signed(&params);
    let host = serve(&made, None);
    let named = pem_file(&directory, "named.pem", &made.pem);
    let said = refusal(get(&tls(&trusting(&named)).unwrap(), &host));
    assert!(said.contains("expired on 2001-02-03"), "{said}");
}

#[test]
fn a_certificate_for_another_name_or_time_is_refused_with_the_reason() {
    let directory = TempDir::new().unwrap();
    let authority = authority();
    let ca = pem_file(&directory, "ca.pem", &authority.made.pem);
    let tls = tls(&trusting(&ca)).unwrap();

    let mut old = params(&["127.0.0.1"]);
    (old.not_before, old.not_after) = (date_time_ymd(2000, 2, 3), date_time_ymd(2001, 2, 3));
    let mut early = params(&["127.0.0.1"]);
    (early.not_before, early.not_after) = (date_time_ymd(2090, 2, 3), date_time_ymd(2091, 2, 3));
    let cases = [
        (params(&["192.0.2.1"]), "is for another name: it is for 192.0.2.1; next: [NewCertificateWithName"),
        (
            params(&["a.example", "b.example"]),
            "has no IP address entry: it is for a.example, b.example; next: [NewCertificateWithAddress",
        ),
        (params(&[]), "has no IP address entry: it has no subject alternative name"),
        (old, "expired on 2001-02-03"),
        (early, "is not valid before 2090-02-03"),
    ];
    for (params, expected) in cases {
        let said = refusal(get(&tls, &serve(&authority.sign(&params), None)));
        assert!(said.contains(expected), "{said}");
        assert_eq!(said.contains("[CheckClock]"), said.contains("(today is "), "{said}");
    }
}

#[test]
fn a_client_certificate_is_shown_to_the_registry_and_to_nobody_else() {
    let directory = TempDir::new().unwrap();
    let authority = authority();
    let host = serve(&authority.sign(&params(&["127.0.0.1"])), Some(&authority));
    let elsewhere = serve(&authority.sign(&params(&["127.0.0.1"])), Some(&authority));
    let ca = pem_file(&directory, "ca.pem", &authority.made.pem);
    let client = authority.sign(&params(&["somebody"]));
    let cert = pem_file(&directory, "client.pem", &client.pem);
    let key = pem_file(&directory, "client.key", &client.key.serialize_pem());

    let said = refusal(get(&tls(&trusting(&ca)).unwrap(), &host));
    assert!(said.contains("asks for a client certificate") && said.contains("GiveClientCertificate"), "{said}");

    let options = TlsOptions { cert: Some(cert), key: Some(key), ..trusting(&ca) };
    let tls = tls(&options).unwrap();
    assert_eq!(get(&tls, &host).unwrap(), "hello");

    let agent = agent(Agent::config_builder().proxy(None).build(), tls.for_registry(&host).unwrap());
    let error = agent.get(format!("https://{elsewhere}/v2/")).call().unwrap_err();
    let said = explain(&error, &elsewhere).unwrap().to_string();
    assert!(said.contains("asks for a client certificate"), "{said}");
}

#[test]
fn certs_d_gives_authorities_and_client_certificates_by_host_and_port() {
    let home = TempDir::new().unwrap();
    let authority = authority();
    let host = serve(&authority.sign(&params(&["127.0.0.1"])), Some(&authority));
    let client = authority.sign(&params(&["somebody"]));
    let below = |name: &str| format!(".config/containers/certs.d/{host}/{name}");
    pem_file(&home, &below("ca.crt"), &authority.made.pem);
    let cert = pem_file(&home, &below("me.cert"), &client.pem);
    pem_file(&home, &below("me.key"), &client.key.serialize_pem());
    let env = |name: &str| (name == "HOME").then(|| home.path().to_str().unwrap().to_owned());
    let tls = Tls::load(&TlsOptions::default(), &env).unwrap();
    assert_eq!(get(&tls, &host).unwrap(), "hello");

    fs::remove_file(&cert).unwrap();
    let said = refusal(get(&tls, &host));
    assert!(said.contains("me.key: a key without its certificate; next: [AddPartner"), "{said}");
    pem_file(&home, &below("me.cert"), &client.pem);
    fs::remove_file(home.path().join(below("me.key"))).unwrap();
    let said = refusal(get(&tls, &host));
    assert!(said.contains("me.cert: a client certificate without its key"), "{said}");
}

#[test]
fn a_file_that_cannot_be_used_is_named() {
    let directory = TempDir::new().unwrap();
    let (one, two) = (authority(), authority());
    let cert = pem_file(&directory, "one.pem", &one.made.pem);
    let key = pem_file(&directory, "two.key", &two.made.key.serialize_pem());
    let empty = pem_file(&directory, "empty.pem", "nothing here\n");
    let missing = directory.path().join("missing.pem");
    let with = |cert: &Path, key: Option<&Path>| TlsOptions {
        cert: Some(cert.into()),
        key: key.map(Into::into),
        ..TlsOptions::default()
    };
    let cases = [
        (trusting(&missing), "missing.pem: no such file"),
        (trusting(&empty), "empty.pem: no PEM certificate"),
        (with(&cert, Some(&key)), "two.key does not belong to this certificate"),
        (with(&cert, None), "one.pem: no private key in this file"),
        (with(&missing, Some(&key)), "missing.pem: no such file"),
    ];
    for (options, expected) in cases {
        let error = tls(&options).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        let kind = if expected.starts_with("missing") { Kind::Usage } else { Kind::Act };
        assert_eq!(error.kind(), kind);
    }
    let alone = TlsOptions { key: Some(key), ..TlsOptions::default() };
    assert_eq!(tls(&alone).unwrap_err().kind(), Kind::Usage);

    for file in [&missing, &empty] {
        let env = |name: &str| (name == "SSL_CERT_FILE").then(|| file.to_str().unwrap().to_owned());
        let error = Tls::load(&TlsOptions::default(), &env).unwrap_err().to_string();
        assert!(error.starts_with(&format!("SSL_CERT_FILE: {}: ", file.display())), "{error}");
    }
}

#[test]
fn ssl_cert_file_and_ssl_cert_dir_replace_the_systems_roots() {
    let directory = TempDir::new().unwrap();
    let authority = authority();
    let host = serve(&authority.sign(&params(&["127.0.0.1"])), None);
    let file = pem_file(&directory, "roots/ca.pem", &authority.made.pem);
    for (variable, value) in [("SSL_CERT_FILE", &*file), ("SSL_CERT_DIR", file.parent().unwrap())] {
        let env = |name: &str| (name == variable).then(|| value.to_str().unwrap().to_owned());
        let tls = Tls::load_with(&TlsOptions::default(), Vec::new(), &env).unwrap();
        assert_eq!(get(&tls, &host).unwrap(), "hello", "{variable}");
    }
}

#[test]
fn plain_http_behind_https_is_recognised() {
    let host = listen(|mut socket| {
        let _ = socket.read(&mut [0; 512])?;
        socket.write_all(b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTPS request to an HTTP server")
    });
    let said = refusal(get(&tls(&TlsOptions::default()).unwrap(), &host));
    assert_eq!(said, format!("{host} does not speak TLS on this port; next: [UsePlainHttp {{ host: \"{host}\" }}]"));
}

#[test]
fn large_bodies_pass_both_ways_unchanged() {
    let directory = TempDir::new().unwrap();
    let authority = authority();
    let host = serve(&authority.sign(&params(&["127.0.0.1"])), None);
    let ca = pem_file(&directory, "ca.pem", &authority.made.pem);
    let config = Agent::config_builder().proxy(None).build();
    let agent = agent(config, tls(&trusting(&ca)).unwrap().for_registry(&host).unwrap());
    let sent: Vec<u8> = (0u32..1 << 20).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    for length in [0, 1, 16_384, 130_560, 131_072, sent.len()] {
        let mut body = &sent[..length];
        let request = agent.put(format!("https://{host}/")).header("Content-Length", length.to_string());
        let mut response = request.send(SendBody::from_reader(&mut body)).unwrap();
        let mut received = Vec::new();
        response.body_mut().as_reader().read_to_end(&mut received).unwrap();
        assert!(received == if length == 0 { b"hello" } else { &sent[..length] }, "{length} bytes");
    }
}

#[test]
fn a_server_that_falls_silent_is_given_up_on_in_the_handshake_and_after_it() {
    let silent = listen(|socket| {
        thread::sleep(Duration::from_secs(30));
        drop(socket);
        Ok(())
    });
    let insecure = TlsOptions { insecure_skip_verify: true, ..TlsOptions::default() };
    let tls = tls(&insecure).unwrap();
    let short = Some(Duration::from_millis(200));
    let config = || Agent::config_builder().proxy(None);
    let started = Instant::now();
    for config in [config().timeout_connect(short).build(), config().timeout_per_read(short).build()] {
        let agent = agent(config, tls.for_registry(&silent).unwrap());
        let error = agent.get(format!("https://{silent}/")).call().unwrap_err();
        assert!(matches!(error, ureq::Error::Timeout(_)), "{error:?}");
    }

    let host = serve_with(&authority().sign(&params(&["127.0.0.1"])), None, |stream| {
        request(stream)?;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")?;
        thread::sleep(Duration::from_secs(30));
        Ok(())
    });
    let agent = agent(config().timeout_per_read(short).build(), tls.for_registry(&host).unwrap());
    let mut response = agent.get(format!("https://{host}/")).call().unwrap();
    let mut received = Vec::new();
    let error = response.body_mut().as_reader().read_to_end(&mut received).unwrap_err();
    assert_eq!(received, b"half");
    assert!(matches!(ureq::Error::from(error), ureq::Error::Timeout(_)));
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[test]
fn host_and_port_are_told_apart() {
    let cases = [("a.example", "a.example", 443), ("a.example:5000", "a.example", 5000), ("[::1]", "[::1]", 443)];
    for (host, name, port) in cases {
        assert_eq!(split_port(host), (name.to_owned(), port));
    }
    assert_eq!(split_port("[::1]:5000"), ("[::1]".to_owned(), 5000));
}
