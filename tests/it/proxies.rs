//! Proxies from the environment: whole requests for `http:`, tunnels for `https:`, and whose fault it is
//! when one of them says no.

use crate::fault_scene::{AT, arrived, bundle_of, nothing_false};
use crate::scene::{Scene, command, put_small_image};
use crate::support::certs::Authority;
use crate::support::gateway::Gateway;
use crate::support::registry::{Fault, Match, Registry};
use crate::support::run::Run;

/// Names that only a proxy can resolve.
const PLAIN: &str = "registry.test:5000";
const SECURE: &str = "registry.test";

fn export(scene: &Scene, registry: &str) -> Run {
    let run = command("export").args([&format!("{registry}/org/app:1"), "-v", "-o"]).args([scene.path("by-proxy.tar")]);
    if registry == PLAIN { run.args([format!("--plain-http={PLAIN}")]) } else { run }
}

fn through(run: Run, host: &str) -> Run {
    let proxy = format!("http://{host}");
    run.env("HTTP_PROXY", &proxy).env("HTTPS_PROXY", &proxy)
}

/// Nobody listens there.
fn nobody() -> String {
    Registry::start().host()
}

#[test]
fn a_registry_without_tls_is_asked_for_by_whole_requests_and_never_by_a_tunnel() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    let gateway = Gateway::to(scene.source.address());
    let out = through(export(&scene, PLAIN), &gateway.host()).run().succeeds();
    let asked = gateway.asked();
    assert!(asked.len() > 3, "{asked:?}");
    assert!(asked.iter().all(|line| line.starts_with("GET http://registry.test:5000/v2/")), "{asked:?}");
    let told = format!("http://registry.test:5000: goes through the proxy {} (HTTP_PROXY)", gateway.host());
    assert_eq!(out.stderr.matches(&told).count(), 1, "{}", out.stderr);

    // An exempt name does not go through it.
    let asked = asked.len();
    let direct = through(export(&scene, PLAIN), &gateway.host()).args(["--force", "--retries", "0"]);
    let out = direct.env("NO_PROXY", "example.com, .test").run().exits(1);
    assert!(out.stderr.contains("registry.test") && !out.stderr.contains("proxy"), "{}", out.stderr);
    assert_eq!(gateway.asked().len(), asked);
}

#[test]
fn large_layers_are_sent_through_a_proxy_over_connections_that_stay() {
    let (scene, layers) = bundle_of(Registry::builder(), &[3 << 20, 2 << 20, 100]);
    let gateway = Gateway::to(scene.target.address());
    let run = command("import").args([scene.bundle()]).args(["--plain-http", "--registry", PLAIN, "--jobs", "2"]);
    through(run, &gateway.host()).run().succeeds();
    arrived(&scene);
    assert!(layers.iter().all(|layer| scene.target.has_blob(AT, layer)));
    assert!(scene.target.connections() < gateway.asked().len() as u64 / 2, "connections are used again");
    assert!(
        gateway.asked().iter().all(|line| line.contains(" http://registry.test:5000/v2/")),
        "{:?}",
        gateway.asked()
    );
}

#[test]
fn a_registry_with_tls_is_reached_through_a_tunnel() {
    let authority = Authority::new();
    let tls = Registry::builder().tls(&authority.server(&[SECURE]));
    let scene = Scene::with(tls, Registry::builder());
    std::fs::write(scene.path("ca.pem"), authority.pem()).expect("a file");
    put_small_image(&scene.source, "org/app", "1");
    let gateway = Gateway::to(scene.source.address());
    let run = export(&scene, SECURE).args(["--ca-file".into(), scene.path("ca.pem")]);
    let out = through(run, &gateway.host()).run().succeeds();
    assert!(gateway.asked().iter().all(|line| line == "CONNECT registry.test:443 HTTP/1.1"), "{:?}", gateway.asked());
    let told = format!("https://registry.test: goes through the proxy {} (HTTPS_PROXY)", gateway.host());
    assert_eq!(out.stderr.matches(&told).count(), 1, "{}", out.stderr);
}

#[test]
fn a_registry_on_this_machine_never_goes_through_a_proxy() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    let gateway = Gateway::to(scene.source.address());
    let proxy = format!("http://{}", gateway.host());
    scene.export(&["org/app:1"]).env("HTTP_PROXY", &proxy).env("ALL_PROXY", &proxy).run().succeeds();
    assert_eq!(gateway.asked(), Vec::<String>::new());
}

