//! `bundle pack`: what comes out is what one export of the same images gives, compared byte for byte.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::deltas::{delta, import_of, put_one, put_twelve};
use crate::referrer_scene::Signed;
use crate::scene::{Scene, borrowed, command, names, put_image, put_layer, put_made_layer, put_small_image};
use crate::support::run::Run;

fn pack(output: &Path, inputs: &[&Path]) -> Run {
    command("pack").args(inputs).args([Path::new("-o"), output])
}

#[track_caller]
fn same(one: &Path, other: &Path) {
    let [one, other] = [one, other].map(|path| std::fs::read(path).expect("a file"));
    let first = one.iter().zip(&other).position(|(a, b)| a != b);
    assert!(one == other, "{} and {} bytes, first different at {first:?}", one.len(), other.len());
}

/// Unpacks a bundle, and takes away what makes it one.
fn layout_of(bundle: &Path, folder: &Path) -> PathBuf {
    tar::Archive::new(std::fs::File::open(bundle).expect("a file")).unpack(folder).expect("unpacked");
    std::fs::remove_file(folder.join("bundle.json")).expect("it was there");
    folder.to_owned()
}

#[test]
fn a_base_and_a_delta_make_what_a_direct_export_gives_in_either_order() {
    let scene = Scene::new();
    let images = put_twelve(&scene);
    let (base, small) = (scene.path("base.tar"), scene.path("delta.tar"));
    let (whole, packed) = (scene.path("whole.tar"), scene.path("packed.tar"));
    delta(&scene, &base, &[], &images).run().succeeds();
    put_one(&scene, 3, 77);
    delta(&scene, &small, std::slice::from_ref(&base), &images).run().succeeds();
    delta(&scene, &whole, &[], &images).run().succeeds();
    pack(&packed, &[&base, &small]).run().succeeds();
    same(&packed, &whole);
    pack(&packed, &[&small, &base]).args(["--force"]).run().succeeds();
    same(&packed, &whole);
    // A chain of them, and the file that is read replaced by what comes out.
    put_one(&scene, 5, 78);
    let next = scene.path("next.tar");
    delta(&scene, &next, &[base.clone(), small.clone()], &images).run().succeeds();
    delta(&scene, &whole, &[], &images).args(["--force"]).run().succeeds();
    pack(&base, &[&next, &base, &small]).args(["--force"]).run().succeeds();
    same(&base, &whole);
    let refused = pack(&packed, &[&small]).args(["--force"]).run().exits(4);
    let listed = command("list").args([&small]).args(["--format", "json"]).run().succeeds().json();
    for left_out in listed["leftOut"].as_array().expect("a list") {
        assert!(refused.stderr.contains(left_out["digest"].as_str().expect("a digest")), "{}", refused.stderr);
    }
    assert!(refused.stderr.contains("org/app0:1"), "{}", refused.stderr);
}

#[test]
fn bundles_are_merged_and_images_taken_out_as_an_export_would_have_made_them() {
    let (scene, seeded) = Scene::seeded();
    let all = names(&seeded);
    let signed = Signed::put(&scene.source, "org/signed");
    assert!(!signed.referrers().is_empty());
    let mut images: Vec<String> = all.clone();
    images.push("org/signed:1".into());
    let whole = scene.path("whole.tar");
    scene.export_to(&whole, &borrowed(&images)).run().succeeds();
    let (one, two) = (scene.path("one.tar"), scene.path("two.tar"));
    scene.export_to(&one, &borrowed(&images[..4])).run().succeeds();
    scene.export_to(&two, &borrowed(&images[3..])).run().succeeds();
    let packed = scene.path("packed.tar");
    pack(&packed, &[&two, &one]).run().succeeds();
    same(&packed, &whole);
    for image in &images {
        let direct = scene.path("direct.tar");
        scene.export_to(&direct, &[image]).args(["--force"]).run().succeeds();
        pack(&packed, &[&whole]).args(["--force", "--only", &scene.name(image)]).run().succeeds();
        same(&packed, &direct);
    }
    // A layout of another tool is one too, and so are parts of several.
    let folder = layout_of(&whole, &scene.path("folder"));
    pack(&packed, &[&folder]).args(["--force", "--read-back"]).run().succeeds();
    same(&packed, &whole);
    let some = scene.path("some.tar");
    let those: Vec<&str> = images.iter().map(String::as_str).filter(|name| name.starts_with("org/")).collect();
    scene.export_to(&some, &those).run().succeeds();
    pack(&packed, &[&whole]).args(["--force", "--only", &scene.name("org/*")]).run().succeeds();
    same(&packed, &some);
    let refused = pack(&packed, &[&whole]).args(["--force", "--only", "quay.io/nothing"]).run().exits(2);
    assert!(refused.stderr.contains("no image here has this name"), "{}", refused.stderr);
    same(&packed, &some);
}

