//! A bundle in volumes: what is in them, and that each is sound by itself and all are the bundle together.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::json;

use crate::scene::{LAYER, Scene, command, put_image};
use crate::support::registry::{Builder, digest_like};
use crate::volumes_scene::{IMAGES, SIZE, about, entries, export, exported, scene, volumes, with};

#[test]
fn each_volume_has_all_manifests_and_no_byte_more_than_it_may() {
    let (scene, volumes) = exported();
    scene.export_to(&scene.path("whole.tar"), &IMAGES).run().succeeds();
    let whole = entries(&scene.path("whole.tar"));
    let mut content: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let count = volumes.len();
    for (number, path) in (1..).zip(&volumes) {
        assert_eq!(path.file_name().expect("a name").to_string_lossy(), format!("images-{number}of{count}.tar"));
        let bytes = fs::metadata(path).expect("a volume").len();
        assert!(bytes <= SIZE && bytes % 512 == 0, "{bytes}");
        let found = entries(path);
        for name in ["oci-layout", "index.json"] {
            let of = |entries: &[(String, Vec<u8>)]| entries.iter().find(|(n, _)| n == name).cloned();
            assert_eq!(of(&found), of(&whole));
        }
        let volume = &about(path)["volume"];
        assert_eq!((volume["number"].as_u64(), volume["count"].as_u64()), (Some(number), Some(count as u64)));
        assert_eq!(volume["size"].as_u64(), Some(SIZE));
        for (name, bytes) in found {
            if name.starts_with("parts/") {
                content.insert(name, bytes);
            } else if name.starts_with("blobs/") && !name.ends_with('/') {
                assert!(
                    content.insert(name.clone(), bytes).is_none_or(|there| there[0] == b'{'),
                    "{name} is there twice"
                );
            }
        }
    }
    // Joined as a stranger would join it.
    let parts: Vec<String> = content.keys().filter(|name| name.starts_with("parts/")).cloned().collect();
    let mut joined: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for name in parts {
        let bytes = content.remove(&name).expect("a part");
        match name.strip_suffix(".sha256") {
            Some(part) => {
                let line = String::from_utf8(bytes).expect("a line");
                let number = part.rsplit('/').next().expect("a number");
                let hash = joined_part(&joined, part);
                assert_eq!(line, format!("{hash}  {number}\n"));
            }
            None => drop(joined.insert(name, bytes)),
        }
    }
    let digests: BTreeSet<String> =
        joined.keys().map(|name| name.rsplit_once('/').expect("a number").0.to_owned()).collect();
    assert_eq!(digests.len(), 1, "one layer is cut");
    let bytes: Vec<u8> = joined.values().flatten().copied().collect();
    let digest = digests.first().expect("one").replacen("parts/", "", 1).replacen('/', ":", 1);
    assert_eq!(digest_like("sha256:", &bytes), digest);
    content.insert(format!("blobs/{}", digest.replace(':', "/")), bytes);
    let blobs = whole.into_iter().filter(|(name, _)| name.starts_with("blobs/") && !name.ends_with('/'));
    assert_eq!(content, blobs.collect());
}

fn joined_part(parts: &BTreeMap<String, Vec<u8>>, name: &str) -> String {
    digest_like("sha256:", &parts[name])["sha256:".len()..].to_owned()
}

#[test]
fn each_volume_passes_alone_and_says_which_others_were_not_looked_at() {
    let (_scene, volumes) = exported();
    let count = volumes.len();
    for (number, path) in (1..).zip(&volumes) {
        let output = command("verify").args([path]).args(["--format", "json"]).run().succeeds();
        let report = output.json();
        assert_eq!(report["intact"], true);
        assert_eq!(report["volume"]["number"], number);
        let others: Vec<u64> =
            report["otherVolumes"].as_array().expect("numbers").iter().filter_map(|n| n.as_u64()).collect();
        assert_eq!(others, (1..=count as u64).filter(|n| *n != number).collect::<Vec<_>>());
    }
    let text = command("verify").args([&volumes[0]]).run().succeeds().stdout;
    assert!(text.contains(&format!("volume 1 of {count} (2 to {count} not looked at)")), "{text}");
    let text = with("verify", &volumes).run().succeeds().stdout;
    assert!(!text.contains("not looked at"), "{text}");
}