#[test]
fn what_a_proxy_wants_to_be_shown_is_for_it_alone_and_never_printed() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    // user:p%40ss canary
    let gateway = Gateway::guarded(scene.source.address(), "Basic dXNlcjpwQHNzIGNhbmFyeQ==");
    let with = format!("user:p%40ss%20canary@{}", gateway.host());
    let out = through(export(&scene, PLAIN).args(["-vv"]), &with).run().succeeds();
    assert!(!out.all().contains("canary") && !out.all().contains("dXNlc"), "{}", out.all());
    let shown = scene.source.count(|r| r.header("Proxy-Authorization").is_some());
    assert_eq!(shown, 0, "the registry saw it");

    for registry in [PLAIN, SECURE] {
        let asked = gateway.asked().len();
        let without = through(export(&scene, registry).args(["--force"]), &gateway.host());
        let out = without.run().exits(4);
        let named = format!("through the proxy {} (HTTP", gateway.host());
        assert!(out.stderr.contains(&named) && out.stderr.contains("407"), "{}", out.stderr);
        assert!(out.stderr.contains("USER:PASSWORD") && out.stderr.contains("NO_PROXY"), "{}", out.stderr);
        assert_eq!(gateway.asked().len(), asked + 1, "not repeated: {:?}", gateway.asked());
    }
}

#[test]
fn a_proxy_that_forbids_is_named_and_not_asked_again() {
    let scene = Scene::new();
    for (registry, variable) in [(PLAIN, "HTTP_PROXY"), (SECURE, "HTTPS_PROXY")] {
        let gateway = Gateway::refusing(403);
        let out = through(export(&scene, registry), &gateway.host()).run().exits(4);
        let named = format!("through the proxy {} ({variable}): ", gateway.host());
        assert!(out.stderr.contains(&named) && out.stderr.contains("403"), "{}", out.stderr);
        assert!(out.stderr.contains("NO_PROXY"), "{}", out.stderr);
        let mut asked = gateway.asked();
        let all = asked.len();
        asked.dedup();
        assert!(all <= 2 && asked.len() == all, "not repeated: {asked:?}");
    }
}

#[test]
fn a_proxy_that_is_not_there_or_fails_is_named_and_tried_again() {
    let scene = Scene::new();
    for (registry, variable) in [(PLAIN, "HTTP_PROXY"), (SECURE, "HTTPS_PROXY")] {
        let dead = nobody();
        let out = through(export(&scene, registry).args(["--retries", "1"]), &dead).run().exits(1);
        let named = format!("through the proxy {dead} ({variable}): ");
        assert!(out.stderr.contains(&named) && out.stderr.contains("refused"), "{}", out.stderr);
        assert!(out.stderr.contains("NO_PROXY") && !out.stderr.contains("check the host name"), "{}", out.stderr);

        let gateway = Gateway::refusing(503);
        let out = through(export(&scene, registry).args(["--retries", "2"]), &gateway.host()).run().exits(1);
        let named = format!("through the proxy {} ({variable}): ", gateway.host());
        assert!(out.stderr.contains(&named) && out.stderr.contains("503"), "{}", out.stderr);
        assert_eq!(gateway.asked().len(), 3, "{:?}", gateway.asked());
    }
    nothing_false(&scene.target);
}

#[test]
fn what_a_registry_behind_a_proxy_says_is_still_its_word() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    let denied = Fault::error(403, "DENIED", "the project is frozen");
    scene.source.fault(Match::on("GET", "/manifests/"), denied);
    let gateway = Gateway::to(scene.source.address());
    let out = through(export(&scene, PLAIN), &gateway.host()).run().exits(4);
    assert!(out.stderr.contains("the project is frozen") && !out.stderr.contains("NO_PROXY"), "{}", out.stderr);
}

#[test]
fn a_proxy_that_cannot_be_is_named_without_its_password() {
    let out = command("export")
        .args(["registry.test/a:1", "-o", "/nowhere/x.tar"])
        .env("HTTPS_PROXY", "gopher://me:canary@proxy")
        .run();
    assert_ne!(out.code, Some(0));
    assert!(!out.all().contains("canary"), "{}", out.all());
}

#[test]
fn what_docker_hub_still_allows_is_shown_and_an_export_that_needs_more_says_so_first() {
    let authority = Authority::new();
    let tls = Registry::builder().tls(&authority.server(&["registry-1.docker.io"]));
    let scene = Scene::with(tls, Registry::builder());
    std::fs::write(scene.path("ca.pem"), authority.pem()).expect("a file");
    for tag in ["1", "2", "3"] {
        put_small_image(&scene.source, "library/app", tag);
    }
    scene.source.fault(Match::on("*", "/manifests/"), Fault::header("ratelimit-remaining", "2;w=21600"));
    let gateway = Gateway::to(scene.source.address());
    let run = |tags: &[&str]| {
        let names = tags.iter().map(|tag| format!("app:{tag}"));
        let run = command("export").args(names).args(["-v", "--force", "-o"]).args([scene.path("hub.tar")]);
        through(run.args(["--ca-file".into(), scene.path("ca.pem")]), &gateway.host()).run().succeeds()
    };
    let out = run(&["1", "2", "3"]);
    assert!(out.stderr.contains("docker.io: 2 more manifests may be fetched"), "{}", out.stderr);
    assert!(out.stderr.contains("docker.io: 3 images need 3 manifests or more, and 2 may be"), "{}", out.stderr);
    let requests = scene.source.requests();
    let first = requests.iter().find(|r| r.path.contains("/manifests/")).expect("a manifest");
    assert_eq!(first.method, "HEAD", "asked before anything is counted");
    assert!(!run(&["1", "2"]).stderr.contains("manifests or more"), "two of two");
}
