//! Deltas: what a base has does not travel again, the target has it, and where it has not, that is said before
//! anything is sent.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::scene::{Scene, command, put_image, put_made_layer, put_small_image, writes};
use crate::support::run::{Output, Run};

pub(crate) const IMAGES: usize = 12;

/// Twelve images that share one layer, each with one of its own.
pub(crate) fn put_twelve(scene: &Scene) -> Vec<String> {
    for number in 0..IMAGES {
        put_one(scene, number, number as u64);
    }
    (0..IMAGES).map(|number| format!("org/app{number}:1")).collect()
}

/// One of them, whose own layer is made from `seed`.
pub(crate) fn put_one(scene: &Scene, number: usize, seed: u64) {
    let repository = format!("org/app{number}");
    let shared = put_made_layer(&scene.source, &repository, 1000, 40_000);
    let own = put_made_layer(&scene.source, &repository, seed, 9_000 + seed);
    put_image(&scene.source, &repository, "1", &[shared, own]);
}

/// `bundle export` of these into a file, with these bases.
pub(crate) fn delta(scene: &Scene, output: &Path, bases: &[PathBuf], images: &[String]) -> Run {
    let images: Vec<&str> = images.iter().map(String::as_str).collect();
    bases.iter().fold(scene.export_to(output, &images), |run, base| run.args([Path::new("--base"), base]))
}

pub(crate) fn import_of(scene: &Scene, bundles: &[PathBuf]) -> Run {
    command("import").args(bundles).args(["--plain-http", "--registry", &scene.target.host()])
}

fn keys(list: &Value, key: &str) -> Vec<String> {
    let items = list.as_array().into_iter().flatten();
    items.map(|item| item[key].as_str().expect("a text").to_owned()).collect()
}

pub(crate) fn is_there(scene: &Scene, number: usize, text: &Output) {
    let (source, target) = (format!("org/app{number}"), format!("library/org/app{number}"));
    let served = |registry: &crate::support::registry::Registry, repo: &str| registry.manifest(repo, "1").map(|m| m.1);
    assert_eq!(served(&scene.target, &target), served(&scene.source, &source), "{}", text.all());
}

#[test]
fn of_twelve_images_of_which_one_changed_a_layer_the_delta_holds_that_layer_and_its_config_alone() {
    let scene = Scene::new();
    let images = put_twelve(&scene);
    let (base, small) = (scene.path("base.tar"), scene.path("delta.tar"));
    delta(&scene, &base, &[], &images).run().succeeds();
    import_of(&scene, std::slice::from_ref(&base)).run().succeeds();
    put_one(&scene, 3, 77);
    let said = delta(&scene, &small, std::slice::from_ref(&base), &images).args(["--format", "json"]).run().succeeds();
    let report = said.json();
    // The labels of put_image make the config the same: only the layer is new.
    assert_eq!(report["blobs"]["count"], 1, "{report}");
    assert_eq!(report["blobs"]["bytes"], 9_077);
    assert_eq!(report["blobs"]["inBase"], 1 + 11 + 12, "the shared layer, eleven layers and twelve configs");
    let whole = scene.path("whole.tar");
    let direct = delta(&scene, &whole, &[], &images).args(["--format", "json"]).run().succeeds().json();
    assert_eq!(direct["digest"], report["digest"], "a delta is the same bundle");
    assert!(std::fs::metadata(&small).expect("a file").len() < 40_000, "the shared layer alone is longer");

    let listed = command("list").args([&small]).run().succeeds();
    assert!(listed.stdout.contains("delta     carries 1 blob, 8.86 KiB; leaves out 24 blobs, "), "{}", listed.stdout);
    let said = delta(&scene, &small, std::slice::from_ref(&base), &images).args(["--force"]).run().succeeds();
    assert!(said.all().contains("1 blob · 8.86 KiB carried, 24 blobs · "), "{}", said.all());

    let before = scene.target.requests().len();
    let imported = import_of(&scene, std::slice::from_ref(&small)).run().succeeds();
    assert!(imported.all().contains("1 blob sent (8.86 KiB)"), "{}", imported.all());
    assert!(scene.target.requests().len() > before);
    (0..IMAGES).for_each(|number| is_there(&scene, number, &imported));
}

