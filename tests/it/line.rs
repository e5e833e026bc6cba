//! The line between: proxies from the environment, and a limit on the rate.

use std::time::Duration;

use crate::scene::{Scene, command, put_image, put_made_layer, put_small_image};
use crate::support::registry::Fault;
use crate::support::tunnel::Tunnel;

#[test]
fn a_registry_behind_a_proxy_is_reached_by_its_name() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    let tunnel = Tunnel::to(scene.source.address());
    let proxy = format!("http://{}", tunnel.host());
    let export = |output: &str| {
        let args = ["registry.test:5000/org/app:1", "--plain-http", "-o"];
        command("export").args(args).args([scene.path(output)]).args(["--retries", "0"])
    };
    export("by-proxy.tar").env("HTTP_PROXY", &proxy).run().succeeds();
    assert!(!tunnel.asked().is_empty());
    assert!(tunnel.asked().iter().all(|line| line.starts_with("CONNECT registry.test:5000 ")), "{:?}", tunnel.asked());

    let asked = tunnel.asked().len();
    let out = export("direct.tar").env("HTTP_PROXY", &proxy).env("NO_PROXY", "example.com, .test").run().exits(1);
    assert!(out.stderr.contains("registry.test"), "{}", out.stderr);
    assert_eq!(tunnel.asked().len(), asked, "an exempt name went through the proxy");
}

#[test]
fn a_registry_on_this_machine_never_goes_through_a_proxy() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    let tunnel = Tunnel::to(scene.source.address());
    let proxy = format!("http://{}", tunnel.host());
    scene.export(&["org/app:1"]).env("HTTP_PROXY", &proxy).env("ALL_PROXY", &proxy).run().succeeds();
    assert_eq!(tunnel.asked(), Vec::<String>::new());
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
fn a_limited_rate_holds_up_both_directions() {
    // That it is kept to the byte is shown where no clock runs: `registry::wire::pace`.
    let scene = Scene::new();
    let layer = put_made_layer(&scene.source, "org/app", 1, 2 << 20);
    put_image(&scene.source, "org/app", "1", &[layer]);
    let least = Duration::from_millis(900);
    let out = scene.export(&["org/app:1"]).args(["--limit-rate", "2MiB"]).run().succeeds();
    assert!(out.took >= least, "{:?}", out.took);
    let out = scene.import().args(["--limit-rate", "2MiB"]).run().succeeds();
    assert!(out.took >= least, "{:?}", out.took);
    command("export").args(["a", "-o", "x", "--limit-rate", "fast"]).run().exits(2);
}

#[test]
fn a_warning_of_the_registry_is_passed_on_once() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    scene.source.intercept(|_| Some(Fault::header("Warning", "299 - \"this registry closes \\\"soon\\\"\"")));
    let out = scene.export(&["org/app:1"]).run().succeeds();
    assert_eq!(out.stderr.matches("this registry closes \"soon\"").count(), 1, "{}", out.stderr);
}
