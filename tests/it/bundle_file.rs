//! The file itself, read with the `tar` crate and hashed: what a stranger finds in it.

use std::collections::BTreeMap;
use std::io::Read;

use serde_json::Value;

use crate::scene::{CONFIG, INDEX, MANIFEST, Scene, borrowed, keys, names, put_image, put_layer};
use crate::support::registry::digest_like;

struct Entry {
    path: String,
    header: tar::Header,
    bytes: Vec<u8>,
}

fn entries(file: &[u8]) -> Vec<Entry> {
    let mut archive = tar::Archive::new(file);
    let read = |entry: std::io::Result<tar::Entry<'_, &[u8]>>| {
        let mut entry = entry.expect("an entry");
        let path = String::from_utf8(entry.path_bytes().into_owned()).expect("a path");
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("its bytes");
        Entry { path, header: entry.header().clone(), bytes }
    };
    archive.entries().expect("a tar").map(read).collect()
}

fn json(entries: &[Entry], path: &str) -> Value {
    let entry = entries.iter().find(|entry| entry.path == path).expect(path);
    serde_json::from_slice(&entry.bytes).expect("JSON")
}

fn exported() -> (Scene, Vec<u8>) {
    let (scene, images) = Scene::seeded();
    scene.export(&borrowed(&names(&images))).run().succeeds();
    let bytes = std::fs::read(scene.bundle()).expect("the bundle");
    (scene, bytes)
}

#[test]
fn names_come_first_then_manifests_then_configs_then_layers_by_size() {
    let (_scene, bytes) = exported();
    let entries = entries(&bytes);
    let paths: Vec<&str> = entries.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(paths[..5], ["oci-layout", "index.json", "bundle.json", "blobs/", "blobs/sha256/"]);
    assert!(!paths.iter().any(|path| path.starts_with("./") || path.starts_with('/')), "{paths:?}");

    // What each blob is used for, by the documents themselves.
    let index = json(&entries, "index.json");
    let mut manifests = Vec::new();
    let mut configs = Vec::new();
    let mut level: Vec<Value> = index["manifests"].as_array().expect("roots").clone();
    while !level.is_empty() {
        let mut next = Vec::new();
        for descriptor in level {
            let path = format!("blobs/{}", descriptor["digest"].as_str().expect("a digest").replace(':', "/"));
            if manifests.contains(&path) {
                continue;
            }
            let document = json(&entries, &path);
            manifests.push(path);
            next.extend(document["manifests"].as_array().into_iter().flatten().cloned());
            let config = document["config"]["digest"].as_str();
            configs.extend(config.map(|digest| format!("blobs/{}", digest.replace(':', "/"))));
        }
        level = next;
    }
    configs.sort();
    configs.dedup();
    let after = 5 + manifests.len();
    assert_eq!(paths[5..after], manifests, "breadth-first from index.json");
    assert_eq!(paths[after..after + configs.len()], configs, "configs by digest");
    let layers = &entries[after + configs.len()..];
    let by_size = |entry: &Entry| (std::cmp::Reverse(entry.bytes.len()), entry.path.clone());
    assert!(layers.is_sorted_by_key(by_size), "layers by falling size, then by digest");
    assert!(layers.len() > 10);
}

#[test]
fn every_header_is_plain_and_every_blob_hashes_to_its_name() {
    let (_scene, bytes) = exported();
    let entries = entries(&bytes);
    let mut offset = 0;
    for Entry { path, header, bytes: content } in &entries {
        assert_eq!(header.as_bytes(), &bytes[offset..offset + 512], "{path} stands right after the one before");
        assert!(header.as_ustar().is_some(), "{path}");
        let directory = path.ends_with('/');
        let kind = if directory { tar::EntryType::Directory } else { tar::EntryType::Regular };
        assert_eq!(header.entry_type(), kind, "{path}");
        assert_eq!(header.mode().expect("mode"), if directory { 0o755 } else { 0o644 }, "{path}");
        let owner = (header.uid().expect("uid"), header.gid().expect("gid"), header.mtime().expect("mtime"));
        assert_eq!(owner, (0, 0, 0), "{path}");
        assert_eq!((header.username(), header.groupname()), (Ok(Some("")), Ok(Some(""))), "{path}");
        assert_eq!(header.link_name_bytes(), None, "{path}");
        if let Some(hex) = path.strip_prefix("blobs/sha256/").filter(|hex| !hex.is_empty()) {
            assert_eq!(digest_like("sha256:", content), format!("sha256:{hex}"));
        }
        let end = offset + 512 + content.len();
        offset = end.next_multiple_of(512);
        assert!(bytes[end..offset].iter().all(|byte| *byte == 0), "padding after {path}");
    }
    assert_eq!(bytes.len(), offset + 1024, "two zero blocks end the file, and nothing follows");
    assert!(bytes[offset..].iter().all(|byte| *byte == 0));
}

