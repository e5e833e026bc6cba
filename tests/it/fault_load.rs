//! Servers that take so many connections or requests at once and no more: fewer are made, and what
//! failed for that reason does not count against the retries.

use std::time::{Duration, Instant};

use crate::fault_scene::{IMAGE, arrived, put_app};
use crate::scene::Scene;
use crate::support::registry::{Fault, Limit, Match, Registry};

/// Enough to be many times any limit.
const LAYERS: usize = 48;
/// What each request takes, about: far longer than what this machine needs for it.
const WAIT: Duration = Duration::from_millis(60);

fn limits(most: usize) -> [Limit; 3] {
    [Limit::Requests(most), Limit::ConnectionsOr503(most), Limit::ConnectionsOrReset(most)]
}

fn sizes() -> Vec<u64> {
    (0..LAYERS as u64).map(|n| 20_000 + n).collect()
}

#[test]
fn an_export_from_a_server_that_takes_few_connections_succeeds_in_good_time() {
    for most in [5, 2] {
        for limit in limits(most) {
            let scene = Scene::with(Registry::builder().limit(limit), Registry::builder());
            put_app(&scene.source, &sizes());
            scene.source.fault(Match::on("GET", "/blobs/"), Fault::Wait(WAIT));
            let time = |args: &[&str]| {
                let started = Instant::now();
                scene.export(&[IMAGE]).args(["--force"]).args(args.iter().copied()).run().succeeds();
                scene.verify().run().succeeds();
                started.elapsed()
            };
            let jobs = most.to_string();
            let right = time(&["-j", &jobs]);
            let default = time(&[]);
            assert!(default <= right.mul_f64(1.5) + Duration::from_millis(500), "{limit:?}: {default:?}, {right:?}");
        }
    }
}

#[test]
fn an_import_into_a_server_that_takes_few_connections_succeeds_in_good_time() {
    for most in [5, 2] {
        for limit in limits(most) {
            let time = |args: &[&str]| {
                let scene = Scene::with(Registry::builder(), Registry::builder().limit(limit));
                put_app(&scene.source, &sizes());
                scene.export(&[IMAGE]).run().succeeds();
                scene.target.fault(Match::on("PUT", ""), Fault::Wait(WAIT));
                let started = Instant::now();
                scene.import().args(args.iter().copied()).run().succeeds();
                arrived(&scene);
                started.elapsed()
            };
            let jobs = most.to_string();
            let right = time(&["-j", &jobs]);
            let default = time(&[]);
            assert!(default <= right.mul_f64(1.5) + Duration::from_millis(500), "{limit:?}: {default:?}, {right:?}");
        }
    }
}

#[test]
fn that_a_host_takes_fewer_requests_is_said_once() {
    let scene = Scene::with(Registry::builder().limit(Limit::Requests(3)), Registry::builder());
    put_app(&scene.source, &sizes());
    scene.source.fault(Match::on("GET", "/blobs/"), Fault::Wait(WAIT));
    let out = scene.export(&[IMAGE]).args(["-v"]).run().succeeds();
    let said = out.stderr.lines().filter(|l| l.starts_with("learned") && l.contains("fewer requests")).count();
    assert_eq!(said, 1, "{}", out.stderr);
}
