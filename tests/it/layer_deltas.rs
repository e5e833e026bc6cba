//! Deltas inside layers: what changed of a layer travels, the layer arrives, to the last byte, or nothing does.

use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::scene::{Scene, command, put_image, put_layer, put_made_layer, writes};
use crate::support::run::Run;

/// Files of text, of which `changed` is another in each version.
fn files(version: u64, count: u64) -> Vec<u8> {
    let mut plain = Vec::new();
    for file in 0..count {
        let seed = if file == count / 2 { version } else { 0 };
        let mut state = (file * 1_000_003 + seed * 7_919 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for _ in 0..400 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            plain.extend(format!("{:x} of file {file}; ", state % 100_000).bytes());
        }
    }
    plain
}

/// The same as a layer.
pub(crate) fn gzipped(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).expect("memory");
    encoder.finish().expect("memory")
}

/// Puts a version of an image in whose large layer changes a little, and a small one altogether.
fn put_version(scene: &Scene, version: u64) -> String {
    put_version_of(scene, version, 40)
}

fn put_version_of(scene: &Scene, version: u64, count: u64) -> String {
    let large = put_layer(&scene.source, "org/app", gzipped(&files(version, count)));
    let small = put_made_layer(&scene.source, "org/app", version, 9_000);
    let digest = large["digest"].as_str().expect("a digest").to_owned();
    put_image(&scene.source, "org/app", "1", &[large, small]);
    digest
}

fn export(scene: &Scene, output: &Path, bases: &[&Path]) -> Run {
    bases.iter().fold(scene.export_to(output, &["org/app:1"]), |run, base| run.args([Path::new("--base"), base]))
}

/// June's bundle, July's, and July's as what changed since.
pub(crate) struct Months {
    pub(crate) scene: Scene,
    pub(crate) june: PathBuf,
    july: PathBuf,
    pub(crate) patch: PathBuf,
    /// The large layer in June and in July.
    pub(crate) old: String,
    pub(crate) new: String,
    report: Value,
}

pub(crate) fn months() -> Months {
    months_of(40)
}

/// The same of so many files.
pub(crate) fn months_of(count: u64) -> Months {
    let scene = Scene::new();
    let [june, july, patch] = ["june.tar", "july.tar", "patch.tar"].map(|name| scene.path(name));
    let old = put_version_of(&scene, 1, count);
    export(&scene, &june, &[]).run().succeeds();
    let new = put_version_of(&scene, 2, count);
    export(&scene, &july, &[]).run().succeeds();
    let run = export(&scene, &patch, &[&june]).args(["--layer-deltas", "--format", "json"]).run().succeeds();
    let report = run.json();
    Months { scene, june, july, patch, old, new, report }
}

pub(crate) fn import(scene: &Scene, bundles: &[&Path]) -> Run {
    command("import").args(bundles).args(["--plain-http", "--registry", &scene.target.host()])
}

#[track_caller]
fn arrived(scene: &Scene) {
    let served = |registry: &crate::support::registry::Registry, repo: &str| registry.manifest(repo, "1").map(|m| m.1);
    assert_eq!(served(&scene.target, "library/org/app"), served(&scene.source, "org/app"));
    assert_eq!(scene.target.missing("library/org/app", "1"), Vec::<String>::new());
    for digest in crate::scene::blobs_of(&scene.source, "org/app", "1") {
        assert!(scene.target.has_blob("library/org/app", &digest), "{digest}");
    }
    assert_eq!(scene.target.violations(), Vec::<String>::new());
}

#[test]
fn what_changed_of_a_layer_travels_and_the_target_s_old_layer_makes_it_whole() {
    let Months { scene, june, july, patch, old, new, report } = months();
    let blobs = &report["blobs"];
    assert_eq!((blobs["deltas"].as_u64(), blobs["count"].as_u64()), (Some(1), Some(1)), "{report}");
    let [carried, whole] = ["bytesInDeltas", "bytesOfDeltas"].map(|key| blobs[key].as_u64().expect("a number"));
    assert!(carried * 4 < whole, "{carried} of {whole}");
    let [patch_bytes, july_bytes] = [&patch, &july].map(|path| std::fs::metadata(path).expect("a file").len());
    assert!(patch_bytes < july_bytes / 2, "{patch_bytes} of {july_bytes}");
    let whole = export(&scene, &scene.path("again.tar"), &[]).args(["--format", "json"]).run().succeeds().json();
    assert_eq!(whole["digest"], report["digest"], "it is the same bundle");

    import(&scene, &[&june]).run().succeeds();
    assert!(!scene.target.has_blob("library/org/app", &new));
    import(&scene, &[&patch]).run().succeeds();
    arrived(&scene);
    // Once more: nothing is to be done.
    let again = import(&scene, &[&patch]).run().succeeds();
    assert!(again.all().contains("present"), "{}", again.all());
    assert!(scene.target.has_blob("library/org/app", &old));
}

