//! Documents and names made to exhaust whoever reads them: refused, or read, with little memory and soon. The
//! limit is on all that the process maps, so it is a little more than what it may hold.

use std::fs;

use crate::reader_parts::{Contents, Given, MANIFEST, MARKER, start};
use crate::scene::{Scene, put_small_image};
use crate::support::registry::Registry;
use crate::support::run::{Output, Run};

/// The program itself and what its threads reserve, in KiB.
const ITSELF: u64 = 48 << 10;
/// What it may hold beyond the manifests, in KiB.
const BEYOND: u64 = 64 << 10;
/// As long as it may take, in seconds of processors: others may use them too.
const SOON: u64 = 20;

/// Runs the program with memory for this many bytes of manifests and no more than is promised beside, and not for long.
fn run(manifests: u64, args: &[&str]) -> Output {
    let limit = ITSELF + BEYOND + (manifests >> 10);
    // One at a time: dash takes no more, and sets none then.
    let script = format!(r#"set -e; ulimit -v {limit}; ulimit -t {SOON}; exec "$0" "$@""#);
    let run = Run::new("sh").args(["-c", &script, env!("CARGO_BIN_EXE_bundle")]).args(args);
    run.env("MALLOC_ARENA_MAX", "1").run()
}

/// So many manifests of a megabyte and a bit each.
fn large_manifests(count: usize) -> Contents {
    let mut contents = Contents::default();
    let config = contents.put("application/vnd.oci.image.config.v1+json", "{}");
    for number in 0..count {
        let text = "x".repeat(1 << 20);
        let document =
            format!(r#"{{"schemaVersion":2,"config":{config},"layers":[],"annotations":{{"{number}":"{text}"}}}}"#);
        let image = contents.put(MANIFEST, document);
        contents.name(&format!("gcr.io/org/app:{number}"), &image);
    }
    contents
}

#[test]
fn manifests_beyond_the_budget_are_refused_before_the_memory_is_used() {
    // Far more than there is memory for.
    let given = Given::new(large_manifests(200).bundle());
    let registry = Registry::start();
    let (path, host) = (given.path.to_str().expect("a path"), registry.host());
    for command in [&["verify", path][..], &["list", path], &["import", path, "--plain-http", "--registry", &host]] {
        let said = run(0, &[command, &["--max-manifests", "20MiB"]].concat()).exits(3);
        assert!(said.stderr.contains("more than 20971520 bytes"), "the budget is named: {}", said.stderr);
        assert!(said.stderr.contains("--max-manifests SIZE"), "and its flag: {}", said.stderr);
    }
    assert_eq!(registry.connections(), 0);
    // Where there is room for it, it is raised.
    for size in ["300MiB", "1GiB"] {
        Run::new(env!("CARGO_BIN_EXE_bundle")).args(["list", path, "-q", "--max-manifests", size]).run().succeeds();
    }
    // One that would fit by itself counts with the others, also from several bundles.
    let few = Given::new(large_manifests(3).bundle());
    let few = few.path.to_str().expect("a path");
    run(4 << 20, &["list", few, "-q", "--max-manifests", "4MiB"]).succeeds();
    run(4 << 20, &["list", few, "-q", "--max-manifests", "2MiB"]).exits(3);
}

#[test]
fn an_export_keeps_to_the_budget_too() {
    let scene = Scene::new();
    for tag in 0..5 {
        let layer = crate::scene::put_layer(&scene.source, "org/app", "a layer");
        let config = crate::scene::descriptor(crate::scene::CONFIG, b"{}");
        scene.source.put_blob("org/app", "{}");
        let manifest = serde_json::json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer],
            "annotations": {tag.to_string(): "x".repeat(1 << 20)},
        });
        scene.source.put_manifest("org/app", Some(&tag.to_string()), MANIFEST, manifest.to_string());
    }
    let names: Vec<String> = (0..5).map(|tag| format!("org/app:{tag}")).collect();
    let names = crate::scene::borrowed(&names);
    let said = scene.export(&names).args(["--max-manifests", "3MiB"]).run().exits(3);
    assert!(said.stderr.contains("more than 3145728 bytes") && said.stderr.contains("--max-manifests SIZE"));
    assert_eq!(said.stderr.matches("more than 3145728 bytes").count(), 1, "once, not for each: {}", said.stderr);
    assert_eq!(scene.files(), Vec::<String>::new());
    scene.export(&names).args(["--max-manifests", "6MiB"]).run().succeeds();
    // What lies below what was named counts as well.
    put_small_image(&scene.source, "org/small", "1");
    scene.export_to(&scene.path("small.tar"), &["org/small:1"]).args(["--max-manifests", "10KiB"]).run().succeeds();
    let index = crate::referrer_scene::put_index(&scene.source, "org/many", "1", 40);
    assert_eq!(index.len(), 41);
    let many = scene.export_to(&scene.path("many.tar"), &["org/many:1"]).args(["--max-manifests", "20KiB"]);
    many.run().exits(3);
}

