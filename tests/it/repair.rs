//! A damaged bundle is mended: an inventory of what is good of it goes back, and what comes is only what was bad.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::deltas::{IMAGES, import_of, is_there, put_twelve};
use crate::scene::{Scene, command, put_image, put_made_layer, writes};
use crate::support::run::{Output, Run};

/// Where a blob stands in a bundle: the first byte of its data, and how many there are.
fn blobs(path: &Path) -> Vec<(String, usize, usize)> {
    let bytes = std::fs::read(path).expect("a file");
    let mut archive = tar::Archive::new(&bytes[..]);
    let mut found = Vec::new();
    for entry in archive.entries().expect("entries") {
        let entry = entry.expect("an entry");
        let name = entry.path().expect("a path").to_string_lossy().into_owned();
        if let Some(hex) = name.strip_prefix("blobs/sha256/").filter(|hex| hex.len() == 64) {
            let at = usize::try_from(entry.raw_file_position()).expect("a place");
            found.push((format!("sha256:{hex}"), at, usize::try_from(entry.size()).expect("a size")));
        }
    }
    found
}

fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).expect("a file");
    bytes[at] ^= 0x20;
    std::fs::write(path, bytes).expect("a file");
}

pub(crate) fn inventory_of(path: &Path, output: &Path) -> Run {
    command("inventory").args([path]).args([Path::new("-o"), output]).args(["--force", "--format", "json"])
}

/// `export -f INVENTORY --base INVENTORY -o PATCH`
fn patch(inventory: &Path, output: &Path) -> Run {
    let run = command("export").args([Path::new("-f"), inventory, Path::new("--base"), inventory]);
    run.args([Path::new("-o"), output]).args(["--plain-http", "--force", "--format", "json"])
}

fn document(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("a file")).expect("JSON")
}

/// The blobs of a bundle that are no manifests.
fn contents(path: &Path) -> BTreeSet<String> {
    let report = command("list").args([path]).args(["--format", "json"]).run().succeeds().json();
    let manifests: BTreeSet<String> = report["images"]
        .as_array()
        .expect("images")
        .iter()
        .map(|i| i["digest"].as_str().expect("one").into())
        .collect();
    blobs(path).into_iter().map(|(digest, ..)| digest).filter(|digest| !manifests.contains(digest)).collect()
}

fn all_there(scene: &Scene, images: usize, said: &Output) {
    (0..images).for_each(|number| is_there(scene, number, said));
}

/// A bundle of many small images on a drive, and the files that a repair makes.
fn scene(images: usize) -> (Scene, PathBuf, PathBuf, PathBuf) {
    let scene = Scene::new();
    for number in 0..images {
        let repository = format!("org/app{number}");
        let shared = put_made_layer(&scene.source, &repository, 1000, 40_000);
        let layers: Vec<Value> = [shared]
            .into_iter()
            .chain((0..4).map(|n| put_made_layer(&scene.source, &repository, (10 * number + n) as u64, 3_000)))
            .collect();
        put_image(&scene.source, &repository, "1", &layers);
    }
    let names: Vec<String> = (0..images).map(|number| format!("org/app{number}:1")).collect();
    let broken = scene.bundle();
    scene.export(&names.iter().map(String::as_str).collect::<Vec<_>>()).run().succeeds();
    let (inventory, patch) = (scene.path("inventory.json"), scene.path("patch.tar"));
    (scene, broken, inventory, patch)
}

#[test]
fn damage_in_1_5_and_50_random_blobs_is_mended_by_a_patch_of_exactly_those() {
    let (scene, broken, inventory, mended) = scene(IMAGES);
    let all = blobs(&broken);
    let whole = std::fs::read(&broken).expect("a file");
    // A run that fails says which it was.
    let mut seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("now").as_nanos() as u64;
    for damages in [1, 5, 50] {
        let mut bytes = whole.clone();
        let mut bad = BTreeSet::new();
        while bad.len() < damages {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (digest, at, size) = &all[(seed >> 33) as usize % all.len()];
            if bad.insert(digest.clone()) {
                bytes[at + (seed >> 13) as usize % size] ^= 1 << (seed % 8);
            }
        }
        std::fs::write(&broken, bytes).expect("a file");
        let said = inventory_of(&broken, &inventory).run().succeeds();
        let report = said.json();
        let named: BTreeSet<String> = report["damaged"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|one| one["digest"].as_str().map(Into::into))
            .collect();
        assert!(bad.is_subset(&named), "seed {seed}: {bad:?} {report}");
        assert_eq!(document(&inventory)["images"].as_array().map(Vec::len), Some(IMAGES));
        let made = patch(&inventory, &mended).run().succeeds();
        let manifests: BTreeSet<String> = all.iter().map(|(digest, ..)| digest.clone()).collect::<BTreeSet<_>>();
        let held: BTreeSet<String> = contents(&mended);
        let expected: BTreeSet<String> = bad.intersection(&manifests).cloned().collect();
        let expected: BTreeSet<String> = expected.into_iter().filter(|digest| !is_manifest(&scene, digest)).collect();
        assert_eq!(held, expected, "seed {seed}: {}", made.all());
        let imported = import_of(&scene, &[broken.clone(), mended.clone()]).run().succeeds();
        all_there(&scene, IMAGES, &imported);
    }
}

