//! Volumes are imported in any order, by anybody, as often as one likes: what is there is sent, and an image is put and
//! tagged when all of it is at the registry, and not before.

use std::collections::HashSet;
use std::path::PathBuf;

use crate::scene::{Scene, writes};
use crate::support::registry::Builder;
use crate::volumes_scene::{IMAGES, SIZE, about, export, exported, import, scene, volumes, with};

/// The volumes that have a part of the cut layer, and the others.
fn cut_and_whole(volumes: &[PathBuf]) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let table = about(&volumes[0])["table"].clone();
    let cut =
        table.as_object().expect("a table").values().find(|stands| stands.is_object()).expect("a cut layer").clone();
    let numbers: Vec<u64> = cut["volumes"].as_array().expect("numbers").iter().filter_map(|n| n.as_u64()).collect();
    let is_cut = |path: &PathBuf| numbers.contains(&(1 + volumes.iter().position(|v| v == path).expect("one") as u64));
    volumes.iter().cloned().partition(is_cut)
}

fn whole_at_target(scene: &Scene) -> Vec<String> {
    let target = &scene.target;
    let mut names = Vec::new();
    for repository in target.repositories() {
        for tag in target.tags(&repository) {
            assert_eq!(target.missing(&repository, &tag), Vec::<String>::new(), "{repository}:{tag}");
            names.push(format!("{}:{tag}", repository.strip_prefix("library/").expect("a namespace")));
        }
    }
    assert_eq!(target.violations(), Vec::<String>::new());
    names.sort();
    names
}

#[test]
fn all_volumes_in_one_command_are_the_bundle() {
    let (scene, mut volumes) = exported();
    volumes.reverse();
    let report = import(&scene, &volumes).args(["--format", "json"]).run().succeeds().json();
    assert_eq!(whole_at_target(&scene), IMAGES);
    assert_eq!(report["missingVolumes"], serde_json::json!([]));
    assert_eq!(report["digest"], about(&volumes[0])["index"]);
    let sent = scene.target.count(|r| r.method == "PUT" && !r.path.contains("/manifests/"));
    let digests: HashSet<String> = IMAGES
        .iter()
        .flat_map(|image| {
            let (repo, tag) = image.split_once(':').expect("a tag");
            crate::scene::blobs_of(&scene.source, repo, tag)
        })
        .collect();
    assert_eq!(sent, digests.len(), "each blob is sent once");
}

#[test]
fn volumes_come_one_after_the_other_and_an_image_is_tagged_when_it_is_whole_and_not_before() {
    let (scene, volumes) = exported();
    let (cut, whole) = cut_and_whole(&volumes);
    let mut steps: Vec<Vec<PathBuf>> = whole.iter().rev().map(|path| vec![path.clone()]).collect();
    steps.push(cut.clone());
    let mut left: HashSet<PathBuf> = volumes.iter().cloned().collect();
    for step in steps {
        left.retain(|path| !step.contains(path));
        let output = import(&scene, &step).args(["--format", "json"]).run();
        let report = output.json();
        let missing: Vec<u64> =
            report["missingVolumes"].as_array().expect("numbers").iter().filter_map(|n| n.as_u64()).collect();
        let tagged = whole_at_target(&scene);
        for number in &missing {
            assert!(left.contains(&volumes[*number as usize - 1]), "{number} is given already: {report}");
        }
        assert_eq!(output.code, Some(i32::from(!missing.is_empty())), "{report}");
        assert_eq!(tagged.len() == IMAGES.len(), missing.is_empty(), "{tagged:?}");
        for image in report["images"].as_array().expect("images") {
            let done = matches!(image["status"].as_str(), Some("pushed" | "present"));
            let name = image["target"].as_str().expect("a name").split_once("/library/").expect("a namespace").1;
            assert_eq!(tagged.iter().any(|tagged| tagged == name), done, "{image}");
        }
    }
    assert_eq!(whole_at_target(&scene), IMAGES);
    // Again, alone: everything is there.
    scene.target.clear_requests();
    for path in &volumes {
        import(&scene, std::slice::from_ref(path)).run().succeeds();
    }
    assert_eq!(writes(&scene.target), Vec::<String>::new());
}

