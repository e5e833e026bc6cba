//! What refers to an image is exported with it: by the referrers API or by tags, at little cost, and
//! the same bytes whichever way it was found.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::fault_scene::requests;
use crate::referrer_scene::{SBOM, SIGNATURE, Signed, described, list_by_tag, nameless, put_index, put_referrer};
use crate::scene::{INDEX, Scene, blobs_of, borrowed, keys, put_small_image};
use crate::support::registry::{Auth, Fault, Match, Registry, Tokens};

/// A source with or without the API, and what it holds.
pub(crate) fn source(api: bool) -> (Scene, Signed) {
    let scene = Scene::with(Registry::builder().referrers(api), Registry::builder());
    let signed = Signed::put(&scene.source, "org/app");
    (scene, signed)
}

#[test]
fn what_refers_to_an_image_or_its_platforms_is_in_the_bundle_without_a_name() {
    for api in [true, false] {
        let (scene, signed) = source(api);
        let out = scene.export(&["org/app:1"]).run().succeeds();
        assert!(out.stdout.contains("4 platforms, 3 referrers"), "{}", out.stdout);
        assert!(out.stdout.contains("1 image ·"), "{}", out.stdout);
        let entries = nameless(&scene);
        let digests: Vec<&str> = entries.iter().filter_map(|e| e["digest"].as_str()).collect();
        assert_eq!(digests, signed.referrers(), "by digest");
        for entry in &entries {
            assert_eq!(keys(entry), ["artifactType", "digest", "mediaType", "size"]);
            let kind = if entry["digest"] == signed.sbom.as_str() { SBOM } else { SIGNATURE };
            assert_eq!(entry["artifactType"], kind);
        }
        let verified = scene.verify().args(["--format", "json"]).run().succeeds().json();
        assert_eq!((&verified["images"], &verified["blobs"]["unused"]), (&json!(1), &json!(0)));
    }
}

#[test]
fn an_export_and_a_list_say_what_refers_to_what() {
    let (scene, signed) = source(true);
    let exported = scene.export(&["org/app:1"]).args(["--format", "json"]).run().succeeds().json();
    let listed = scene.list().args(["--format", "json"]).run().succeeds().json();
    assert_eq!(listed["images"].as_array().map(Vec::len), Some(1));
    assert_eq!(exported["images"][0]["referrers"], listed["images"][0]["referrers"]);
    let referrers = listed["images"][0]["referrers"].as_array().expect("referrers");
    let line = |digest: &str| referrers.iter().find(|r| r["digest"] == digest).expect("a line");
    assert_eq!(referrers.len(), 3);
    assert_eq!(keys(&referrers[0]), ["artifactType", "bytes", "digest", "kind", "subject"]);
    assert_eq!((&line(&signed.sbom)["kind"], &line(&signed.of_child)["kind"]), (&json!("sbom"), &json!("other")));
    assert_eq!(line(&signed.sbom)["artifactType"], SBOM);
    assert_eq!(line(&signed.sbom)["subject"], signed.image[0].as_str());
    assert_eq!(line(&signed.of_sbom)["subject"], signed.sbom.as_str());
    assert_eq!(line(&signed.of_child)["subject"], signed.image[1].as_str());
    let place = |digest: &str| referrers.iter().position(|r| r["digest"] == digest);
    assert!(place(&signed.sbom) < place(&signed.of_sbom), "a subject before what refers to it");

    let text = scene.list().run().succeeds().stdout;
    assert!(text.contains("  1 SBOM, 2 other referrers  "), "{text}");
    let digests = scene.list().args(["--digests"]).run().succeeds().stdout;
    for digest in signed.referrers() {
        assert!(digests.lines().any(|line| line.contains("refers to ") && line.contains(digest)), "{digests}");
    }
}

