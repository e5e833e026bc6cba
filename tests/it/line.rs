//! The line between: a limit on the rate, and what a registry warns of.

use std::time::Duration;

use crate::scene::{Scene, command, put_image, put_made_layer, put_small_image};
use crate::support::registry::Fault;

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
