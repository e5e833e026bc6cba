//! The two sides of a copy: what belongs to one never reaches the other.

use crate::scene::{Scene, command, put_image, put_made_layer, put_small_image};
use crate::support::certs::Authority;
use crate::support::registry::{Auth, Fault, Match, Registry, Tokens};
use crate::support::run::Run;

/// A source that wants one password, and a target that wants another in another way.
fn guarded(is_source_basic: bool) -> Scene {
    let auth = |is_basic: bool, user: &str, password: &str| {
        if is_basic { Auth::basic(user, password) } else { Auth::bearer(&Tokens::new(user, password)) }
    };
    let source = Registry::builder().auth(auth(is_source_basic, "reader", "of-the-source"));
    let target = Registry::builder().auth(auth(!is_source_basic, "writer", "of-the-target"));
    let scene = Scene::with(source, target);
    let layer = put_made_layer(&scene.source, "org/app", 7, 2 << 20);
    put_image(&scene.source, "org/app", "1", &[layer]);
    scene
}

fn with_both(run: Run) -> Run {
    let run = run.args(["--src-username", "reader", "--username", "writer"]);
    run.env("BUNDLE_SRC_PASSWORD", "of-the-source").env("BUNDLE_PASSWORD", "of-the-target")
}

/// What a registry was shown: decoded where that is Basic.
fn shown(registry: &Registry) -> String {
    let requests = registry.requests();
    let headers = requests.iter().flat_map(|r| &r.headers).map(|(name, value)| {
        let decoded = value.strip_prefix("Basic ").and_then(|v| data_encoding::BASE64.decode(v.as_bytes()).ok());
        format!("{name}: {value} {}", String::from_utf8_lossy(&decoded.unwrap_or_default()))
    });
    headers.chain(requests.iter().map(|r| r.query.clone())).collect::<Vec<_>>().join("\n")
}

#[test]
fn each_side_is_shown_its_own_credentials_and_none_of_the_other() {
    for is_source_basic in [true, false] {
        let scene = guarded(is_source_basic);
        let said = with_both(scene.copy(&["org/app:1"])).args(["-vv"]).run().succeeds();
        let (at_source, at_target) = (shown(&scene.source), shown(&scene.target));
        assert!(at_source.contains("reader:of-the-source") && at_target.contains("writer:of-the-target"));
        assert!(!at_source.contains("of-the-target") && !at_source.contains("writer"), "{at_source}");
        assert!(!at_target.contains("of-the-source") && !at_target.contains("reader"), "{at_target}");
        for secret in ["of-the-source", "of-the-target"] {
            assert!(!said.all().contains(secret), "{}", said.all());
        }
    }
}

#[test]
fn a_flag_without_a_prefix_is_the_targets_and_may_have_its_own() {
    let scene = guarded(true);
    let run = scene.copy(&["org/app:1"]).args(["--src-username", "reader", "--dest-username", "writer"]);
    run.env("BUNDLE_SRC_PASSWORD", "of-the-source").env("BUNDLE_PASSWORD", "of-the-target").run().succeeds();
    let scene = guarded(true);
    let run = scene.copy(&["org/app:1"]).args(["--src-username", "reader", "--src-password-stdin"]);
    run.args(["--username", "writer"])
        .env("BUNDLE_PASSWORD", "of-the-target")
        .stdin("of-the-source\n")
        .run()
        .succeeds();
    // The target's are not the source's.
    let scene = guarded(true);
    let run = scene.copy(&["org/app:1"]).args(["--username", "writer"]).env("BUNDLE_PASSWORD", "of-the-target");
    let said = run.run().exits(4);
    assert!(said.stderr.contains("401") && said.stderr.contains("--src-username"), "{}", said.stderr);
    assert!(!shown(&scene.source).contains("of-the-target"));
    let said = scene.copy(&["org/app:1"]).args(["--src-username", "reader"]).run().exits(2);
    assert!(said.stderr.contains("--src-username without a password") && said.stderr.contains("BUNDLE_SRC_PASSWORD"));
    let both = ["--src-username", "reader", "--src-password-stdin", "--username", "writer", "--password-stdin"];
    let said = scene.copy(&["org/app:1"]).args(both).run().exits(2);
    assert!(said.stderr.contains("two passwords"), "{}", said.stderr);
    let run =
        command("copy").args(["--registry", "h.example", "-f", "-", "--src-username", "a", "--src-password-stdin"]);
    let said = run.run().exits(2);
    assert!(said.stderr.contains("BUNDLE_SRC_PASSWORD"), "{}", said.stderr);
}