#[test]
fn names_that_mean_nothing_take_no_memory() {
    // 40 000 names of 4 KiB, of files and of directories, as GNU and as pax write them: more than there is memory for.
    let contents = Contents::small();
    let written = |kind: u8, long: bool| {
        Given::written(|path| {
            let mut tar = start(&contents.index_json()).blobs(&contents);
            let mut file = fs::File::create(path).expect("a file");
            for number in 0..40_000 {
                let name = format!("{number:06}/{}", "n".repeat(4000));
                tar = match long {
                    true => tar.entry(b'L', "././@LongLink", format!("{name}\0")),
                    false => tar.entry(b'x', "x", crate::reader_parts::record("path", &name)),
                };
                tar = tar.entry(kind, "short", "");
                if tar.0.len() > 8 << 20 {
                    std::io::Write::write_all(&mut file, &std::mem::take(&mut tar.0)).expect("written");
                }
            }
            std::io::Write::write_all(&mut file, &tar.end()).expect("written");
        })
    };
    for (kind, long) in [(b'5', true), (b'0', false)] {
        let given = written(kind, long);
        assert!(given.path.metadata().expect("a file").len() > 160_000_000);
        run(0, &["list", given.path.to_str().expect("a path")]).succeeds();
    }
}

#[test]
fn names_in_a_directory_that_mean_nothing_take_no_memory() {
    let directory = tempfile::tempdir().expect("a directory");
    let contents = Contents::small();
    let layout = directory.path().join("layout");
    let blobs = layout.join("blobs/sha256");
    fs::create_dir_all(&blobs).expect("a directory");
    fs::write(layout.join("oci-layout"), MARKER).expect("a file");
    fs::write(layout.join("index.json"), contents.index_json()).expect("a file");
    for (digest, bytes) in &contents.blobs {
        fs::write(blobs.join(&digest[7..]), bytes).expect("a file");
    }
    // Paths of nearly 4 KiB, thirty thousand of them.
    let mut deep = blobs.clone();
    while deep.as_os_str().len() < 3_700 {
        deep.push("d".repeat(200));
    }
    fs::create_dir_all(&deep).expect("a directory");
    for number in 0..30_000 {
        fs::write(deep.join(format!("{number:06}{}", "n".repeat(190))), "").expect("a file");
    }
    let path = layout.to_str().expect("a path");
    run(0, &["list", path]).succeeds();
    run(0, &["verify", path]).succeeds();
    // Directories alone, which nothing forbids, are counted.
    let many = layout.join("blobs/many");
    for number in 0..10_001 {
        fs::create_dir_all(many.join(number.to_string())).expect("a directory");
    }
    fs::remove_dir_all(blobs.join("d".repeat(200))).expect("removed");
    let said = run(0, &["list", path]).exits(3);
    assert!(said.stderr.contains("more than 10000 directories"), "{}", said.stderr);
}

