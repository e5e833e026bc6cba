//! Where a registry sends us: content may lie elsewhere, credentials and uploads never go there.

use crate::scene::{Scene, body_bytes, command, put_small_image, writes};
use crate::support::registry::{Auth, Fault, Match, Registry, Tokens};
use crate::support::run::Run;

/// Both registries want `user` and `secret`.
fn scene() -> Scene {
    let wanted = || Registry::builder().auth(Auth::basic("user", "secret"));
    let scene = Scene::with(wanted(), wanted());
    put_small_image(&scene.source, "org/app", "1");
    scene
}

fn named(run: Run) -> Run {
    run.args(["--username", "user", "--password-stdin"]).stdin("secret")
}

#[test]
fn a_layer_behind_a_redirect_is_fetched_without_credentials() {
    let (scene, storage) = (scene(), Registry::start());
    for digest in crate::scene::blobs_of(&scene.source, "org/app", "1") {
        storage.put_blob_as("org/app", &digest, scene.source.blob("org/app", &digest).expect("a blob"));
    }
    let elsewhere = format!("{}{{path}}?X-Signature=canary", storage.url());
    scene.source.fault(Match::on("GET", "/blobs/"), Fault::Redirect(307, elsewhere));
    let out = named(scene.export(&["org/app:1"])).args(["-vv"]).run().succeeds();
    scene.verify().run().succeeds();
    assert_eq!(storage.count(|r| r.method == "GET" && r.status == 200), 2);
    assert_eq!(storage.count(|r| r.header("Authorization").is_some()), 0, "the storage was shown credentials");
    assert!(!out.all().contains("canary"), "{}", out.all());
}

#[test]
fn a_challenge_from_where_content_lies_is_not_answered() {
    let (scene, storage) = (scene(), Registry::builder().auth(Auth::basic("user", "secret")).start());
    let elsewhere = format!("{}{{path}}", storage.url());
    scene.source.fault(Match::on("GET", "/blobs/"), Fault::Redirect(307, elsewhere));
    named(scene.export(&["org/app:1"])).args(["--retries", "0"]).run().exits(4);
    assert_eq!(storage.count(|r| r.header("Authorization").is_some()), 0, "the storage was shown credentials");
    assert!(!scene.bundle().exists());
}

#[test]
fn an_endless_chain_of_redirects_ends() {
    let scene = scene();
    scene.source.fault(Match::on("GET", "/blobs/"), Fault::Redirect(302, "{path}".into()));
    let out = named(scene.export(&["org/app:1"])).run().exits(4);
    assert!(out.stderr.contains("redirects"), "{}", out.stderr);
}

#[test]
fn an_upload_that_is_sent_to_another_host_is_refused_with_both_named() {
    let (scene, other) = (scene(), Registry::start());
    named(scene.export(&["org/app:1"])).run().succeeds();
    let elsewhere = other.url();
    let moved = Fault::location(move |old| {
        let path = old.splitn(4, '/').last().expect("a path");
        format!("{elsewhere}/{path}")
    });
    scene.target.fault(Match::on("POST", "/uploads/"), moved);
    let out = named(scene.import()).run().exits(4);
    assert!(out.stderr.contains(&other.host()) && out.stderr.contains(&scene.target.host()), "{}", out.stderr);
    assert_eq!((other.connections(), body_bytes(&scene.target)), (0, 0));
}

#[test]
fn an_upload_that_is_redirected_is_refused() {
    let (scene, other) = (scene(), Registry::start());
    named(scene.export(&["org/app:1"])).run().succeeds();
    for method in ["POST", "PUT"] {
        scene.target.fault(Match::on(method, "/uploads/"), Fault::Redirect(307, format!("{}{{path}}", other.url())));
        let out = named(scene.import()).run().exits(4);
        assert!(out.stderr.contains("redirects"), "{}", out.stderr);
        scene.target.clear_faults();
    }
    assert_eq!(other.connections(), 0);
    assert!(scene.target.tags("library/org/app").is_empty());
}

#[test]
fn a_location_without_a_host_is_understood() {
    let scene = Scene::with(Registry::builder(), Registry::builder().relative_locations());
    put_small_image(&scene.source, "org/app", "1");
    scene.export(&["org/app:1"]).run().succeeds();
    scene.import().run().succeeds();
    assert_eq!(scene.target.missing("library/org/app", "1"), Vec::<String>::new());
}

