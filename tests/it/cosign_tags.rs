//! What cosign attaches to an image by a tag travels with it, at every level and both ways; and a list of
//! referrers under such a tag has two owners, so neither loses anything.

use serde_json::{Value, json};

use crate::referrer_scene::{SBOM, described, put_index, put_referrer};
use crate::scene::{INDEX, MANIFEST, Scene, put_image, put_layer, put_small_image};
use crate::support::registry::{Fault, Match, Registry};

const ENDINGS: [&str; 3] = ["att", "sbom", "sig"];

/// Attaches something as cosign does; its tag, and its digest.
fn attach(registry: &Registry, repo: &str, subject: &str, ending: &str) -> (String, String) {
    let tag = format!("{}.{ending}", subject.replace(':', "-"));
    let layer = put_layer(registry, repo, format!("{ending} of {subject}"));
    let digest = put_image(registry, repo, &tag, &[layer]);
    (tag, digest)
}

/// A source with an image of two platforms, signed at both levels, the signature signed too. All tags.
pub(crate) fn signed(api: bool) -> (Scene, Vec<String>) {
    let scene = Scene::with(Registry::builder().referrers(api), Registry::builder().referrers(api));
    let image = put_index(&scene.source, "org/app", "1", 2);
    put_small_image(&scene.source, "org/other", "1");
    let mut tags = vec!["1".to_owned()];
    for ending in ENDINGS {
        tags.push(attach(&scene.source, "org/app", &image[0], ending).0);
    }
    let (tag, signature) = attach(&scene.source, "org/app", &image[2], "sig");
    tags.push(tag);
    tags.push(attach(&scene.source, "org/app", &signature, "sig").0);
    tags.sort();
    // Of no concern: another image's, and a tag that only looks like one.
    attach(&scene.source, "org/app", &format!("sha256:{}", "5".repeat(64)), "sig");
    (scene, tags)
}

/// The tags of a repository but those that a registry without the API has for itself.
fn tags(registry: &Registry, repo: &str) -> Vec<String> {
    registry.tags(repo)
}

#[test]
fn what_cosign_attached_travels_at_every_level_both_ways() {
    for api in [true, false] {
        let (scene, wanted) = signed(api);
        let out = scene.export(&["org/app:1", "org/other:1"]).run().succeeds();
        assert!(out.stdout.contains("2 platforms, 5 referrers") && out.stdout.contains("2 images"), "{}", out.stdout);
        scene.verify().run().succeeds();
        let said = scene.import().run().succeeds();
        let counted = "2 images · 1 cosign SBOM · 1 cosign attestation · 3 cosign signatures";
        assert!(said.stdout.contains(counted), "{}", said.stdout);
        assert_eq!(tags(&scene.target, "library/org/app"), wanted);
        for tag in &wanted {
            assert_eq!(scene.target.missing("library/org/app", tag), Vec::<String>::new());
            assert_eq!(scene.target.digest("library/org/app", tag), scene.source.digest("org/app", tag));
        }
        // A second import finds all of it there.
        let again = scene.import().args(["--format", "json"]).run().succeeds().json();
        let statuses: Vec<&Value> = again["images"].as_array().expect("images").iter().map(|i| &i["status"]).collect();
        assert!(statuses.len() == 7 && statuses.iter().all(|status| *status == "present"), "{statuses:?}");
    }
}

#[test]
fn a_list_shows_what_is_attached_with_its_image_and_not_as_one() {
    let (scene, wanted) = signed(true);
    scene.export(&["org/app:1", "org/other:1"]).run().succeeds();
    let listed = scene.list().args(["--format", "json"]).run().succeeds().json();
    assert_eq!(listed["images"].as_array().map(Vec::len), Some(2));
    let referrers = listed["images"][0]["referrers"].as_array().expect("referrers");
    let mut found: Vec<&str> = referrers.iter().filter_map(|r| r["tag"].as_str()).collect();
    found.sort_unstable();
    assert_eq!(found, &wanted[1..]);
    let text = scene.list().run().succeeds().stdout;
    assert!(text.contains("3 signatures, 1 attestation, 1 SBOM"), "{text}");
    let digests = scene.list().args(["--digests"]).run().succeeds().stdout;
    assert_eq!(digests.matches(", cosign signature, refers to sha256:").count(), 3, "{digests}");
}

#[test]
fn the_policy_for_referrers_counts_for_tags_too() {
    let (scene, _) = signed(true);
    scene.export(&["org/app:1"]).args(["--referrers", "require"]).run().succeeds();
    let said = scene.export(&["org/other:1"]).args(["--referrers", "require", "--force"]).run().exits(4);
    assert!(said.stderr.contains("sign the image first"), "{}", said.stderr);
    scene.source.clear_requests();
    scene.export(&["org/app:1"]).args(["--referrers", "none", "--force"]).run().succeeds();
    assert_eq!(scene.source.count(|request| request.path.contains("/tags/")), 0);
    scene.import().run().succeeds();
    assert_eq!(tags(&scene.target, "library/org/app"), ["1"]);
}

