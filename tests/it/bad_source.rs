//! A source registry that serves wrong content: it is refused, with a reason and without a bundle.

use serde_json::{Value, json};

use crate::scene::{
    CONFIG, INDEX, LAYER, MANIFEST, Scene, descriptor, fixtures, put_image, put_layer, put_made_layer, put_small_image,
};
use crate::support::registry::{Fault, Match};
use crate::support::run::Output;

const SCHEMA1: &str = "application/vnd.docker.distribution.manifest.v1+prettyjws";

/// Exports `org/app:1`, which has to fail with this status and without a trace of a bundle.
fn refused(scene: &Scene, code: i32) -> Output {
    let out = scene.export(&["org/app:1"]).run().exits(code);
    assert!(!scene.bundle().exists());
    assert!(out.stderr.contains("org/app"), "{}", out.stderr);
    assert!(!out.stdout.contains("wrote"), "{}", out.stdout);
    out
}

fn put(scene: &Scene, media_type: &str, document: &Value) -> String {
    scene.source.put_manifest("org/app", Some("1"), media_type, document.to_string())
}

/// The layer's digest.
fn with_large_layer(scene: &Scene) -> String {
    let layer = put_made_layer(&scene.source, "org/app", 5, 1_000_000);
    put_image(&scene.source, "org/app", "1", std::slice::from_ref(&layer));
    layer["digest"].as_str().expect("a digest").to_owned()
}

#[test]
fn schema_1_is_refused_with_the_reason() {
    let bytes = std::fs::read(fixtures().join("schema1.json")).expect("schema1.json");
    for media_type in [SCHEMA1, "application/vnd.docker.distribution.manifest.v1+json", "application/json"] {
        let scene = Scene::new();
        scene.source.put_manifest("org/app", Some("1"), media_type, bytes.clone());
        // Old registries serve it whatever was asked for.
        let served = bytes.clone();
        let own_type = Fault::change(move |response| {
            response.status = 200;
            response.set("Content-Type", media_type);
        });
        scene.source.fault(Match::on("GET", "/manifests/1"), own_type);
        scene.source.fault(Match::on("GET", "/manifests/1"), Fault::Body(served));
        let out = scene.export(&["org/app:1"]).run();
        assert!(matches!(out.code, Some(3 | 4)), "{:?}: {}", out.code, out.stderr);
        assert!(out.stderr.contains("schema 1") && out.stderr.contains("org/app"), "{}", out.stderr);
        assert_eq!(scene.files(), Vec::<String>::new());
    }
}

#[test]
fn a_missing_tag_or_repository_is_named_with_what_to_check() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    let out = scene.export(&["org/app:2", "org/none:1", "org/app:1"]).run().exits(4);
    for name in ["org/app:2", "org/none:1"] {
        assert!(out.stderr.contains(&scene.name(name)), "{}", out.stderr);
    }
    assert!(!out.stderr.contains("org/app:1"), "the good one is not blamed: {}", out.stderr);
    assert!(out.stderr.contains("hint: check the name and the tag"), "{}", out.stderr);
    assert_eq!(scene.files(), Vec::<String>::new());
}

#[test]
fn several_kinds_of_failure_are_all_listed_and_the_gravest_decides() {
    let scene = Scene::new();
    scene.source.put_manifest("org/odd", Some("1"), MANIFEST, "not JSON");
    let gone = put_layer(&scene.source, "org/hole", "gone");
    put_image(&scene.source, "org/hole", "1", std::slice::from_ref(&gone));
    let out = scene.export(&["org/none:1", "org/odd:1", "org/hole:1"]).run().exits(3);
    for name in ["org/none:1", "org/odd:1"] {
        assert!(out.stderr.contains(&scene.name(name)), "{name}: {}", out.stderr);
    }
    let digest = gone["digest"].as_str().expect("a digest");
    scene.source.remove_blob("org/hole", digest);
    let out = scene.export(&["org/hole:1"]).run().exits(4);
    assert!(out.stderr.contains("org/hole:1") && out.stderr.contains(digest), "{}", out.stderr);
    assert!(!scene.bundle().exists());
}

#[test]
fn a_layer_that_is_always_wrong_is_refused_and_one_that_is_wrong_once_is_repaired() {
    let scene = Scene::new();
    let digest = with_large_layer(&scene);
    for place in [0, 500_000, 999_999] {
        scene.source.fault(Match::on("GET", &digest), Fault::FlipByte(place));
        let out = refused(&scene, 3);
        assert!(out.stderr.contains(&digest) && out.stderr.contains(&scene.source.host()), "{}", out.stderr);
        scene.source.clear_faults();
    }
    // Not a word from what the failed exports kept.
    std::fs::remove_file(scene.path(".images.tar.partial")).expect("the partial file");
    scene.source.fault(Match::on("GET", &digest).once(), Fault::FlipByte(500_000));
    scene.source.clear_requests();
    scene.export(&["org/app:1"]).run().succeeds();
    assert_eq!(scene.source.count(|r| r.path.ends_with(&digest)), 2);
    scene.verify().run().succeeds();
}

