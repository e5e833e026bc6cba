//! `--platform`: an index travels byte for byte, and of its platforms those that were asked for.

use std::fs;

use serde_json::{Value, json};

use crate::referrer_scene::{SIGNATURE, described, put_referrer};
use crate::scene::{CONFIG, INDEX, LAYER, MANIFEST, Scene, command, descriptor, put_layer};
use crate::support::registry::{Fault, Match, Registry, digest_like};

/// Puts an image for a platform in; its descriptor, as an index has it.
pub(crate) fn put_platform(registry: &Registry, repo: &str, platform: &str, layers: &[Value]) -> Value {
    let parts: Vec<&str> = platform.split('/').collect();
    let mut keys = json!({"os": parts[0], "architecture": parts[1]});
    if let Some(variant) = parts.get(2) {
        keys["variant"] = json!(variant);
    }
    let config = keys.to_string();
    let own = put_layer(registry, repo, format!("the layer of {repo} for {platform}"));
    let layers: Vec<&Value> = layers.iter().chain([&own]).collect();
    let document = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor(CONFIG, config.as_bytes()), "layers": layers,
    });
    registry.put_blob(repo, config);
    let digest = registry.put_manifest(repo, None, MANIFEST, document.to_string());
    let mut child = described(registry, repo, &digest);
    child["platform"] = keys;
    child
}

pub(crate) fn put_index(registry: &Registry, repo: &str, tag: &str, children: &[Value]) -> String {
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": children}).to_string();
    registry.put_manifest(repo, Some(tag), INDEX, index)
}

/// `org/app:1` for these platforms, which share a layer; its digest, then theirs.
pub(crate) fn put_app(registry: &Registry, platforms: &[&str]) -> Vec<String> {
    let shared = put_layer(registry, "org/app", "a layer of all platforms");
    let child = |platform: &&str| put_platform(registry, "org/app", platform, std::slice::from_ref(&shared));
    let children: Vec<Value> = platforms.iter().map(child).collect();
    let index = put_index(registry, "org/app", "1", &children);
    let digest = |child: &Value| child["digest"].as_str().expect("a digest").to_owned();
    std::iter::once(index).chain(children.iter().map(digest)).collect()
}

pub(crate) const THREE: [&str; 3] = ["linux/amd64", "linux/arm64", "linux/s390x"];

#[test]
fn the_index_keeps_its_bytes_and_one_platform_travels() {
    let scene = Scene::with(Registry::builder(), Registry::builder().accepting());
    let digests = put_app(&scene.source, &THREE);
    let of_arm = put_referrer(&scene.source, "org/app", &digests[2], SIGNATURE);
    let of_amd = put_referrer(&scene.source, "org/app", &digests[1], SIGNATURE);
    let of_index = put_referrer(&scene.source, "org/app", &digests[0], SIGNATURE);
    let exported = scene.export(&["org/app:1"]).args(["--platform", "linux/amd64"]).run().succeeds();
    assert!(exported.all().contains("left out   2 platforms: linux/arm64, linux/s390x"), "{}", exported.all());
    // Nobody asked for what does not travel, nor for what refers to it.
    for absent in [&digests[2], &digests[3], &of_arm] {
        assert_eq!(scene.source.count(|r| r.path.contains(absent.as_str())), 0, "{absent}");
    }

    let verified = scene.verify().run().succeeds().all();
    assert!(verified.contains("intact") && verified.contains("2 platforms left out"), "{verified}");
    let listed = scene.list().run().succeeds().all();
    assert!(listed.contains("linux/amd64; left out: linux/arm64, linux/s390x"), "{listed}");
    let listed = scene.list().args(["--digests"]).run().succeeds().all();
    assert!(listed.contains(&format!("linux/arm64      {}  left out", digests[2])), "{listed}");
    let listed = scene.list().args(["--format", "json"]).run().succeeds().json();
    let image = &listed["images"][0];
    assert_eq!(image["platforms"].as_array().map(Vec::len), Some(1), "{image}");
    assert_eq!(image["otherPlatforms"][1], json!({"platform": "linux/s390x", "digest": digests[3]}));
    assert_eq!(listed["leftOut"][0]["reason"], "platform");
    assert_eq!(image["referrers"].as_array().map(Vec::len), Some(2), "{image}");

    // A registry that does not ask takes the index as it is, with its digest.
    let imported = scene.import().run().succeeds().all();
    assert!(imported.contains("2 platforms left out (linux/arm64, linux/s390x)"), "{imported}");
    assert_eq!(scene.target.digest("library/org/app", "1"), Some(digests[0].clone()));
    assert_eq!(scene.target.manifest("library/org/app", "1"), scene.source.manifest("org/app", "1"));
    for (digest, there) in
        [(&digests[1], true), (&digests[2], false), (&of_amd, true), (&of_index, true), (&of_arm, false)]
    {
        assert_eq!(scene.target.manifest("library/org/app", digest).is_some(), there, "{digest}");
    }
    let again = scene.import().run().succeeds().all();
    assert!(again.contains("present") && again.contains("0 blobs sent"), "{again}");
}