#[test]
fn what_something_is_depends_on_the_images_that_are_taken_alone() {
    let scene = Scene::new();
    // A layer of one image is the config of another, and so stands elsewhere in the bundle of both.
    let config = serde_json::json!({"os": "linux", "architecture": "amd64", "config": {"Labels": {"of": "org/one:1"}}});
    let layer = put_layer(&scene.source, "org/one", "a layer");
    put_image(&scene.source, "org/one", "1", &[layer]);
    let odd = put_layer(&scene.source, "org/two", config.to_string());
    let large = put_layer(&scene.source, "org/two", "x".repeat(5_000));
    put_image(&scene.source, "org/two", "1", &[odd, large]);
    let (whole, two, packed) = (scene.path("whole.tar"), scene.path("two.tar"), scene.path("packed.tar"));
    scene.export_to(&whole, &["org/one:1", "org/two:1"]).run().succeeds();
    scene.export_to(&two, &["org/two:1"]).run().succeeds();
    pack(&packed, &[&whole]).args(["--only", &scene.name("org/two:1")]).run().succeeds();
    same(&packed, &two);
}

#[test]
fn a_name_with_two_digests_is_refused_with_both_and_their_files() {
    let scene = Scene::new();
    let first = put_small_image(&scene.source, "org/app", "1");
    put_small_image(&scene.source, "org/other", "1");
    let (one, two) = (scene.path("one.tar"), scene.path("two.tar"));
    scene.export_to(&one, &["org/app:1", "org/other:1"]).run().succeeds();
    let layer = put_layer(&scene.source, "org/app", "another layer");
    let second = put_image(&scene.source, "org/app", "1", &[layer]);
    scene.export_to(&two, &["org/app:1"]).run().succeeds();
    let packed = scene.path("packed.tar");
    let refused = pack(&packed, &[&one, &two]).run().exits(2);
    for text in [first.as_str(), &second, "one.tar", "two.tar", "org/app:1"] {
        assert!(refused.stderr.contains(text), "{text}: {}", refused.stderr);
    }
    assert_eq!(scene.files(), ["one.tar", "two.tar"]);
    pack(&packed, &[&one, &two]).args(["--only", &scene.name("org/other:1")]).run().succeeds();
}

#[test]
fn a_damaged_bundle_and_its_patch_make_the_bundle_that_it_was() {
    let scene = Scene::new();
    let images = put_twelve(&scene);
    let (broken, inventory, patch) = (scene.path("broken.tar"), scene.path("inventory.json"), scene.path("patch.tar"));
    delta(&scene, &broken, &[], &images).run().succeeds();
    let whole = std::fs::read(&broken).expect("a file");
    std::fs::write(&broken, &whole[..whole.len() / 2]).expect("a file");
    command("inventory").args([&broken]).args([Path::new("-o"), &inventory]).run().succeeds();
    let run = command("export").args([Path::new("-f"), &inventory, Path::new("--base"), &inventory]);
    run.args([Path::new("-o"), &patch]).args(["--plain-http"]).run().succeeds();
    let packed = scene.path("packed.tar");
    pack(&packed, &[&broken, &patch]).run().succeeds();
    assert!(std::fs::read(&packed).expect("a file") == whole);
    // One of two files has a blob that hashes wrong: the other is asked.
    let mut bytes = whole.clone();
    let at = bytes.len() - 3_000;
    bytes[at] ^= 1;
    std::fs::write(&broken, &bytes).expect("a file");
    let refused = pack(&packed, &[&broken]).args(["--force"]).run().exits(3);
    assert!(refused.stderr.contains("broken.tar"), "{}", refused.stderr);
    let other = scene.path("other.tar");
    std::fs::write(&other, &whole).expect("a file");
    pack(&packed, &[&broken, &other]).args(["--force"]).run().succeeds();
    same(&packed, &other);
}

