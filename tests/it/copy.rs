//! `bundle copy`: what it brings, and what it says.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::referrer_scene::{SBOM, SIGNATURE, put_index, put_referrer};
use crate::scene::{Scene, body_bytes, borrowed, command, names, put_image, put_layer, put_small_image, writes};
use crate::support::registry::{Fault, Match, Registry, Request, digest_like};

/// Every manifest of a registry with its type and bytes, by repository and by tag or digest; and every blob.
fn everything(registry: &Registry) -> BTreeMap<String, (String, Vec<u8>)> {
    let mut all = BTreeMap::new();
    for repository in registry.repositories() {
        for tag in registry.tags(&repository) {
            for digest in registry.manifests_of(&repository, &tag) {
                let manifest = registry.manifest(&repository, &digest).expect("a manifest");
                all.insert(format!("{repository}@{digest}"), manifest);
            }
            for digest in crate::scene::blobs_of(registry, &repository, &tag) {
                let blob = registry.blob(&repository, &digest).expect("a blob");
                all.insert(format!("{repository}: {digest}"), (String::new(), blob.to_vec()));
            }
            all.insert(format!("{repository}:{tag}"), registry.manifest(&repository, &tag).expect("a tag"));
        }
    }
    all
}

#[test]
fn a_copy_brings_what_an_export_and_an_import_bring_and_nothing_lies_on_a_disk() {
    let (scene, images) = Scene::seeded();
    let digests = put_index(&scene.source, "org/signed", "1", 2);
    put_referrer(&scene.source, "org/signed", &digests[0], SIGNATURE);
    put_referrer(&scene.source, "org/signed", &digests[1], SBOM);
    let cosign = format!("{}.sig", digests[0].replace(':', "-"));
    put_small_image(&scene.source, "org/signed", &cosign);
    let mut all = names(&images);
    all.push("org/signed:1".into());
    scene.export(&borrowed(&all)).run().succeeds();
    scene.import().run().succeeds();
    let copied = Scene::between(Registry::start(), Registry::start());
    let run = command("copy").args(["--registry", &copied.target.host()]).args(all.iter().map(|name| scene.name(name)));
    let home = run.home();
    let files = home.clone();
    let run = run.spawn();
    copied.target.wait_until(|requests| requests.iter().any(|r| r.method == "PUT"));
    assert_eq!(std::fs::read_dir(files).expect("the home").count(), 0, "nothing is kept on the way");
    run.wait().succeeds();
    let (want, got) = (everything(&scene.target), everything(&copied.target));
    assert!(want.len() > 40, "{}", want.len());
    assert_eq!(want.keys().collect::<Vec<_>>(), got.keys().collect::<Vec<_>>());
    assert!(want == got, "one of them has other bytes");
    for name in &all {
        let (repository, tag) = name.rsplit_once(':').expect("a tag");
        let there = copied.target.manifest(&format!("library/{repository}"), tag);
        assert_eq!(there, scene.source.manifest(repository, tag), "{name}");
    }
    assert!(copied.target.digest("library/org/signed", &cosign).is_some(), "what cosign attached came along");
    let listed = |registry: &Registry| {
        let referrers = registry.manifests_of("library/org/signed", &digests[0]);
        referrers.len()
    };
    assert_eq!(listed(&scene.target), listed(&copied.target));
}

#[test]
fn what_is_there_is_not_sent_again() {
    let (scene, images) = Scene::seeded();
    let all = names(&images);
    scene.copy(&borrowed(&all)).run().succeeds();
    scene.source.clear_requests();
    scene.target.clear_requests();
    let report = scene.copy(&borrowed(&all)).args(["--format", "json"]).run().succeeds().json();
    assert_eq!(writes(&scene.target), Vec::<String>::new());
    assert_eq!(scene.source.count(|r| r.method == "GET" && r.path.contains("/blobs/")), 0);
    let images = report["images"].as_array().expect("images");
    assert!(images.iter().all(|image| image["status"] == "present"), "{report}");
    assert_eq!(report["blobs"]["sent"], 0);
}

