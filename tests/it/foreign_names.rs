//! What things are called in the files of nodes and of other tools: by three names at once, by a name
//! without a host, by one name for an image and its signature, or not at all.

use std::path::Path;

use serde_json::{Value, json};

use crate::bundle;
use crate::reader_parts::{Contents, Given, INDEX, MANIFEST, start};
use crate::support::registry::Registry;
use crate::support::run::Output;

const FULL: &str = "io.containerd.image.name";
const REF: &str = "org.opencontainers.image.ref.name";

fn import(path: &Path, registry: &Registry, more: &[&str]) -> Output {
    let host = registry.host();
    let common = ["import", path.to_str().expect("a path"), "--plain-http", "--registry", &host];
    bundle().args(common).args(more).run()
}

fn listed(given: &Given) -> Value {
    bundle().args(["list", "--format", "json"]).args([&given.path]).run().succeeds().json()
}

/// The digest in a descriptor.
fn digest(descriptor: &str) -> String {
    let read: Value = serde_json::from_str(descriptor).expect("a descriptor");
    read["digest"].as_str().expect("a digest").to_owned()
}

#[test]
fn the_three_names_that_cri_gives_an_image_are_two_that_can_be_used() {
    let mut contents = Contents::default();
    let image = contents.image(&[b"a layer"]);
    let (own, id) = (digest(&image), contents.blobs[0].0.clone());
    for (name, short) in [
        ("docker.io/library/nginx:1.25".to_owned(), "1.25".to_owned()),
        (format!("docker.io/library/nginx@{own}"), format!("@{own}")),
        (id.clone(), id),
    ] {
        contents.line(&image, &format!(r#""{FULL}":"{name}","{REF}":"{short}""#));
    }
    let given = Given::new(contents.packed());
    let registry = Registry::start();
    import(&given.path, &registry, &[]).succeeds();
    assert_eq!(registry.tags("library/library/nginx"), ["1.25"]);
    let images = listed(&given)["images"].as_array().map(Vec::len);
    let verified = bundle().args(["verify", "--format", "json"]).args([&given.path]).run().succeeds().json();
    let imported = import(&given.path, &registry, &["--format", "json"]).succeeds().json();
    assert_eq!((images, imported["images"].as_array().map(Vec::len)), (Some(2), Some(2)));
    assert_eq!(verified["images"], 2);
}

#[test]
fn a_name_without_a_host_is_read_as_docker_reads_it() {
    for (name, more, target, tag) in [
        ("nginx:1.25", &[][..], "library/library/nginx", "1.25"),
        ("foo/bar:1.0", &[], "library/foo/bar", "1.0"),
        ("foo/bar", &[], "library/foo/bar", "latest"),
        ("nginx:1.25", &["--name", "quay.io/mirror/web"], "library/mirror/web", "1.25"),
        ("nginx:1.25", &["--name", "quay.io/mirror/web:2"], "library/mirror/web", "2"),
    ] {
        let mut contents = Contents::default();
        let image = contents.image(&[b"a layer"]);
        contents.name(name, &image);
        let registry = Registry::start();
        import(&Given::new(contents.packed()).path, &registry, more).succeeds();
        assert_eq!(registry.tags(target), [tag], "{name} {more:?}");
        assert_eq!(registry.repositories(), [target], "{name} {more:?}");
    }
}

#[test]
fn a_name_with_a_tag_is_that_of_the_only_image() {
    let mut contents = Contents::default();
    let image = contents.image(&[b"a layer"]);
    contents.lines.push(image);
    let given = Given::new(contents.packed());
    let registry = Registry::start();
    assert!(import(&given.path, &registry, &[]).exits(2).stderr.contains("REPO:TAG"));
    import(&given.path, &registry, &["--name", "team/app:1.0"]).succeeds();
    assert_eq!(registry.tags("library/team/app"), ["1.0"]);

    let other = contents.image(&[b"another layer"]);
    contents.lines.push(other);
    let said = import(&Given::new(contents.packed()).path, &registry, &["--name", "team/app:2"]).exits(2);
    assert!(said.stderr.contains("single image") && said.stderr.contains("2 have no name"), "{}", said.stderr);
    let said = import(&Given::new(Contents::small().packed()).path, &registry, &["--name", "team/app:2"]).exits(2);
    assert!(said.stderr.contains("gcr.io/org/app:1") && said.stderr.contains("--map"), "{}", said.stderr);
    assert_eq!(registry.tags("library/team/app"), ["1.0"]);
    let pinned = format!("team/app@{}", contents.blobs[0].0);
    import(&given.path, &registry, &["--name", &pinned]).exits(2);
}

#[test]
fn one_name_for_two_images_is_named_with_both_digests_and_hides_no_other() {
    let mut contents = Contents::small();
    let twice = [&b"one"[..], b"two"].map(|layer| contents.image(&[layer]));
    twice.iter().for_each(|image| contents.name("gcr.io/org/twice:1", image));
    let given = Given::new(contents.packed());
    let registry = Registry::start();
    let said = import(&given.path, &registry, &[]).exits(3);
    for image in &twice {
        assert!(said.stderr.contains(&digest(image)), "{}", said.stderr);
    }
    assert!(said.stderr.contains("under two names") && !said.stderr.contains("--map"), "{}", said.stderr);
    assert_eq!(registry.repositories(), ["library/org/app"]);

    // In two files, one after the other is a way out.
    let one = |layer: &[u8]| {
        let mut contents = Contents::default();
        let image = contents.image(&[layer]);
        contents.name("gcr.io/org/app:2", &image);
        Given::new(contents.packed())
    };
    let (one, two) = (one(b"one"), one(b"two"));
    let registry = Registry::start();
    let said = import(&one.path, &registry, &[two.path.to_str().expect("a path")]).exits(2);
    assert!(said.stderr.contains("one after the other"), "{}", said.stderr);
    assert_eq!(registry.connections(), 0);
}

/// An artifact of this text.
fn artifact(contents: &mut Contents, text: &str, subject: Option<&str>) -> String {
    let config = contents.put("application/vnd.oci.empty.v1+json", "{}");
    let layer = contents.put("application/x", text);
    let subject = subject.map(|subject| format!(r#","subject":{subject}"#)).unwrap_or_default();
    let text = format!(
        r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","artifactType":"application/x","config":{config},"layers":[{layer}]{subject}}}"#
    );
    contents.put(MANIFEST, text)
}

#[test]
fn an_image_and_what_is_attached_to_it_under_one_name_are_told_apart_by_their_kind() {
    for maker in ["dev.cosignproject.cosign", "dev.hauler"] {
        for name in [format!(r#""{REF}":"gcr.io/org/app:1""#), String::new()] {
            let mut contents = Contents::default();
            let image = contents.image(&[b"a layer"]);
            let parts = ["sigs", "atts", "sboms"].map(|kind| (kind, artifact(&mut contents, kind, None)));
            let referrer = artifact(&mut contents, "vex", Some(&image));
            let named = |kind: &str| {
                let kind = format!(r#""kind":"{maker}/{kind}""#);
                if name.is_empty() { kind } else { format!("{kind},{name}") }
            };
            contents.line(&image, &named("image"));
            parts.iter().for_each(|(kind, part)| contents.line(part, &named(kind)));
            contents.line(&referrer, &named("referrers/abcdef"));
            let given = Given::new(contents.packed());
            let (registry, more) = (Registry::start(), ["--name", "gcr.io/org/app:1"]);
            let more = if name.is_empty() { &more[..] } else { &[] };
            let said = import(&given.path, &registry, more).succeeds();
            assert!(said.stdout.contains("1 image · 1 cosign SBOM · 1 cosign attestation · 1 cosign signature"));
            let start = digest(&image).replace(':', "-");
            let mut tags = vec!["1".to_owned()];
            tags.extend(["att", "sbom", "sig"].map(|ending| format!("{start}.{ending}")));
            assert_eq!(registry.tags("library/org/app"), tags, "{maker} {name}");
            assert_eq!(registry.missing("library/org/app", &digest(&referrer)), Vec::<String>::new());
            let listed = listed(&given);
            let kinds: Vec<&Value> = listed["images"][0]["referrers"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|r| &r["artifactType"])
                .collect();
            assert_eq!(listed["images"].as_array().map(Vec::len), Some(1));
            assert_eq!(kinds.len(), 4, "{kinds:?}");
            assert!(kinds.contains(&&json!("cosign signature")) && kinds.contains(&&json!("application/x")));
        }
    }
    // Any other word there has no meaning: two images of one name are two images.
    let mut contents = Contents::small();
    let other = contents.image(&[b"another"]);
    contents.line(&other, &format!(r#""kind":"some.other/sigs","{REF}":"gcr.io/org/app:1""#));
    assert!(
        import(&Given::new(contents.packed()).path, &Registry::start(), &[]).exits(3).stderr.contains("names both")
    );
}

#[test]
fn a_referrer_that_is_only_among_the_blobs_is_one_and_what_is_left_behind_is_said() {
    let mut contents = Contents::small();
    let image = contents.blobs.last().map(|(digest, bytes)| (digest.clone(), bytes.len())).expect("the image");
    let subject = format!(r#"{{"mediaType":"{MANIFEST}","digest":"{}","size":{}}}"#, image.0, image.1);
    let signature = artifact(&mut contents, "signature", Some(&subject));
    let counter = artifact(&mut contents, "countersignature", Some(&signature));
    contents.put("application/x", "nobody needs this");
    let given = Given::new(contents.packed());
    let registry = Registry::start();
    let said = import(&given.path, &registry, &[]).succeeds();
    assert!(said.stderr.contains("1 blob that no image needs: not imported"), "{}", said.stderr);
    for referrer in [&signature, &counter] {
        assert_eq!(registry.missing("library/org/app", &digest(referrer)), Vec::<String>::new());
    }
    assert_eq!(listed(&given)["images"][0]["referrers"].as_array().map(Vec::len), Some(2));
    // One whose own content is not there would make the image incomplete.
    let gone = contents.blobs.iter().position(|(_, bytes)| bytes == b"countersignature").expect("the layer");
    contents.blobs.remove(gone);
    let given = Given::new(contents.packed());
    bundle().args(["verify"]).args([&given.path]).run().succeeds();
    assert_eq!(listed(&given)["images"][0]["referrers"].as_array().map(Vec::len), Some(1));
}

#[test]
fn what_hauler_lists_beside_the_index_for_containerd_is_read_too() {
    let mut contents = Contents::small();
    let image = contents.lines[0].clone();
    let index = contents.index_json();
    let chart = artifact(&mut contents, "a chart", None);
    contents.lines = vec![image];
    contents.name("gcr.io/org/chart:2", &chart);
    let whole = contents.index_json();
    let tar = start(&index).file("hauler-index.json", whole).blobs(&contents).end();
    let registry = Registry::start();
    import(&Given::new(tar).path, &registry, &[]).succeeds();
    assert_eq!(registry.repositories(), ["library/org/app", "library/org/chart"]);
    let broken = start(&index).file("hauler-index.json", "{").blobs(&contents).end();
    assert!(import(&Given::new(broken).path, &registry, &[]).exits(3).stderr.contains("hauler-index.json"));
}

#[test]
fn a_layout_that_names_nothing_gives_away_its_only_image() {
    for manifests in ["null", "[]"] {
        let mut contents = Contents::default();
        let child = contents.image(&[b"a layer"]);
        contents.index(std::slice::from_ref(&child));
        let index = format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":{manifests}}}"#);
        let packed = |contents: &Contents| start(&index).file("manifest.json", "[]").blobs(contents).end();
        let given = Given::new(packed(&contents));
        let registry = Registry::start();
        let outputs = given.run_all().0;
        for output in outputs {
            let said = output.exits(3).stderr;
            assert!(said.contains("nothing to import") && said.contains("4 blobs are there"), "{said}");
            assert!(said.contains("saves an image by its ID") && said.contains("--name REPO:TAG"), "{said}");
        }
        import(&given.path, &registry, &["--name", "quay.io/org/app:1"]).succeeds();
        assert_eq!(registry.tags("library/org/app"), ["1"]);
        assert_eq!(registry.missing("library/org/app", "1"), Vec::<String>::new());
        // Of two, nobody can tell which is meant.
        contents.image(&[b"another layer"]);
        import(&Given::new(packed(&contents)).path, &registry, &["--name", "quay.io/org/app:2"]).exits(3);
        assert_eq!(registry.tags("library/org/app"), ["1"]);
    }
}
