//! Images of every kind leave one registry, travel as a file, and are the same in another.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::scene::{Scene, blobs_of, body_bytes, borrowed, fixtures, keys, names, writes};
use crate::support::registry::{Registry, Seeded};

/// Every manifest is served with the same bytes and type by tag and by digest, and every blob is there.
fn assert_same(source: &Registry, target: &Registry, image: &Seeded, at: &str) {
    let Seeded { repository, tag, .. } = image;
    for reference in source.manifests_of(repository, tag).iter().chain([tag]) {
        let (here, there) = (source.manifest(repository, reference), target.manifest(at, reference));
        assert!(here.is_some() && here == there, "{at} {reference}");
    }
    assert_eq!(source.manifests_of(repository, tag), target.manifests_of(at, tag));
    for digest in blobs_of(source, repository, tag) {
        let (here, there) = (source.blob(repository, &digest), target.blob(at, &digest));
        assert!(here.is_some() && here == there, "{at} {digest}");
    }
}

#[test]
fn every_image_arrives_with_every_byte_of_every_manifest() {
    let (scene, images) = Scene::seeded();
    let exported = scene.export(&borrowed(&names(&images))).run().succeeds();
    for image in &images {
        assert!(exported.stdout.contains(&format!("{}:{}", image.repository, image.tag)), "{}", exported.stdout);
    }
    assert_eq!(scene.files(), ["images.tar"]);
    assert_eq!(writes(&scene.source), Vec::<String>::new(), "an export only reads");

    scene.verify().run().succeeds();
    let imported = scene.import().run().succeeds();
    for image in &images {
        let at = format!("library/{}", image.repository);
        assert_same(&scene.source, &scene.target, image, &at);
        assert_eq!(scene.target.tags(&at), [image.tag.as_str()]);
        let line = format!("{}/{at}:{}", scene.target.host(), image.tag);
        assert!(imported.stdout.lines().any(|l| l.starts_with("pushed ") && l.contains(&line)), "{}", imported.stdout);
    }
    assert_eq!(scene.target.repositories().len(), images.len(), "{:?}", scene.target.repositories());
    assert_eq!(scene.target.open_sessions(), 0, "no upload is left open");
}

#[test]
fn no_blob_is_fetched_or_sent_twice() {
    let (scene, images) = Scene::seeded();
    scene.export(&borrowed(&names(&images))).run().succeeds();
    scene.import().run().succeeds();
    let blobs: BTreeSet<String> =
        images.iter().flat_map(|image| blobs_of(&scene.source, &image.repository, &image.tag)).collect();
    for digest in &blobs {
        let fetched = scene.source.count(|r| r.method == "GET" && r.path.ends_with(digest.as_str()));
        assert_eq!(fetched, 1, "{digest}");
        let sent = scene
            .target
            .count(|r| r.method == "PUT" && r.body_bytes > 0 && r.query_values("digest").first() == Some(digest));
        assert_eq!(sent, 1, "{digest}");
    }
    assert!(blobs.len() > 20, "{}", blobs.len());
}

#[test]
fn a_tag_is_set_only_after_everything_below_it() {
    let scene = Scene::with(Registry::builder(), Registry::builder().accepting());
    let images = scene.source.seed_layout(&fixtures().join("images"));
    scene.export(&borrowed(&names(&images))).run().succeeds();
    scene.import().run().succeeds();
    assert_eq!(scene.target.violations(), Vec::<String>::new());
}

#[test]
fn a_second_import_changes_nothing_and_says_present() {
    let (scene, images) = Scene::seeded();
    scene.export(&borrowed(&names(&images))).run().succeeds();
    scene.import().run().succeeds();
    scene.target.clear_requests();

    let again = scene.import().run().succeeds();
    assert_eq!(writes(&scene.target), Vec::<String>::new());
    assert_eq!(again.stdout.lines().filter(|line| line.starts_with("present ")).count(), images.len());
    let again = scene.import().args(["--format", "json"]).run().succeeds().json();
    let status: Vec<&Value> = again["images"].as_array().expect("images").iter().map(|i| &i["status"]).collect();
    assert_eq!(status, vec![&json!("present"); images.len()]);
    assert_eq!((&again["blobs"]["sent"], &again["blobs"]["bytesSent"]), (&json!(0), &json!(0)));
    assert_eq!((writes(&scene.target), body_bytes(&scene.target)), (Vec::new(), 0));
}

#[test]
fn what_was_lost_at_the_target_is_sent_again_and_nothing_else() {
    let (scene, images) = Scene::seeded();
    scene.export(&borrowed(&names(&images))).run().succeeds();
    scene.import().run().succeeds();
    let app = images.iter().find(|image| image.repository == "org/app").expect("the app");
    let lost = scene.target.manifests_of("library/org/app", "1.4")[3].clone();
    let layer = blobs_of(&scene.source, "org/app", &lost)[1].clone();
    for repository in scene.target.repositories() {
        scene.target.remove_blob(&repository, &layer);
    }
    scene.target.remove_manifest("library/org/app", &lost);
    scene.target.clear_requests();

    scene.import().run().succeeds();
    assert_same(&scene.source, &scene.target, app, "library/org/app");
    let sent = scene.target.count(|r| r.method == "PUT" && r.path.contains("/blobs/") && r.body_bytes > 0);
    assert_eq!(sent, 1, "{:?}", writes(&scene.target));
    let manifests = scene.target.count(|r| r.method == "PUT" && r.path.ends_with(&lost));
    assert_eq!(manifests, 1, "{:?}", writes(&scene.target));
}

