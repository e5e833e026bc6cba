//! Where a registry sends us: redirects, upload locations, token realms, links in manifests. What is
//! not allowed is never contacted, and no credential goes where it was not meant to go.

use serde_json::json;

use crate::fault_scene::{IMAGE, arrived, bundle_of, nothing_false, put_app, put_in, requests};
use crate::scene::{CONFIG, MANIFEST, Scene, command, descriptor};
use crate::support::certs::{Authority, LOOPBACK};
use crate::support::registry::{Auth, Fault, Match, Registry, Tokens};
use crate::support::run::Run;

/// A registry behind TLS, and the file with its authority.
fn behind_tls(scene: &Scene) -> (Registry, std::path::PathBuf) {
    let authority = Authority::new();
    let ca = scene.path("ca.pem");
    std::fs::write(&ca, authority.pem()).expect("a file");
    (Registry::builder().tls(&authority.server(&LOOPBACK)).start(), ca)
}

fn import_with_tls(scene: &Scene, target: &Registry, ca: &std::path::Path) -> Run {
    command("import").args([scene.bundle()]).args(["--registry", &target.host(), "--ca-file"]).args([ca])
}

#[test]
fn an_upload_that_is_to_go_on_at_another_host_is_refused_and_both_are_named() {
    let (scene, _) = bundle_of(Registry::builder(), &[200_000]);
    for (method, at) in [("POST", ""), ("PATCH", ""), ("GET", "/blobs/uploads/")] {
        let elsewhere = Registry::start();
        let target = Registry::start();
        let to = elsewhere.url();
        let moved = Fault::location(move |old| {
            let path = old.split_once("/v2/").map_or("", |(_, path)| path);
            format!("{to}/v2/{path}&token=canary")
        });
        if method != "POST" {
            target.fault(Match::on("PUT", "/blobs/uploads/"), Fault::RefuseMonolithic(404));
        }
        if method == "GET" {
            target.fault(Match::on("PATCH", "").once(), Fault::CutUploadAfter(100_000));
        }
        target.fault(Match::on(method, at), moved);
        let out = scene.import_into(&target.host()).args(["-vv"]).run();
        assert_eq!(elsewhere.connections(), 0, "{method}");
        // Where only the question after a break is answered like this, a new session goes on.
        let code = if method == "GET" { 0 } else { 4 };
        let out = out.exits(code);
        if code == 4 {
            assert!(out.stderr.contains(&elsewhere.host()) && out.stderr.contains(&target.host()), "{}", out.stderr);
        }
        assert!(!out.all().contains("canary"), "{}", out.all());
        nothing_false(&target);
    }
}

#[test]
fn an_upload_behind_tls_goes_on_over_tls_whatever_scheme_or_port_the_registry_names() {
    let (scene, _) = bundle_of(Registry::builder(), &[200_000]);
    let without_port: fn(&str) -> String = |url| url.rsplit_once(':').map_or(url, |(host, _)| host).to_owned();
    let same: fn(&str) -> String = |url| url.to_owned();
    for (scheme, host) in [("http", same), ("http", without_port), ("https", without_port)] {
        let (target, ca) = behind_tls(&scene);
        let place = format!("{scheme}://{}", host(&target.host()));
        target.fault(
            Match::on("*", "/blobs/uploads/"),
            Fault::location(move |old| {
                let path = old.split_once("/v2/").map_or("", |(_, path)| path);
                format!("{place}/v2/{path}")
            }),
        );
        import_with_tls(&scene, &target, &ca).run().succeeds();
        assert_eq!(target.digest("library/org/app", "1"), scene.source.digest("org/app", "1"));
        nothing_false(&target);
    }
}

#[test]
fn a_relative_location_is_gone_on_with() {
    let (scene, _) = bundle_of(Registry::builder().relative_locations(), &[200_000]);
    scene.import().run().succeeds();
    arrived(&scene);
}

#[test]
fn a_redirect_to_another_port_gets_no_credentials() {
    let scene = Scene::between(Registry::builder().auth(Auth::basic("user", "password")).start(), Registry::start());
    let storage = Registry::start();
    let layers = put_app(&scene.source, &[300_000]);
    put_app(&storage, &[300_000]);
    for status in [301, 302, 303, 307, 308] {
        scene.source.fault(Match::on("GET", &layers[0]), Fault::Redirect(status, format!("{}{{path}}", storage.url())));
        let export = scene.export(&[IMAGE]).args(["--force", "--username", "user"]);
        export.env("BUNDLE_PASSWORD", "password").run().succeeds();
        scene.verify().run().succeeds();
        let seen = storage.requests();
        assert!(seen.iter().any(|r| r.path.contains(&layers[0])), "{status}");
        assert!(seen.iter().all(|r| r.header("Authorization").is_none()), "{seen:?}");
        scene.source.clear_faults();
    }
}