#[test]
fn where_an_index_is_refused_for_what_it_lacks_the_two_ways_out_are_named_and_lead_out() {
    let scene = Scene::new();
    let digests = put_app(&scene.source, &THREE);
    scene.export(&["org/app:1"]).args(["--platform", "linux/amd64"]).run().succeeds();
    let dry = scene.import().args(["--dry-run"]).run().succeeds().all();
    assert!(dry.contains("2 platforms left out (linux/arm64, linux/s390x)"), "{dry}");
    scene.target.clear_requests();
    let refused = scene.import().run().exits(4).all();
    assert!(refused.contains("platforms of it are in neither place"), "{refused}");
    assert!(refused.contains("with all its platforms") && refused.contains("--single-platform"), "{refused}");
    assert_eq!(scene.target.digest("library/org/app", "1"), None);
    // What is below was not sent a second time for that.
    let sent = scene.target.count(|r| r.method == "PUT" && r.path.contains("/blobs/uploads/"));
    assert_eq!(sent, 3, "{:#?}", scene.target.requests());

    let single = scene.import().args(["--single-platform", "linux/amd64"]).run().succeeds().all();
    assert!(single.contains(&digests[0]) && single.contains(&digests[1]), "{single}");
    assert!(single.contains("linux/amd64 alone, and not the index"), "{single}");
    assert_eq!(scene.target.digest("library/org/app", "1"), Some(digests[1].clone()));
    // With all of them the tag is what it was at the source.
    scene.export(&["org/app:1"]).args(["--force"]).run().succeeds();
    scene.import().run().succeeds();
    assert_eq!(scene.target.digest("library/org/app", "1"), Some(digests[0].clone()));
    assert_eq!(scene.target.violations(), Vec::<String>::new());
}

#[test]
fn an_import_is_whole_where_the_target_has_the_other_platforms_or_another_bundle_does() {
    let scene = Scene::new();
    let digests = put_app(&scene.source, &THREE);
    scene.export(&["org/app:1"]).args(["--platform", "linux/arm64,linux/s390x"]).run().succeeds();
    let (rest, one) = (scene.path("rest.tar"), scene.path("one.tar"));
    fs::rename(scene.bundle(), &rest).expect("a move");
    scene.export_to(&one, &["org/app:1"]).args(["--platform=linux/amd64"]).run().succeeds();
    let import = |files: &[&std::path::Path]| {
        let host = scene.target.host();
        command("import").args(files).args(["--plain-http", "--registry", &host])
    };
    // Both together are the whole image.
    let both = import(&[&rest, &one]).run().succeeds().all();
    assert!(!both.contains("left out"), "{both}");
    assert_eq!(scene.target.digest("library/org/app", "1"), Some(digests[0].clone()));

    // Another registry has two of the platforms.
    let other = Registry::start();
    for digest in &digests[2..] {
        let (media_type, bytes) = scene.target.manifest("library/org/app", digest).expect("a manifest");
        for key in ["config", "layers"] {
            let document: Value = serde_json::from_slice(&bytes).expect("JSON");
            let list = document[key].as_array().cloned().unwrap_or_else(|| vec![document[key].clone()]);
            for blob in list {
                let blob = blob["digest"].as_str().expect("a digest");
                other.put_blob("library/org/app", scene.target.blob("library/org/app", blob).expect("a blob"));
            }
        }
        other.put_manifest("library/org/app", None, &media_type, bytes);
    }
    let done =
        command("import").args([&one]).args(["--plain-http", "--registry", &other.host()]).run().succeeds().all();
    assert!(!done.contains("left out"), "{done}");
    assert_eq!(other.digest("library/org/app", "1"), Some(digests[0].clone()));
    assert_eq!(other.violations(), Vec::<String>::new());
}

