//! The program dies in the middle (SIGKILL), at the worst moments: nothing false is left behind, and
//! the same command ends it well.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::scene::{Scene, borrowed, names, put_image, put_made_layer, put_small_image};
use crate::support::registry::{Cut, Fault, Match, Registry, Request, Seeded};
use crate::support::run::Run;

pub(crate) const KILLS: usize = 50;

pub(crate) fn is_write(request: &Request) -> bool {
    !matches!(request.method.as_str(), "GET" | "HEAD")
}

/// Every tag that the registry holds has everything below it.
pub(crate) fn assert_whole(registry: &Registry, when: &str) {
    assert_eq!(registry.violations(), Vec::<String>::new(), "{when}");
    for repository in registry.repositories() {
        for tag in registry.tags(&repository) {
            assert_eq!(registry.missing(&repository, &tag), Vec::<String>::new(), "{when}: {repository}:{tag}");
        }
    }
}

/// Runs until the registry sees the `nth` write, which gets no answer, and kills it there.
pub(crate) fn kill_at_write(run: Run, registry: &Registry, nth: usize) {
    let before = registry.count(is_write);
    let seen = Arc::new(AtomicUsize::new(0));
    registry.intercept(move |request| {
        let number = if is_write(request) { seen.fetch_add(1, Ordering::SeqCst) + 1 } else { 0 };
        if number != nth {
            return None;
        }
        // What it asks for has taken effect, or half of its body has arrived, or nothing at all.
        Some(match nth % 3 {
            0 => Fault::NeverAnswer,
            1 => Fault::StallUploadAfter(200),
            _ => Fault::StallUploadAfter(0),
        })
    });
    let running = run.spawn();
    registry.wait_until(|requests| requests.iter().filter(|r| is_write(r)).count() >= before + nth);
    running.kill();
    assert_eq!(running.wait().signal, Some(9));
    registry.clear_faults();
}

fn bundle_of_fixtures() -> (Scene, usize) {
    let (scene, images) = Scene::seeded();
    scene.export(&borrowed(&names(&images))).run().succeeds();
    scene.import().run().succeeds();
    let writes = scene.target.count(is_write);
    (scene, writes)
}

#[test]
fn an_import_killed_at_any_of_fifty_moments_leaves_nothing_false_and_ends_well_the_next_time() {
    let (scene, writes) = bundle_of_fixtures();
    assert!(writes >= KILLS, "{writes} moments");
    for kill in 0..KILLS {
        let nth = 1 + kill * writes / KILLS;
        let registry = Registry::builder().accepting().start();
        kill_at_write(scene.import_into(&registry.host()), &registry, nth);
        assert_whole(&registry, &format!("killed at write {nth}"));
        scene.import_into(&registry.host()).run().succeeds();
        assert_whole(&registry, &format!("imported after a kill at write {nth}"));
        assert_eq!(registry.repositories().len(), 6);
        let tags = registry.repositories().iter().map(|repository| registry.tags(repository).len()).sum::<usize>();
        assert_eq!(tags, 6);
    }
}

#[test]
fn an_import_killed_again_and_again_gets_there() {
    let (scene, images) = Scene::seeded();
    scene.export(&borrowed(&names(&images))).run().succeeds();
    let registry = Registry::builder().accepting().start();
    let lacks = |image: &Seeded| {
        let manifests = scene.source.manifests_of(&image.repository, &image.tag);
        manifests.iter().any(|digest| registry.manifest(&format!("library/{}", image.repository), digest).is_none())
    };
    let mut kills = 0;
    while images.iter().any(lacks) {
        // One manifest has arrived, and nobody knows: so every run gets further by one at least.
        registry.clear_requests();
        registry.fault(Match::on("PUT", "/manifests/sha256:").once(), Fault::NeverAnswer);
        let running = scene.import_into(&registry.host()).spawn();
        registry
            .wait_until(|requests| requests.iter().any(|r| r.method == "PUT" && r.path.contains("/manifests/sha256:")));
        running.kill();
        assert_eq!(running.wait().signal, Some(9));
        registry.clear_faults();
        assert_whole(&registry, "killed");
        kills += 1;
        assert!(kills < KILLS, "it never gets there");
    }
    registry.clear_requests();
    scene.import_into(&registry.host()).run().succeeds();
    assert_whole(&registry, "done");
    let sent = registry.count(|r| r.method == "PUT" && !r.path.contains("/manifests/"));
    assert_eq!((sent, kills > 1), (0, true), "what had arrived was not sent again");
}