#[test]
fn volumes_that_are_missing_are_named_by_their_files_with_the_layer_that_is_cut() {
    let (scene, volumes) = exported();
    let (cut, whole) = cut_and_whole(&volumes);
    let name = |path: &PathBuf| path.file_name().expect("a name").to_string_lossy().into_owned();
    let output = import(&scene, &cut[..1]).run().exits(1);
    for path in &cut[1..] {
        assert!(output.stderr.contains(&name(path)), "{}", output.stderr);
    }
    assert!(output.stderr.contains("import them in one command"), "{}", output.stderr);
    assert!(output.stdout.contains("incomplete"), "{}", output.stdout);
    let output = import(&scene, &cut).run().exits(1);
    assert!(output.stderr.contains(&name(&whole[0])), "{}", output.stderr);
    let output = import(&scene, &whole[..1]).args(["--dry-run"]).run();
    assert!(output.code == Some(0) || output.stdout.contains("incomplete"), "{}", output.all());
    import(&scene, &whole).run().succeeds();
    assert_eq!(whole_at_target(&scene), IMAGES);
}

#[test]
fn several_machines_import_different_volumes_at_once() {
    let (scene, volumes) = exported();
    let (cut, whole) = cut_and_whole(&volumes);
    let mut shares: Vec<Vec<PathBuf>> = whole.iter().map(|path| vec![path.clone()]).collect();
    shares.push(cut);
    let running: Vec<_> = shares.iter().map(|share| import(&scene, share).spawn()).collect();
    let codes: Vec<Option<i32>> = running.into_iter().map(|running| running.wait().code).collect();
    assert!(codes.contains(&Some(0)) && codes.iter().all(|code| matches!(code, Some(0 | 1))), "{codes:?}");
    assert_eq!(whole_at_target(&scene), IMAGES, "the last one found everything there");
    let uploads = scene.target.requests();
    let mut bodies: Vec<String> = uploads
        .iter()
        .filter(|r| r.method == "PUT" && r.body_bytes > 0 && !r.path.contains("/manifests/"))
        .flat_map(|r| r.query_values("digest"))
        .collect();
    let all = bodies.len();
    bodies.sort_unstable();
    bodies.dedup();
    assert_eq!(bodies.len(), all, "each blob was sent once");
}

#[test]
fn renamed_and_repeated_volumes_are_what_they_say_inside() {
    let (scene, volumes) = exported();
    let [one, two] = [&volumes[0], &volumes[1]];
    let aside = scene.path("aside.tar");
    std::fs::rename(one, &aside).expect("a rename");
    std::fs::rename(two, one).expect("a rename");
    std::fs::rename(&aside, two).expect("a rename");
    let copy = scene.path("again.tar");
    std::fs::copy(one, &copy).expect("a copy");
    let mut files = volumes.clone();
    files.push(copy);
    let output = import(&scene, &files).run().succeeds();
    assert!(output.stderr.contains("is named as volume 1, and is volume 2"), "{}", output.stderr);
    assert!(output.stderr.contains("are both volume 2"), "{}", output.stderr);
    assert_eq!(whole_at_target(&scene), IMAGES);
    let output = with("verify", &files).run().succeeds();
    assert!(output.stdout.contains("named as volume 1"), "{}", output.stdout);
}

#[test]
fn a_lost_volume_is_named_by_verify_and_import() {
    let (scene, volumes) = exported();
    std::fs::remove_file(&volumes[1]).expect("a file");
    let rest: Vec<PathBuf> = volumes.iter().filter(|path| **path != volumes[1]).cloned().collect();
    let name = volumes[1].file_name().expect("a name").to_string_lossy().into_owned();
    for output in [with("verify", &rest).run().exits(1), import(&scene, &rest).run().exits(1)] {
        assert!(output.stderr.contains(&name), "{}", output.stderr);
    }
}

#[test]
fn volumes_of_another_bundle_and_of_another_size_are_told_apart() {
    let (scene, volumes_of_one) = exported();
    let other = crate::volumes_scene::scene(Builder::default(), Builder::default());
    crate::scene::put_small_image(&other.source, "org/more", "1");
    other.export(&["org/a:1", "org/more:1", "org/large:1"]).args(["--volume-size", "200000"]).run().succeeds();
    let foreign = volumes(&other);
    let mut mixed = volumes_of_one.clone();
    mixed[1].clone_from(&foreign[1]);
    let pin = about(&volumes_of_one[0])["index"].as_str().expect("a digest").to_owned();
    let output = import(&scene, &mixed).args(["--expect", &pin]).run().exits(3);
    assert!(output.stderr.contains("not the expected bundle"), "{}", output.stderr);
    let output = with("verify", &mixed).run().exits(1);
    assert!(output.stderr.contains("are not here"), "{}", output.stderr);
    let output = import(&scene, &mixed).run().exits(1);
    assert!(output.stderr.contains("volumes of 2 bundles"), "{}", output.stderr);
    // Another size of the same bundle.
    let third = scene_with_size(&scene);
    let mut mixed = volumes_of_one.clone();
    mixed.truncate(1);
    mixed.push(third[1].clone());
    let output = import(&scene, &mixed).run();
    assert!(output.stderr.contains("volumes of two sizes"), "{}", output.stderr);
    let output = with("verify", &mixed).run().exits(1);
    assert!(output.stderr.contains("are not here"), "{}", output.stderr);
}

