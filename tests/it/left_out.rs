//! Layers that nobody may distribute: an import says which are left out, and that of an image whose registry has them
//! leaves out nothing.

use serde_json::json;

use crate::scene::{CONFIG, MANIFEST, Scene, descriptor};
use crate::support::registry::digest_like;

const FOREIGN: &str = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
const LAYER: &[u8] = b"from elsewhere";

/// An image with a layer that the source does not have, in a bundle.
fn exported() -> Scene {
    let scene = Scene::new();
    let config = br#"{"architecture":"amd64","os":"windows"}"#;
    scene.source.put_blob("windows/app", config.to_vec());
    let mut layer = descriptor(FOREIGN, LAYER);
    layer["urls"] = json!(["https://192.0.2.1/layer"]);
    let document = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor(CONFIG, config), "layers": [layer],
    });
    scene.source.put_manifest("windows/app", Some("1"), MANIFEST, document.to_string());
    scene.export(&["windows/app:1"]).run().succeeds();
    scene
}

#[test]
fn an_import_says_which_layers_it_left_out_with_size_and_reason() {
    let digest = digest_like("sha256:", LAYER);
    let scene = exported();
    for dry_run in [&["--dry-run"][..], &[]] {
        let report = scene.import().args(["--format", "json"]).args(dry_run).run().succeeds().json();
        let left_out = report["leftOut"].as_array().expect("a list");
        assert_eq!(left_out.len(), 1, "{report}");
        assert_eq!(left_out[0]["digest"], digest);
        assert_eq!(left_out[0]["bytes"], LAYER.len());
        assert_eq!(left_out[0]["reason"], "nondistributable");
    }
    let said = exported().import().run().succeeds().stdout;
    assert!(said.contains(&format!("left out   {digest}  14 B, nondistributable")), "{said}");
    assert!(said.lines().any(|line| line.starts_with("done ") && line.contains("1 layer left out")), "{said}");
}

#[test]
fn what_the_target_has_itself_is_not_left_out() {
    let scene = exported();
    scene.target.put_blob("library/windows/app", LAYER);
    let report = scene.import().args(["--format", "json"]).run().succeeds().json();
    assert_eq!(report["leftOut"], json!([]), "{report}");
    let said = scene.import().args(["--check", "read-back"]).run().succeeds().stdout;
    assert!(!said.contains("left out"), "{said}");
}
