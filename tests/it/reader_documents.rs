//! Bundles whose archive is in order and whose documents are not: missing, endless, contradictory or
//! ambiguous manifests, indexes and names. The archive itself is in `reader_hostile`.

use crate::reader_parts::{Contents, Given, INDEX, MANIFEST, Tar, start};

#[test]
fn a_blob_that_is_missing_is_named() {
    let mut contents = Contents::small();
    let (digest, _) = contents.blobs.remove(1);
    let ([verified, listed, imported], registry) = Given::new(contents.packed()).run_all();
    listed.succeeds();
    for output in [verified, imported] {
        let said = output.exits(3).all();
        assert!(said.contains(&digest) && said.contains("gcr.io/org/app:1"), "{said}");
    }
    assert_eq!(registry.count(|r| r.method != "GET" && r.method != "HEAD"), 0);
}

#[test]
fn a_manifest_that_is_missing_is_named_with_its_image_and_nothing_made_up() {
    let mut contents = Contents::default();
    let child = contents.image(&[b"a layer"]);
    let digest = contents.blobs.last().expect("a manifest").0.clone();
    let index = contents.index(&[child]);
    contents.name("gcr.io/org/app:1", &index);
    contents.blobs.retain(|(of, _)| *of != digest);
    let ([verified, listed, imported], registry) = Given::new(contents.packed()).run_all();
    assert!(listed.succeeds().stdout.contains("incomplete: 1 piece missing"));
    for output in [verified, imported] {
        let said = output.exits(3).all();
        assert!(said.contains(&digest) && said.contains("gcr.io/org/app:1"), "{said}");
    }
    // The registry is asked before anything counts as missing, and nothing is sent.
    assert_eq!(registry.count(|r| r.method != "GET" && r.method != "HEAD"), 0);
}

#[test]
fn what_a_bundle_lacks_and_the_registry_has_is_not_missing() {
    let mut contents = Contents::default();
    let image = contents.image(&[b"a layer", b"another"]);
    contents.name("gcr.io/org/app:1", &image);
    let whole = Given::new(contents.packed());
    let (lost, _) = contents.blobs.remove(1);
    let ([verified, listed, imported], registry) = Given::new(contents.packed()).run_all();
    assert!(verified.exits(3).stdout.contains(&lost) && listed.succeeds().stdout.contains("incomplete"));
    imported.exits(3);
    let import = ["--plain-http", "--registry", &registry.host()];
    crate::bundle().args(["import"]).args([&whole.path]).args(import).run().succeeds();
    crate::bundle().args(["import"]).args([&Given::new(contents.packed()).path]).args(import).run().succeeds();
    assert_eq!(registry.missing("library/org/app", "1"), Vec::<String>::new());
}

#[test]
fn a_graph_nested_too_deeply_or_listing_its_children_twice_ends_soon() {
    let bomb = |levels: usize| {
        let mut contents = Contents::default();
        let mut node = contents.image(&[b"a layer"]);
        for _ in 0..levels {
            node = contents.index(&[node.clone(), node]);
        }
        contents.name("gcr.io/org/app:1", &node);
        Given::new(contents.packed())
    };
    bomb(30).is_refused("nested more than 16 deep");
    let (outputs, _) = bomb(14).run_all();
    outputs.into_iter().for_each(|output| drop(output.succeeds()));
}