#[test]
fn the_state_in_a_location_is_sent_back_as_it_was() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    scene.export(&["org/app:1"]).run().succeeds();
    scene.target.fault(Match::on("POST", "/uploads/"), Fault::location(|old| format!("{old}&_x=a%2Fb%3D%3D+c&_y=%7E")));
    scene.import().run().succeeds();
    let requests = scene.target.requests();
    let puts = requests.iter().filter(|r| r.method == "PUT" && r.path.contains("/uploads/"));
    assert!(puts.clone().count() == 2 && puts.clone().all(|r| r.query.contains("&_x=a%2Fb%3D%3D+c&_y=%7E&digest=")));
}

#[test]
fn a_token_realm_that_is_no_place_for_credentials_is_refused() {
    let tokens = Tokens::new("user", "secret");
    for realm in ["file:///etc/passwd", "ftp://127.0.0.1/token", "http://user:pass@127.0.0.1/token", "http://"] {
        let scene = Scene::with(Registry::builder().auth(Auth::bearer_from(&tokens, realm)), Registry::builder());
        put_small_image(&scene.source, "org/app", "1");
        let out = named(scene.export(&["org/app:1"])).run().exits(4);
        assert!(out.stderr.contains("realm"), "{realm}: {}", out.stderr);
        assert!(!out.all().contains("user:pass"), "{}", out.all());
    }
}

#[test]
fn urls_in_a_manifest_are_never_fetched() {
    let (scene, elsewhere) = (Scene::new(), Registry::start());
    let own = crate::scene::put_layer(&scene.source, "org/app", "an ordinary layer");
    let mut foreign = crate::scene::descriptor(crate::scene::LAYER, b"a layer of windows");
    foreign["mediaType"] = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip".into();
    foreign["urls"] = serde_json::json!([format!("{}/layer", elsewhere.url())]);
    crate::scene::put_image(&scene.source, "org/app", "1", &[own, foreign.clone()]);
    let out = scene.export(&["org/app:1"]).run().succeeds();
    let digest = foreign["digest"].as_str().expect("a digest");
    assert!(out.stdout.contains("left out") && out.stdout.contains(digest), "{}", out.stdout);
    scene.verify().run().succeeds();
    scene.import().run().succeeds();
    assert_eq!(scene.target.tags("library/org/app"), ["1"]);
    assert!(!scene.target.has_blob("library/org/app", digest));
    assert_eq!(elsewhere.connections(), 0);
}

#[test]
fn what_is_no_registry_is_said_to_be_none() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    scene.export(&["org/app:1"]).run().succeeds();
    scene.target.fault(Match::any(), Fault::Body(b"<html>welcome</html>".to_vec()));
    scene.target.fault(Match::any(), Fault::status(404));
    let out = scene.import().run().exits(4);
    assert!(out.stderr.contains("not a registry") && out.stderr.contains(&scene.target.host()), "{}", out.stderr);
    assert!(writes(&scene.target).iter().all(|line| line.starts_with("POST ")), "{:?}", writes(&scene.target));
    // Nobody listens there at all.
    let gone = Registry::start().host();
    let run = command("import").args([scene.bundle()]).args(["--plain-http", "--registry", &gone, "--retries", "1"]);
    let out = run.run().exits(1);
    assert!(out.stderr.contains(&gone) && out.stderr.contains("hint: "), "{}", out.stderr);
}

#[test]
fn control_characters_from_a_registry_never_reach_the_terminal() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    scene.export(&["org/app:1"]).run().succeeds();
    let evil = "\u{1b}]52;c;x\u{7}\r\u{9b}2J\u{202e}gone";
    scene.target.fault(Match::on("PUT", "/manifests/"), Fault::error(400, evil, evil));
    scene.source.fault(Match::on("GET", "/manifests/"), Fault::error(403, evil, evil));
    let import = scene.import().args(["-vv"]).run().exits(4);
    let export = scene.export_to(&scene.path("other.tar"), &["org/app:1"]).args(["-vv"]).run().exits(4);
    for out in [import, export] {
        let bad = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(!out.all().contains(bad), "{:?}", out.all());
        assert!(out.stderr.contains("gone"), "{}", out.stderr);
    }
}