#[test]
fn a_dry_run_says_what_would_be_sent_where_and_changes_nothing() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    let said = scene.copy(&["org/app:1"]).args(["--dry-run"]).run().succeeds();
    assert!(said.stdout.contains(&format!("would push {}/library/org/app:1", scene.target.host())), "{}", said.stdout);
    assert!(said.stdout.contains("2 blobs to send"), "{}", said.stdout);
    assert_eq!(writes(&scene.target), Vec::<String>::new());
    let report = scene.copy(&["org/app:1"]).args(["--dry-run", "--format", "json"]).run().succeeds().json();
    assert_eq!((&report["images"][0]["status"], &report["blobs"]["toSend"]), (&"planned".into(), &2.into()));
}

#[test]
fn names_at_the_target_are_those_that_an_import_gives() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    let target = scene.target.host();
    let copy = |registry: &str, more: &[&str]| {
        let name = scene.name("org/app:1");
        command("copy").args(["--registry", registry, &name]).args(more).run().succeeds()
    };
    copy(&format!("{target}/team/a"), &[]);
    copy(&target, &["--namespace", ""]);
    copy(&target, &["--map", &format!("{}/org=other", scene.source.host())]);
    assert_eq!(scene.target.repositories(), ["org/app", "other/app", "team/a/org/app"]);
    let run =
        command("copy").args(["--registry", &format!("{target}/x"), "--namespace", "y", &scene.name("org/app:1")]);
    run.run().exits(2);
    let map = ["--map", "quay.io/x=y"];
    let said = command("copy").args(["--registry", &target, &scene.name("org/app:1")]).args(map).run().exits(2);
    assert!(said.stderr.contains("nothing here comes from quay.io/x"), "{}", said.stderr);
}

#[test]
fn the_report_says_where_each_image_went_and_what_its_tag_named_before() {
    let scene = Scene::new();
    let digest = put_small_image(&scene.source, "org/app", "1");
    let before = put_small_image(&scene.target, "library/org/app", "1");
    let report = scene.copy(&["org/app:1"]).args(["--format", "json"]).run().succeeds().json();
    let image = &report["images"][0];
    assert_eq!(image["name"], scene.name("org/app:1"));
    assert_eq!(image["target"], format!("{}/library/org/app:1", scene.target.host()));
    assert_eq!((&image["digest"], &image["previousDigest"]), (&Value::from(digest.as_str()), &Value::from(before)));
    assert_eq!(image["status"], "pushed");
    assert_eq!(report["registry"], scene.target.host());
    assert_eq!(report["blobs"]["sent"], 2);
}

#[test]
fn a_tag_that_names_another_image_is_kept_where_that_is_asked_for() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    let before = put_small_image(&scene.target, "library/org/app", "1");
    scene.copy(&["org/app:1"]).args(["--on-existing-tag", "skip"]).run().succeeds();
    scene.copy(&["org/app:1"]).args(["--on-existing-tag", "fail"]).run().exits(4);
    assert_eq!(scene.target.digest("library/org/app", "1"), Some(before));
    assert_eq!(writes(&scene.target), Vec::<String>::new());
}

#[test]
fn what_arrived_is_read_back_and_hashed_where_that_is_asked_for() {
    let scene = Scene::new();
    let layer = put_layer(&scene.source, "org/app", "the layer");
    let digest = layer["digest"].as_str().expect("a digest").to_owned();
    put_image(&scene.source, "org/app", "1", &[layer]);
    let check = ["--check", "read-back"];
    let report = scene.copy(&["org/app:1"]).args(check).args(["--format", "json"]).run().succeeds().json();
    assert_eq!((&report["readBack"]["blobs"], &report["readBack"]["tags"]), (&2.into(), &1.into()));
    scene.target.fault(Match::on("GET", &format!("/blobs/{digest}")), Fault::FlipByte(3));
    scene.copy(&["org/app:1"]).args(check).run().exits(4);
}

#[test]
fn what_cannot_be_had_is_said_before_anything_is_sent() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    let said = scene.copy(&["org/app:1", "org/app:2", "org/none:1"]).run().exits(4);
    for name in ["org/app:2", "org/none:1"] {
        assert!(said.stderr.contains(&scene.name(name)), "{}", said.stderr);
    }
    assert_eq!(writes(&scene.target), Vec::<String>::new());
    scene.copy(&["org/app:1"]).args(["--referrers", "require"]).run().exits(4);
    assert_eq!(writes(&scene.target), Vec::<String>::new());
}

