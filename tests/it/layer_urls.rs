//! `export --include-non-distributable-layers`: the addresses in a descriptor, asked in their order,
//! without credentials, and only for what the registry lacks.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::fault_scene::requests;
use crate::scene::{CONFIG, MANIFEST, Scene, command, descriptor};
use crate::support::certs::{Authority, LOOPBACK};
use crate::support::registry::{Auth, Cut, Fault, Match, Registry};
use crate::support::run::Run;
use crate::support::tunnel::Tunnel;

const FOREIGN: &str = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
const REPO: &str = "windows/servercore";
const IMAGE: &str = "windows/servercore:1";

fn bytes() -> Vec<u8> {
    (0..300_000_u32).flat_map(|n| n.to_le_bytes()).collect()
}

fn digest() -> String {
    descriptor(FOREIGN, &bytes())["digest"].as_str().expect("a digest").to_owned()
}

/// A server that gives the layer away, and its address there.
fn giver(builder: crate::support::registry::Builder) -> (Registry, String) {
    let server = builder.start();
    server.put_blob("layers", bytes());
    let url = format!("{}/v2/layers/blobs/{}", server.url(), digest());
    (server, url)
}

/// Puts an image in whose one layer is at these addresses.
fn put(registry: &Registry, urls: &[&str]) {
    let config = b"{}".to_vec();
    let mut layer = descriptor(FOREIGN, &bytes());
    layer["urls"] = json!(urls);
    let document = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor(CONFIG, &config), "layers": [layer],
    });
    registry.put_blob(REPO, config);
    registry.put_manifest(REPO, Some("1"), MANIFEST, document.to_string());
}

fn export(scene: &Scene) -> Run {
    scene.export(&[IMAGE]).args(["--include-non-distributable-layers"])
}

/// The bundle is intact and holds the layer.
fn holds_it(scene: &Scene) {
    scene.verify().run().succeeds();
    let list: Value = scene.list().args(["--format", "json"]).run().succeeds().json();
    let size = list["images"][0]["bytes"].as_u64().expect("a size");
    assert!(size > bytes().len() as u64, "{size}");
    assert!(std::fs::metadata(scene.bundle()).expect("the bundle").len() > bytes().len() as u64);
}

#[test]
fn a_layer_is_fetched_from_its_address_only_with_the_flag_and_only_where_the_registry_lacks_it() {
    let (server, url) = giver(Registry::builder());
    let scene = Scene::new();
    put(&scene.source, &[&url]);
    let out = scene.export(&[IMAGE]).run().succeeds();
    assert!(out.stdout.contains("left out"), "{}", out.stdout);
    assert_eq!(server.connections(), 0);

    let out = export(&scene).args(["--force"]).run().succeeds();
    assert!(!out.stdout.contains("left out"), "{}", out.stdout);
    holds_it(&scene);
    assert_eq!(requests(&server, "GET", &digest()).len(), 1);
    let env = scene.export(&[IMAGE]).args(["--force"]).env("BUNDLE_INCLUDE_NON_DISTRIBUTABLE_LAYERS", "true");
    env.run().succeeds();
    assert_eq!(requests(&server, "GET", &digest()).len(), 2);

    scene.source.put_blob(REPO, bytes());
    export(&scene).args(["--force"]).run().succeeds();
    holds_it(&scene);
    assert_eq!(requests(&server, "GET", &digest()).len(), 2, "the registry's own goes first");

    server.clear_requests();
    scene.list().run().succeeds();
    scene.import().args(["--check", "read-back"]).run().succeeds();
    assert_eq!(server.requests().len(), 0, "an import fetches no address");
    assert_eq!(scene.target.blob(&format!("library/{REPO}"), &digest()), Some(bytes()));
}

#[test]
fn the_server_of_a_layer_sees_no_credentials_no_cookies_and_no_certificate() {
    let (server, url) = giver(Registry::builder().auth(Auth::basic("user", "password")));
    let (open, open_url) = giver(Registry::builder());
    open.fault(Match::any(), Fault::header("Set-Cookie", "who=canary"));
    open.fault(Match::on("GET", "/layers/").once(), Fault::CutBodyAfter(100_000, Cut::Close));
    let scene = Scene::between(Registry::builder().auth(Auth::basic("user", "password")).start(), Registry::start());
    put(&scene.source, &[&url, &open_url]);
    let export = export(&scene).args(["--username", "user"]).env("BUNDLE_PASSWORD", "password");
    export.run().succeeds();
    holds_it(&scene);
    assert_eq!(server.requests().len(), 1, "a challenge is not answered: {:?}", server.requests());
    assert_eq!(open.requests().len(), 2);
    for request in server.requests().iter().chain(&open.requests()) {
        for secret in ["Authorization", "Cookie", "Proxy-Authorization"] {
            assert!(request.header(secret).is_none(), "{secret}: {request:?}");
        }
    }
}

