//! TLS: which registries are believed, what to do about one that is not, and client certificates.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use crate::scene::{Scene, command, put_small_image};
use crate::support::certs::{Authority, Identity, LOOPBACK};
use crate::support::registry::{Builder, Registry};
use crate::support::run::{Output, Run};
use crate::support::weak_certs::{SHA1, SHORT_AUTHORITY, SHORT_SERVER};

/// Two registries with these certificates; the first holds `org/app:1`.
fn scene(builder: impl Fn() -> Builder) -> Scene {
    let scene = Scene::with(builder(), builder());
    put_small_image(&scene.source, "org/app", "1");
    scene
}

/// `export`, and then `import`, without a word on http.
fn export(scene: &Scene) -> Run {
    command("export").args(["--force", &scene.name("org/app:1"), "-o"]).args([scene.bundle()])
}

fn import(scene: &Scene) -> Run {
    command("import").args([scene.bundle()]).args(["--registry", &scene.target.host()])
}

fn file(scene: &Scene, name: &str, text: &str) -> PathBuf {
    fs::write(scene.path(name), text).expect("a file");
    scene.path(name)
}

/// Both ways end well.
fn assert_both(scene: &Scene, with: impl Fn(Run) -> Run) {
    with(export(scene)).run().succeeds();
    with(import(scene)).run().succeeds();
    assert_eq!(scene.target.tags("library/org/app"), ["1"]);
}

/// It ends with 4 before the registry has seen a single request, and says what to do.
fn assert_refused(scene: &Scene, run: Run) -> Output {
    let before = scene.source.requests().len();
    let out = run.run().exits(4);
    assert!(out.stderr.contains(&scene.source.host()), "{}", out.stderr);
    assert!(out.stderr.contains("hint: "), "{}", out.stderr);
    assert_eq!(scene.source.requests().len(), before);
    out
}

#[test]
fn an_authority_is_named_by_a_file_or_by_the_environment() {
    let authority = Authority::new();
    let scene = scene(|| Registry::builder().tls(&authority.server(&LOOPBACK)));
    let ca = file(&scene, "ca.pem", &authority.pem());
    let other = file(&scene, "other.pem", &Authority::new().pem());
    assert_both(&scene, |run| run.args(["--ca-file"]).args([&ca]));
    assert_both(&scene, |run| run.args(["--ca-file"]).args([&other]).args(["--ca-file"]).args([&ca]));
    assert_both(&scene, |run| run.env("SSL_CERT_FILE", &ca));
    assert_both(&scene, |run| run.env("BUNDLE_CA_FILE", &ca));
    assert_both(&scene, |run| run.args(["--insecure-skip-tls-verify"]));
}

#[test]
fn a_self_signed_certificate_that_calls_itself_an_authority_is_taken_when_it_is_named() {
    let identity = Identity::self_signed_ca(&LOOPBACK);
    let scene = scene(|| Registry::builder().tls(&identity));
    let ca = file(&scene, "registry.pem", &identity.cert_pem);
    assert_both(&scene, |run| run.args(["--ca-file"]).args([&ca]));
    assert_both(&scene, |run| run.env("SSL_CERT_FILE", &ca));
    let out = assert_refused(&scene, export(&scene));
    assert!(out.stderr.contains("--ca-file"), "{}", out.stderr);
}

#[test]
fn an_unknown_authority_is_refused_with_the_flag_that_would_name_it() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let scene = scene(|| Registry::builder().tls(&authority.server(&LOOPBACK)));
    let other = file(&scene, "other.pem", &stranger.pem());
    for run in [export(&scene), export(&scene).args(["--ca-file"]).args([&other])] {
        let out = assert_refused(&scene, run);
        assert!(out.stderr.contains("--ca-file"), "{}", out.stderr);
        assert!(!scene.bundle().exists());
    }
    let said = assert_refused(&scene, export(&scene)).stderr;
    assert!(said.contains("unknown authority: `bundle test authority`"), "the issuer: {said}");
    let path = format!("/etc/docker/certs.d/{}/ca.crt", scene.source.host());
    assert!(said.contains(&path), "where to put its certificate: {said}");
    let ca = file(&scene, "ca.pem", &authority.pem());
    export(&scene).args(["--ca-file"]).args([&ca]).run().succeeds();
    let out = import(&scene).run().exits(4);
    assert!(out.stderr.contains("--ca-file") && out.stderr.contains(&scene.target.host()), "{}", out.stderr);
    assert_eq!(scene.target.requests().len(), 0);
}

#[test]
fn a_certificate_for_another_name_or_another_time_is_refused_with_the_reason() {
    let authority = Authority::new();
    for (identity, word) in [
        (authority.server(&["registry.example"]), "registry.example"),
        (authority.expired_server(&LOOPBACK), "expired"),
    ] {
        let scene = scene(|| Registry::builder().tls(&identity));
        let ca = file(&scene, "ca.pem", &authority.pem());
        let out = assert_refused(&scene, export(&scene).args(["--ca-file"]).args([&ca]));
        assert!(out.stderr.contains(word), "{}", out.stderr);
    }
}