#[test]
fn index_json_names_each_image_in_full_and_bundle_json_pins_it() {
    let (scene, bytes) = exported();
    let entries = entries(&bytes);
    assert_eq!(json(&entries, "oci-layout")["imageLayoutVersion"], "1.0.0");
    let index = json(&entries, "index.json");
    assert_eq!(keys(&index), ["manifests", "mediaType", "schemaVersion"]);
    assert_eq!((&index["mediaType"], &index["schemaVersion"]), (&INDEX.into(), &2.into()));
    let mut named = BTreeMap::new();
    for line in index["manifests"].as_array().expect("manifests") {
        assert_eq!(keys(line), ["annotations", "digest", "mediaType", "size"], "no platform, nothing else");
        let annotations = &line["annotations"];
        assert_eq!(keys(annotations), ["io.containerd.image.name", "org.opencontainers.image.ref.name"]);
        let name = annotations["org.opencontainers.image.ref.name"].as_str().expect("a name");
        assert_eq!(annotations["io.containerd.image.name"], name);
        named.insert(name.to_owned(), line.clone());
    }
    let images = ["google-containers/pause:latest", "library/legacy:1", "org/app:1.4", "org/chart:0.1", "org/tool:2.0"];
    for image in images {
        let (repository, tag) = image.split_once(':').expect("a tag");
        let line = &named[&scene.name(image)];
        let digest = scene.source.digest(repository, tag).expect("its digest");
        let (media_type, manifest) = scene.source.manifest(repository, tag).expect("its manifest");
        assert_eq!(line["digest"], digest);
        assert_eq!((&line["mediaType"], &line["size"]), (&media_type.into(), &manifest.len().into()));
    }
    assert_eq!(named.len(), 6);

    let raw = &entries[1].bytes;
    let about = json(&entries, "bundle.json");
    assert_eq!(about["index"], digest_like("sha256:", raw));
    assert_eq!(about["formatVersion"], 1);
    assert_eq!((&about["volume"]["number"], &about["volume"]["count"]), (&1.into(), &1.into()));
    for path in [1, 2] {
        let text = std::str::from_utf8(&entries[path].bytes).expect("text");
        let compact: Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(text, compact.to_string(), "compact, keys sorted, no newline");
    }
    // The digest that every command prints is the digest of this file.
    let listed = scene.list().args(["--format", "json"]).run().succeeds().json();
    assert_eq!(listed["digest"], digest_like("sha256:", raw));
}

#[test]
fn a_digest_without_a_tag_is_named_by_its_digest_and_a_tag_with_one_keeps_the_tag() {
    let scene = Scene::new();
    let layer = put_layer(&scene.source, "org/app", "one layer");
    let digest = put_image(&scene.source, "org/app", "1", &[layer]);
    let (by_digest, both) = (format!("org/app@{digest}"), format!("org/app:1@{digest}"));
    scene.export(&[&by_digest, &both]).run().succeeds();
    let bytes = std::fs::read(scene.bundle()).expect("the bundle");
    let index = json(&entries(&bytes), "index.json");
    let lines = index["manifests"].as_array().expect("manifests");
    let names: Vec<&str> =
        lines.iter().filter_map(|l| l["annotations"]["org.opencontainers.image.ref.name"].as_str()).collect();
    assert_eq!(names, [scene.name("org/app:1"), scene.name(&by_digest)]);
    assert!(lines.iter().all(|line| line["digest"] == digest && line["mediaType"] == MANIFEST));
    let config = entries(&bytes).iter().filter(|entry| entry.path.starts_with("blobs/sha256/")).count();
    assert_eq!(config, 4, "the directory, and manifest, config and layer once");
}

#[test]
fn a_sha512_blob_has_its_whole_name_and_a_directory_of_its_own() {
    let scene = Scene::new();
    let layer = b"a layer by another digest".to_vec();
    let digest = digest_like("sha512:", &layer);
    scene.source.put_blob_as("org/app", &digest, layer.clone());
    let config = b"{}".to_vec();
    let manifest = serde_json::json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": crate::scene::descriptor(CONFIG, &config),
        "layers": [{"mediaType": crate::scene::LAYER, "digest": digest, "size": layer.len()}],
    });
    scene.source.put_blob("org/app", config);
    scene.source.put_manifest("org/app", Some("1"), MANIFEST, manifest.to_string());
    scene.export(&["org/app:1"]).run().succeeds();
    let bytes = std::fs::read(scene.bundle()).expect("the bundle");
    let entries = entries(&bytes);
    let path = format!("blobs/{}", digest.replace(':', "/"));
    assert_eq!(entries.last().map(|entry| (entry.path.clone(), entry.bytes.clone())), Some((path, layer)));
    assert!(entries.iter().any(|entry| entry.path == "blobs/sha512/" && entry.header.entry_type().is_dir()));
    scene.verify().run().succeeds();
    scene.import().run().succeeds();
    assert!(scene.target.has_blob("library/org/app", &digest));
}
