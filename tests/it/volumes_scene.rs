//! What the tests of volumes have in common: a few images that share layers, one layer that is longer than a volume,
//! and their bundle in volumes.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::scene::{Scene, command, put_image, put_made_layer};
use crate::support::registry::Builder;
use crate::support::run::Run;

/// Short enough that the images make several, in bytes.
pub(crate) const SIZE: u64 = 200_000;
/// The images of the source.
pub(crate) const IMAGES: [&str; 4] = ["org/a:1", "org/b:1", "org/c:1", "org/large:1"];

/// Images that share a layer, and one with a layer that is longer than two volumes.
pub(crate) fn scene(source: Builder, target: Builder) -> Scene {
    let scene = Scene::with(source, target);
    for (number, name) in (1..).zip(["org/a", "org/b", "org/c"]) {
        let base = put_made_layer(&scene.source, name, 1, 40_000);
        let own = put_made_layer(&scene.source, name, 10 + number, 90_000);
        let small = put_made_layer(&scene.source, name, 20 + number, 700 + number);
        put_image(&scene.source, name, "1", &[base, own, small]);
    }
    let large = put_made_layer(&scene.source, "org/large", 30, 450_000);
    let base = put_made_layer(&scene.source, "org/large", 1, 40_000);
    put_image(&scene.source, "org/large", "1", &[base, large]);
    scene
}

/// An export of all of it into volumes of this size.
pub(crate) fn export(scene: &Scene, size: &str) -> Run {
    scene.export(&IMAGES).args(["--volume-size", size])
}

/// The volumes in their order.
pub(crate) fn volumes(scene: &Scene) -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = Vec::new();
    for name in scene.files() {
        let number = name.strip_prefix("images-").and_then(|rest| rest.split_once("of")).map(|(number, _)| number);
        if let Some(number) = number.and_then(|number| number.parse().ok()) {
            found.push((number, scene.path(&name)));
        }
    }
    found.sort();
    found.into_iter().map(|(_, path)| path).collect()
}

/// A scene whose volumes are written.
pub(crate) fn exported() -> (Scene, Vec<PathBuf>) {
    let scene = scene(Builder::default(), Builder::default());
    export(&scene, &SIZE.to_string()).run().succeeds();
    let volumes = volumes(&scene);
    assert!(volumes.len() > 3, "{volumes:?}");
    (scene, volumes)
}

/// `bundle COMMAND VOLUMES…`
pub(crate) fn with(name: &str, volumes: &[PathBuf]) -> Run {
    command(name).args(volumes)
}

/// `bundle import VOLUMES…` into the target.
pub(crate) fn import(scene: &Scene, volumes: &[PathBuf]) -> Run {
    with("import", volumes).args(["--plain-http", "--registry", &scene.target.host()])
}

/// The entries of a tar: names and content, in order.
pub(crate) fn entries(path: &PathBuf) -> Vec<(String, Vec<u8>)> {
    let mut archive = tar::Archive::new(fs::File::open(path).expect("a volume"));
    let entry = |entry: Result<tar::Entry<'_, fs::File>, _>| {
        let mut entry = entry.expect("an entry");
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).expect("content");
        (String::from_utf8(entry.path_bytes().into_owned()).expect("a name"), bytes)
    };
    archive.entries().expect("entries").map(entry).collect()
}

/// `bundle.json` of a volume.
pub(crate) fn about(path: &PathBuf) -> Value {
    let (_, bytes) = entries(path).into_iter().find(|(name, _)| name == "bundle.json").expect("it is there");
    serde_json::from_slice(&bytes).expect("JSON")
}