fn scene_with_size(scene: &Scene) -> Vec<PathBuf> {
    let path = scene.path("third.tar");
    scene.export_to(&path, &IMAGES).args(["--volume-size", "300000"]).run().succeeds();
    let mut found: Vec<PathBuf> =
        scene.files().iter().filter(|name| name.starts_with("third-")).map(|name| scene.path(name)).collect();
    found.sort();
    found
}

#[test]
fn what_is_damaged_in_one_copy_of_a_volume_is_taken_from_the_other() {
    let (scene, volumes) = exported();
    let (cut, _) = cut_and_whole(&volumes);
    let mut bytes = std::fs::read(&cut[0]).expect("a volume");
    let at = bytes.windows(13).position(|w| w == b"parts/sha256/").expect("a part") + 512 + 1000;
    bytes[at] ^= 1;
    let damaged = scene.path("damaged.tar");
    std::fs::write(&damaged, &bytes).expect("a file");
    // The first is the damaged one.
    let mut files = vec![damaged.clone()];
    files.extend(volumes.iter().cloned());
    import(&scene, &files).run().succeeds();
    assert_eq!(whole_at_target(&scene), IMAGES);
    let alone = with("verify", std::slice::from_ref(&damaged)).run().exits(3);
    assert!(alone.stdout.contains("digestMismatch"), "{}", alone.stdout);
    let fresh = crate::volumes_scene::scene(Builder::default(), Builder::default());
    let files: Vec<PathBuf> = files.into_iter().filter(|path| *path != cut[0]).collect();
    let output = import(&fresh, &files).run().exits(3);
    assert!(output.stderr.contains("hashes to"), "{}", output.stderr);
    assert_eq!(fresh.target.tags("library/org/large"), Vec::<String>::new());
}

#[test]
fn a_bundle_of_one_volume_needs_no_other() {
    let scene = scene(Builder::default(), Builder::default());
    export(&scene, "1GiB").run().succeeds();
    let found = volumes(&scene);
    assert!(SIZE < 1 << 30 && found.len() == 1);
    import(&scene, &found).run().succeeds();
    assert_eq!(whole_at_target(&scene), IMAGES);
}

#[test]
fn importers_that_see_all_volumes_bring_one_each_and_a_cut_layer_is_sent_by_one_of_them() {
    let (scene, volumes) = exported();
    let share = |number: usize| import(&scene, &volumes).args(["--format", "json", "--volume", &number.to_string()]);
    // One alone sends what it has, and says what it leaves to others.
    let first = share(1).run().exits(1).json();
    let missing: Vec<u64> =
        first["missingVolumes"].as_array().expect("numbers").iter().filter_map(|n| n.as_u64()).collect();
    assert!(!missing.is_empty() && !missing.contains(&1), "{first}");
    let running: Vec<_> = (2..=volumes.len()).map(|number| share(number).spawn()).collect();
    let codes: Vec<Option<i32>> = running.into_iter().map(|running| running.wait().code).collect();
    assert!(codes.contains(&Some(0)) && codes.iter().all(|code| matches!(code, Some(0 | 1))), "{codes:?}");
    assert_eq!(whole_at_target(&scene), IMAGES, "the last one found everything there");
    let uploads = scene.target.requests();
    let is_upload = |r: &&crate::support::registry::Request| {
        r.method == "PUT" && r.body_bytes > 0 && !r.path.contains("/manifests/")
    };
    let mut bodies: Vec<String> = uploads.iter().filter(is_upload).flat_map(|r| r.query_values("digest")).collect();
    let all = bodies.len();
    bodies.sort_unstable();
    bodies.dedup();
    assert_eq!(bodies.len(), all, "each blob was sent once");
    // Again, as a Job does with those that ended too soon.
    scene.target.clear_requests();
    for number in 1..=volumes.len() {
        share(number).run().succeeds();
    }
    assert_eq!(writes(&scene.target), Vec::<String>::new());
    let output = share(volumes.len() + 1).run().exits(2);
    assert!(output.stderr.contains("no file here is volume"), "{}", output.stderr);
}