#[test]
fn the_same_images_and_size_make_the_same_volumes_and_another_size_the_same_bundle() {
    let (scene, first) = exported();
    let bytes = |paths: &[std::path::PathBuf]| paths.iter().map(|path| fs::read(path).expect("a volume")).collect();
    let before: Vec<Vec<u8>> = bytes(&first);
    let identity = about(&first[0])["index"].clone();
    first.iter().for_each(|path| fs::remove_file(path).expect("a file"));
    let names: Vec<&str> = IMAGES.iter().rev().copied().collect();
    scene.export(&names).args(["--volume-size", "200000", "--jobs", "1"]).run().succeeds();
    assert!(before == bytes(&volumes(&scene)));
    first.iter().for_each(|path| fs::remove_file(path).expect("a file"));
    let left = scene.path("images-2of99.tar");
    fs::write(&left, "of another time").expect("a file");
    let output = export(&scene, "300KB").run().succeeds();
    assert!(output.stderr.contains("images-2of99.tar is a volume of another size"), "{}", output.stderr);
    fs::remove_file(left).expect("a file");
    let others = volumes(&scene);
    assert!(others.len() < first.len());
    assert_eq!(about(&others[0])["index"], identity);
}

#[test]
fn what_fits_into_one_volume_is_the_bundle_as_it_would_be_otherwise() {
    let scene = scene(Builder::default(), Builder::default());
    let run = export(&scene, "4GiB").run().succeeds();
    scene.export(&IMAGES).run().succeeds();
    let [volume, whole] = ["images-1of1.tar", "images.tar"].map(|name| fs::read(scene.path(name)).expect("a file"));
    assert!(volume == whole);
    assert!(run.stdout.contains("1 volume "), "{}", run.stdout);
}

#[test]
fn a_size_that_is_too_small_is_refused_with_one_that_is_enough() {
    let scene = scene(Builder::default(), Builder::default());
    let output = export(&scene, "4000").run().exits(2);
    let enough = output.stderr.split("; ").nth(1).and_then(|rest| rest.split(' ').next()).expect("a number").to_owned();
    assert!(scene.files().is_empty());
    export(&scene, &enough).run().succeeds();
    with("verify", &volumes(&scene)).run().succeeds();
}

#[test]
fn the_list_of_one_volume_is_the_list_of_all_and_says_where_each_image_is() {
    let (_scene, volumes) = exported();
    let mut lists = Vec::new();
    for path in &volumes {
        let report = command("list").args([path]).args(["--format", "json"]).run().succeeds().json();
        lists.push(report["images"].clone());
    }
    let large = lists[0].as_array().expect("images").iter().find(|image| image["bytes"].as_u64() > Some(400_000));
    assert!(large.expect("it is listed")["volumes"].as_array().expect("numbers").len() > 2);
    for list in &lists {
        // What is not here is what differs.
        let in_any = |list: &serde_json::Value| {
            let mut list = list.clone();
            for image in list.as_array_mut().expect("images") {
                image["platforms"] = ().into();
                image["absent"] = ().into();
            }
            list
        };
        assert_eq!(in_any(list), in_any(&lists[0]));
        assert_eq!(list.as_array().expect("images").len(), IMAGES.len());
    }
}

#[test]
fn volumes_for_fat32_are_as_long_as_its_longest_file_and_not_a_byte_longer() {
    let scene = Scene::new();
    // Layers that nobody fetches: a dry run goes by what the manifests say.
    let layer =
        |number: u64, size: u64| json!({"mediaType": LAYER, "digest": format!("sha256:{number:064x}"), "size": size});
    put_image(&scene.source, "org/a", "1", &[layer(1, 3 << 30), layer(2, 900 << 20)]);
    put_image(&scene.source, "org/b", "1", &[layer(3, (4 << 30) - 1)]);
    put_image(&scene.source, "org/c", "1", &[layer(4, 9 << 30)]);
    let names = ["org/a:1", "org/b:1", "org/c:1"].map(|name| scene.name(name));
    let run = command("export").args(names).args(["--plain-http", "--dry-run", "--volume-size", "fat32"]);
    let report = run.args(["--format", "json"]).run().succeeds().json();
    let volumes = report["volumes"].as_array().expect("volumes");
    let bytes: Vec<u64> = volumes.iter().map(|volume| volume["bytes"].as_u64().expect("a length")).collect();
    // FAT holds the length of a file in 32 bits.
    assert!(bytes.iter().all(|bytes| *bytes <= u64::from(u32::MAX)), "{bytes:?}");
    // A layer that is cut fills its volumes but for the last block.
    let full = bytes.iter().filter(|bytes| **bytes > u64::from(u32::MAX) - 1024).count();
    assert!(full >= 3, "{bytes:?}");
    assert!(bytes.iter().sum::<u64>() > 16 << 30, "{bytes:?}");
}