#[test]
fn a_registry_without_the_api_is_asked_one_question_and_each_repository_for_one_list_of_tags() {
    let cost = |scene: &Scene, names: &[&str]| {
        let count = |policy: &str| {
            scene.source.clear_requests();
            scene.export(names).args(["--force", "--referrers", policy]).run().succeeds();
            scene.source.requests().len()
        };
        count("auto") - count("none")
    };
    for (api, of_one, of_many) in [(false, 2, 1 + 6), (true, 5 + 1, 6 * (5 + 1))] {
        let scene = Scene::with(Registry::builder().referrers(api), Registry::builder());
        let names: Vec<String> = (0..6).map(|n| format!("org/app{n}:1")).collect();
        for name in &names {
            put_index(&scene.source, name.trim_end_matches(":1"), "1", 4);
        }
        assert_eq!(cost(&scene, &[&names[0]]), of_one, "with the API: {api}");
        assert_eq!(cost(&scene, &borrowed(&names)), of_many, "with the API: {api}");
    }
    // A single manifest: the list of tags says whether it has any, cosign's included.
    let scene = Scene::with(Registry::builder().referrers(false), Registry::builder());
    put_small_image(&scene.source, "org/app", "1");
    assert_eq!(cost(&scene, &["org/app:1"]), 2);
    scene.source.clear_requests();
    scene.export(&["org/app:1"]).args(["--force"]).run().succeeds();
    assert_eq!(requests(&scene.source, "GET", "/tags/list").len(), 1);
}

#[test]
fn whichever_way_referrers_are_found_the_bundle_is_the_same() {
    let scene = Scene::with(Registry::builder().page(2), Registry::builder());
    for repo in ["org/app", "org/other"] {
        Signed::put(&scene.source, repo);
    }
    let mut bundles = Vec::new();
    for (jobs, fault) in [
        ("16", None),
        ("1", None),
        ("3", Some((Match::any(), Fault::Delay(Duration::from_millis(20))))),
        ("16", Some((Match::on("GET", "/referrers/"), Fault::status(404)))),
    ] {
        scene.source.clear_faults();
        fault.into_iter().for_each(|(matching, fault)| scene.source.fault(matching, fault));
        scene.export(&["org/other:1", "org/app:1"]).args(["--force", "-j", jobs]).run().succeeds();
        assert_eq!(nameless(&scene).len(), 6);
        bundles.push(std::fs::read(scene.bundle()).expect("the bundle"));
    }
    // Tags that cannot be listed, or whose list is too long, are asked for one by one.
    for fault in [Fault::status(404), Fault::header("Link", "</v2/org/app/tags/list?n=1000>; rel=next")] {
        scene.source.fault(Match::on("GET", "/tags/list"), fault);
        scene.export(&["org/other:1", "org/app:1"]).args(["--force"]).run().succeeds();
        bundles.push(std::fs::read(scene.bundle()).expect("the bundle"));
    }
    assert!(bundles.iter().all(|other| *other == bundles[0]), "bundles of the same images differ");
}

#[test]
fn none_asks_for_no_referrers_and_require_refuses_an_image_without() {
    let (scene, _) = source(true);
    put_small_image(&scene.source, "org/plain", "1");
    let both = ["org/app:1", "org/plain:1"];
    let out = scene.export(&both).args(["--referrers", "require"]).run().exits(4);
    assert!(out.stderr.contains(&scene.name("org/plain:1")), "{}", out.stderr);
    assert!(!out.stderr.contains("org/app:1") && out.stderr.contains("--referrers auto"), "{}", out.stderr);
    assert_eq!(scene.files(), Vec::<String>::new());
    scene.export(&["org/app:1"]).args(["--referrers", "require"]).run().succeeds();

    scene.source.clear_requests();
    scene.export(&both).args(["--force"]).env("BUNDLE_REFERRERS", "none").run().succeeds();
    let paths = ["/referrers/", "/tags/", "/manifests/sha256-"];
    assert_eq!(scene.source.count(|r| paths.iter().any(|path| r.path.contains(path))), 0);
    assert_eq!(nameless(&scene), Vec::<Value>::new());
    scene.export(&both).args(["--force", "--referrers", "some"]).run().exits(2);
}