#[test]
fn where_tags_cannot_be_listed_each_is_asked_for_and_a_refusal_is_no_empty_list() {
    let (scene, wanted) = signed(true);
    scene.source.fault(Match::on("GET", "/tags/list"), Fault::status(403));
    scene.export(&["org/app:1"]).run().succeeds();
    scene.import().run().succeeds();
    assert_eq!(tags(&scene.target, "library/org/app"), wanted);
    scene.source.fault(Match::on("HEAD", ".sig"), Fault::status(403));
    let said = scene.export(&["org/app:1"]).args(["--force"]).run().exits(4);
    assert!(said.stderr.contains("--referrers none"), "{}", said.stderr);
}

/// An index of these under the tag of a subject; its digest.
fn list(registry: &Registry, repo: &str, subject: &str, referrers: &[&str], note: &str) -> String {
    let lines: Vec<Value> = referrers.iter().map(|digest| described(registry, repo, digest)).collect();
    let index = json!({"annotations": {"by": note}, "schemaVersion": 2, "mediaType": INDEX, "manifests": lines});
    registry.put_manifest(repo, Some(&subject.replace(':', "-")), INDEX, index.to_string())
}

fn listed(registry: &Registry, repo: &str, subject: &str) -> Vec<String> {
    let (_, bytes) = registry.manifest(repo, &subject.replace(':', "-")).expect("a list");
    let index: Value = serde_json::from_slice(&bytes).expect("json");
    let mut digests: Vec<String> = index["manifests"]
        .as_array()
        .expect("manifests")
        .iter()
        .map(|line| line["digest"].as_str().expect("a digest").to_owned())
        .collect();
    digests.sort();
    digests
}

#[test]
fn a_list_of_referrers_by_name_is_merged_with_what_the_site_has() {
    for api in [true, false] {
        let scene = Scene::with(Registry::builder().referrers(false), Registry::builder().referrers(api));
        let image = put_small_image(&scene.source, "org/app", "1");
        let ours = put_referrer(&scene.source, "org/app", &image, SBOM);
        let name = format!("org/app:{}", image.replace(':', "-"));
        let whole = list(&scene.source, "org/app", &image, &[&ours], "the source");
        scene.export(&["org/app:1", &name]).run().succeeds();

        // Where nobody has anything, it stands there as it was, without a warning.
        let said = scene.import().run().succeeds();
        assert!(!said.stderr.contains("until now"), "{}", said.stderr);
        let tag = image.replace(':', "-");
        assert_eq!(scene.target.digest("library/org/app", &tag), Some(whole.clone()), "with the API: {api}");

        // The site has its own there.
        let theirs = put_referrer(&scene.target, "library/org/app", &image, "application/vnd.site.scan");
        list(&scene.target, "library/org/app", &image, &[&theirs], "the site");
        let said = scene.import().run().succeeds();
        assert!(!said.stderr.contains("until now"), "{}", said.stderr);
        let mut both = vec![ours, theirs];
        both.sort();
        assert_eq!(listed(&scene.target, "library/org/app", &image), both);
        let (_, bytes) = scene.target.manifest("library/org/app", &tag).expect("a list");
        assert!(String::from_utf8_lossy(&bytes).contains("the site"), "what else is in it stays");
        let standing = scene.target.digest("library/org/app", &tag);
        scene.import().args(["--check", "read-back"]).run().succeeds();
        assert_eq!(scene.target.digest("library/org/app", &tag), standing, "nothing is written twice");
    }
}

#[test]
fn a_list_that_is_exported_alone_is_taken_as_what_it_is() {
    let scene = Scene::with(Registry::builder().referrers(false), Registry::builder());
    let image = put_small_image(&scene.source, "org/app", "1");
    let ours = put_referrer(&scene.source, "org/app", &image, SBOM);
    let whole = list(&scene.source, "org/app", &image, &[&ours], "the source");
    let tag = image.replace(':', "-");
    scene.export(&[&format!("org/app:{tag}")]).run().succeeds();
    let said = scene.import().run().succeeds();
    assert!(said.stdout.contains("1 list of referrers"), "{}", said.stdout);
    assert_eq!(scene.target.digest("library/org/app", &tag), Some(whole));
    let other = scene.source.put_manifest("org/app", Some("x"), MANIFEST, "{}");
    assert_ne!(other, ours);
}
