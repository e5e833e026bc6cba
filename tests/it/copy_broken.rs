//! Lines that break on either side of a copy, and sources that lie.

use std::fs;

use serde_json::json;

use crate::scene::{CONFIG, MANIFEST, Scene, command, descriptor, put_image, put_layer, put_made_layer};
use crate::support::proxy::Proxy;
use crate::support::registry::{Fault, Match, Registry, digest_like};

const LAYER: u64 = 32 << 20;

#[test]
fn a_copy_whose_lines_break_on_both_sides_goes_on_at_its_byte_at_both() {
    let scene = Scene::with(Registry::builder(), Registry::builder().discard_large());
    for (repository, seed) in [("org/one", 1), ("org/two", 2)] {
        let layer = put_made_layer(&scene.source, repository, seed, LAYER);
        put_image(&scene.source, repository, "1", &[layer]);
    }
    let [from, to] =
        [&scene.source, &scene.target].map(|r| Proxy::to(r.address()).reset_after(6 << 20..10 << 20).start());
    let names = ["org/one:1", "org/two:1"].map(|image| format!("{}/{image}", from.host()));
    let run = command("copy").args(["--src-plain-http", "--plain-http", "--registry", &to.host()]).args(names);
    run.run().succeeds();
    assert_eq!(scene.target.missing("library/org/one", "1"), Vec::<String>::new());
    let all = 2 * LAYER;
    assert!(from.connections() > 5 && to.connections() > 5, "they broke");
    let most = all * 135 / 100;
    assert!(from.bytes_down() <= most, "{} bytes fetched for {all}", from.bytes_down());
    assert!(to.bytes_up() <= most, "{} bytes sent for {all}", to.bytes_up());
}

#[test]
fn a_source_that_breaks_off_does_not_break_the_upload() {
    let scene = Scene::with(Registry::builder(), Registry::builder().drop_sessions_on_cut());
    let layer = put_made_layer(&scene.source, "org/app", 3, 8_000_000);
    let digest = layer["digest"].as_str().expect("a digest").to_owned();
    put_image(&scene.source, "org/app", "1", &[layer]);
    let cut = crate::support::registry::Cut::Close;
    scene.source.fault(Match::on("GET", &digest).once(), Fault::CutBodyAfter(2_500_000, cut));
    scene.copy(&["org/app:1"]).run().succeeds();
    let ranges: Vec<String> =
        scene.source.requests().iter().filter_map(|r| r.header("Range").map(str::to_owned)).collect();
    assert_eq!(ranges, ["bytes=2500000-"]);
    let whole = scene.target.count(|r| r.method == "PUT" && r.body_bytes == 8_000_000);
    assert_eq!(whole, 1, "one request brought all of it");
}

#[test]
fn a_target_that_breaks_off_is_asked_where_it_stands_and_the_source_is_asked_from_there() {
    let scene = Scene::with(Registry::builder(), Registry::builder());
    let layer = put_made_layer(&scene.source, "org/app", 3, 8_000_000);
    let digest = layer["digest"].as_str().expect("a digest").to_owned();
    put_image(&scene.source, "org/app", "1", &[layer]);
    scene.target.fault(Match::on("PUT", &digest.replace(':', "%3A")).once(), Fault::CutUploadAfter(5_000_000));
    scene.copy(&["org/app:1"]).run().succeeds();
    let sent: Vec<u64> = scene.target.requests().iter().map(|r| r.body_bytes).filter(|bytes| *bytes > 10_000).collect();
    assert_eq!(sent, [5_000_000, 3_000_000]);
    // What had not arrived is asked for alone: what is on its way from the source already is not fetched again.
    let again: Vec<u64> =
        scene.source.requests().iter().filter(|r| r.header("Range").is_some()).map(|r| r.sent_bytes).collect();
    assert!(matches!(again[..], [..1_000_000]), "{again:?}");
}