#[test]
fn a_challenge_from_where_a_redirect_led_is_not_answered() {
    let tokens = Tokens::new("user", "password");
    let thief = Registry::builder().tokens(&tokens).start();
    let storage = Registry::start();
    for registry_auth in [None, Some(Auth::basic("user", "password"))] {
        let builder = Registry::builder();
        let builder = match registry_auth {
            Some(auth) => builder.auth(auth),
            None => builder,
        };
        let scene = Scene::between(builder.start(), Registry::start());
        let layers = put_app(&scene.source, &[300_000]);
        put_app(&storage, &[300_000]);
        scene.source.fault(Match::on("GET", &layers[0]), Fault::Redirect(307, format!("{}{{path}}", storage.url())));
        let challenge = format!("Bearer realm=\"{}/token\",service=\"x\"", thief.url());
        storage.fault(Match::any(), Fault::status_with(401, "WWW-Authenticate", &challenge));
        let export = scene.export(&[IMAGE]).args(["--username", "user", "--retries", "1"]);
        let out = export.env("BUNDLE_PASSWORD", "password").run();
        assert_ne!(out.code, Some(0));
        assert_eq!(thief.connections(), 0);
        assert!(storage.requests().iter().all(|r| r.header("Authorization").is_none()));
        assert!(!scene.bundle().exists());
    }
}

#[test]
fn a_token_realm_without_tls_is_refused_by_a_registry_with_it() {
    let (scene, _) = bundle_of(Registry::builder(), &[1_000]);
    let tokens = Tokens::new("user", "password");
    let plain = Registry::builder().tokens(&tokens).start();
    let authority = Authority::new();
    let ca = scene.path("ca.pem");
    std::fs::write(&ca, authority.pem()).expect("a file");
    let realms = [
        format!("{}/token", plain.url()),
        "file:///etc/passwd".into(),
        format!("https://user:password@{}/token", plain.host()),
        "gopher://127.0.0.1/token".into(),
    ];
    for realm in realms {
        let target = Registry::builder().tls(&authority.server(&LOOPBACK)).auth(Auth::bearer_from(&tokens, &realm));
        let target = target.start();
        let import = import_with_tls(&scene, &target, &ca).args(["--username", "user"]);
        let out = import.env("BUNDLE_PASSWORD", "canary-password").run().exits(4);
        assert!(out.stderr.contains("token realm") && out.stderr.contains(&target.host()), "{}", out.stderr);
        assert!(!out.all().contains("password@"), "{}", out.all());
        assert_eq!(plain.connections(), 0, "{realm}");
        assert!(target.requests().iter().all(|r| r.header("Authorization").is_none()));
    }
}

#[test]
fn a_token_server_that_redirects_is_not_followed() {
    let (scene, _) = bundle_of(Registry::builder(), &[1_000]);
    let tokens = Tokens::new("user", "password");
    let thief = Registry::builder().tokens(&tokens).start();
    for status in [301, 302, 307, 308] {
        let server = Registry::builder().tokens(&tokens).start();
        server.fault(Match::on("*", "/token"), Fault::Redirect(status, format!("{}{{path}}", thief.url())));
        let realm = format!("{}/token", server.url());
        let target = Registry::builder().auth(Auth::bearer_from(&tokens, &realm)).start();
        let import = scene.import_into(&target.host()).args(["--username", "user"]);
        let out = import.env("BUNDLE_PASSWORD", "password").run().exits(4);
        assert!(out.stderr.contains("token server"), "{}", out.stderr);
        assert_eq!(thief.connections(), 0);
        assert!(target.tags("library/org/app").is_empty());
    }
}

#[test]
fn addresses_in_a_manifest_are_never_fetched() {
    let canary = Registry::start();
    let scene = Scene::new();
    let present = put_in(&scene.source, "org/app", 1, &[1_000]);
    let absent = format!("sha256:{}", "a".repeat(64));
    let config = b"{}".to_vec();
    scene.source.put_blob("org/app", config.clone());
    let foreign = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
    let layer = |digest: &str| {
        let url = format!("{}/layer", canary.url());
        json!({"mediaType": foreign, "digest": digest, "size": 1_000, "urls": [url]})
    };
    let document = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor(CONFIG, &config),
        "layers": [layer(&present[0]), layer(&absent)],
    });
    scene.source.put_manifest("org/app", Some("windows"), MANIFEST, document.to_string());
    scene.export(&["org/app:windows"]).run().succeeds();
    scene.list().run().succeeds();
    scene.verify().run().succeeds();
    scene.import().run().succeeds();
    assert_eq!(canary.connections(), 0);
    assert!(scene.target.has_blob("library/org/app", &present[0]), "what the registry had is carried");
    assert!(!requests(&scene.target, "PUT", "windows").is_empty());
}

#[test]
fn redirects_in_a_circle_end() {
    let (scene, layers) = crate::fault_scene::source_of(&[1_000]);
    scene.source.fault(Match::on("GET", &layers[0]), Fault::Redirect(307, "{path}".into()));
    let out = scene.export(&[IMAGE]).run().exits(4);
    assert!(out.stderr.contains("redirects"), "{}", out.stderr);
    assert!(requests(&scene.source, "GET", &layers[0]).len() < 20);
}

#[test]
fn content_that_is_sent_is_never_redirected() {
    let (scene, _) = bundle_of(Registry::builder(), &[200_000]);
    let elsewhere = Registry::start();
    for (method, part) in [("POST", "/uploads/"), ("PUT", "/uploads/"), ("PUT", "/manifests/")] {
        let target = Registry::start();
        target.fault(Match::on(method, part), Fault::Redirect(307, format!("{}{{path}}", elsewhere.url())));
        let out = scene.import_into(&target.host()).run().exits(4);
        assert!(out.stderr.contains("redirect"), "{}", out.stderr);
        assert_eq!(elsewhere.connections(), 0);
        assert!(target.tags("library/org/app").is_empty());
    }
}