#[test]
fn a_client_certificate_is_given_by_flags_or_found_in_certs_d() {
    let authority = Authority::new();
    let scene = scene(|| Registry::builder().tls(&authority.server(&LOOPBACK)).require_client(&authority));
    let ca = file(&scene, "ca.pem", &authority.pem());
    let client = authority.client("someone");
    let (cert, key) = (file(&scene, "client.pem", &client.cert_pem), file(&scene, "client.key", &client.key_pem));
    let trusting = |run: Run| run.args(["--ca-file"]).args([&ca]);
    assert_both(&scene, |run| trusting(run).args(["--cert"]).args([&cert]).args(["--key"]).args([&key]));
    let both = file(&scene, "both.pem", &format!("{}{}", client.cert_pem, client.key_pem));
    assert_both(&scene, |run| trusting(run).args(["--cert"]).args([&both]));

    assert_both(&scene, |run| {
        for host in [scene.source.host(), scene.target.host()] {
            let directory = run.home().join(".docker/certs.d").join(host);
            fs::create_dir_all(&directory).expect("a directory");
            fs::write(directory.join("ca.crt"), authority.pem()).expect("an authority");
            fs::write(directory.join("client.cert"), &client.cert_pem).expect("a certificate");
            fs::write(directory.join("client.key"), &client.key_pem).expect("a key");
        }
        run
    });

    let out = trusting(export(&scene)).run().exits(4);
    assert!(out.stderr.contains("--cert"), "{}", out.stderr);
    let stranger = Identity::self_signed_ca(&["someone.example"]);
    let wrong = file(&scene, "wrong.pem", &format!("{}{}", stranger.cert_pem, stranger.key_pem));
    let out = trusting(export(&scene)).args(["--cert"]).args([&wrong]).run().exits(4);
    assert!(out.stderr.contains("client certificate"), "{}", out.stderr);
}

#[test]
fn one_half_of_a_client_certificate_is_not_passed_over() {
    let authority = Authority::new();
    let scene = scene(|| Registry::builder().tls(&authority.server(&LOOPBACK)));
    let run = export(&scene);
    let directory = run.home().join(".docker/certs.d").join(scene.source.host());
    fs::create_dir_all(&directory).expect("a directory");
    fs::write(directory.join("client.cert"), &authority.client("someone").cert_pem).expect("a certificate");
    let out = run.run().exits(4);
    assert!(out.stderr.contains("client.cert") && out.stderr.contains("key"), "{}", out.stderr);
    let key = file(&scene, "client.key", &authority.client("someone").key_pem);
    export(&scene).args(["--key"]).args([&key]).run().exits(2);
}

#[test]
fn files_that_hold_no_certificate_are_named() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    let (empty, junk) = (file(&scene, "empty.pem", ""), file(&scene, "junk.pem", "no certificate"));
    for path in [empty, junk, scene.path("absent.pem")] {
        let out = export(&scene).args(["--ca-file"]).args([&path]).run();
        assert!(out.code.is_some_and(|code| code > 0), "{}", out.all());
        assert!(out.stderr.contains(path.to_str().expect("a path")), "{}", out.stderr);
    }
    assert_eq!(scene.source.requests().len(), 0);
}

#[test]
fn a_registry_on_this_machine_may_speak_plain_http_unasked() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    assert_both(&scene, |run| run);
}

#[test]
fn plain_http_can_be_said_for_one_host_and_then_no_tls_is_tried_there() {
    let authority = Authority::new();
    let tls = Registry::builder().tls(&authority.server(&LOOPBACK)).start();
    let scene = Scene::between(Registry::start(), tls);
    put_small_image(&scene.source, "org/app", "1");
    let ca = file(&scene, "ca.pem", &authority.pem());
    let plain = format!("--plain-http={}", scene.source.host());
    export(&scene).args([&plain]).run().succeeds();
    let used: BTreeSet<u64> = scene.source.requests().iter().map(|r| r.connection).collect();
    assert_eq!(scene.source.connections(), used.len() as u64, "no connection was spent on TLS");
    let out = import(&scene).args([&plain]).args(["--ca-file"]).args([&ca]).run().exits(2);
    assert!(out.stderr.contains("nothing to do with") && out.stderr.contains(&scene.target.host()), "{}", out.stderr);
    // Set for many commands, it may be for others.
    let set = import(&scene).env("BUNDLE_PLAIN_HTTP", scene.source.host());
    set.args(["--ca-file"]).args([&ca]).run().succeeds();
    // Where http is asked for and TLS is spoken, nothing is guessed.
    scene.target.clear_requests();
    let out = import(&scene).args(["--plain-http", "--retries", "0", "--ca-file"]).args([&ca]).run();
    assert!(matches!(out.code, Some(1 | 4)), "{}", out.all());
    assert_eq!(scene.target.requests().len(), 0);
}

#[test]
fn keys_that_are_too_short_and_old_hashes_are_named_as_the_reason() {
    for (weak, reason) in [
        (SHORT_AUTHORITY, "the authority that signed it has a key of 1024 bits"),
        (SHORT_SERVER, "it has a key of 1024 bits"),
        (SHA1, "signed with SHA-1"),
    ] {
        let scene = scene(|| Registry::builder().tls(&Identity::from_pem(weak.certificate, weak.key)));
        let ca = file(&scene, "ca.pem", weak.authority);
        let out = assert_refused(&scene, export(&scene).args(["--ca-file"]).args([&ca]));
        assert!(out.stderr.contains(reason), "{}", out.stderr);
        assert!(out.stderr.contains("the server needs another certificate"), "{}", out.stderr);
    }
}