/// One image under so many names, to which so many manifests refer.
fn referred(names: &[String], referrers: usize) -> (Vec<u8>, u64) {
    let mut contents = Contents::default();
    let image = contents.image(&[b"a layer"]);
    let config = contents.put("application/vnd.oci.empty.v1+json", "{}");
    for name in names {
        contents.name(name, &image);
    }
    let mut lines = contents.roots();
    let mut attached: Vec<serde_json::Value> = (0..referrers)
        .map(|number| {
            let document = format!(
                r#"{{"schemaVersion":2,"artifactType":"x/{number}","config":{config},"layers":[],"subject":{image}}}"#
            );
            let line = contents.put(MANIFEST, document);
            let mut line: serde_json::Value = serde_json::from_str(&line).expect("a descriptor");
            line["artifactType"] = format!("x/{number}").into();
            line
        })
        .collect();
    attached.sort_by_key(|line| line["digest"].as_str().map(str::to_owned));
    lines.extend(attached);
    let manifests = contents.blobs.iter().map(|(_, bytes)| bytes.len() as u64).sum();
    (contents.bundle_of(&lines), manifests)
}

#[test]
fn four_thousand_names_and_two_thousand_referrers_are_shown_checked_and_planned_at_once() {
    let names: Vec<String> = (0..4000).map(|n| format!("gcr.io/org/app:{n:04}")).collect();
    let (bytes, manifests) = referred(&names, 2000);
    let given = Given::new(bytes);
    let registry = Registry::start();
    let (path, host) = (given.path.to_str().expect("a path"), registry.host());
    let import = ["import", path, "--plain-http", "--dry-run", "--registry", &host];
    for command in [
        &["list", path][..],
        &["list", path, "--digests"],
        &["list", path, "--format", "json"],
        &["verify", path],
        &import,
    ] {
        let said = run(manifests, command).succeeds();
        assert!(said.stdout.len() < 8 << 20, "{command:?} prints {} bytes", said.stdout.len());
    }
    let listed = run(manifests, &["list", path, "--format", "json"]).succeeds().json();
    let images = listed["images"].as_array().expect("images");
    let referrers = |n: usize| images[n].get("referrers").and_then(|list| list.as_array()).map(Vec::len);
    // What is one content is told of once.
    assert_eq!((images.len(), referrers(0), referrers(1), referrers(3999)), (4000, Some(2000), None, None));
}

#[test]
fn referrers_that_many_images_share_are_refused_where_they_are_absurdly_many() {
    // Each name in a repository of its own would need all of them.
    let names: Vec<String> = (0..4000).map(|n| format!("gcr.io/org/app{n:04}:1")).collect();
    let (bytes, manifests) = referred(&names, 2000);
    let given = Given::new(bytes);
    let registry = Registry::start();
    let (path, host) = (given.path.to_str().expect("a path"), registry.host());
    for command in [
        &["list", path, "--format", "json"][..],
        &["verify", path],
        &["import", path, "--plain-http", "--dry-run", "--registry", &host],
    ] {
        let said = run(manifests, command).exits(3);
        assert!(said.all().contains("absurd"), "{}", said.all());
    }
    assert_eq!(registry.connections(), 0);
}

#[test]
fn a_few_names_of_one_image_each_show_what_refers_to_it() {
    let names: Vec<String> = ["1", "2"].map(|tag| format!("gcr.io/org/app:{tag}")).to_vec();
    let (bytes, _) = referred(&names, 3);
    let given = Given::new(bytes);
    let listed = crate::bundle().args(["list".as_ref(), given.path.as_os_str()]).args(["--format", "json"]);
    let listed = listed.run().succeeds().json();
    let mut digests = std::collections::HashSet::new();
    for image in listed["images"].as_array().expect("images") {
        let list = image["referrers"].as_array().expect("referrers");
        assert_eq!(list.len(), 3);
        digests.insert(list[0]["digest"].to_string());
    }
    assert_eq!(digests.len(), 1);
}