#[test]
fn a_layer_of_another_length_is_refused_or_repaired_and_never_kept() {
    let scene = Scene::new();
    let digest = with_large_layer(&scene);
    let layer = Match::on("GET", &digest);
    for fault in
        [Fault::Truncate(999_999), Fault::WrongLength(-1), Fault::WrongLength(1), Fault::Body(b"short".to_vec())]
    {
        scene.source.fault(layer.clone(), fault);
        let out = scene.export(&["org/app:1"]).args(["--retries", "1"]).run();
        assert!(matches!(out.code, Some(1 | 3)), "{:?}: {}", out.code, out.stderr);
        assert!(out.stderr.contains(&digest) && out.stderr.contains("org/app:1"), "{}", out.stderr);
        assert!(!scene.bundle().exists());
        scene.source.clear_faults();
    }
    for fault in [Fault::Endless, Fault::Chunked, Fault::UntilClose] {
        scene.source.fault(layer.clone().once(), fault);
        scene.export(&["org/app:1"]).args(["--force"]).run().succeeds();
        scene.verify().run().succeeds();
        scene.source.clear_faults();
    }
}

#[test]
fn other_bytes_than_the_pinned_digest_are_refused_whatever_the_header_says() {
    let scene = Scene::new();
    let pinned = put_small_image(&scene.source, "org/app", "1");
    let (_, other) = {
        let digest = put_small_image(&scene.source, "org/app", "2");
        scene.source.manifest("org/app", &digest).expect("the other image")
    };
    scene.source.fault(Match::on("GET", "/manifests/"), Fault::Body(other));
    let out = scene.export(&[&format!("org/app@{pinned}")]).run().exits(3);
    assert!(out.stderr.contains(&pinned) && out.stderr.contains(&scene.source.host()), "{}", out.stderr);
    // The header still names the first one: by tag it is caught all the same.
    refused(&scene, 3);
    scene.source.clear_faults();
    scene.source.fault(Match::on("GET", "/manifests/"), Fault::NoHeader("Docker-Content-Digest".into()));
    scene.export(&[&format!("org/app:1@{pinned}")]).run().succeeds();
}

#[test]
fn documents_that_can_be_read_in_two_ways_are_refused() {
    let config = descriptor(CONFIG, b"{}");
    let layer = descriptor(LAYER, b"layer");
    let image = |more: Value| {
        let mut document = json!({"schemaVersion": 2, "config": config, "layers": [layer]});
        document.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        document
    };
    let child = descriptor(MANIFEST, b"child");
    let cases = [
        (MANIFEST, image(json!({"manifests": [child]})), "both"),
        (INDEX, image(json!({"mediaType": INDEX, "manifests": [child]})), "both"),
        (INDEX, image(json!({})), "index"),
        (MANIFEST, json!({"schemaVersion": 2, "manifests": [child]}), "manifest"),
        (INDEX, image(json!({"mediaType": MANIFEST})), "type"),
        ("application/vnd.example.unheard-of+json", image(json!({})), "type"),
        (MANIFEST, json!({"schemaVersion": 2}), "manifest"),
        (MANIFEST, json!([]), "manifest"),
        (MANIFEST, image(json!({"Layers": [layer]})), "layers"),
        (MANIFEST, image(json!({"layers": [{"mediaType": LAYER, "digest": "sha256:../../x", "size": 1}]})), "digest"),
        (MANIFEST, image(json!({"layers": [{"mediaType": LAYER, "digest": layer["digest"], "size": -1}]})), "manifest"),
        (
            MANIFEST,
            image(json!({"layers": [{"mediaType": LAYER, "digest": layer["digest"], "size": 1.5}]})),
            "manifest",
        ),
    ];
    for (media_type, document, word) in cases {
        let scene = Scene::new();
        scene.source.put_blob("org/app", "{}");
        scene.source.put_blob("org/app", "layer");
        put(&scene, media_type, &document);
        // Whatever was asked for, it answers with what it has.
        scene.source.fault(Match::on("GET", "/manifests/1"), Fault::Body(document.to_string().into_bytes()));
        let served = media_type.to_owned();
        let as_it_is = Fault::change(move |response| {
            response.status = 200;
            response.set("Content-Type", served.clone());
            response.remove("Docker-Content-Digest");
        });
        scene.source.fault(Match::on("GET", "/manifests/1"), as_it_is);
        let out = refused(&scene, 3);
        assert!(out.stderr.to_lowercase().contains(word), "{document}: {}", out.stderr);
        assert_eq!(scene.source.count(|r| r.path.contains("/blobs/")), 0, "{document}");
    }
}