fn is_manifest(scene: &Scene, digest: &str) -> bool {
    (0..IMAGES).any(|number| scene.source.manifest(&format!("org/app{number}"), digest).is_some())
}

#[test]
fn of_a_file_that_was_cut_what_is_good_is_used_and_the_rest_comes_with_the_patch() {
    let (scene, broken, inventory, mended) = scene(2);
    let whole = std::fs::read(&broken).expect("a file");
    let all = blobs(&broken);
    let (_, at, size) = &all[all.len() - 3];
    std::fs::write(&broken, &whole[..at + size / 2]).expect("a file");
    let report = inventory_of(&broken, &inventory).run().succeeds().json();
    assert_eq!(report["images"], 2, "{report}");
    assert_eq!(document(&inventory)["held"].as_array().expect("a list").len(), all.len() - 3);
    let made = patch(&inventory, &mended).run().succeeds();
    assert_eq!(made.json()["blobs"]["count"], 3, "{}", made.all());
    // Alone it is refused as ever.
    import_of(&scene, std::slice::from_ref(&broken)).run().exits(3);
    assert!(writes(&scene.target).is_empty());
    let imported = import_of(&scene, &[broken, mended]).run().succeeds();
    assert!(imported.stderr.contains("what hashes right in it is used all the same"), "{}", imported.stderr);
    all_there(&scene, 2, &imported);
}

#[test]
fn a_header_that_cannot_be_read_costs_that_entry_alone() {
    let (scene, broken, inventory, mended) = scene(2);
    let all = blobs(&broken);
    let (digest, at, _) = &all[all.len() - 4];
    flip(&broken, at - 512 + 130);
    inventory_of(&broken, &inventory).run().succeeds();
    assert_eq!(document(&inventory)["held"].as_array().expect("a list").len(), all.len() - 1);
    patch(&inventory, &mended).run().succeeds();
    assert_eq!(contents(&mended), BTreeSet::from([digest.clone()]));
    let imported = import_of(&scene, &[broken, mended]).run().succeeds();
    all_there(&scene, 2, &imported);
}

#[test]
fn with_its_list_of_names_damaged_a_file_is_content_for_whoever_knows_the_names() {
    let (scene, broken, inventory, mended) = scene(2);
    // In the first name of index.json.
    let all = blobs(&broken);
    flip(&broken, 1536 + 80);
    let report = inventory_of(&broken, &inventory).run().succeeds().json();
    assert_eq!(report["images"], 0, "{report}");
    assert_eq!(document(&inventory)["held"].as_array().expect("a list").len(), all.len());
    let refused = patch(&inventory, &mended).run().exits(2);
    assert!(refused.stderr.contains("no image named"), "{}", refused.stderr);
    let named = scene.export_to(&mended, &["org/app0:1", "org/app1:1"]).args([Path::new("--base"), &inventory]);
    let made = named.args(["--format", "json"]).run().succeeds();
    assert_eq!(made.json()["blobs"]["count"], 0, "{}", made.all());
    let imported = import_of(&scene, &[broken, mended]).run().succeeds();
    all_there(&scene, 2, &imported);
}

#[test]
fn nothing_good_is_no_inventory_and_the_path_stays_as_it_was() {
    let (scene, broken, inventory, _) = scene(1);
    std::fs::write(&broken, vec![7; 70_000]).expect("a file");
    inventory_of(&broken, &inventory).run().exits(3);
    assert!(!inventory.exists());
    std::fs::write(&inventory, "mine").expect("a file");
    scene.export_to(&scene.path("good.tar"), &["org/app0:1"]).run().succeeds();
    let good = scene.path("good.tar");
    let refused = command("inventory").args([&good]).args([Path::new("-o"), &inventory]).run().exits(2);
    assert!(refused.stderr.contains("the file exists"), "{}", refused.stderr);
    assert_eq!(std::fs::read_to_string(&inventory).expect("a file"), "mine");
}

#[test]
fn rounds_of_inventory_delta_and_import_carry_nothing_else() {
    let scene = Scene::new();
    let images = put_twelve(&scene);
    let (first, inventory) = (scene.bundle(), scene.path("inventory.json"));
    scene.export(&images.iter().map(String::as_str).collect::<Vec<_>>()).run().succeeds();
    import_of(&scene, std::slice::from_ref(&first)).run().succeeds();
    let mut carried = vec![first];
    for round in 0..2_u64 {
        // Everything that crossed so far, on the far side.
        let run = command("inventory").args(&carried).args([Path::new("-o"), &inventory]).args(["--force"]);
        run.run().succeeds();
        assert_eq!(document(&inventory)["images"].as_array().map(Vec::len), Some(IMAGES));
        crate::deltas::put_one(&scene, 3, 50 + round);
        let small = scene.path(&format!("delta{round}.tar"));
        let made = crate::deltas::delta(&scene, &small, std::slice::from_ref(&inventory), &images);
        let report = made.args(["--format", "json"]).run().succeeds().json();
        assert_eq!(report["blobs"]["count"], 1, "{report}");
        let imported = import_of(&scene, std::slice::from_ref(&small)).run().succeeds();
        all_there(&scene, IMAGES, &imported);
        carried.push(small);
    }
}