#[test]
fn a_source_that_lies_about_a_blob_brings_nothing_there() {
    for size in [100_u64, 3_000_000] {
        let lies = [
            Fault::FlipByte(7),
            Fault::FlipByte(size - 1),
            Fault::Truncate(size - 1),
            Fault::Body(vec![b'x'; usize::try_from(size).expect("a size")]),
            Fault::WrongLength(1),
        ];
        for (number, lie) in lies.into_iter().enumerate() {
            let scene = Scene::new();
            let layer = put_made_layer(&scene.source, "org/app", 3, size);
            let digest = layer["digest"].as_str().expect("a digest").to_owned();
            put_image(&scene.source, "org/app", "1", &[layer]);
            let before = crate::scene::put_small_image(&scene.target, "library/org/app", "1");
            scene.source.fault(Match::on("GET", &digest), lie);
            let said = scene.copy(&["org/app:1"]).args(["--retries", "1"]).run();
            let code = said.code;
            assert!(matches!(code, Some(1 | 3)), "{number}: {code:?} {}", said.stderr);
            let names_it = said.stderr.contains(&format!("{}/org/app@{digest}", scene.source.host()));
            assert!(names_it, "{number}: {}", said.stderr);
            assert!(!scene.target.has_blob("library/org/app", &digest), "{number}: it is there");
            assert_eq!(scene.target.digest("library/org/app", "1"), Some(before), "the tag is untouched");
            let closed = scene.target.count(|r| {
                r.method == "PUT" && r.target().contains(&digest[7..]) && (r.status == 201 || r.body_bytes >= size)
            });
            assert_eq!(closed, 0, "{number}: no closing request was whole");
        }
    }
}

#[test]
fn content_of_the_target_that_the_source_only_claims_is_not_taken_over_into_another_repository() {
    for size in [100, (1 << 20) + 7] {
        let scene = Scene::new();
        let secret = vec![b's'; size];
        let digest = digest_like("sha256:", &secret);
        scene.target.put_blob("library/secret/app", secret.clone());
        // The source says that it has this, and has other bytes.
        for repository in ["evil/app", "secret/app"] {
            scene.source.put_blob_as(repository, &digest, vec![b'x'; size]);
            put_image(&scene.source, repository, "1", &[descriptor(crate::scene::LAYER, &secret)]);
        }
        scene.copy(&["evil/app:1", "secret/app:1"]).run().exits(3);
        assert!(!scene.target.has_blob("library/evil/app", &digest), "{size}");
        assert_eq!(scene.target.count(|r| r.query_values("mount").contains(&digest)), 0, "nobody even asked for it");
    }
}

#[test]
fn blobs_of_no_length_other_digests_and_layers_with_addresses_come_along() {
    let scene = Scene::new();
    let repo = "org/odd";
    let sha512 = digest_like("sha512:x", b"a layer by another name");
    scene.source.put_blob_as(repo, &sha512, "a layer by another name");
    let config = json!({"os": "linux", "architecture": "amd64"}).to_string();
    scene.source.put_blob(repo, config.clone());
    let foreign = json!({
        "mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "size": 5,
        "digest": digest_like("sha256:", b"there"), "urls": ["https://192.0.2.1/layer"],
    });
    scene.source.put_blob(repo, "there");
    let absent = json!({
        "mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "size": 6,
        "digest": digest_like("sha256:", b"absent"), "urls": ["https://192.0.2.1/layer"],
    });
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor(CONFIG, config.as_bytes()),
        "layers": [
            put_layer(&scene.source, repo, ""),
            {"mediaType": crate::scene::LAYER, "digest": sha512, "size": 23},
            foreign, absent,
        ],
    });
    scene.source.put_manifest(repo, Some("1"), MANIFEST, manifest.to_string());
    let report = scene.copy(&["org/odd:1"]).args(["--format", "json"]).run().succeeds().json();
    assert_eq!(scene.target.manifest("library/org/odd", "1"), scene.source.manifest(repo, "1"));
    for digest in [digest_like("sha256:", b""), sha512, digest_like("sha256:", b"there")] {
        assert!(scene.target.has_blob("library/org/odd", &digest), "{digest}");
    }
    assert_eq!(report["leftOut"][0]["digest"], digest_like("sha256:", b"absent"), "{report}");
}

#[test]
fn a_fast_source_does_not_fill_memory_where_the_target_is_slow() {
    let scene = Scene::with(Registry::builder(), Registry::builder().discard_large());
    let layers: Vec<_> = (0..8).map(|seed| put_made_layer(&scene.source, "org/app", seed, LAYER)).collect();
    put_image(&scene.source, "org/app", "1", &layers);
    scene.target.fault(Match::on("PUT", "/blobs/uploads/"), Fault::StallUploadAfter(LAYER - 1));
    let running = scene.copy(&["org/app:1"]).spawn();
    // Large ones go few at once.
    scene.target.wait_until(|requests| requests.iter().filter(|r| r.body_bytes == LAYER - 1).count() == 4);
    let status = fs::read_to_string(format!("/proc/{}/status", running.pid())).expect("its status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its peak");
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    scene.target.clear_faults();
    running.wait().succeeds();
    assert!(kib <= 40 << 10, "{kib} KiB");
}
