//! Under which names `serve` has images: those of the sources, those of an import, and those that a node means which
//! asks a mirror.

use serde_json::json;

use crate::scene::{Scene, command, fixtures, put_image, put_layer, put_small_image};
use crate::serve_scene::Server;
use crate::support::registry::Registry;

#[test]
fn the_name_of_the_source_comes_with_its_host() {
    let server = Server::of_one(&fixtures().join("images"), &[]);
    assert_eq!(server.get("/v2/quay.io/org/app/manifests/1.4").status, 200);
    assert_eq!(server.get("/v2/docker.io/library/legacy/manifests/1").status, 200);
    assert_eq!(server.get("/v2/org/app/manifests/1.4").status, 404);
    let names = server.get("/v2/_catalog").json();
    assert!(names["repositories"].as_array().expect("names").contains(&json!("gcr.io/google-containers/pause")));
}

#[test]
fn a_node_that_names_its_registry_gets_what_comes_from_there_and_nothing_else() {
    let server = Server::of_one(&fixtures().join("images"), &[]);
    for (path, status) in [
        ("/v2/org/app/manifests/1.4?ns=quay.io", 200),
        ("/v2/org/app/manifests/1.4?ns=gcr.io", 404),
        ("/v2/org/app/tags/list?ns=quay.io", 200),
        ("/v2/library/legacy/manifests/1?ns=docker.io", 200),
        ("/v2/library/legacy/manifests/1?ns=index.docker.io", 200),
        ("/v2/library/legacy/manifests/1?ns=registry-1.docker.io", 404),
        ("/v2/quay.io/org/app/manifests/1.4?ns=quay.io", 200),
        ("/v2/org/app/manifests/1.4?ns=..%2F", 404),
    ] {
        assert_eq!(server.get(path).status, status, "{path}");
    }
}

#[test]
fn the_names_are_those_of_an_import_or_both() {
    let bundle = fixtures().join("images");
    let server = Server::of_one(&bundle, &["--namespace", "library"]);
    for (path, status) in [
        ("/v2/library/org/app/manifests/1.4", 200),
        ("/v2/library/library/legacy/manifests/1", 200),
        ("/v2/library/org/app/manifests/1.4?ns=quay.io", 200),
        ("/v2/library/org/app/manifests/1.4?ns=gcr.io", 404),
        ("/v2/quay.io/org/app/manifests/1.4", 404),
    ] {
        assert_eq!(server.get(path).status, status, "{path}");
    }
    let both = Server::of_one(&bundle, &["--map", "quay.io/org=team/x", "--source-names"]);
    for path in [
        "/v2/team/x/app/manifests/1.4",
        "/v2/quay.io/org/app/manifests/1.4",
        "/v2/library/google-containers/pause/manifests/latest",
    ] {
        assert_eq!(both.get(path).status, 200, "{path}");
    }
}

#[test]
fn a_port_in_a_name_becomes_what_a_path_can_have() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    scene.export(&["org/app:1"]).run().succeeds();
    let server = Server::of_one(&scene.bundle(), &[]);
    let host = scene.source.host();
    let name = format!("{}/org/app", host.replace(':', "_"));
    assert_eq!(server.get("/v2/_catalog").json(), json!({"repositories": [name]}));
    for path in [format!("/v2/{name}/manifests/1"), format!("/v2/{host}/org/app/manifests/1")] {
        assert_eq!(server.get(&path).status, 200, "{path}");
    }
    assert_eq!(server.get(&format!("/v2/org/app/manifests/1?ns={host}")).status, 200);
}

#[test]
fn two_images_for_one_name_are_refused_before_anything_is_served() {
    let (scene, other) = (Scene::new(), Registry::start());
    put_small_image(&scene.source, "org/app", "1");
    let layer = put_layer(&other, "org/app", "another image");
    put_image(&other, "org/app", "1", &[layer]);
    scene.export(&["org/app:1"]).args([format!("{}/org/app:1", other.host())]).run().succeeds();
    let server = Server::of_one(&scene.bundle(), &[]);
    for host in [scene.source.host(), other.host()] {
        assert_eq!(server.get(&format!("/v2/org/app/manifests/1?ns={host}")).status, 200, "each by its own name");
    }
    let run = command("serve").args([scene.bundle()]).args(["--namespace", "", "--listen", "127.0.0.1:0"]);
    let said = run.run().exits(2).stderr;
    assert!(said.contains("would both become") && said.contains("--map FROM=TO"), "{said}");
}

#[test]
fn only_what_is_pinned_is_served() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    scene.export(&["org/app:1"]).run().succeeds();
    let digest = scene.list().args(["--format", "json"]).run().succeeds().json()["digest"].clone();
    let digest = digest.as_str().expect("a digest");
    let server = Server::of_one(&scene.bundle(), &["--expect", digest, "--namespace", ""]);
    assert_eq!(server.get("/v2/org/app/manifests/1").status, 200);
    // Another bundle in its place is not taken in either, and what is there goes on.
    put_small_image(&scene.source, "org/more", "1");
    scene.export(&["org/app:1", "org/more:1"]).args(["--force"]).run().succeeds();
    server.running().hang_up();
    server.running().wait_for_stderr("not the expected bundle");
    assert_eq!(server.get("/v2/org/more/manifests/1").status, 404);
    assert_eq!(server.get("/v2/org/app/manifests/1").status, 200);
    let run = command("serve").args([scene.bundle()]).args(["--expect", digest, "--listen", "127.0.0.1:0"]);
    run.run().exits(3);
}
