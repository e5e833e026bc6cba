//! The images in `fixtures/` are what their generator writes, and what their README says of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::Path;

use serde_json::Value;

use crate::support::registry::{Registry, digest_like};

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures"))
}

fn files(dir: &Path, below: &str, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(dir).expect("a directory") {
        let entry = entry.expect("an entry");
        let name = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            files(&entry.path(), &format!("{name}/"), found);
        } else {
            found.insert(name, fs::read(entry.path()).expect("a file"));
        }
    }
}

#[test]
fn generating_again_gives_every_byte_again() {
    let again = tempfile::tempdir().expect("a directory");
    crate::support::fixtures::write(again.path());
    let (mut committed, mut generated) = (BTreeMap::new(), BTreeMap::new());
    files(&folder().join("images"), "images/", &mut committed);
    files(again.path(), "", &mut generated);
    let schema1 = fs::read(folder().join("schema1.json")).expect("schema1.json");
    committed.insert("schema1.json".into(), schema1);
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&committed), names(&generated), "run `make fixtures`");
    for (name, bytes) in &committed {
        assert!(*bytes == generated[name], "{name} differs: run `make fixtures`");
    }
    assert!(committed.values().map(Vec::len).sum::<usize>() < 300 * 1024);
}

#[test]
fn every_image_is_whole_and_its_layers_unpack_to_their_diff_ids() {
    let registry = Registry::start();
    let seeded = registry.seed_layout(&folder().join("images"));
    assert_eq!(seeded.len(), 6);
    let mut platforms = BTreeSet::new();
    for image in &seeded {
        assert_eq!(registry.missing(&image.repository, &image.tag), Vec::<String>::new(), "{}", image.name);
        for digest in registry.manifests_of(&image.repository, &image.tag) {
            let (_, bytes) = registry.manifest(&image.repository, &digest).expect("a manifest");
            let document: Value = serde_json::from_slice(&bytes).expect("JSON");
            let Some(config) = document["config"]["digest"].as_str() else { continue };
            let config = registry.blob(&image.repository, config).expect("a config");
            let config: Value = serde_json::from_slice(&config).expect("JSON");
            let Some(diff_ids) = config["rootfs"]["diff_ids"].as_array() else { continue };
            platforms.insert(format!("{}/{}", config["os"], config["architecture"]).replace('"', ""));
            let layers = document["layers"].as_array().expect("layers");
            assert_eq!(layers.len(), diff_ids.len());
            for (layer, diff_id) in layers.iter().zip(diff_ids) {
                let bytes = registry.blob(&image.repository, layer["digest"].as_str().expect("a digest"));
                let bytes = bytes.expect("a layer");
                let mut tar = Vec::new();
                if layer["mediaType"].as_str().expect("a type").contains("gzip") {
                    flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut tar).expect("gzip");
                    assert!(tar::Archive::new(&tar[..]).entries().expect("a tar").count() > 0);
                } else {
                    tar = bytes;
                }
                assert_eq!(diff_id, digest_like("sha256:", &tar).as_str());
            }
        }
    }
    let expected = ["linux/amd64", "linux/arm", "linux/arm64", "linux/ppc64le", "linux/s390x", "unknown/unknown"];
    assert!(expected.iter().all(|platform| platforms.contains(*platform)), "{platforms:?}");
    assert!(platforms.contains("windows/amd64"));
}
