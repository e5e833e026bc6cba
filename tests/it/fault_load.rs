//! Servers that take so many connections or requests at once and no more: fewer are made, and what
//! failed for that reason does not count against the retries.

use std::time::Duration;

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

/// What was turned away is few beside what was asked: nobody knocks on a full house again and again.
fn is_no_storm(registry: &Registry, limit: Limit) {
    let turned_away = registry.count(|request| request.status == 503);
    assert!(turned_away <= 2 * LAYERS, "{limit:?}: {turned_away} turned away");
    let connections = registry.connections();
    assert!(connections <= 6 * LAYERS as u64, "{limit:?}: {connections} connections");
}

#[test]
fn an_export_from_a_server_that_takes_few_connections_succeeds_with_few_turned_away() {
    for most in [5, 2] {
        for limit in limits(most) {
            let scene = Scene::with(Registry::builder().limit(limit), Registry::builder());
            put_app(&scene.source, &sizes());
            scene.source.fault(Match::on("GET", "/blobs/"), Fault::Wait(WAIT));
            scene.export(&[IMAGE]).run().succeeds();
            scene.verify().run().succeeds();
            is_no_storm(&scene.source, limit);
        }
    }
}

#[test]
fn an_import_into_a_server_that_takes_few_connections_succeeds_with_few_turned_away() {
    for most in [5, 2] {
        for limit in limits(most) {
            let scene = Scene::with(Registry::builder(), Registry::builder().limit(limit));
            put_app(&scene.source, &sizes());
            scene.export(&[IMAGE]).run().succeeds();
            scene.target.fault(Match::on("PUT", ""), Fault::Wait(WAIT));
            scene.import().run().succeeds();
            arrived(&scene);
            is_no_storm(&scene.target, limit);
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
