//! `--docker-load`: the list that docker and podman go by, and that nothing changes for us.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::{Value, json};

use crate::platforms::{put_app, put_index, put_platform};
use crate::scene::{Scene, command, descriptor, put_layer, put_small_image};

/// The names of all entries in their order, and the documents among them.
fn read(bundle: &Path) -> (Vec<String>, impl Fn(&str) -> Value + use<>) {
    let (mut names, mut documents) = (Vec::new(), std::collections::HashMap::new());
    for entry in tar::Archive::new(File::open(bundle).expect("a bundle")).entries().expect("entries") {
        let mut entry = entry.expect("an entry");
        let name = entry.path().expect("a path").display().to_string();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("its data");
        documents.insert(name.clone(), bytes);
        names.push(name);
    }
    (names, move |name| serde_json::from_slice(&documents[name]).expect("JSON"))
}

fn path(digest: &Value) -> String {
    format!("blobs/{}", digest.as_str().expect("a digest").replace(':', "/"))
}

fn put_tag(scene: &Scene, repo: &str, tag: &str, digest: &str) {
    let (media_type, bytes) = scene.source.manifest(repo, digest).expect("a manifest");
    scene.source.put_manifest(repo, Some(tag), &media_type, bytes);
}

/// What an image has to be on the list, by its manifest at the source.
fn listed(scene: &Scene, repo: &str, digest: &str, tags: &[String]) -> Value {
    let (_, manifest) = scene.source.manifest(repo, digest).expect("a manifest");
    let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
    let layers: Vec<String> =
        manifest["layers"].as_array().expect("layers").iter().map(|layer| path(&layer["digest"])).collect();
    json!({"Config": path(&manifest["config"]["digest"]), "Layers": layers, "RepoTags": tags})
}

/// `org/app:1` for two platforms, `org/tool:2` for one, a Windows image, and a chart; all their names.
fn scene() -> (Scene, Vec<String>) {
    let scene = Scene::new();
    let digests = put_app(&scene.source, &["linux/arm64", "linux/amd64"]);
    for (repo, platform, tag) in [("org/tool", "linux/amd64", "2"), ("org/win", "windows/amd64", "1")] {
        let image = put_platform(&scene.source, repo, platform, &[]);
        put_tag(&scene, repo, tag, image["digest"].as_str().expect("a digest"));
    }
    let chart = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor("application/vnd.cncf.helm.config.v1+json", b"{}"),
        "layers": [put_layer(&scene.source, "org/chart", "a chart")],
    });
    scene.source.put_blob("org/chart", "{}");
    let of_image = "application/vnd.oci.image.manifest.v1+json";
    scene.source.put_manifest("org/chart", Some("1"), of_image, chart.to_string());
    (scene, digests)
}

const ALL: [&str; 4] = ["org/app:1", "org/chart:1", "org/tool:2", "org/win:1"];

#[test]
fn docker_is_listed_the_images_of_one_platform_and_the_bundle_is_the_same_in_all_else() {
    let (scene, digests) = scene();
    let said = scene.export(&ALL).args(["--docker-load", "linux/amd64"]).run().succeeds().stderr;
    assert!(said.contains("NEW DIGESTS"), "{said}");
    assert!(said.contains("not on the list for Docker") && said.contains("org/win:1"), "{said}");
    assert!(!said.contains("org/chart:1, "), "{said}");
    let (names, document) = read(&scene.bundle());
    assert_eq!(names[..5], ["oci-layout", "index.json", "bundle.json", "manifest.json", "blobs/"]);
    let tool = scene.source.digest("org/tool", "2").expect("a digest");
    let (app, name) = (&digests[2], |image: &str| scene.name(image));
    let expected = json!([
        listed(&scene, "org/app", app, &[name("org/app:1")]),
        listed(&scene, "org/tool", &tool, &[name("org/tool:2")]),
    ]);
    assert_eq!(document("manifest.json"), expected);
    assert_eq!(document("bundle.json")["docker"], json!({name("org/app:1"): app, name("org/tool:2"): tool}));
    scene.verify().args(["--deep"]).run().succeeds();
    scene.import().run().succeeds();
    assert_eq!(scene.target.digest("library/org/app", "1"), scene.source.digest("org/app", "1"));
    // Without the list it has the same digest.
    let other = scene.path("other.tar");
    let said = scene.export_to(&other, &ALL).run().succeeds().stderr;
    assert!(!said.contains("NEW DIGESTS"), "{said}");
    assert_eq!(read(&other).1("index.json"), document("index.json"));
    assert!(!read(&other).0.contains(&"manifest.json".into()));
}

#[test]
fn one_image_of_several_names_is_listed_once_with_those_that_are_tags() {
    let scene = Scene::new();
    let digest = put_small_image(&scene.source, "org/app", "1");
    put_tag(&scene, "org/app", "latest", &digest);
    let by_digest = format!("org/app@{digest}");
    let images = ["org/app:1", "org/app:latest", &by_digest];
    let said = scene.export(&images).args(["--docker-load", "linux/amd64"]).run().succeeds().stderr;
    assert!(said.contains("without a name") && said.contains(&by_digest), "{said}");
    let tags = [scene.name("org/app:1"), scene.name("org/app:latest")];
    assert_eq!(read(&scene.bundle()).1("manifest.json"), json!([listed(&scene, "org/app", &digest, &tags)]));
    scene.verify().run().succeeds();
}