#[test]
fn keys_given_twice_are_refused() {
    let scene = Scene::new();
    let [one, two] = ["one", "two"].map(|text| put_layer(&scene.source, "org/app", text));
    scene.source.put_blob("org/app", "{}");
    let config = descriptor(CONFIG, b"{}");
    let text = format!(r#"{{"schemaVersion":2,"config":{config},"layers":[{one}],"layers":[{two}]}}"#);
    scene.source.put_manifest("org/app", Some("1"), MANIFEST, text);
    let out = refused(&scene, 3);
    assert!(out.stderr.contains("layers"), "{}", out.stderr);
}

#[test]
fn a_child_of_another_type_or_size_than_its_index_says_is_refused() {
    let scene = Scene::new();
    let child = put_small_image(&scene.source, "org/app", "child");
    let (_, bytes) = scene.source.manifest("org/app", &child).expect("the child");
    for (media_type, size) in [(INDEX, bytes.len()), (MANIFEST, bytes.len() + 1), (MANIFEST, 0)] {
        let child = json!({"mediaType": media_type, "digest": child, "size": size});
        put(&scene, INDEX, &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [child]}));
        let out = scene.export(&["org/app:1"]).run();
        assert!(matches!(out.code, Some(3 | 4)), "{:?}: {}", out.code, out.stderr);
        assert!(out.stderr.contains("org/app:1"), "{}", out.stderr);
        assert!(!scene.bundle().exists());
    }
}

#[test]
fn one_digest_with_two_sizes_is_refused() {
    let scene = Scene::new();
    let layer = put_layer(&scene.source, "org/app", "a layer");
    let mut longer = layer.clone();
    longer["size"] = 8.into();
    put_image(&scene.source, "org/app", "1", &[layer.clone(), longer]);
    let out = scene.export(&["org/app:1"]).run().exits(3);
    let digest = layer["digest"].as_str().expect("a digest");
    assert!(out.stderr.contains(digest) && out.stderr.contains("7") && out.stderr.contains("8"), "{}", out.stderr);
    assert!(!scene.bundle().exists());
}

#[test]
fn sizes_that_add_up_to_more_than_a_number_holds_are_refused() {
    let scene = Scene::new();
    let layer = |n: u64| json!({"mediaType": LAYER, "digest": format!("sha256:{n:064x}"), "size": 1_u64 << 53});
    let config = put_layer(&scene.source, "org/app", "{}");
    let layers: Vec<Value> = (0..3000).map(layer).collect();
    put(&scene, MANIFEST, &json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers}));
    // The registry's lie is known before the first layer is asked for.
    let out = scene.export(&["org/app:1"]).run().exits(3);
    assert!(out.stderr.contains("bytes of content") && !scene.bundle().exists(), "{}", out.stderr);
    assert_eq!(scene.source.count(|r| r.method == "GET" && r.path.contains("/blobs/")), 0);
}

#[test]
fn indexes_may_nest_sixteen_deep_and_no_deeper() {
    let scene = Scene::new();
    let mut digest = put_small_image(&scene.source, "org/app", "leaf");
    let mut media_type = MANIFEST;
    let mut depth = 1;
    let mut deepen = |scene: &Scene| {
        let size = scene.source.manifest("org/app", &digest).expect("the one below").1.len();
        let below = json!({"mediaType": media_type, "digest": digest, "size": size});
        digest = put(scene, INDEX, &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [below]}));
        media_type = INDEX;
        depth += 1;
        depth
    };
    while deepen(&scene) < 16 {}
    scene.export(&["org/app:1"]).run().succeeds();
    scene.verify().run().succeeds();
    scene.import().run().succeeds();
    std::fs::remove_file(scene.bundle()).expect("no bundle");
    deepen(&scene);
    let out = refused(&scene, 3);
    assert!(out.stderr.contains("16 deep"), "{}", out.stderr);
}

#[test]
fn an_index_that_names_a_child_a_hundred_times_is_walked_once() {
    let scene = Scene::new();
    let mut digest = put_small_image(&scene.source, "org/app", "leaf");
    let mut media_type = MANIFEST;
    for _ in 0..12 {
        let size = scene.source.manifest("org/app", &digest).expect("the one below").1.len();
        let below = json!({"mediaType": media_type, "digest": digest, "size": size});
        let children = vec![below; 100];
        digest = put(&scene, INDEX, &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": children}));
        media_type = INDEX;
    }
    scene.export(&["org/app:1"]).run().succeeds();
    assert_eq!(scene.source.count(|r| r.path.contains("/manifests/")), 13);
    scene.verify().run().succeeds();
    scene.list().run().succeeds();
    scene.import().run().succeeds();
    assert_eq!(scene.target.digest("library/org/app", "1"), Some(digest));
    assert_eq!(scene.target.manifests_of("library/org/app", "1").len(), 13);
}
