//! What refers to an image is imported with it: after its subject and before the tag, into every
//! repository of the subject, and found there.

use std::fs;

use serde_json::Value;

use crate::fault_scene::{AT, nothing_false, requests};
use crate::referrer_scene::{SIGNATURE, Signed, listed_by_tag, put_referrer};
use crate::scene::{Scene, body_bytes, put_small_image};
use crate::support::client::call;
use crate::support::registry::{Fault, Match, Registry};

/// A bundle of the signed image before an empty target.
fn bundle_of_signed(target_api: bool) -> (Scene, Signed) {
    let scene = Scene::with(Registry::builder(), Registry::builder().referrers(target_api));
    let signed = Signed::put(&scene.source, "org/app");
    scene.export(&["org/app:1"]).run().succeeds();
    (scene, signed)
}

/// Everything is at the target, byte for byte, and each referrer is found by its subject.
fn arrived(scene: &Scene, signed: &Signed, api: bool) {
    for digest in signed.image.iter().map(String::as_str).chain(signed.referrers()) {
        assert_eq!(scene.target.manifest(AT, digest), scene.source.manifest("org/app", digest), "{digest}");
        assert_eq!(scene.target.missing(AT, digest), Vec::<String>::new());
    }
    assert_eq!(scene.target.digest(AT, "1").as_ref(), Some(&signed.image[0]));
    nothing_false(&scene.target);
    let pairs =
        [(&signed.image[0], &signed.sbom), (&signed.sbom, &signed.of_sbom), (&signed.image[1], &signed.of_child)];
    for (subject, referrer) in pairs {
        if api {
            let answer = call("GET", &format!("{}/v2/{AT}/referrers/{subject}", scene.target.url()), &[], b"");
            assert_eq!(answer.json()["manifests"][0]["digest"], referrer.as_str());
        } else {
            assert_eq!(listed_by_tag(&scene.target, AT, subject), [referrer.as_str()]);
        }
    }
}

#[test]
fn referrers_arrive_with_their_image_wherever_it_goes() {
    for (api, jobs) in [(true, "16"), (false, "16"), (false, "1")] {
        let (scene, signed) = bundle_of_signed(api);
        let out = scene.import().args(["-j", jobs]).run().succeeds();
        arrived(&scene, &signed, api);
        let lines: Vec<&str> = out.stdout.lines().filter(|line| line.starts_with("pushed ")).collect();
        assert_eq!(lines.len(), 1, "they have no lines of their own: {lines:?}");
        // Once more: nothing is left to do.
        scene.target.clear_requests();
        let out = scene.import().run().succeeds();
        assert!(out.stdout.starts_with("present "), "{}", out.stdout);
        assert_eq!(crate::scene::writes(&scene.target), Vec::<String>::new());
    }
}

#[test]
fn a_subject_comes_first_and_the_tag_last() {
    let (scene, signed) = bundle_of_signed(true);
    scene.import().run().succeeds();
    let puts = requests(&scene.target, "PUT", "/manifests/");
    let place = |end: &str| puts.iter().position(|r| r.path.ends_with(end)).expect("a PUT");
    assert!(place(&signed.image[0]) < place(&signed.sbom));
    assert!(place(&signed.sbom) < place(&signed.of_sbom));
    assert!(place(&signed.image[1]) < place(&signed.of_child));
    assert_eq!(place("/manifests/1"), puts.len() - 1, "{puts:?}");
}

#[test]
fn a_referrer_that_is_refused_fails_its_image_and_no_other() {
    let scene = Scene::new();
    let image = put_small_image(&scene.source, "org/app", "1");
    put_small_image(&scene.source, "org/other", "1");
    let signature = put_referrer(&scene.source, "org/app", &image, SIGNATURE);
    scene.export(&["org/app:1", "org/other:1"]).run().succeeds();
    scene.target.fault(Match::on("PUT", &signature), Fault::error(400, "MANIFEST_INVALID", "no artifacts here"));
    let out = scene.import().run().exits(4);
    assert!(out.stderr.contains("no artifacts here") && out.stderr.contains(&signature), "{}", out.stderr);
    let failed: Vec<&str> = out.stdout.lines().filter(|line| line.starts_with("failed ")).collect();
    assert!(failed.len() == 1 && failed[0].contains("org/app:1"), "{}", out.stdout);
    assert!(scene.target.tags(AT).is_empty(), "no tag without its signature");
    assert_eq!(scene.target.tags("library/org/other"), ["1"]);
    nothing_false(&scene.target);
    scene.target.clear_faults();
    scene.import().run().succeeds();
    assert_eq!(scene.target.missing(AT, &signature), Vec::<String>::new());
}

#[test]
fn a_damaged_referrer_is_found_and_its_image_named() {
    let (scene, signed) = bundle_of_signed(true);
    let mut bytes = fs::read(scene.bundle()).expect("the bundle");
    let text = format!("{SIGNATURE} of {}", signed.sbom);
    let at = bytes.windows(text.len()).position(|window| window == text.as_bytes()).expect("the layer");
    bytes[at] ^= 1;
    fs::write(scene.bundle(), bytes).expect("a damaged bundle");
    let found = scene.verify().args(["--format", "json"]).run().exits(3).json();
    assert_eq!(found["findings"].as_array().map(Vec::len), Some(1), "{found}");
    assert_eq!(found["findings"][0]["images"], Value::from(vec![scene.name("org/app:1")]));
    let out = scene.import().run().exits(3);
    assert!(out.stderr.contains("org/app:1"), "{}", out.stderr);
    assert!(scene.target.tags(AT).is_empty());
    nothing_false(&scene.target);
}

#[test]
fn a_referrer_that_is_there_and_not_listed_is_entered() {
    let (scene, signed) = bundle_of_signed(false);
    scene.import().run().succeeds();
    // As an import leaves it that was killed before the list was written.
    for subject in [&signed.image[0], &signed.image[1]] {
        let list = scene.target.digest(AT, &subject.replace(':', "-")).expect("the list");
        scene.target.remove_manifest(AT, &list);
    }
    let sent = body_bytes(&scene.target);
    scene.import().run().succeeds();
    arrived(&scene, &signed, false);
    assert_eq!(body_bytes(&scene.target), sent, "no content was sent again");
}

#[test]
fn what_somebody_else_keeps_under_the_tag_of_the_list_stays() {
    let (scene, signed) = bundle_of_signed(false);
    let tag = signed.image[0].replace(':', "-");
    let theirs =
        r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","layers":[],"manifests":[]}"#;
    let digest = scene.target.put_manifest(AT, Some(&tag), "application/vnd.oci.image.manifest.v1+json", theirs);
    let out = scene.import().run().exits(4);
    assert!(out.stderr.contains(&tag) && out.stderr.contains("not an index of referrers"), "{}", out.stderr);
    assert_eq!(scene.target.digest(AT, &tag), Some(digest));
}