#[test]
fn a_pack_killed_at_random_moments_goes_on_and_ends_the_same() {
    let kills: u64 = std::env::var("BUNDLE_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(12);
    let scene = Scene::new();
    for number in 0..6_u64 {
        let repository = format!("org/app{number}");
        let layer = put_made_layer(&scene.source, &repository, number, 3_000_000);
        put_image(&scene.source, &repository, "1", &[layer]);
    }
    let images: Vec<String> = (0..6).map(|number| format!("org/app{number}:1")).collect();
    let (one, two, whole) = (scene.path("one.tar"), scene.path("two.tar"), scene.path("whole.tar"));
    scene.export_to(&one, &borrowed(&images[..3])).run().succeeds();
    scene.export_to(&two, &borrowed(&images[3..])).run().succeeds();
    scene.export_to(&whole, &borrowed(&images)).run().succeeds();
    let packed = scene.path("packed.tar");
    let took = pack(&packed, &[&one, &two]).run().succeeds().took;
    std::fs::remove_file(&packed).expect("it was there");
    let mut seed = std::process::id() as u64;
    for _ in 0..kills {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let running = pack(&packed, &[&one, &two]).spawn();
        std::thread::sleep(took.mul_f64((seed >> 40) as f64 / (1 << 24) as f64).max(Duration::from_millis(1)));
        running.kill();
        running.wait();
        // Either nothing has the name, or the whole has.
        if packed.exists() {
            same(&packed, &whole);
            std::fs::remove_file(&packed).expect("it is there");
        }
    }
    pack(&packed, &[&one, &two]).run().succeeds();
    same(&packed, &whole);
    assert_eq!(scene.files(), ["one.tar", "packed.tar", "two.tar", "whole.tar"]);
}

#[test]
fn what_was_packed_is_what_is_imported_and_no_connection_is_opened_for_it() {
    let scene = Scene::new();
    let images = put_twelve(&scene);
    let (one, packed) = (scene.path("one.tar"), scene.path("packed.tar"));
    delta(&scene, &one, &[], &images).run().succeeds();
    let before = scene.source.requests().len();
    let said = pack(&packed, &[&one]).run().succeeds();
    assert_eq!(scene.source.requests().len(), before);
    assert!(said.all().contains("next       bundle import "), "{}", said.all());
    import_of(&scene, &[packed]).run().succeeds();
}

#[test]
fn volumes_are_joined_and_bundles_divided_as_an_export_does() {
    let scene = Scene::new();
    let mut images = Vec::new();
    for number in 0..5_u64 {
        let repository = format!("org/app{number}");
        let layer = put_made_layer(&scene.source, &repository, number, 100_000 + 60_000 * number);
        put_image(&scene.source, &repository, "1", &[layer]);
        images.push(format!("{repository}:1"));
    }
    let (whole, divided) = (scene.path("whole.tar"), scene.path("divided.tar"));
    scene.export_to(&whole, &borrowed(&images)).run().succeeds();
    scene.export_to(&divided, &borrowed(&images)).args(["--volume-size", "200KiB"]).run().succeeds();
    let volumes: Vec<String> = scene.files().into_iter().filter(|name| name.starts_with("divided-")).collect();
    assert!(volumes.len() > 3, "{volumes:?}");
    let paths: Vec<PathBuf> = volumes.iter().map(|name| scene.path(name)).collect();
    let packed = scene.path("packed.tar");
    pack(&packed, &paths.iter().rev().map(PathBuf::as_path).collect::<Vec<_>>()).run().succeeds();
    same(&packed, &whole);
    pack(&packed, &[&whole]).args(["--volume-size", "200KiB"]).run().succeeds();
    for name in &volumes {
        same(&scene.path(&name.replace("divided", "packed")), &scene.path(name));
    }
    // Into other sizes at once, and an inventory knows what is whole only when all are together.
    pack(&scene.path("other.tar"), &paths.iter().map(PathBuf::as_path).collect::<Vec<_>>())
        .args(["--volume-size", "500KiB"])
        .run()
        .succeeds();
    let inventory = scene.path("inventory.json");
    command("inventory").args(&paths).args([Path::new("-o"), &inventory]).run().succeeds();
    let report = delta(&scene, &scene.path("none.tar"), &[inventory], &images).args(["--format", "json"]).run();
    assert_eq!(report.succeeds().json()["blobs"]["count"], 0);
    // Trying again helps, once it is found.
    let refused = pack(&scene.path("lost.tar"), &paths[1..].iter().map(PathBuf::as_path).collect::<Vec<_>>()).run();
    let refused = refused.exits(1);
    assert!(refused.stderr.contains(&volumes[0]), "{}", refused.stderr);
    assert!(refused.stderr.contains("name them too"), "{}", refused.stderr);
}

#[test]
fn a_delta_in_volumes_rests_on_its_base_as_any_other() {
    let scene = Scene::new();
    let images = put_twelve(&scene);
    let (base, small) = (scene.path("base.tar"), scene.path("delta.tar"));
    delta(&scene, &base, &[], &images).run().succeeds();
    import_of(&scene, std::slice::from_ref(&base)).run().succeeds();
    (0..6).for_each(|number| put_one(&scene, number, 200 + number as u64));
    let made = delta(&scene, &small, std::slice::from_ref(&base), &images).args(["--volume-size", "48KiB"]);
    made.run().succeeds();
    let names: Vec<String> = scene.files().into_iter().filter(|name| name.starts_with("delta-")).collect();
    assert!(names.len() > 1, "{names:?}");
    let volumes: Vec<PathBuf> = names.iter().map(|name| scene.path(name)).collect();
    command("verify").args(&volumes).run().succeeds();
    let (whole, packed) = (scene.path("whole.tar"), scene.path("packed.tar"));
    delta(&scene, &whole, &[], &images).run().succeeds();
    let all: Vec<&Path> = volumes.iter().chain([&base]).map(PathBuf::as_path).collect();
    pack(&packed, &all).run().succeeds();
    same(&packed, &whole);
    let imported = import_of(&scene, &volumes).run().succeeds();
    (0..12).for_each(|number| crate::deltas::is_there(&scene, number, &imported));
}
