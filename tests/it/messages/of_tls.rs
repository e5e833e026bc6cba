//! Certificates of servers and clients, and servers that speak no TLS, or nothing else.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;

use super::bundle;
use super::told::Told;
use crate::scene::{Scene, put_small_image};
use crate::support::certs::{Authority, Identity, LOOPBACK};
use crate::support::registry::Registry;
use crate::support::run::Run;
use crate::support::weak_certs::SHA1;

/// A server that answers the first bytes of whoever comes with these; its address.
fn says(bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut buffer = [0; 4096];
            // Whoever hangs up needs no answer.
            let _ = client.read(&mut buffer).and_then(|_| client.write_all(bytes));
        }
    });
    address
}

pub(super) fn scenes(told: &mut Told) {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let place = tempfile::tempdir().expect("a directory");
    told.know_place(place.path());
    let file = |name: &str, text: &str| -> PathBuf {
        fs::write(place.path().join(name), text).expect("a file");
        place.path().join(name)
    };
    let (ca, other) = (file("ca.pem", &authority.pem()), file("other.pem", &stranger.pem()));
    let old = file("old.pem", SHA1.authority);
    let export = |host: &str| {
        bundle()
            .args(["export", &format!("{host}/org/app:1"), "--retries", "0", "-o"])
            .args([place.path().join("a.tar")])
    };
    let cases = [
        ("a certificate of an unknown authority", authority.server(&LOOPBACK), None),
        ("a certificate of an authority that was made anew", authority.server(&LOOPBACK), Some(&other)),
        ("a certificate that signed itself", Identity::self_signed_ca(&LOOPBACK), None),
        ("a certificate that ran out", authority.expired_server(&LOOPBACK), Some(&ca)),
        ("a certificate without the address", authority.server(&["registry.example"]), Some(&ca)),
        ("a certificate for another address", authority.server(&["192.0.2.1"]), Some(&ca)),
        ("a certificate signed with SHA-1", Identity::from_pem(SHA1.certificate, SHA1.key), Some(&old)),
    ];
    for (label, identity, ca) in cases {
        let registry = Registry::builder().tls(&identity).start();
        told.know(registry.host(), "registry.example:5000");
        let run =
            ca.map_or_else(|| export(&registry.host()), |ca| export(&registry.host()).args(["--ca-file"]).args([ca]));
        told.add(label, &run.run().exits(4));
    }
    of_clients(told, &authority, &export, &file);
    of_servers(told, &export);
}

fn of_clients(
    told: &mut Told,
    authority: &Authority,
    export: &dyn Fn(&str) -> Run,
    file: &dyn Fn(&str, &str) -> PathBuf,
) {
    let registry = Registry::builder().tls(&authority.server(&LOOPBACK)).require_client(authority).start();
    told.know(registry.host(), "registry.example:5000");
    let trusting = || export(&registry.host()).args(["--ca-file"]).args([file("ca.pem", &authority.pem())]);
    told.add("no client certificate", &trusting().run().exits(4));
    let client = authority.client("someone");
    let cert = file("client.pem", &client.cert_pem);
    told.add("a client certificate without its key", &trusting().args(["--cert"]).args([&cert]).run().exits(4));
    let run = trusting();
    let directory = run.home().join(".docker/certs.d").join(registry.host());
    fs::create_dir_all(&directory).expect("a directory");
    fs::write(directory.join("client.cert"), &client.cert_pem).expect("a certificate");
    told.add("one half of a client certificate in certs.d", &run.run().exits(4));
}

fn of_servers(told: &mut Told, export: &dyn Fn(&str) -> Run) {
    // Alerts (RFC 8446 §6): a version too old, a name that is not known; a server that is content with TLS 1.1.
    for (label, bytes) in [
        ("a server that refuses the handshake", &b"\x15\x03\x03\x00\x02\x02\x28"[..]),
        ("a server that does not know the name", b"\x15\x03\x03\x00\x02\x02\x70"),
        ("a server with an old TLS alone", TLS_1_1),
    ] {
        let host = says(bytes);
        told.know(&host, "registry.example:5000");
        told.add(label, &export(&host).run().exits(4));
    }
    let scene = Scene::new();
    told.know_all(&scene);
    put_small_image(&scene.source, "org/app", "1");
    let run = export(&scene.source.host()).args(["--insecure-skip-tls-verify"]);
    told.add("a server without TLS", &run.run().exits(4));
    // It says in its own way that it speaks nothing else.
    let secure = Registry::builder().tls(&Authority::new().server(&LOOPBACK)).start();
    told.know(secure.host(), "registry.example:5000");
    told.add("http to a server with TLS", &export(&secure.host()).args(["--plain-http"]).run().exits(4));
}

/// A server's first message in TLS 1.1 (RFC 4346 §7.4.1.3): version 3.2, a random of zeros, no session, a cipher of
/// those days, no compression.
const TLS_1_1: &[u8] = b"\x16\x03\x02\x00\x2a\x02\x00\x00\x26\x03\x02\
\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\
\x00\x00\x2f\x00";