#[test]
fn what_no_image_has_or_one_image_has_none_of_is_said_of_each_before_anything_is_fetched() {
    let scene = Scene::new();
    put_app(&scene.source, &["linux/amd64", "linux/arm64"]);
    let arm = put_platform(&scene.source, "org/arm", "linux/arm64", &[]);
    put_index(&scene.source, "org/arm", "1", std::slice::from_ref(&arm));
    let (_, single) = scene.source.manifest("org/arm", arm["digest"].as_str().expect("a digest")).expect("a manifest");
    scene.source.put_manifest("org/single", Some("1"), MANIFEST, single.clone());
    for blob in serde_json::from_slice::<Value>(&single).expect("JSON")["layers"].as_array().expect("layers") {
        let digest = blob["digest"].as_str().expect("a digest");
        scene.source.put_blob("org/single", scene.source.blob("org/arm", digest).expect("a blob"));
    }
    scene.source.put_blob("org/single", r#"{"architecture":"arm64","os":"linux"}"#);
    let images = ["org/app:1", "org/arm:1", "org/single:1"];

    let said = scene.export(&images).args(["--platform", "linux/amd64"]).run().exits(4).all();
    // What is the same of several is said once, with their names.
    let line = said.lines().find(|line| line.contains("it has no linux/amd64, only linux/arm64")).expect("a line");
    assert!(line.contains("org/arm:1") && line.contains("org/single:1") && !said.contains("org/app:1"), "{said}");
    assert!(said.contains("choose among those that there are with --platform"), "{said}");
    let said = scene.export(&images).args(["--platform", "linux/arm64,linux/mips"]).run().exits(4).all();
    assert!(said.contains("it has no linux/mips, only linux/amd64, linux/arm64"), "{said}");
    assert!(images.iter().all(|name| said.contains(name)), "{said}");
    assert!(!scene.files().iter().any(|file| file.ends_with(".tar")), "{:?}", scene.files());

    // One of two is enough, and the other is said.
    let said = scene.export(&images).args(["--platform", "linux/amd64", "--platform", "linux/arm64"]).run().succeeds();
    assert!(said.all().contains("org/arm:1: it has no linux/amd64, only linux/arm64"), "{}", said.all());
    let said = scene.export(&images).args(["--force", "--platform", "all"]).run().succeeds().all();
    assert!(!said.contains("left out"), "{said}");
    for bad in ["amd64", "linux/amd64,", "linux"] {
        scene.export(&images).args(["--force", "--platform", bad]).run().exits(2);
    }
}

#[test]
fn an_export_of_another_platform_goes_on_from_what_an_earlier_one_left() {
    let scene = Scene::new();
    let digests = put_app(&scene.source, &THREE);
    let whole = scene.path("whole.tar");
    scene.export_to(&whole, &["org/app:1"]).args(["--platform", "linux/arm64"]).run().succeeds();
    // The last layer of amd64 does not come.
    let (_, manifest) = scene.source.manifest("org/app", &digests[1]).expect("a manifest");
    let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
    let own = manifest["layers"][1]["digest"].as_str().expect("a digest").to_owned();
    scene.source.fault(Match::on("GET", &own), Fault::error(404, "BLOB_UNKNOWN", "gone"));
    scene.export(&["org/app:1"]).args(["--platform", "linux/amd64"]).run().exits(4);
    scene.source.clear_faults();
    scene.source.clear_requests();
    scene.export(&["org/app:1"]).args(["--platform", "linux/arm64"]).run().succeeds();
    assert!(fs::read(scene.bundle()).expect("a bundle") == fs::read(&whole).expect("a bundle"));
    let shared = manifest["layers"][0]["digest"].as_str().expect("a digest");
    assert_eq!(scene.source.count(|r| r.method == "GET" && r.path.contains(shared)), 0, "it was moved");
}

#[test]
fn an_attestation_of_buildx_travels_with_its_platform_and_no_other() {
    let scene = Scene::with(Registry::builder(), Registry::builder().accepting());
    let platforms = ["linux/amd64", "linux/arm64"].map(|p| put_platform(&scene.source, "org/app", p, &[]));
    let attestations = platforms.clone().map(|of| {
        let mut entry = put_platform(
            &scene.source,
            "org/app",
            "unknown/unknown",
            &[put_layer(&scene.source, "org/app", format!("what is in {of}"))],
        );
        entry["annotations"] = json!({
            "vnd.docker.reference.digest": of["digest"], "vnd.docker.reference.type": "attestation-manifest",
        });
        entry
    });
    let children: Vec<Value> = platforms.iter().chain(&attestations).cloned().collect();
    put_index(&scene.source, "org/app", "1", &children);
    scene.export(&["org/app:1"]).args(["--platform", "linux/arm64/v8"]).run().succeeds();
    let listed = scene.list().args(["--format", "json"]).run().succeeds().json();
    let absent: Vec<&Value> = listed["leftOut"].as_array().expect("a list").iter().map(|one| &one["digest"]).collect();
    assert_eq!(absent.len(), 2, "{listed}");
    for gone in [&platforms[0]["digest"], &attestations[0]["digest"]] {
        assert!(absent.contains(&gone), "{listed}");
    }
    let verified = scene.verify().run().succeeds().all();
    assert!(verified.contains("1 platform left out (linux/amd64)"), "{verified}");
}

#[test]
fn entries_that_say_nothing_are_asked_for_their_configs() {
    let scene = Scene::with(Registry::builder(), Registry::builder().accepting());
    let silent = ["linux/amd64", "linux/arm64"].map(|p| {
        let mut child = put_platform(&scene.source, "org/app", p, &[]);
        child.as_object_mut().expect("an object").remove("platform");
        child
    });
    let inner = put_index(&scene.source, "org/app", "inner", &silent);
    let outer = put_index(&scene.source, "org/app", "1", &[described(&scene.source, "org/app", &inner)]);
    scene.export(&["org/app:1"]).args(["--platform", "linux/arm64"]).run().succeeds();
    let listed = scene.list().args(["--format", "json"]).run().succeeds().json();
    assert_eq!(listed["leftOut"].as_array().map(Vec::len), Some(1), "{listed}");
    assert_eq!(listed["leftOut"][0]["digest"], silent[0]["digest"]);
    assert_eq!(listed["images"][0]["platforms"][0]["platform"], "linux/arm64");
    // A config that cannot be read is no platform, and no bundle.
    let config = digest_like("sha256:", br#"{"architecture":"amd64","os":"linux"}"#);
    scene.source.fault(Match::on("GET", &config), Fault::error(403, "DENIED", "not for you"));
    let said = scene.export(&["org/app:1"]).args(["--force", "--platform", "linux/arm64"]).run().exits(4).all();
    assert!(said.contains("org/app") && said.contains("not for you"), "{said}");
    scene.import().run().succeeds();
    assert_eq!(scene.target.digest("library/org/app", "1"), Some(outer));
}

#[test]
fn what_one_image_does_without_is_there_where_another_one_has_it() {
    let scene = Scene::with(Registry::builder(), Registry::builder().accepting());
    let digests = put_app(&scene.source, &THREE);
    // The manifest for arm64 is another image's for amd64, and that for s390x is named by itself as a layer.
    let mut arm = described(&scene.source, "org/app", &digests[2]);
    arm["platform"] = json!({"os": "linux", "architecture": "amd64"});
    put_index(&scene.source, "org/app", "2", &[arm]);
    let mut layer = described(&scene.source, "org/app", &digests[3]);
    layer["mediaType"] = json!(LAYER);
    let odd = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/x", "layers": [layer],
        "config": descriptor("application/vnd.oci.empty.v1+json", b"{}"),
    });
    scene.source.put_blob("org/app", "{}");
    let (_, bytes) = scene.source.manifest("org/app", &digests[3]).expect("a manifest");
    scene.source.put_blob("org/app", bytes);
    scene.source.put_manifest("org/app", Some("odd"), MANIFEST, odd.to_string());
    let all = ["org/app:1", "org/app:2", "org/app:odd"];
    scene.export(&all).args(["--platform", "linux/amd64"]).run().succeeds();
    let said = scene.verify().run().succeeds().all();
    assert!(!said.contains("left out"), "{said}");
    scene.export(&all[..2]).args(["--force", "--platform", "linux/amd64"]).run().succeeds();
    let said = scene.verify().run().succeeds().all();
    assert!(said.contains("1 platform left out (linux/s390x)"), "{said}");
}

