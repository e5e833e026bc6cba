//! Memory does not grow with what is carried.

use std::fs;

use crate::scene::{Scene, borrowed, put_image, put_made_layer, put_small_image};
use crate::support::registry::{Fault, Match, Registry};
use crate::support::run::Running;

/// The limit that both commands promise, in bytes.
const LIMIT: u64 = 64 << 20;
/// Of each of four layers: more in flight than the limit allows to be held.
const LAYER: u64 = 48_000_000;

/// The most memory that the process has held so far, in bytes (`VmHWM`, proc(5)).
fn peak(running: &Running) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", running.pid())).expect("its status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its peak");
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kib << 10
}

#[test]
fn an_export_an_import_and_reading_back_of_large_layers_stay_below_the_limit() {
    let scene = Scene::with(Registry::builder(), Registry::builder().discard_large());
    let layers: Vec<_> = (0..4).map(|seed| put_made_layer(&scene.source, "org/app", seed, LAYER)).collect();
    put_image(&scene.source, "org/app", "1", &layers);

    // Each layer is held back at its last byte, so all of them have been through by then.
    let held = |r: &crate::support::registry::Request| r.sent_bytes == LAYER - 1 || r.body_bytes == LAYER - 1;
    for layer in &layers {
        let digest = layer["digest"].as_str().expect("a digest");
        scene.source.fault(Match::on("GET", digest).once(), Fault::StallAfter(LAYER - 1));
        let upload = Match::on("PUT", &digest.replace(':', "%3A")).once();
        scene.target.fault(upload, Fault::StallUploadAfter(LAYER - 1));
    }
    let export = scene.export(&["org/app:1"]).spawn();
    scene.source.wait_until(|requests| requests.iter().filter(|r| held(r)).count() == 4);
    let most = peak(&export);
    scene.source.clear_faults();
    export.wait().succeeds();
    assert!(most <= LIMIT, "{most} bytes on export");

    let import = scene.import().spawn();
    scene.target.wait_until(|requests| requests.iter().filter(|r| held(r)).count() == 4);
    let most = peak(&import);
    scene.target.clear_faults();
    import.wait().succeeds();
    assert!(most <= LIMIT, "{most} bytes on import");

    scene.target.clear_requests();
    for (seed, layer) in (0..).zip(&layers) {
        // What was discarded can be read back again.
        scene.target.put_made_blob("library/org/app", seed, LAYER);
        let digest = layer["digest"].as_str().expect("a digest");
        scene.target.fault(Match::on("GET", digest).once(), Fault::StallAfter(LAYER - 1));
    }
    let import = scene.import().args(["--check", "read-back"]).spawn();
    scene.target.wait_until(|requests| requests.iter().filter(|r| held(r)).count() == 4);
    let most = peak(&import);
    scene.target.clear_faults();
    import.wait().succeeds();
    assert!(most <= LIMIT, "{most} bytes on reading back");
}

#[test]
fn an_import_of_many_images_stays_below_the_limit() {
    let scene = Scene::new();
    let names: Vec<String> = (0..300).map(|n| format!("many/app{n:03}:1")).collect();
    for name in &names {
        put_small_image(&scene.source, name.trim_end_matches(":1"), "1");
    }
    scene.export(&borrowed(&names)).run().succeeds();
    // Once something is tagged, all are known and under way.
    scene.target.fault(Match::on("PUT", "/manifests/1").after(299), Fault::NeverAnswer);
    let import = scene.import().spawn();
    scene.target.wait_until(|requests| {
        requests.iter().filter(|r| r.method == "PUT" && r.path.ends_with("/manifests/1")).count() == 300
    });
    let most = peak(&import);
    scene.target.clear_faults();
    import.wait().succeeds();
    assert!(most <= LIMIT, "{most} bytes");
}
