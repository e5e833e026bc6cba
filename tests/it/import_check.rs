//! `import --check read-back`: what the registry says it has is fetched and hashed, all of it.

use std::collections::BTreeSet;

use serde_json::json;

use crate::fault_scene::{AT, IMAGE, bundle_of, put_in, requests};
use crate::referrer_scene::Signed;
use crate::scene::{Scene, blobs_of, borrowed, keys, names};
use crate::support::registry::{Cut, Fault, Match, Registry};
use crate::support::run::Run;

fn reading_back(scene: &Scene) -> Run {
    scene.import().args(["--check", "read-back"])
}

/// Other bytes of the same length.
fn damage(registry: &Registry, repo: &str, digest: &str) {
    let size = registry.blob_size(repo, digest).expect("a blob");
    registry.put_blob_as(repo, digest, vec![1; usize::try_from(size).expect("a small blob")]);
}

#[test]
fn everything_is_fetched_and_hashed_also_what_was_there_before() {
    let (scene, images) = Scene::seeded();
    scene.export(&borrowed(&names(&images))).run().succeeds();
    scene.import().run().succeeds();
    let blob_reads = |scene: &Scene| requests(&scene.target, "GET", "/blobs/sha256").len();
    assert_eq!(blob_reads(&scene), 0, "by default no blob is fetched");
    for _ in 0..2 {
        scene.target.clear_requests();
        let out = reading_back(&scene).args(["--format", "json"]).run().succeeds().json();
        let (mut blobs, mut manifests) = (0, 0);
        for image in &images {
            let at = format!("library/{}", image.repository);
            let below: BTreeSet<String> = blobs_of(&scene.target, &at, &image.tag).into_iter().collect();
            for digest in &below {
                let path = format!("/v2/{at}/blobs/{digest}");
                assert_eq!(scene.target.count(|r| r.method == "GET" && r.path == path), 1, "{path}");
            }
            for reference in scene.target.manifests_of(&at, &image.tag).iter().chain([&image.tag]) {
                let path = format!("/v2/{at}/manifests/{reference}");
                assert!(scene.target.count(|r| r.method == "GET" && r.path == path) > 0, "{path}");
            }
            blobs += below.len();
            manifests += scene.target.manifests_of(&at, &image.tag).len();
        }
        let back = &out["readBack"];
        assert_eq!(keys(back), ["blobs", "bytes", "damaged", "manifests", "tags"]);
        assert_eq!((&back["blobs"], &back["manifests"]), (&json!(blobs), &json!(manifests)));
        assert_eq!((&back["tags"], &back["damaged"]), (&json!(images.len()), &json!([])));
    }
    let out = scene.import().env("BUNDLE_CHECK", "read-back").run().succeeds();
    assert!(out.stdout.contains("\nread back  "), "{}", out.stdout);
}

#[test]
fn other_bytes_of_the_right_length_are_named_and_fail_their_image_alone() {
    let (scene, layers) = bundle_of(Registry::builder(), &[70_000, 90_000]);
    put_in(&scene.source, "org/other", 7, &[50_000]);
    scene.export(&[IMAGE, "org/other:1"]).args(["--force"]).run().succeeds();
    scene.import().run().succeeds();
    for layer in &layers {
        damage(&scene.target, AT, layer);
    }
    scene.import().run().succeeds();
    let out = reading_back(&scene).run().exits(4);
    let at = format!("{}/{AT}", scene.target.host());
    let line = out.stderr.lines().find(|line| line.contains("damaged copy at the registry")).expect("a line");
    for named in [scene.name(IMAGE), at.clone(), layers[0].clone(), layers[1].clone()] {
        assert!(line.contains(&named), "{named}: {line}");
    }
    assert!(out.stderr.contains("hint: delete it in the registry's storage"), "{}", out.stderr);
    assert!(out.stdout.contains("2 damaged") && out.stdout.contains("1 failed"), "{}", out.stdout);

    let out = reading_back(&scene).args(["--format", "json"]).run().exits(4).json();
    let status = |name: &str| {
        let images = out["images"].as_array().expect("images");
        images.iter().find(|i| i["name"] == scene.name(name)).expect("the image").clone()
    };
    assert_eq!((&status(IMAGE)["status"], &status(IMAGE)["error"]["kind"]), (&json!("failed"), &json!("act")));
    assert_eq!(status("org/other:1")["status"], "present");
    let damaged = out["readBack"]["damaged"].as_array().expect("damaged");
    let digests: BTreeSet<&str> = damaged.iter().filter_map(|d| d["digest"].as_str()).collect();
    assert_eq!(digests, layers.iter().map(String::as_str).collect());
    assert!(damaged.iter().all(|d| keys(d) == ["digest", "message", "repository"] && d["repository"] == at));
}

#[test]
fn damage_in_what_refers_to_an_image_fails_the_image() {
    let scene = Scene::new();
    let signed = Signed::put(&scene.source, "org/web");
    scene.export(&["org/web:1"]).run().succeeds();
    scene.import().run().succeeds();
    let at = "library/org/web";
    // An artifact's content, which no image consists of.
    let digest = signed.referrers()[0];
    let (_, bytes) = scene.target.manifest(at, digest).expect("imported");
    let artifact: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
    let layer = artifact["layers"][0]["digest"].as_str().expect("a digest");
    damage(&scene.target, at, layer);
    let out = reading_back(&scene).run().exits(4);
    let line = out.stderr.lines().find(|line| line.contains("damaged copy at the registry")).expect("a line");
    assert!(line.contains(layer) && line.contains(&scene.name("org/web:1")), "{line}");
}