#[test]
fn an_image_is_what_its_tag_named_at_first_whatever_becomes_of_the_tag() {
    let scene = Scene::new();
    let first = put_small_image(&scene.source, "org/app", "1");
    scene.target.fault(Match::on("POST", "/blobs/uploads/").once(), Fault::NeverAnswer);
    let running = scene.copy(&["org/app:1"]).spawn();
    scene.target.wait_until(|requests| requests.iter().any(|r| r.method == "POST"));
    let second = put_image(&scene.source, "org/app", "1", &[]);
    assert_ne!(first, second);
    scene.target.clear_faults();
    running.wait().succeeds();
    assert_eq!(scene.target.digest("library/org/app", "1"), Some(first));
}

#[test]
fn a_blob_of_several_images_crosses_once_for_each_registry() {
    let scene = Scene::new();
    let size = 3 << 20;
    let repositories = ["org/one", "org/two", "org/three"];
    for repository in repositories {
        let layer = crate::scene::put_made_layer(&scene.source, repository, 9, size);
        put_image(&scene.source, repository, "1", &[layer]);
    }
    scene.copy(&["org/one:1", "org/two:1", "org/three:1"]).run().succeeds();
    let fetched: u64 =
        scene.source.requests().iter().filter(|r| r.path.contains("/blobs/")).map(|r| r.sent_bytes).sum();
    assert!(fetched < size + 10_000, "{fetched} bytes fetched");
    assert!(body_bytes(&scene.target) < size + 10_000, "{} bytes sent", body_bytes(&scene.target));
    for repository in repositories {
        assert_eq!(scene.target.missing(&format!("library/{repository}"), "1"), Vec::<String>::new());
    }
}

#[test]
fn a_blob_is_read_once_at_the_source_whatever_its_size() {
    for size in [1, 200_000, 600_000, 3_000_000] {
        let scene = Scene::new();
        let layer = crate::scene::put_made_layer(&scene.source, "org/app", 9, size);
        let digest = layer["digest"].as_str().expect("a digest").to_owned();
        put_image(&scene.source, "org/app", "1", &[layer]);
        scene.copy(&["org/app:1"]).run().succeeds();
        let got = |r: &Request| r.method == "GET" && r.path.ends_with(&digest);
        assert_eq!(scene.source.count(got), 1, "{size}");
        // Where it is there, and nobody knows that yet, it is not sent again.
        let (_, manifest) = scene.source.manifest("org/app", "1").expect("a manifest");
        scene.target.remove_manifest("library/org/app", &digest_like("sha256:", &manifest));
        scene.target.clear_requests();
        scene.copy(&["org/app:1"]).run().succeeds();
        assert_eq!(body_bytes(&scene.target), 0, "{size}");
    }
}

#[test]
fn a_copy_that_is_interrupted_says_what_is_not_done_and_goes_on_the_next_time() {
    let scene = Scene::new();
    let layer = crate::scene::put_made_layer(&scene.source, "org/app", 4, 4_000_000);
    put_image(&scene.source, "org/app", "1", &[layer]);
    put_small_image(&scene.source, "org/other", "1");
    scene.source.fault(Match::on("GET", "/blobs/").after(0), Fault::StallAfter(2_000_000));
    let large = |r: &Request| r.sent_bytes == 2_000_000;
    let running = scene.copy(&["org/app:1", "org/other:1"]).spawn();
    scene.source.wait_until(|requests| requests.iter().any(large));
    running.interrupt();
    scene.source.clear_faults();
    let said = running.wait().exits(130);
    assert!(said.stderr.contains("run the same command again"), "{}", said.stderr);
    assert!(scene.target.tags("library/org/app").is_empty());
    scene.copy(&["org/app:1", "org/other:1"]).run().succeeds();
    assert_eq!(scene.target.missing("library/org/app", "1"), Vec::<String>::new());
}