#[test]
fn a_registry_that_was_emptied_gets_all_of_it_with_the_old_bundle_along() {
    let Months { scene, june, patch, new, old, .. } = months();
    let refused = import(&scene, &[&patch]).run().exits(4);
    for digest in [&old, &new] {
        assert!(refused.stderr.contains(digest.as_str()), "{}", refused.stderr);
    }
    assert!(refused.stderr.contains("give the base as one more BUNDLE"), "{}", refused.stderr);
    assert_eq!(writes(&scene.target), Vec::<String>::new(), "nothing is begun");
    import(&scene, &[&june, &patch]).run().succeeds();
    arrived(&scene);
}

#[test]
fn packed_with_its_base_it_is_the_bundle_of_a_direct_export_to_the_last_byte() {
    let Months { scene, june, july, patch, new, .. } = months();
    let packed = scene.path("packed.tar");
    for inputs in [[&june, &patch], [&patch, &june]] {
        command("pack").args(inputs).args([Path::new("--force"), Path::new("-o"), &packed]).run().succeeds();
        assert!(std::fs::read(&packed).expect("a file") == std::fs::read(&july).expect("a file"));
    }
    let refused = command("pack").args([&patch]).args([Path::new("--force"), Path::new("-o"), &packed]).run().exits(4);
    assert!(refused.stderr.contains(&new), "{}", refused.stderr);
}

#[test]
fn with_an_inventory_as_the_base_old_layers_come_from_the_source_as_long_as_it_has_them() {
    let Months { scene, june, patch, old, new, .. } = months();
    import(&scene, &[&june]).run().succeeds();
    let (inventory, by_inventory) = (scene.path("inventory.json"), scene.path("by-inventory.tar"));
    let take = command("inventory").args(["--plain-http", "--registry", &scene.target.host()]);
    take.args(["library/org/app"]).args([Path::new("-o"), &inventory]).run().succeeds();
    let run = || export(&scene, &by_inventory, &[&inventory]).args(["--layer-deltas", "--force", "--format", "json"]);
    let report = run().run().succeeds().json();
    assert_eq!(report["blobs"]["deltas"], 1, "{report}");
    assert!(std::fs::read(&patch).expect("a file") == std::fs::read(&by_inventory).expect("a file"));
    import(&scene, &[&by_inventory]).run().succeeds();
    assert!(scene.target.has_blob("library/org/app", &new));
    // Gone from the source, it is no old layer any more.
    scene.source.remove_blob("org/app", &old);
    let report = run().run().succeeds().json();
    assert_eq!(report["blobs"]["deltas"], 0, "{report}");
}

#[test]
fn the_same_inputs_give_the_same_file() {
    let Months { scene, june, patch, .. } = months();
    let again = scene.path("patch-again.tar");
    export(&scene, &again, &[&june]).args(["--layer-deltas"]).run().succeeds();
    assert!(std::fs::read(&patch).expect("a file") == std::fs::read(&again).expect("a file"));
}

#[test]
fn verify_says_what_is_known_without_the_base_and_all_of_it_with_it() {
    let Months { scene: _scene, june, patch, old, .. } = months();
    let alone = command("verify").args([&patch]).run().succeeds();
    assert!(alone.all().contains(&format!("1 layer needs {old}, which is in none of these files")), "{}", alone.all());
    let both = command("verify").args([&june, &patch]).run().succeeds();
    assert!(both.all().contains("1 layer as what changed, all rebuilt"), "{}", both.all());
    let both = command("verify").args([&june, &patch]).args(["--format", "json"]).run().succeeds().json();
    assert_eq!(both["bundles"][1]["delta"]["rebuilt"], 1, "{both}");
}

#[test]
fn the_list_says_what_was_saved() {
    let Months { scene: _scene, patch, .. } = months();
    let listed = command("list").args([&patch]).run().succeeds();
    assert!(listed.stdout.contains("layers    1 layer as what changed since older ones: "), "{}", listed.stdout);
}

#[test]
fn without_a_base_and_into_volumes_it_is_refused() {
    let scene = Scene::new();
    put_version(&scene, 1);
    let (june, patch) = (scene.path("june.tar"), scene.path("patch.tar"));
    let refused = export(&scene, &patch, &[]).args(["--layer-deltas"]).run().exits(2);
    assert!(refused.stderr.contains("--layer-deltas needs a --base"), "{}", refused.stderr);
    export(&scene, &june, &[]).run().succeeds();
    let run = export(&scene, &patch, &[&june]).args(["--layer-deltas", "--volume-size", "cd"]).run().exits(2);
    assert!(run.stderr.contains("do not go together"), "{}", run.stderr);
}