#[test]
fn referrers_are_asked_for_in_every_repository_of_an_image() {
    // One image in two repositories, each with a signature of its own.
    let scene = Scene::new();
    let digests: BTreeSet<String> = ["org/one", "org/two"]
        .map(|repo| {
            let layer = crate::scene::put_layer(&scene.source, repo, "the same");
            let config = b"{}".to_vec();
            let manifest = json!({
                "schemaVersion": 2, "mediaType": crate::scene::MANIFEST,
                "config": crate::scene::descriptor(crate::scene::CONFIG, &config), "layers": [layer],
            });
            scene.source.put_blob(repo, config);
            let image = scene.source.put_manifest(repo, Some("1"), crate::scene::MANIFEST, manifest.to_string());
            put_referrer(&scene.source, repo, &image, &format!("application/vnd.{}", repo.replace('/', ".")))
        })
        .into();
    scene.export(&["org/one:1", "org/two:1"]).run().succeeds();
    let found: BTreeSet<String> =
        nameless(&scene).iter().map(|e| e["digest"].as_str().expect("a digest").to_owned()).collect();
    assert_eq!(found, digests);
    // What one repository alone had goes to both: there is one image with two signatures.
    scene.import().run().succeeds();
    for (repo, digest) in
        ["library/org/one", "library/org/two"].iter().flat_map(|r| digests.iter().map(move |d| (r, d)))
    {
        assert_eq!(scene.target.missing(repo, digest), Vec::<String>::new(), "{repo}");
    }
}

#[test]
fn a_part_of_two_images_is_asked_about_in_both_repositories_however_deep_it_lies() {
    let scene = Scene::new();
    let image = put_index(&scene.source, "org/one", "1", 1);
    // The same image in another repository, one level down, and only there with a signature of its part.
    let manifests = image.iter().map(|digest| (digest, scene.source.manifest("org/one", digest).expect("a manifest")));
    for (digest, (media_type, bytes)) in manifests {
        scene.source.put_manifest_as("org/two", digest, None, &media_type, bytes);
    }
    for digest in blobs_of(&scene.source, "org/one", "1") {
        scene.source.put_blob_as("org/two", &digest, scene.source.blob("org/one", &digest).expect("a blob"));
    }
    let above =
        json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [described(&scene.source, "org/two", &image[0])]});
    scene.source.put_manifest("org/two", Some("1"), INDEX, above.to_string());
    let signature = put_referrer(&scene.source, "org/two", &image[1], SIGNATURE);
    scene.export(&["org/one:1", "org/two:1"]).run().succeeds();
    assert_eq!(nameless(&scene).len(), 1);
    scene.import().run().succeeds();
    for repo in ["library/org/one", "library/org/two"] {
        assert_eq!(scene.target.missing(repo, &signature), Vec::<String>::new(), "{repo}");
    }
}

#[test]
fn tokens_are_asked_for_as_for_any_other_read() {
    let tokens = Tokens::new("user", "password");
    let scene =
        Scene::with(Registry::builder().auth(Auth::bearer(&tokens)).referrers(false).page(2), Registry::builder());
    Signed::put(&scene.source, "org/app");
    scene.export(&["org/app:1"]).args(["--username", "user"]).env("BUNDLE_PASSWORD", "password").run().succeeds();
    assert_eq!(nameless(&scene).len(), 3);
}

#[test]
fn an_artifact_with_a_name_of_its_own_is_still_listed_with_what_it_refers_to() {
    let scene = Scene::with(Registry::builder().referrers(false), Registry::builder());
    let image = put_small_image(&scene.source, "org/app", "1");
    let signature = put_referrer(&scene.source, "org/app", &image, SIGNATURE);
    let (media_type, bytes) = scene.source.manifest("org/app", &signature).expect("the signature");
    scene.source.put_manifest("org/app", Some("sig"), &media_type, bytes);
    list_by_tag(&scene.source, "org/app", &image, &[&signature]);
    let out = scene.export(&["org/app:1", "org/app:sig"]).run().succeeds();
    assert!(out.stdout.contains("2 images ·"), "{}", out.stdout);
    let listed = scene.list().args(["--format", "json"]).run().succeeds().json();
    let images = listed["images"].as_array().expect("images");
    assert_eq!(images.len(), 2);
    assert_eq!(images[0]["referrers"][0]["digest"], signature.as_str());
    let out = scene.import().run().succeeds();
    assert_eq!(out.stdout.lines().filter(|line| line.starts_with("pushed ")).count(), 2, "{}", out.stdout);
    assert_eq!(scene.target.tags("library/org/app"), ["1", "sig"]);
}