#[test]
fn a_single_platform_is_one_that_is_there_and_its_own_signatures_come_along() {
    let scene = Scene::new();
    let digests = put_app(&scene.source, &THREE);
    let of_arm = put_referrer(&scene.source, "org/app", &digests[2], SIGNATURE);
    let of_index = put_referrer(&scene.source, "org/app", &digests[0], SIGNATURE);
    scene.export(&["org/app:1"]).args(["--platform", "linux/arm64,linux/s390x"]).run().succeeds();
    let import = |platform: &str| scene.import().args(["--single-platform", platform]);
    let said = import("linux/amd64").run().exits(4).all();
    assert!(said.contains("linux/amd64 was left out:") && said.contains("linux/arm64, linux/s390x"), "{said}");
    let said = import("linux/mips").run().exits(4).all();
    assert!(said.contains("it has no linux/mips, only linux/arm64, linux/s390x"), "{said}");
    import("linux/arm64,linux/s390x").run().exits(2);
    import("all").run().exits(2);
    import("linux/arm64").run().succeeds();
    assert_eq!(scene.target.digest("library/org/app", "1"), Some(digests[2].clone()));
    assert!(scene.target.manifest("library/org/app", &of_arm).is_some());
    assert!(scene.target.manifest("library/org/app", &of_index).is_none());
    assert_eq!(scene.target.violations(), Vec::<String>::new());
}