#[test]
fn on_an_empty_target_a_delta_is_refused_with_every_digest_and_its_images_and_the_command_that_helps() {
    let scene = Scene::new();
    let images = put_twelve(&scene);
    let (base, small) = (scene.path("base.tar"), scene.path("delta.tar"));
    delta(&scene, &base, &[], &images).run().succeeds();
    put_one(&scene, 3, 77);
    delta(&scene, &small, std::slice::from_ref(&base), &images).run().succeeds();
    let refused = import_of(&scene, std::slice::from_ref(&small)).args(["--format", "json"]).run().exits(4);
    assert!(writes(&scene.target).is_empty(), "{:?}", writes(&scene.target));
    let report = refused.json();
    let lacking = keys(&report["lacking"], "digest");
    let listed = command("list").args([&small]).args(["--format", "json"]).run().succeeds().json();
    assert_eq!(lacking, keys(&listed["leftOut"], "digest"));
    assert_eq!(lacking.len(), 24);
    let shared = report["lacking"].as_array().expect("a list").iter().find(|one| one["bytes"] == 40_000);
    assert_eq!(shared.expect("the shared layer")["images"].as_array().expect("names").len(), IMAGES);

    let refused = import_of(&scene, std::slice::from_ref(&small)).run().exits(4);
    for digest in &lacking {
        assert!(refused.stdout.contains(digest), "{}", refused.stdout);
    }
    let name = scene.name("org/app0:1@sha256:");
    assert!(refused.stderr.contains("`bundle export ") && refused.stderr.contains(&name), "{}", refused.stderr);
    assert!(refused.stderr.contains("give the base as one more BUNDLE"), "{}", refused.stderr);

    // That helps, though the base says something else of one name; and so does the order.
    let imported = import_of(&scene, &[base, small]).run().succeeds();
    (0..IMAGES).for_each(|number| is_there(&scene, number, &imported));
}

#[test]
fn a_delta_alone_is_intact_as_far_as_it_goes_and_with_its_base_as_a_whole() {
    let scene = Scene::new();
    let images = put_twelve(&scene);
    let (base, small) = (scene.path("base.tar"), scene.path("delta.tar"));
    delta(&scene, &base, &[], &images).run().succeeds();
    put_one(&scene, 3, 77);
    delta(&scene, &small, std::slice::from_ref(&base), &images).run().succeeds();
    let verify = |bundles: &[&PathBuf]| command("verify").args(bundles).run();
    let alone = verify(&[&small]).succeeds();
    assert!(alone.all().contains("rests with 24 blobs · ") && alone.all().contains("not looked at"), "{}", alone.all());
    let both = verify(&[&small, &base]).succeeds();
    assert!(both.all().contains("all of it whole in the other files"), "{}", both.all());
    command("verify").args([&small]).args(["--deep"]).run().succeeds();
    // Of a base that is damaged in one place, that place counts for nothing.
    let mut bytes = std::fs::read(&base).expect("a file");
    let end = bytes.len() - 1024 - 600;
    bytes[end] ^= 1;
    std::fs::write(&base, bytes).expect("a file");
    let both = verify(&[&small, &base]).exits(3);
    assert!(both.all().contains("1 blob of it in none of the other files"), "{}", both.all());
}

#[test]
fn what_a_new_repository_needs_travels_though_the_base_has_it_elsewhere() {
    let scene = Scene::new();
    let images = put_twelve(&scene);
    let (base, small) = (scene.path("base.tar"), scene.path("delta.tar"));
    delta(&scene, &base, &[], &images[..1]).run().succeeds();
    import_of(&scene, std::slice::from_ref(&base)).run().succeeds();
    // The target would have to be asked for a mount of what nobody here has shown to have.
    let report = delta(&scene, &small, &[base], &images[..2]).args(["--format", "json"]).run().succeeds().json();
    assert_eq!((&report["blobs"]["count"], &report["blobs"]["inBase"]), (&3.into(), &2.into()), "{report}");
    let imported = import_of(&scene, &[small]).run().succeeds();
    (0..2).for_each(|number| is_there(&scene, number, &imported));
}