#[test]
fn an_import_killed_in_a_large_layer_sends_it_anew() {
    let scene = Scene::with(Registry::builder(), Registry::builder().accepting().drop_sessions_on_cut());
    let layer = put_made_layer(&scene.source, "org/app", 3, 8_000_000);
    let digest = layer["digest"].as_str().expect("a digest").to_owned();
    put_image(&scene.source, "org/app", "1", &[layer]);
    scene.export(&["org/app:1"]).run().succeeds();
    for bytes in [1, 65_536, 4_000_000, 7_999_999] {
        scene.target.fault(Match::on("PUT", &digest.replace(':', "%3A")), Fault::StallUploadAfter(bytes));
        let running = scene.import().spawn();
        scene.target.wait_until(|requests| requests.iter().any(|r| r.method == "PUT" && r.body_bytes == bytes));
        running.kill();
        assert_eq!(running.wait().signal, Some(9));
        scene.target.clear_faults();
        assert!(scene.target.tags("library/org/app").is_empty());
        assert!(!scene.target.has_blob("library/org/app", &digest));
    }
    scene.import().run().succeeds();
    assert_eq!(scene.target.missing("library/org/app", "1"), Vec::<String>::new());
    assert_whole(&scene.target, "done");
}

#[test]
fn an_export_killed_at_any_point_leaves_the_old_file_and_the_next_one_succeeds() {
    let scene = Scene::new();
    let layer = put_made_layer(&scene.source, "org/app", 3, 4_000_000);
    let digest = layer["digest"].as_str().expect("a digest").to_owned();
    put_image(&scene.source, "org/app", "1", &[layer]);
    std::fs::write(scene.bundle(), "the old bundle").expect("a file");
    for bytes in [0, 1, 100_000, 3_999_999] {
        scene.source.fault(Match::on("GET", &digest), Fault::StallAfter(bytes));
        scene.source.clear_requests();
        let running = scene.export(&["org/app:1"]).args(["--force"]).spawn();
        scene.source.wait_until(|requests| {
            requests.iter().any(|r| r.path.ends_with(&digest) && r.status == 200 && r.sent_bytes == bytes)
        });
        running.kill();
        assert_eq!(running.wait().signal, Some(9));
        scene.source.clear_faults();
        assert_eq!(std::fs::read(scene.bundle()).expect("the old file"), b"the old bundle");
    }
    scene.export(&["org/app:1"]).args(["--force"]).run().succeeds();
    assert_eq!(scene.files(), ["images.tar"], "nothing else is left");
    scene.verify().run().succeeds();
}

#[test]
fn an_export_killed_without_an_old_file_leaves_no_file_of_that_name() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    let digest = crate::scene::blobs_of(&scene.source, "org/app", "1")[1].clone();
    scene.source.fault(Match::on("GET", &digest), Fault::StallAfter(1));
    let running = scene.export(&["org/app:1"]).spawn();
    scene.source.wait_until(|requests| requests.iter().any(|r| r.path.ends_with(&digest) && r.sent_bytes == 1));
    running.kill();
    assert_eq!(running.wait().signal, Some(9));
    assert!(!scene.bundle().exists());
    scene.source.clear_faults();
    scene.export(&["org/app:1"]).run().succeeds();
    scene.verify().run().succeeds();
}

#[test]
fn a_connection_that_breaks_in_a_layer_is_continued_where_it_broke() {
    let scene = Scene::new();
    let layer = put_made_layer(&scene.source, "org/app", 3, 4_000_000);
    let digest = layer["digest"].as_str().expect("a digest").to_owned();
    put_image(&scene.source, "org/app", "1", &[layer]);
    for cut in [Cut::Close, Cut::Reset] {
        scene.source.fault(Match::on("GET", &digest).once(), Fault::CutBodyAfter(2_500_000, cut));
        scene.source.clear_requests();
        scene.export(&["org/app:1"]).args(["--force"]).run().succeeds();
        scene.verify().run().succeeds();
        let requests = scene.source.requests();
        let fetched: u64 = requests.iter().filter(|r| r.path.ends_with(&digest)).map(|r| r.sent_bytes).sum();
        // A reset takes what was on its way with it.
        let expected = if cut == Cut::Close { 4_000_000..=4_000_000 } else { 4_000_000..=6_500_000 };
        assert!(expected.contains(&fetched), "{cut:?}: {fetched} bytes for four million");
        let ranges: Vec<&str> = requests.iter().filter_map(|r| r.header("Range")).collect();
        assert!(cut == Cut::Reset || ranges == ["bytes=2500000-"], "{ranges:?}");
        scene.source.clear_faults();
    }
}