#[test]
fn what_is_damaged_is_replaced_once_it_was_deleted_there() {
    let (scene, layers) = bundle_of(Registry::builder(), &[70_000]);
    scene.import().run().succeeds();
    damage(&scene.target, AT, &layers[0]);
    reading_back(&scene).run().exits(4);
    scene.target.remove_blob(AT, &layers[0]);
    reading_back(&scene).run().succeeds();
}

#[test]
fn a_copy_that_is_cut_off_or_gone_is_damaged_too() {
    for fault in [Fault::Truncate(10), Fault::status(404)] {
        let (scene, layers) = bundle_of(Registry::builder(), &[70_000]);
        scene.target.fault(Match::on("GET", &layers[0]), fault);
        let out = reading_back(&scene).run().exits(4);
        assert!(out.stderr.contains("damaged copy") && out.stderr.contains(&layers[0]), "{}", out.stderr);
    }
}

#[test]
fn manifests_and_tags_are_read_back_too() {
    let (scene, images) = Scene::seeded();
    scene.export(&borrowed(&names(&images))).run().succeeds();
    scene.import().run().succeeds();
    let child = scene.target.manifests_of("library/org/app", "1.4")[2].clone();
    scene.target.fault(Match::on("GET", &format!("org/app/manifests/{child}")), Fault::FlipByte(5));
    scene.import().run().succeeds();
    let out = reading_back(&scene).run().exits(4);
    assert!(out.stderr.contains(&format!("content of {child} hashes to")), "{}", out.stderr);
    scene.target.clear_faults();

    // The push itself looks at the tag first.
    scene.target.fault(Match::on("GET", "org/app/manifests/1.4").after(1), Fault::Body(b"{}".to_vec()));
    let out = reading_back(&scene).run().exits(4);
    assert!(out.stderr.contains("the tag `1.4` gives sha256:"), "{}", out.stderr);
}

#[test]
fn what_the_line_broke_is_read_on_or_once_more() {
    let (scene, layers) = bundle_of(Registry::builder(), &[300_000, 200_000]);
    scene.target.fault(Match::on("GET", &layers[0]).once(), Fault::CutBodyAfter(100_000, Cut::Reset));
    scene.target.fault(Match::on("GET", &layers[1]).once(), Fault::FlipByte(70_000));
    reading_back(&scene).run().succeeds();
    let ranges = requests(&scene.target, "GET", &layers[0]);
    assert!(ranges.iter().any(|r| r.header("Range").is_some()), "{ranges:?}");
    assert_eq!(requests(&scene.target, "GET", &layers[1]).len(), 2);
}

#[test]
fn what_cannot_be_read_back_fails_without_being_called_damaged() {
    let (scene, layers) = bundle_of(Registry::builder(), &[70_000]);
    scene.target.fault(Match::on("GET", &layers[0]), Fault::status(503));
    let out = reading_back(&scene).args(["--retries", "1"]).run().exits(1);
    assert!(out.stderr.contains(&layers[0]) && !out.stderr.contains("damaged"), "{}", out.stderr);
    assert!(out.stdout.contains("0 damaged"), "{}", out.stdout);
}

#[test]
fn a_dry_run_reads_nothing_back() {
    let (scene, _) = bundle_of(Registry::builder(), &[70_000]);
    scene.import().run().succeeds();
    scene.target.clear_requests();
    let out = reading_back(&scene).args(["--dry-run", "--format", "json"]).run().succeeds().json();
    assert!(out.get("readBack").is_none());
    assert_eq!(requests(&scene.target, "GET", "/blobs/").len(), 0);
}

#[test]
fn a_connection_that_breaks_behind_the_last_byte_hides_no_damage() {
    for cut in [Cut::Close, Cut::Reset] {
        let (scene, layers) = bundle_of(Registry::builder(), &[70_000]);
        scene.import().run().succeeds();
        for registry in [&scene.source, &scene.target] {
            registry.fault(Match::on("GET", &layers[0]), Fault::FlipByte(3));
            registry.fault(Match::on("GET", &layers[0]), Fault::Chunked);
            registry.fault(Match::on("GET", &layers[0]), Fault::CutBodyAfter(70_000, cut));
        }
        let out = reading_back(&scene).run();
        assert!(out.code.is_some_and(|code| code >= 3) && out.all().contains(&layers[0]), "{cut:?}: {}", out.all());
        scene.export(&[IMAGE]).args(["--force"]).run().exits(3);
        // What is whole and right is taken, although its end was never said.
        for registry in [&scene.source, &scene.target] {
            registry.clear_faults();
            registry.fault(Match::on("GET", &layers[0]), Fault::Chunked);
            registry.fault(Match::on("GET", &layers[0]), Fault::CutBodyAfter(70_000, cut));
        }
        reading_back(&scene).run().succeeds();
        scene.export(&[IMAGE]).args(["--force"]).run().succeeds();
        scene.verify().run().succeeds();
    }
}