#[test]
fn several_bases_count_together_and_one_that_is_damaged_in_its_form_is_none() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/one", "1");
    put_small_image(&scene.source, "org/two", "1");
    let images = ["org/one:1".to_owned(), "org/two:1".to_owned()];
    let (one, two, small) = (scene.path("one.tar"), scene.path("two.tar"), scene.path("delta.tar"));
    delta(&scene, &one, &[], &images[..1]).run().succeeds();
    delta(&scene, &two, &[], &images[1..]).run().succeeds();
    let bases = [one.clone(), two];
    let report = delta(&scene, &small, &bases, &images).args(["--format", "json"]).run().succeeds().json();
    assert_eq!((&report["blobs"]["count"], &report["blobs"]["inBase"]), (&0.into(), &4.into()), "{report}");
    // A delta of deltas rests on nothing that it does not have itself.
    let report =
        delta(&scene, &scene.path("next.tar"), std::slice::from_ref(&small), &images).args(["--format", "json"]).run();
    assert_eq!(report.succeeds().json()["blobs"]["inBase"], 0);
    // It would rest on what is gone then.
    let refused = delta(&scene, &one, std::slice::from_ref(&one), &images).args(["--force"]).run().exits(2);
    assert!(refused.stderr.contains("would replace the base"), "{}", refused.stderr);
    let mut bytes = std::fs::read(&one).expect("a file");
    bytes[700] ^= 1;
    std::fs::write(&one, bytes).expect("a file");
    let before = scene.source.requests().len();
    let refused = delta(&scene, &scene.path("bad.tar"), &[one], &images).run().exits(3);
    assert!(refused.stderr.contains("`bundle inventory "), "{}", refused.stderr);
    assert_eq!(scene.source.requests().len(), before, "nothing was asked for");
}

#[test]
fn deltas_that_rest_on_each_other_are_refused_alone_and_make_a_whole_only_of_what_one_of_them_has() {
    let scene = Scene::new();
    let images = put_twelve(&scene);
    let (a, b) = (scene.path("a.tar"), scene.path("b.tar"));
    let (half_a, half_b) = (scene.path("half-a.tar"), scene.path("half-b.tar"));
    delta(&scene, &a, &[], &images[..6]).run().succeeds();
    delta(&scene, &b, &[], &images[6..]).run().succeeds();
    // Each leaves out what the other has: the images of the other, and the layer that all share.
    delta(&scene, &half_a, std::slice::from_ref(&b), &images).run().succeeds();
    delta(&scene, &half_b, std::slice::from_ref(&a), &images).run().succeeds();
    let whole = scene.path("whole.tar");
    delta(&scene, &whole, &[], &images).run().succeeds();
    for files in [[half_a.clone(), half_b.clone()], [half_b.clone(), half_a.clone()]] {
        // The shared layer goes where six repositories need it that the base does not know, so both have it.
        let packed = scene.path("packed.tar");
        command("pack").args(&files).args([Path::new("-o"), &packed]).args(["--force"]).run().succeeds();
        assert!(std::fs::read(&packed).expect("a file") == std::fs::read(&whole).expect("a file"));
        command("verify").args(&files).run().succeeds();
    }
    // Made of each other, with nothing of their own: each is a base for the other, and neither has anything.
    let (empty_a, empty_b) = (scene.path("empty-a.tar"), scene.path("empty-b.tar"));
    delta(&scene, &empty_a, std::slice::from_ref(&whole), &images).run().succeeds();
    delta(&scene, &empty_b, std::slice::from_ref(&empty_a), &images).run().succeeds();
    let report = command("list").args([&empty_b]).args(["--format", "json"]).run().succeeds().json();
    assert!(report["leftOut"].as_array().is_none_or(Vec::is_empty), "what a delta only promises is no base: {report}");
    std::fs::remove_file(&empty_b).expect("a file");
    delta(&scene, &empty_b, std::slice::from_ref(&whole), &images).run().succeeds();
    let both = [empty_a, empty_b];
    let refused = command("pack").args(&both).args([Path::new("-o"), &scene.path("none.tar")]).run().exits(4);
    assert!(refused.stderr.contains("is left to a base"), "{}", refused.stderr);
    let refused = import_of(&scene, &both).run().exits(4);
    assert!(refused.stderr.contains("left to a base"), "{}", refused.stderr);
    assert_eq!(writes(&scene.target), Vec::<String>::new(), "nothing was sent");
    command("verify").args(&both).run().succeeds();
}
