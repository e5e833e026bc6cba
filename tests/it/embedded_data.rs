//! Descriptors that hold their content themselves (image-spec v1.1.1 `descriptor.md`, `data`): it
//! replaces a request, travels as a blob like any other, and is refused where it is another.

use data_encoding::{BASE64, BASE64URL};
use serde_json::{Value, json};

use crate::fault_scene::requests;
use crate::scene::{CONFIG, INDEX, LAYER, MANIFEST, Scene, descriptor};
use crate::support::layout::Layout;

/// A descriptor of these bytes that holds them.
fn holding(media_type: &str, bytes: &[u8]) -> Value {
    let mut held = descriptor(media_type, bytes);
    held["data"] = BASE64.encode(bytes).into();
    held
}

fn image(config: &Value, layers: &[Value]) -> Vec<u8> {
    let document = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers});
    document.to_string().into_bytes()
}

fn digest(descriptor: &Value) -> &str {
    descriptor["digest"].as_str().expect("a digest")
}

#[test]
fn content_in_a_descriptor_needs_no_request_and_travels_as_a_blob() {
    let scene = Scene::new();
    let (config, layer) = (holding(CONFIG, b"{}"), holding(LAYER, &[7; 5_000]));
    let mut foreign = holding(LAYER, b"not to be distributed");
    foreign["urls"] = json!(["https://layers.example/1"]);
    let document = image(&config, &[layer.clone(), foreign.clone()]);
    let child = holding(MANIFEST, &document);
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [child]}).to_string();
    scene.source.put_manifest("org/app", Some("1"), INDEX, index.clone());
    // The source lacks all of it, so that no request could bring any.
    scene.export(&["org/app:1"]).args(["--referrers", "none"]).run().succeeds();
    for held in [&config, &layer, &foreign, &child] {
        assert_eq!(requests(&scene.source, "GET", digest(held)).len(), 0, "{held}");
        assert_eq!(requests(&scene.source, "HEAD", digest(held)).len(), 0, "{held}");
    }
    scene.verify().run().succeeds();
    scene.import().args(["--check", "read-back"]).run().succeeds();
    let at = "library/org/app";
    assert_eq!(scene.target.manifest(at, "1"), Some((INDEX.into(), index.into_bytes())));
    assert_eq!(scene.target.manifest(at, digest(&child)), Some((MANIFEST.into(), document)));
    assert_eq!(scene.target.blob(at, digest(&config)), Some(b"{}".to_vec()));
    assert_eq!(scene.target.blob(at, digest(&layer)), Some(vec![7; 5_000]));
    assert!(scene.target.has_blob(at, digest(&foreign)));
    assert_eq!(requests(&scene.target, "GET", &format!("blobs/{}", digest(&layer))).len(), 1, "what is read back");
}

#[test]
fn one_of_several_descriptors_is_enough() {
    let scene = Scene::new();
    let config = descriptor(CONFIG, b"{}");
    scene.source.put_blob("org/app", b"{}".to_vec());
    let without = descriptor(LAYER, b"a layer");
    let with = holding(LAYER, b"a layer");
    let mut names = Vec::new();
    for (tag, layers) in [("1", [&without, &with]), ("2", [&with, &without])] {
        let document = image(&config, &layers.map(Value::clone));
        scene.source.put_manifest("org/app", Some(tag), MANIFEST, document);
        names.push(format!("org/app:{tag}"));
    }
    scene.export(&crate::scene::borrowed(&names)).run().succeeds();
    assert_eq!(requests(&scene.source, "GET", digest(&with)).len(), 0);
    scene.import().run().succeeds();
}

/// Data of a layer of the seven bytes `a layer` that is not its content.
fn wrong() -> Vec<Value> {
    let right = BASE64.encode(b"a layer");
    let mut wrong: Vec<String> = [&b"a liar!"[..], b"a laye", b"a layer!", b""].map(|b| BASE64.encode(b)).into();
    wrong.push(right.trim_end_matches('=').into());
    wrong.push(format!("{right}\n"));
    wrong.push(format!(" {right}"));
    wrong.push(BASE64URL.encode(&[0xff; 7]));
    wrong.push("data:,a layer".into());
    wrong.into_iter().map(Value::from).collect()
}

#[test]
fn data_that_is_not_the_content_is_refused_by_export_with_image_and_digest() {
    for data in wrong() {
        for nested in [false, true] {
            let scene = Scene::new();
            let mut layer = descriptor(LAYER, b"a layer");
            // The registry has the right content: that does not help.
            scene.source.put_blob("org/app", b"a layer".to_vec());
            scene.source.put_blob("org/app", b"{}".to_vec());
            layer["data"] = data.clone();
            let document = image(&descriptor(CONFIG, b"{}"), &[layer.clone()]);
            if nested {
                let index =
                    json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor(MANIFEST, &document)]});
                scene.source.put_manifest("org/app", None, MANIFEST, document);
                scene.source.put_manifest("org/app", Some("1"), INDEX, index.to_string());
            } else {
                scene.source.put_manifest("org/app", Some("1"), MANIFEST, document);
            }
            let out = scene.export(&["org/app:1"]).run().exits(3);
            assert!(out.stderr.contains(digest(&layer)), "{data}: {}", out.stderr);
            assert!(out.stderr.contains(&scene.name("org/app:1")), "{data}: {}", out.stderr);
            assert_eq!(scene.files(), Vec::<String>::new());
        }
    }
}

#[test]
fn data_that_is_not_the_content_is_a_finding_of_verify() {
    for data in wrong() {
        let scene = Scene::new();
        let mut layout = Layout::new(&scene.path("layout"));
        let (config, layer) = (layout.put(b"{}"), layout.put(b"a layer"));
        let more = format!(",\"data\":{data}");
        let document = format!(
            r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{},"layers":[{}]}}"#,
            config.descriptor(CONFIG, ""),
            layer.descriptor(LAYER, &more)
        );
        let manifest = layout.put(document);
        layout.name("quay.io/org/app:1", MANIFEST, &manifest);
        layout.finish();
        let verify = crate::scene::command("verify").args([scene.path("layout")]);
        let out = verify.args(["--format", "json"]).run().exits(3).json();
        let finding = &out["findings"][0];
        assert_eq!((&finding["kind"], &finding["images"]), (&json!("malformed"), &json!(["quay.io/org/app:1"])));
        assert!(finding["message"].as_str().is_some_and(|text| text.contains(&layer.digest)), "{finding}");
    }
}
