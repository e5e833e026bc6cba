//! Registries that an import meets.

use serde_json::json;

use super::told::Told;
use crate::reader_parts::{Contents, Given};
use crate::scene::{CONFIG, LAYER, MANIFEST, Scene, command, descriptor, put_small_image};
use crate::support::registry::{Fault, Match};
use crate::support::run::Output;

const AT: &str = "library/org/app";

/// A bundle of one image, and where it is to go.
fn exported(told: &mut Told) -> Scene {
    let scene = Scene::new();
    told.know_all(&scene);
    put_small_image(&scene.source, "org/app", "1");
    scene.export(&["org/app:1"]).run().succeeds();
    scene
}

pub(super) fn scenes(told: &mut Told) {
    of_answers(told);
    of_tags(told);
    of_damage(told);
    of_policies(told);
}

fn of_answers(told: &mut Told) {
    let scene = exported(told);
    let uploads = [
        (401, "UNAUTHORIZED", "project library not found"),
        (403, "DENIED", "requested access to the resource is denied"),
        (404, "NAME_UNKNOWN", "project library not found"),
        (403, "DENIED", "the project quota has been exceeded"),
        (405, "UNSUPPORTED", "read only"),
        (413, "", ""),
    ];
    for (status, code, message) in uploads {
        scene.target.fault(Match::on("POST", "/uploads/"), Fault::error(status, code, message));
        let out = scene.import().run().exits(4);
        told.add(format!("import, {status} {message}").trim_end(), &out);
        scene.target.clear_faults();
    }
    scene.target.fault(Match::on("POST", "/uploads/"), Fault::Redirect(307, "http://elsewhere.example{path}".into()));
    told.add("import that is sent elsewhere", &scene.import().run().exits(4));
    scene.target.clear_faults();
    let types = Fault::error(415, "MANIFEST_INVALID", "docker types are not enabled");
    scene.target.fault(Match::on("PUT", "/manifests/"), types);
    told.add("import of a type that is not taken", &scene.import().run().exits(4));

    let layer = scene.source.put_blob("org/foreign", "a layer");
    let size = "a layer".len();
    let layer = json!({"mediaType": LAYER, "digest": layer, "size": size, "urls": ["https://layers.example/1"]});
    let config = descriptor(CONFIG, b"{}");
    scene.source.put_blob("org/foreign", "{}");
    let document = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]});
    scene.source.put_manifest("org/foreign", Some("1"), MANIFEST, document.to_string());
    scene.export(&["org/foreign:1"]).args(["--force"]).run().succeeds();
    scene.target.clear_faults();
    scene.target.fault(Match::on("PUT", "/manifests/"), Fault::error(500, "UNKNOWN", "invalid URL on layer"));
    told.add("import of a layer with urls", &scene.import().run().exits(4));
}

fn of_tags(told: &mut Told) {
    let scene = exported(told);
    put_small_image(&scene.target, AT, "0");
    let (media_type, bytes) = scene.target.manifest(AT, "0").expect("a manifest");
    scene.target.put_manifest(AT, Some("1"), &media_type, bytes);
    let kept = scene.import().args(["--on-existing-tag", "fail"]);
    told.add("import over a tag that is to stay", &kept.run().exits(4));
    let immutable = Fault::error(409, "TAG_INVALID", "the tag is immutable");
    scene.target.fault(Match::on("PUT", "/manifests/1"), immutable);
    told.add("import over an immutable tag", &scene.import().run().exits(4));
    scene.target.clear_faults();

    // What is read back by tag, and then by digest, is another image than was pushed.
    let scene = exported(told);
    let digest = scene.source.digest("org/app", "1").expect("a digest");
    put_small_image(&scene.target, AT, "0");
    let (_, other) = scene.target.manifest(AT, "0").expect("a manifest");
    scene.target.fault(Match::on("GET", "/manifests/1").after(1), Fault::Body(other.clone()));
    told.add("import of a tag that others write", &scene.import().run().exits(4));
    scene.target.clear_faults();
    scene.target.remove_manifest(AT, &digest);
    scene.target.fault(Match::on("*", &format!("/manifests/{digest}")).after(1), Fault::Body(other));
    told.add("import of a manifest that is another when it is read", &scene.import().run().exits(4));
}

fn of_damage(told: &mut Told) {
    let scene = exported(told);
    let layer = crate::scene::blobs_of(&scene.source, "org/app", "1").remove(0);
    scene.target.put_blob_as(AT, &layer, vec![0; 10]);
    scene.target.fault(Match::on("PUT", &layer.replace(':', "%3A")), Fault::status(201));
    told.add("import where a blob is damaged", &scene.import().run().exits(4));

    let scene = exported(told);
    scene.import().run().succeeds();
    let layer = crate::scene::blobs_of(&scene.source, "org/app", "1").remove(0);
    scene.target.fault(Match::on("GET", &layer), Fault::FlipByte(3));
    told.add(
        "import that finds damage when it reads back",
        &scene.import().args(["--check", "read-back"]).run().exits(4),
    );
}

fn of_policies(told: &mut Told) {
    let scene = exported(told);
    let pin = format!("sha256:{}", "0".repeat(64));
    told.add("list of another bundle", &scene.list().args(["--expect", &pin]).run().exits(3));
    told.add("import from elsewhere", &scene.import().args(["--allow-source", "quay.io"]).run().exits(4));

    let mut contents = Contents::default();
    let (one, two) = (contents.image(&[b"one"]), contents.image(&[b"two"]));
    contents.name("gcr.io/org/app:1", &one);
    contents.name("quay.io/evil/app:9", &two);
    let digest: serde_json::Value = serde_json::from_str(&one).expect("a descriptor");
    let pin = format!("gcr.io/org/app:1@{}", digest["digest"].as_str().expect("a digest"));
    let given = Given::new(contents.bundle());
    told.know_place(given.directory());
    let out: Output = command("import").args([&given.path]).args(["--registry", "h.example", "--expect", &pin]).run();
    told.add("import of more than is pinned", &out.exits(3));
}
