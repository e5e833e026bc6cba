//! The start of `serve` and its page: manifests are read once, and what cannot be listed is served all the same.

use std::fs;

use serde_json::json;

use crate::reader_parts::{Contents, Given};
use crate::scene::{CONFIG, MANIFEST, Scene, descriptor, put_image, put_layer, put_small_image};
use crate::serve_scene::Server;

fn page(server: &Server) -> String {
    String::from_utf8(server.get("/").body).expect("text")
}

#[test]
fn the_manifests_of_a_bundle_are_read_once_for_the_names_and_for_the_page() {
    const NOTE: usize = 3 << 20;
    let scene = Scene::new();
    let config = br#"{"os":"linux","architecture":"amd64"}"#;
    let layer = put_layer(&scene.source, "org/app", "a layer");
    scene.source.put_blob("org/app", config.to_vec());
    for tag in ["1", "2", "3", "4"] {
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor(CONFIG, config), "layers": [layer],
            "annotations": {"org.example.note": tag.repeat(NOTE)},
        });
        scene.source.put_manifest("org/app", Some(tag), MANIFEST, manifest.to_string());
    }
    scene.export(&["org/app:1", "org/app:2", "org/app:3", "org/app:4"]).run().succeeds();
    let server = Server::of_one(&scene.bundle(), &[]);
    let said = fs::read_to_string(format!("/proc/{}/io", server.running().pid())).expect("what it read");
    let read = said.lines().find_map(|line| line.strip_prefix("rchar: ")).expect("a line");
    let read: usize = read.parse().expect("a number");
    assert!((4 * NOTE..6 * NOTE).contains(&read), "{read} bytes were read for manifests of {}", 4 * NOTE);
    assert!(page(&server).contains("org/app:4"));
}

#[test]
fn a_layout_that_names_nothing_is_served_and_shown_under_the_name_that_it_is_given() {
    let mut contents = Contents::default();
    let image = contents.image(&[b"a layer"]);
    contents.line(&image, "");
    let given = Given::new(contents.packed());
    let server = Server::of_one(&given.path, &["--name", "quay.io/org/app:7"]);
    assert_eq!(server.get("/v2/quay.io/org/app/manifests/7").status, 200);
    let shown = page(&server);
    assert!(shown.contains(&format!("{}/quay.io/org/app:7", server.host)), "{shown}");
}

#[test]
fn what_cannot_be_listed_is_served_all_the_same_and_the_page_says_why() {
    let scene = Scene::new();
    let digest = put_small_image(&scene.source, "org/app", "1");
    scene.export(&["org/app:1"]).run().succeeds();
    let other = scene.path("other.tar");
    let layer = put_layer(&scene.source, "org/more", "another layer");
    put_image(&scene.source, "org/more", "1", &[layer]);
    scene.export_to(&other, &["org/app:1", "org/more:1"]).run().succeeds();
    // One byte of a manifest that the other file has whole.
    let (_, manifest) = scene.source.manifest("org/app", &digest).expect("it");
    let mut bytes = fs::read(scene.bundle()).expect("the file");
    let at = bytes.windows(manifest.len()).position(|window| window == manifest).expect("it is there");
    bytes[at + 20] ^= 1;
    fs::write(scene.bundle(), bytes).expect("damaged");
    let server = Server::start(&[scene.bundle(), other], &["--namespace", ""]);
    let answer = server.get("/v2/org/app/manifests/1");
    assert_eq!((answer.status, answer.body), (200, manifest));
    assert_eq!(server.get("/v2/org/more/manifests/1").status, 200);
    let shown = page(&server);
    assert!(shown.contains("There is no list of it: ") && shown.contains(&digest), "{shown}");
    assert!(shown.contains("org/more:1"), "the other has its list: {shown}");
    let place = scene.path("");
    assert!(!shown.contains(place.to_str().expect("a path")), "where files lie is nobody's business: {shown}");
}