#[test]
fn trust_in_one_side_is_no_trust_in_the_other() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let scene = Scene::with(
        Registry::builder().tls(&ours.server(&["127.0.0.1"])),
        Registry::builder().tls(&theirs.server(&["127.0.0.1"])),
    );
    put_small_image(&scene.source, "org/app", "1");
    let [source, target] = [("source.pem", ours.pem()), ("target.pem", theirs.pem())].map(|(name, pem)| {
        std::fs::write(scene.path(name), pem).expect("a file");
        scene.path(name).display().to_string()
    });
    let name = scene.name("org/app:1");
    let copy = || command("copy").args(["--registry", &scene.target.host(), &name]);
    copy().args(["--src-ca-file", &source, "--ca-file", &target]).run().succeeds();
    let said = copy().args(["--ca-file", &target]).run().exits(4);
    assert!(said.stderr.contains("--src-ca-file"), "{}", said.stderr);
    copy().args(["--src-ca-file", &target, "--ca-file", &source]).run().exits(4);
    copy().args(["--src-insecure-skip-tls-verify"]).run().exits(4);
    copy().args(["--src-insecure-skip-tls-verify", "--dest-insecure-skip-tls-verify"]).run().succeeds();
}

#[test]
fn what_one_side_cannot_take_says_nothing_about_the_other() {
    let scene = Scene::new();
    let layer = put_made_layer(&scene.source, "org/app", 7, 2 << 20);
    put_image(&scene.source, "org/app", "1", &[layer]);
    // The source is asked too often, and gives no ranges; the target takes chunks alone.
    scene.source.fault(Match::on("GET", "/manifests/").once(), Fault::status_with(429, "Retry-After", "1"));
    scene.target.fault(Match::any(), Fault::RefuseMonolithic(405));
    scene.target.fault(Match::any(), Fault::MaxBody(1 << 20));
    scene.copy(&["org/app:1"]).run().succeeds();
    assert_eq!(scene.target.missing("library/org/app", "1"), Vec::<String>::new());
    assert!(scene.target.count(|r| r.method == "PATCH") >= 2);
}

#[test]
fn a_source_that_fails_is_named_and_the_target_is_not_blamed() {
    for (fault, code) in [
        (Fault::error(404, "BLOB_UNKNOWN", "gone"), 4),
        (Fault::error(403, "DENIED", "no"), 4),
        (Fault::status(503), 1),
        (Fault::Reset, 1),
    ] {
        let scene = Scene::new();
        let layer = put_made_layer(&scene.source, "org/app", 7, 2 << 20);
        let digest = layer["digest"].as_str().expect("a digest").to_owned();
        put_image(&scene.source, "org/app", "1", &[layer]);
        put_small_image(&scene.source, "org/other", "1");
        scene.source.fault(Match::on("GET", &digest), fault);
        let run = scene.copy(&["org/app:1", "org/other:1"]).args(["--retries", "2", "-v"]).run();
        let said = run.exits(code);
        assert!(said.stderr.contains(&format!("{}/org/app@{digest}", scene.source.host())), "{}", said.stderr);
        assert!(!said.stderr.contains("takes no"), "nothing was learned of the target: {}", said.stderr);
        assert_eq!(scene.target.missing("library/org/other", "1"), Vec::<String>::new(), "the other one arrived");
        assert!(scene.target.tags("library/org/app").is_empty());
        let asked = scene.source.count(|r| r.method == "GET" && r.path.contains(&digest));
        assert!(asked <= 20, "{asked} times");
    }
}

#[test]
fn an_upload_that_is_to_go_on_at_another_host_is_refused_with_both_named() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    let elsewhere = scene.source.host();
    let here = scene.target.host();
    scene.target.fault(
        Match::on("POST", "/blobs/uploads/"),
        Fault::location(move |location| location.replace(&here, &elsewhere)),
    );
    let said = scene.copy(&["org/app:1"]).run().exits(4);
    assert!(
        said.stderr.contains(&scene.target.host()) && said.stderr.contains(&scene.source.host()),
        "{}",
        said.stderr
    );
    assert_eq!(scene.source.count(|r| r.method == "PUT" || r.method == "PATCH"), 0);
}

#[test]
fn blobs_that_the_source_keeps_elsewhere_are_followed_without_credentials() {
    let store = Registry::start();
    let scene = guarded(true);
    let digest = crate::scene::blobs_of(&scene.source, "org/app", "1").pop().expect("a layer");
    store.put_made_blob("org/app", 7, 2 << 20);
    scene.source.fault(Match::on("GET", &digest), Fault::Redirect(307, format!("{}{{path}}", store.url())));
    with_both(scene.copy(&["org/app:1"])).run().succeeds();
    assert!(store.requests().iter().all(|r| r.header("Authorization").is_none()));
    assert!(store.count(|r| r.sent_bytes == 2 << 20) == 1);
}
