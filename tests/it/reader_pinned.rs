//! Where images are pinned and not the bundle, nothing else in it is taken: no other image, no other name of
//! the same, and nothing that refers to one, a signature least of all.

use serde_json::json;

use crate::bundle;
use crate::reader_parts::{Contents, Given};
use crate::referrer_scene::Signed;
use crate::scene::Scene;
use crate::support::registry::Registry;

/// `verify`, `list` and `import` with these pins all refuse it, name all of `others`, and ask nobody anything.
fn refused(given: &Given, pins: &[String], others: &[&str]) {
    let registry = Registry::start();
    let (path, host) = (given.path.to_str().expect("a path"), registry.host());
    let pins: Vec<&str> = pins.iter().flat_map(|pin| ["--expect", pin]).collect();
    for command in [&["verify", path][..], &["list", path], &["import", path, "--plain-http", "--registry", &host]] {
        let said = bundle().args(command).args(&pins).run().exits(3);
        assert!(others.iter().all(|other| said.all().contains(other)), "{others:?}: {}", said.all());
        assert!(!said.all().contains("intact") && !said.all().contains("matches"), "{}", said.all());
    }
    assert_eq!(registry.connections(), 0);
    let json = bundle().args(["verify", path, "--format", "json"]).args(&pins).run().exits(3).json();
    assert_eq!((&json["expected"], &json["intact"]), (&json!(false), &json!(true)), "the file itself is whole");
}

fn digest_of(descriptor: &str) -> String {
    let descriptor: serde_json::Value = serde_json::from_str(descriptor).expect("a descriptor");
    descriptor["digest"].as_str().expect("a digest").to_owned()
}

#[test]
fn another_image_beside_a_pinned_one_is_refused_and_named() {
    let mut contents = Contents::default();
    let (one, two) = (contents.image(&[b"one"]), contents.image(&[b"two"]));
    contents.name("gcr.io/org/app:1", &one);
    contents.name("quay.io/evil/app:9", &two);
    let [first, second] = [&one, &two].map(|image| digest_of(image));
    for bytes in [contents.bundle(), contents.packed()] {
        let given = Given::new(bytes);
        refused(&given, &[format!("gcr.io/org/app:1@{first}")], &["quay.io/evil/app:9"]);
        refused(&given, &[format!("gcr.io/org/app@{first}")], &["quay.io/evil/app:9"]);
        // Pinned, each of them, is taken; and so is the bundle as a whole.
        let both = [format!("gcr.io/org/app:1@{first}"), format!("quay.io/evil/app:9@{second}")];
        let path = given.path.to_str().expect("a path");
        bundle().args(["verify", path, "--expect", &both.join(",")]).run().succeeds();
    }
    let given = Given::new(contents.bundle());
    let path = given.path.to_str().expect("a path");
    let pins = [contents.identity(), format!("gcr.io/org/app:1@{first}")].join(",");
    bundle().args(["verify", path, "--expect", &pins]).run().succeeds();
}

#[test]
fn another_name_of_a_pinned_image_is_refused_and_named() {
    let mut contents = Contents::default();
    let image = contents.image(&[b"one"]);
    let child = contents.image(&[b"of an index"]);
    let index = contents.index(std::slice::from_ref(&child));
    contents.name("gcr.io/org/app:1", &image);
    contents.name("gcr.io/org/app:stable", &image);
    contents.name("gcr.io/org/other:1", &index);
    let pins = [format!("gcr.io/org/app:1@{}", digest_of(&image)), format!("gcr.io/org/other:1@{}", digest_of(&index))];
    refused(&Given::new(contents.bundle()), &pins, &["gcr.io/org/app:stable"]);
    // A part of a pinned image is pinned by it, but not under a name that nobody pinned.
    let mut named = Contents::default();
    let child = named.image(&[b"of an index"]);
    let index = named.index(std::slice::from_ref(&child));
    named.name("gcr.io/org/other:1", &index);
    named.name("gcr.io/org/part:1", &child);
    refused(&Given::new(named.bundle()), &pins[1..], &["gcr.io/org/part:1"]);
    // In a layout of another tool it may have a line of its own; and one with a tag alone is none of them.
    let mut loose = Contents::default();
    let child = loose.image(&[b"of an index"]);
    let index = loose.index(std::slice::from_ref(&child));
    loose.name("gcr.io/org/other:1", &index);
    loose.line(&child, "");
    let given = Given::new(loose.packed());
    bundle().args(["verify".as_ref(), given.path.as_os_str()]).args(["--expect", &pins[1]]).run().succeeds();
    loose.name("v9", &child);
    refused(&Given::new(loose.packed()), &pins[1..], &["`v9`"]);
}

#[test]
fn what_refers_to_a_pinned_image_is_refused_and_named_unless_it_is_pinned_too() {
    let scene = Scene::new();
    let signed = Signed::put(&scene.source, "org/app");
    scene.export(&["org/app:1"]).run().succeeds();
    let image = format!("{}@{}", scene.name("org/app:1"), signed.image[0]);
    let sbom = format!("{}@{}", scene.name("org/app"), signed.sbom);
    let said = scene.import().args(["--expect", &image]).run().exits(3);
    assert!(signed.referrers().iter().all(|digest| said.stderr.contains(digest)), "{}", said.stderr);
    let said = scene.import().args(["--expect", &image, "--expect", &sbom]).run().exits(3);
    assert!(said.stderr.contains(&signed.of_sbom) && !said.stderr.contains(&signed.sbom), "{}", said.stderr);
    assert_eq!(scene.target.connections(), 0, "nothing was sent, and nobody asked");
    let pins = signed.referrers().into_iter().map(|digest| format!("{}@{digest}", scene.name("org/app")));
    let pins: Vec<String> = pins.chain([image]).collect();
    scene.import().args(["--expect", &pins.join(",")]).run().succeeds();
    assert_eq!(scene.target.digest("library/org/app", "1").as_ref(), Some(&signed.image[0]));
}

#[test]
fn many_that_are_not_pinned_are_counted() {
    let mut contents = Contents::default();
    let first = contents.image(&[b"one"]);
    for number in 0..50 {
        contents.name(&format!("gcr.io/org/app:{number}"), &first);
    }
    let given = Given::new(contents.bundle());
    refused(&given, &[format!("gcr.io/org/app:0@{}", digest_of(&first))], &["gcr.io/org/app:1,", "and 29 more"]);
}
