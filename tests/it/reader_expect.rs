//! `--expect`: a digest that came another way than the drive pins a bundle, or an image of it.

use crate::bundle;
use crate::reader_parts::{Contents, Given};
use crate::support::registry::{Registry, digest_like};

struct Pinned {
    given: Given,
    digest: String,
    image: String,
}

fn pinned(layer: &[u8]) -> Pinned {
    let mut contents = Contents::default();
    let image = contents.image(&[layer]);
    contents.name("gcr.io/org/app:1", &image);
    let digest = contents.identity();
    let image = contents.blobs.last().expect("the manifest").0.clone();
    Pinned { given: Given::new(contents.bundle()), digest, image }
}

#[test]
fn a_bundle_that_is_the_expected_one_matches() {
    let Pinned { given, digest, image } = pinned(b"a layer");
    let path = given.path.to_str().expect("a path");
    let intact = bundle().args(["verify", path]).run().succeeds();
    assert!(intact.stdout.contains("intact") && !intact.stdout.contains("matches"), "{}", intact.stdout);
    let matches = bundle().args(["verify", path, "--expect", &digest]).run().succeeds();
    assert!(matches.stdout.contains(&format!("matches    {digest}")), "{}", matches.stdout);
    assert!(!matches.stdout.contains("intact"));
    for expected in [digest.clone(), format!("gcr.io/org/app:1@{image}"), format!("gcr.io/org/app@{image}")] {
        let registry = Registry::start();
        for command in ["verify", "list"] {
            let said = bundle().args([command, path, "--format", "json", "--expect", &expected]).run().succeeds();
            assert_eq!(said.json()["expected"], true);
        }
        let host = registry.host();
        let import = ["import", path, "--plain-http", "--registry", &host, "--expect", &expected];
        bundle().args(import).run().succeeds();
        assert_eq!(registry.tags("library/org/app"), ["1"]);
    }
    let said = bundle().args(["verify", path, "--format", "json"]).run().succeeds().json();
    assert_eq!((said.get("expected"), &said["intact"]), (None, &true.into()));
}

#[test]
fn another_bundle_or_image_is_refused_before_the_first_request() {
    let (one, other) = (pinned(b"a layer"), pinned(b"another layer"));
    let path = one.given.path.to_str().expect("a path");
    for expected in [
        other.digest.clone(),
        format!("gcr.io/org/app:1@{}", other.image),
        format!("gcr.io/org/app@{}", other.image),
        format!("gcr.io/org/elsewhere:1@{}", one.image),
    ] {
        let registry = Registry::start();
        let host = registry.host();
        let import = ["import", path, "--plain-http", "--registry", &host, "--expect", &expected];
        for said in [
            bundle().args(["list", path, "--expect", &expected]).run().exits(3),
            bundle().args(["verify", path, "--expect", &expected]).run().exits(3),
            bundle().args(import).run().exits(3),
        ] {
            assert!(said.all().contains("expected") && !said.all().contains("intact"), "{}", said.all());
        }
        assert_eq!(registry.connections(), 0);
        let said = bundle().args(["verify", path, "--format", "json", "--expect", &expected]).run().exits(3).json();
        assert_eq!((&said["expected"], &said["digest"]), (&false.into(), &one.digest.as_str().into()));
    }
    // One right and one wrong is wrong; two bundles that are each one of two are right.
    let right = format!("gcr.io/org/app:1@{}", one.image);
    bundle().args(["list", path, "--expect", &right, "--expect", &other.digest]).run().exits(3);
    let second = other.given.path.to_str().expect("a path");
    bundle().args(["verify", path, second, "--expect", &one.digest, "--expect", &other.digest]).run().succeeds();
    for bad in ["", "sha256:12", "md5:d41d8cd98f00b204e9800998ecf8427e", "gcr.io/org/app:1"] {
        bundle().args(["list", path, "--expect", bad]).run().exits(2);
    }
}

#[test]
fn several_bundles_are_read_in_one_run() {
    let (one, other) = (pinned(b"a layer"), pinned(b"another layer"));
    let [first, second] = [&one, &other].map(|p| p.given.path.to_str().expect("a path"));
    for command in ["verify", "list"] {
        let said = bundle().args([command, first, second]).run().succeeds();
        assert!(said.stdout.contains(&one.digest) && said.stdout.contains(&other.digest), "{}", said.stdout);
        let said = bundle().args([command, "--format", "json", first, second]).run().succeeds().json();
        assert_eq!(said["bundles"][1]["digest"], other.digest.as_str());
        // What can be said of one is said though the other is no bundle.
        let said = bundle().args([command, "/dev/null", second]).run().exits(2);
        assert!(said.stdout.contains(&other.digest), "{}", said.stdout);
    }
}

#[test]
fn several_bundles_are_imported_together() {
    let registry = Registry::start();
    let mut contents = Contents::default();
    let image = contents.image(&[b"shared", b"of the second"]);
    contents.name("quay.io/org/second:2", &image);
    let (first, second) = (pinned(b"shared"), Given::new(contents.bundle()));
    let [one, two] = [&first.given, &second].map(|g| g.path.to_str().expect("a path"));
    let host = registry.host();
    let import = ["import", one, two, "--plain-http", "--registry", &host, "--format", "json"];
    let said = bundle().args(import).run().succeeds().json();
    assert_eq!(said["bundles"][0]["digest"], first.digest.as_str());
    assert_eq!(registry.tags("library/org/app"), ["1"]);
    assert_eq!(registry.missing("library/org/second", "2"), Vec::<String>::new());
    assert_eq!(
        registry.count(|r| r.method == "PUT" && r.target().contains(&digest_like("sha256:", b"shared")[7..])),
        1
    );

    // One name with two contents is nobody's to decide.
    let registry = Registry::start();
    let other = pinned(b"another layer");
    let (two, host) = (other.given.path.to_str().expect("a path"), registry.host());
    let said = bundle().args(["import", one, two, "--plain-http", "--registry", &host]).run().exits(2);
    assert!(said.stderr.contains("gcr.io/org/app:1"));
    assert_eq!(registry.connections(), 0);
}