#[test]
fn a_tag_that_stands_elsewhere_is_moved() {
    let scene = Scene::new();
    let digest = crate::scene::put_small_image(&scene.source, "org/app", "1");
    scene.target.put_manifest("library/org/app", Some("1"), crate::scene::MANIFEST, "{}");
    let old = scene.target.digest("library/org/app", "1").expect("what the tag names");
    scene.export(&["org/app:1"]).run().succeeds();
    let target = format!("{}/library/org/app:1", scene.target.host());
    let planned = scene.import().args(["--dry-run", "-q"]).run().succeeds().stdout;
    assert!(planned.contains(&format!("would move {target} from {old} to {digest}\n")), "{planned}");
    let planned = scene.import().args(["--dry-run", "--format", "json"]).run().succeeds().json();
    assert_eq!(planned["images"][0]["previousDigest"], old.as_str());
    assert_eq!(scene.target.digest("library/org/app", "1").as_ref(), Some(&old), "nothing was changed");
    let said = scene.import().run().succeeds();
    let moved = format!("pushed     {target}  {digest}  (was {old})\n");
    assert!(said.stdout.contains(&moved), "{}", said.stdout);
    let warning = format!("library/org/app:1 named {old} until now");
    assert!(said.stderr.contains(&warning) && said.stdout.contains(&digest[..19]), "{}", said.all());
    assert_eq!(scene.target.digest("library/org/app", "1"), Some(digest));
    // Once it stands right there is nothing to say.
    let again = scene.import().run().succeeds().all();
    assert!(!again.contains("until now") && !again.contains("(was "), "{again}");
    let json = scene.import().args(["--format", "json"]).run().succeeds().json();
    assert_eq!(json["images"][0]["previousDigest"], json["images"][0]["digest"]);
}

#[test]
fn a_dry_run_sees_a_tag_that_moves_between_images_which_are_there_both() {
    let scene = Scene::new();
    let one = crate::scene::put_small_image(&scene.source, "org/app", "1");
    scene.export(&["org/app:1"]).run().succeeds();
    scene.import().run().succeeds();
    scene.target.put_manifest("library/org/app", Some("1"), crate::scene::MANIFEST, "{}");
    let planned = scene.import().args(["--dry-run"]).run().succeeds().stdout;
    assert!(planned.contains("would move ") && planned.contains(&format!(" to {one}\n")), "{planned}");
    assert!(scene.target.manifest("library/org/app", &one).is_some(), "its content is there, and only the tag is not");
}

#[test]
fn json_of_export_and_import_has_the_documented_keys() {
    let (scene, images) = Scene::seeded();
    let out = scene.export(&borrowed(&names(&images))).args(["--format", "json"]).run().succeeds().json();
    assert_eq!(keys(&out), ["blobs", "bundle", "bytes", "digest", "images", "leftOut"]);
    assert_eq!(
        keys(&out["blobs"]),
        ["bytes", "bytesInBase", "bytesInDeltas", "bytesOfDeltas", "count", "deltas", "fetched", "inBase", "resumed"]
    );
    assert_eq!(out["bundle"], scene.bundle().to_str().expect("a path"));
    let length = std::fs::metadata(scene.bundle()).expect("the bundle").len();
    assert_eq!((&out["bytes"], &out["blobs"]["count"]), (&json!(length), &out["blobs"]["fetched"]));
    let app = out["images"].as_array().expect("images").iter().find(|i| i["name"] == scene.name("org/app:1.4"));
    let app = app.expect("the app");
    assert_eq!(keys(app), ["bytes", "digest", "mediaType", "name", "platforms", "referrers", "status"]);
    assert_eq!(app["digest"], scene.source.digest("org/app", "1.4").expect("its digest"));
    assert_eq!(app["mediaType"], crate::scene::INDEX);
    let platforms = app["platforms"].as_array().expect("platforms");
    for wanted in ["linux/arm/v7", "linux/ppc64le", "windows/amd64", "linux/amd64", "linux/arm64"] {
        assert!(platforms.iter().any(|p| p.as_str().is_some_and(|p| p.starts_with(wanted))), "{wanted}");
    }
    assert_eq!((platforms.len(), &app["status"]), (5, &json!("exported")));

    let back = scene.import().args(["--format", "json"]).run().succeeds().json();
    for key in ["registry", "images", "blobs", "missingVolumes"] {
        assert!(keys(&back).contains(&key), "{key}");
    }
    for key in ["sent", "mounted", "present", "bytesSent"] {
        assert!(keys(&back["blobs"]).contains(&key), "{key}");
    }
    let app = back["images"].as_array().expect("images").iter().find(|i| i["name"] == scene.name("org/app:1.4"));
    let app = app.expect("the app");
    assert_eq!(keys(app), ["bytes", "digest", "name", "platforms", "referrers", "status", "target"]);
    assert_eq!(app["target"], format!("{}/library/org/app:1.4", scene.target.host()));
    assert_eq!(app["status"], "pushed");
    assert_eq!(back["blobs"]["bytesSent"], body_bytes(&scene.target), "what it says is what was sent");
}