#[test]
fn a_client_certificate_is_for_the_registry_alone() {
    let authority = Authority::new();
    let client = authority.client("us");
    let wanting = || Registry::builder().tls(&authority.server(&LOOPBACK)).require_client(&authority);
    let scene = Scene::between(wanting().start(), Registry::start());
    let (server, url) = giver(wanting());
    // The registry's own address too: it stands in the image, and who wrote that is not the registry.
    let own = format!("{}/v2/layers/blobs/{}", scene.source.url(), digest());
    scene.source.put_blob("layers", bytes());
    put(&scene.source, &[&url, &own]);
    let file = |name: &str, text: &str| -> PathBuf {
        let path = scene.path(name);
        std::fs::write(&path, text).expect("a file");
        path
    };
    let export = command("export").args([scene.name(IMAGE), "--include-non-distributable-layers".into()]);
    let export = export.args(["--retries", "0", "-o"]).args([scene.bundle()]);
    let export = export.args(["--ca-file".into(), file("ca.pem", &authority.pem())]);
    let export = export.args(["--cert".into(), file("c.pem", &client.cert_pem)]);
    let out = export.args(["--key".into(), file("k.pem", &client.key_pem)]).run();
    assert!(matches!(out.code, Some(1 | 4)), "{out:?}");
    assert!(out.stderr.contains(&server.host()) && out.stderr.contains("none of its urls"), "{}", out.stderr);
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn addresses_are_tried_in_their_order_until_one_gives_the_right_bytes() {
    let lies: Vec<(&str, Fault)> = vec![
        ("404", Fault::status(404)),
        ("other bytes", Fault::FlipByte(7)),
        ("too short", Fault::Truncate(1_000)),
        ("broken off for good", Fault::CutBodyAfter(0, Cut::Reset)),
        ("out of order", Fault::status(503)),
    ];
    for (what, fault) in lies {
        let (bad, bad_url) = giver(Registry::builder());
        let (good, good_url) = giver(Registry::builder());
        let (never, never_url) = giver(Registry::builder());
        bad.fault(Match::any(), fault);
        let scene = Scene::new();
        put(&scene.source, &[&bad_url, &good_url, &never_url]);
        export(&scene).args(["--retries", "1"]).run().succeeds();
        holds_it(&scene);
        assert!(!bad.requests().is_empty() && !good.requests().is_empty(), "{what}");
        assert_eq!(never.connections(), 0, "{what}");
    }
}

#[test]
fn a_layer_that_breaks_off_is_gone_on_with_at_the_same_address() {
    let (server, url) = giver(Registry::builder());
    let (other, other_url) = giver(Registry::builder());
    server.fault(Match::on("GET", "/layers/").once(), Fault::CutBodyAfter(500_000, Cut::Close));
    let scene = Scene::new();
    put(&scene.source, &[&url, &other_url]);
    export(&scene).run().succeeds();
    holds_it(&scene);
    assert_eq!(requests(&server, "GET", &digest())[1].header("Range"), Some("bytes=500000-"));
    assert_eq!(other.connections(), 0);
}

#[test]
fn where_no_address_works_image_digest_and_every_host_are_named_and_nothing_is_written() {
    let (gone, gone_url) = giver(Registry::builder());
    let (shut, shut_url) = giver(Registry::builder());
    gone.fault(Match::any(), Fault::status(404));
    shut.fault(Match::any(), Fault::status(403));
    let scene = Scene::new();
    put(&scene.source, &[&gone_url, &shut_url, "https://user:secret@layers.example/1", "not a url"]);
    let out = export(&scene).run().exits(4);
    for named in [scene.name(IMAGE), digest(), gone.host(), shut.host(), "layers.example".into()] {
        assert!(out.stderr.contains(&named), "{named}: {}", out.stderr);
    }
    assert!(!out.all().contains("secret"), "{}", out.all());
    assert!(!scene.bundle().exists());

    // Wrong bytes everywhere are bad content, and all the places are named too.
    for server in [&gone, &shut] {
        server.clear_faults();
        server.fault(Match::any(), Fault::FlipByte(9));
    }
    put(&scene.source, &[&gone_url, &shut_url]);
    let out = export(&scene).run().exits(3);
    for named in [scene.name(IMAGE), digest(), gone.host(), shut.host()] {
        assert!(out.stderr.contains(&named), "{named}: {}", out.stderr);
    }
    assert!(!scene.bundle().exists());

    // What may pass is worth another try.
    shut.fault(Match::any(), Fault::status(503));
    gone.fault(Match::any(), Fault::status(404));
    export(&scene).args(["--retries", "0"]).run().exits(1);
}

#[test]
fn a_layer_is_never_fetched_without_tls_for_a_registry_that_has_it() {
    let authority = Authority::new();
    let secure = || Registry::builder().tls(&authority.server(&LOOPBACK));
    let scene = Scene::between(secure().start(), Registry::start());
    std::fs::write(scene.path("ca.pem"), authority.pem()).expect("a file");
    let export = || {
        let run = command("export").args([scene.name(IMAGE), "--include-non-distributable-layers".into()]);
        run.args(["--force", "-o"]).args([scene.bundle()]).args(["--ca-file".into(), scene.path("ca.pem")])
    };
    let (plain, plain_url) = giver(Registry::builder());
    put(&scene.source, &[&plain_url]);
    let out = export().run().exits(4);
    assert!(out.stderr.contains("https only") && out.stderr.contains(&plain.host()), "{}", out.stderr);
    assert_eq!(plain.connections(), 0);

    let (server, url) = giver(secure());
    put(&scene.source, &[&plain_url, &url]);
    export().run().succeeds();
    holds_it(&scene);

    server.fault(Match::any(), Fault::Redirect(307, format!("{}{{path}}", plain.url())));
    export().run().exits(4);
    assert_eq!(plain.connections(), 0, "nor where it redirects to");
}

#[test]
fn redirects_of_a_layer_are_followed_without_credentials_and_end() {
    let (server, url) = giver(Registry::builder());
    let (storage, _) = giver(Registry::builder());
    server.fault(Match::any(), Fault::Redirect(302, format!("{}{{path}}?signature=canary", storage.url())));
    let scene = Scene::between(Registry::builder().auth(Auth::basic("user", "password")).start(), Registry::start());
    put(&scene.source, &[&url]);
    let named = |run: Run| run.args(["--username", "user", "-vv"]).env("BUNDLE_PASSWORD", "password");
    let out = named(export(&scene)).run().succeeds();
    holds_it(&scene);
    assert!(storage.requests().iter().all(|r| r.header("Authorization").is_none()));
    assert!(!out.all().contains("canary"), "{}", out.all());

    server.clear_faults();
    server.clear_requests();
    server.fault(Match::any(), Fault::Redirect(302, "{path}".into()));
    named(export(&scene)).args(["--force"]).run().exits(4);
    assert!(server.requests().len() < 20, "{}", server.requests().len());

    let link = "file:///etc/passwd";
    server.clear_faults();
    server.fault(Match::any(), Fault::Redirect(302, link.into()));
    let out = named(export(&scene)).args(["--force"]).run().exits(4);
    assert!(out.stderr.contains("neither http nor https"), "{}", out.stderr);
}

#[test]
fn a_layer_goes_through_the_proxy() {
    let authority = Authority::new();
    let scene = Scene::new();
    std::fs::write(scene.path("ca.pem"), authority.pem()).expect("a file");
    let (server, _) = giver(Registry::builder().tls(&authority.server(&["layers.example"])));
    let tunnel = Tunnel::to(server.address());
    put(&scene.source, &[&format!("https://layers.example/v2/layers/blobs/{}", digest())]);
    let run = export(&scene).args(["--ca-file".into(), scene.path("ca.pem")]);
    run.env("HTTPS_PROXY", format!("http://{}", tunnel.host())).run().succeeds();
    holds_it(&scene);
    assert_eq!(tunnel.asked(), ["CONNECT layers.example:443 HTTP/1.1"]);
    assert_eq!(requests(&server, "GET", &digest()).len(), 1);
}