#[test]
fn an_index_that_names_no_platform_is_asked_through_the_configs_of_its_images() {
    let scene = Scene::new();
    let children: Vec<Value> = ["linux/arm64", "linux/amd64"]
        .iter()
        .map(|platform| {
            let mut child = put_platform(&scene.source, "org/app", platform, &[]);
            child.as_object_mut().expect("an object").remove("platform");
            child
        })
        .collect();
    put_index(&scene.source, "org/app", "1", &children);
    scene.export(&["org/app:1"]).args(["--docker-load", "linux/amd64"]).run().succeeds();
    let choice = read(&scene.bundle()).1("bundle.json");
    assert_eq!(choice["docker"][scene.name("org/app:1")], children[1]["digest"]);
}

#[test]
fn what_has_no_such_platform_or_would_not_be_one_whole_file_is_refused() {
    let (scene, _) = scene();
    let refused = |more: &[&str], status: i32| {
        scene.export(&["org/tool:2"]).args(more).run().exits(status).stderr.replace('\n', " ")
    };
    let said = refused(&["--docker-load", "linux/s390x"], 4);
    assert!(said.contains("no image here is for linux/s390x"), "{said}");
    let said = refused(&["--docker-load", "linux/amd64", "--volume-size", "1MiB"], 2);
    assert!(said.contains("one file that holds all"), "{said}");
    let said = refused(&["--docker-load", "all"], 2);
    assert!(said.contains("one platform"), "{said}");
    let base = scene.path("base.tar");
    scene.export_to(&base, &["org/app:1"]).run().succeeds();
    refused(&["--docker-load", "linux/amd64", "--base", base.to_str().expect("a path")], 2);
    assert_eq!(scene.files(), ["base.tar"]);
}

#[test]
fn packing_keeps_the_list_makes_one_and_leaves_it_out_of_volumes() {
    let (scene, _) = scene();
    scene.export(&ALL).args(["--docker-load", "linux/amd64"]).run().succeeds();
    let (plain, packed) = (scene.path("plain.tar"), scene.path("packed.tar"));
    let pack = |from: &Path, more: &[&str]| {
        command("pack").args([from]).args(["--force", "-o"]).args([&packed]).args(more).run().succeeds().stderr
    };
    let same = || std::fs::read(&packed).expect("a bundle") == std::fs::read(scene.bundle()).expect("a bundle");
    let said = pack(&scene.bundle(), &[]);
    assert!(same() && said.contains("NEW DIGESTS"), "{said}");
    scene.export_to(&plain, &ALL).run().succeeds();
    pack(&plain, &["--docker-load", "linux/amd64"]);
    assert!(same());
    // Of fewer images the list is shorter, and of none that was on it there is none.
    pack(&scene.bundle(), &["--only", "*/org/tool:2"]);
    assert_eq!(read(&packed).1("manifest.json").as_array().map(Vec::len), Some(1));
    pack(&scene.bundle(), &["--only", "*/org/win:1"]);
    assert!(!read(&packed).0.contains(&"manifest.json".into()));
    command("verify").args([&packed]).run().succeeds();
    let said = pack(&scene.bundle(), &["--volume-size", "20000"]);
    assert!(said.contains("volumes have no list for Docker"), "{said}");
    let first = scene.files().into_iter().find(|file| file.starts_with("packed-1of")).expect("a volume");
    assert!(!read(&scene.path(&first)).0.contains(&"manifest.json".into()));
}

#[test]
fn an_unpacked_bundle_has_its_list_as_it_must_be() {
    let (scene, _) = scene();
    scene.export(&ALL).args(["--docker-load", "linux/amd64"]).run().succeeds();
    let folder = scene.path("unpacked");
    tar::Archive::new(File::open(scene.bundle()).expect("a bundle")).unpack(&folder).expect("unpacked");
    let verify = || command("verify").args([&folder]).run();
    verify().succeeds();
    let list = folder.join("manifest.json");
    let mut bytes = std::fs::read(&list).expect("the list");
    bytes.push(b'\n');
    std::fs::write(&list, bytes).expect("written");
    let said = verify().exits(3);
    assert!(said.stdout.contains("manifest.json") || said.stderr.contains("manifest.json"));
    std::fs::remove_file(&list).expect("removed");
    verify().exits(3);
}

#[test]
fn an_export_with_a_list_goes_on_where_it_broke() {
    let (scene, _) = scene();
    let export = || scene.export(&["org/app:1", "org/tool:2"]).args(["--docker-load", "linux/amd64"]);
    export().run().succeeds();
    let whole = std::fs::read(scene.bundle()).expect("a bundle");
    // The same file, not finished: all is there but its name.
    std::fs::rename(scene.bundle(), scene.path(".images.tar.partial")).expect("renamed");
    let json = export().args(["--format", "json"]).run().succeeds().json();
    assert_eq!((&json["blobs"]["fetched"], &json["blobs"]["count"]), (&json!(0), &json["blobs"]["resumed"]));
    assert!(std::fs::read(scene.bundle()).expect("a bundle") == whole);
    // And with another image besides, what is there is found by the head that has a list.
    std::fs::rename(scene.bundle(), scene.path(".images.tar.partial")).expect("renamed");
    let more = scene.export(&ALL).args(["--docker-load", "linux/amd64", "--format", "json"]).run().succeeds().json();
    assert_eq!(more["blobs"]["resumed"], json["blobs"]["count"]);
}