#[test]
fn a_graph_of_few_indexes_that_stand_for_billions_ends_soon() {
    let mut contents = Contents::default();
    let layer = |n: usize| format!(r#"{{"mediaType":"application/x","digest":"sha256:{n:064x}","size":1}}"#);
    let layers: Vec<String> = (0..10_000).map(layer).collect();
    let config = contents.put("application/vnd.oci.image.config.v1+json", "{}");
    let text = format!(r#"{{"schemaVersion":2,"config":{config},"layers":[{}]}}"#, layers.join(","));
    let shared = contents.put(MANIFEST, text);
    for n in 0..1000 {
        let text = format!(r#"{{"schemaVersion":2,"manifests":[{shared}],"annotations":{{"n":"{n}"}}}}"#);
        let root = contents.put(INDEX, text);
        contents.name(&format!("gcr.io/org/app:{n}"), &root);
    }
    let given = Given::new(contents.packed());
    given.is_refused("a graph made to exhaust");
}

#[test]
fn sizes_that_add_up_to_more_than_a_number_holds_are_refused() {
    let mut contents = Contents::default();
    let layer = |n: u64| format!(r#"{{"mediaType":"x/y","digest":"sha256:{n:064x}","size":{}}}"#, 1_u64 << 53);
    let layers: Vec<String> = (0..3000).map(layer).collect();
    let config = contents.put("application/vnd.oci.image.config.v1+json", "{}");
    let text = format!(r#"{{"schemaVersion":2,"config":{config},"layers":[{}]}}"#, layers.join(","));
    let image = contents.put(MANIFEST, text);
    contents.name("gcr.io/org/app:1", &image);
    Given::new(contents.packed()).is_refused("bytes of content");
}

#[test]
fn one_digest_with_two_sizes_is_refused() {
    let mut contents = Contents::default();
    let image = contents.image(&[b"a layer"]);
    let lying = image.replace("\"size\":", "\"size\":1");
    let index = contents.index(&[image, lying]);
    contents.name("gcr.io/org/app:1", &index);
    Given::new(contents.packed()).is_refused("bytes long");
}

#[test]
fn names_that_are_no_names_or_name_two_things_are_refused() {
    let named = |annotations: &str| {
        let mut contents = Contents::default();
        let image = contents.image(&[b"a layer"]);
        contents.line(&image, annotations);
        Given::new(contents.packed())
    };
    for name in ["gcr.io/org/../app:1", "gcr.io/Org/app:1", "gcr.io/org/app:-1", "gcr.io//app:1", "gcr.io/a\\u001bb:1"]
    {
        named(&format!(r#""org.opencontainers.image.ref.name":"{name}""#)).is_refused("invalid");
        named(&format!(r#""io.containerd.image.name":"{name}""#)).is_refused("invalid");
    }
    let other = format!("gcr.io/org/app@sha256:{}", "0".repeat(64));
    named(&format!(r#""org.opencontainers.image.ref.name":"{other}""#)).is_refused("names");
    let mut contents = Contents::default();
    for layer in [&b"one"[..], b"two"] {
        let image = contents.image(&[layer]);
        contents.name("gcr.io/org/app:1", &image);
    }
    Given::new(contents.packed()).is_refused("names both");
}

#[test]
fn documents_that_two_readers_understand_differently_are_refused() {
    let contents = Contents::small();
    let index = contents.index_json();
    let line = &contents.lines[0];
    for (text, words) in [
        (index.replace("\"manifests\"", "\"manifests\":[],\"manifests\""), "given twice"),
        (index.replace("\"manifests\"", "\"Manifests\":[],\"manifests\""), "wrong case"),
        (index.replace("\"size\":", "\"size\":-"), "index.json"),
        (index.replace("\"size\":", "\"size\":1e3,\"size\":"), "index.json"),
        (index.replace("\"digest\":\"sha256:", "\"digest\":\"sha256:../"), "invalid digest"),
        (index.replace("\"digest\":\"sha256:", "\"digest\":\"md5:"), "invalid digest"),
        (index[..index.len() - 1].to_owned(), "index.json"),
        (format!("{index}x"), "index.json"),
        ("[".repeat(100_000), "index.json"),
        (String::new(), "index.json"),
    ] {
        let tar = start(&text).blobs(&contents).end();
        Given::new(tar).is_refused(words);
    }
    let mut both = Contents::default();
    let image = both.image(&[b"a layer"]);
    let text = format!(r#"{{"schemaVersion":2,"manifests":[{image}],"layers":[]}}"#);
    let node = both.put(INDEX, text);
    both.name("gcr.io/org/app:1", &node);
    Given::new(both.packed()).is_refused("both an index and an image manifest");
    let marker = |text: &str| {
        Given::new(
            Tar::default()
                .file("oci-layout", text)
                .file("index.json", format!(r#"{{"manifests":[{line}]}}"#))
                .blobs(&contents)
                .end(),
        )
    };
    marker(r#"{"imageLayoutVersion":"2.0.0"}"#).is_refused("layout version");
    marker("{}").is_refused("oci-layout");
}

#[test]
fn odd_configs_are_carried_and_listed_all_the_same() {
    for config in ["", "null", "[]", "{}", r#"{"rootfs":null}"#, r#"{"os":7}"#, "\0\u{1}"] {
        let mut contents = Contents::default();
        let config = contents.put("application/vnd.oci.image.config.v1+json", config);
        let text = format!(r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{config},"layers":[]}}"#);
        let image = contents.put(MANIFEST, text);
        contents.name("gcr.io/org/app:1", &image);
        let (outputs, registry) = Given::new(contents.packed()).run_all();
        outputs.into_iter().for_each(|output| drop(output.succeeds()));
        assert_eq!(registry.tags("library/org/app"), ["1"]);
    }
}
