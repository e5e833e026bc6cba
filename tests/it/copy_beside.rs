//! Copies within one registry: nothing need move there, and nobody waits for himself.

use crate::scene::{Scene, body_bytes, command, put_image, put_made_layer, put_small_image, writes};
use crate::support::registry::{Auth, Fault, Match, Registry, Request, Tokens};
use crate::support::run::Run;

const LAYER: u64 = 3 << 20;

/// A registry with an image of a large layer.
fn registry() -> Registry {
    let registry = Registry::start();
    fill(&registry);
    registry
}

fn fill(registry: &Registry) {
    for repository in ["org/app", "org/other"] {
        let layer = put_made_layer(registry, repository, 5, LAYER);
        put_image(registry, repository, "1", &[layer]);
    }
}

fn copy(registry: &Registry) -> Run {
    let names = ["org/app:1", "org/other:1"].map(|image| format!("{}/{image}", registry.host()));
    command("copy").args(["--src-plain-http", "--plain-http", "--registry", &registry.host()]).args(names)
}

fn is_of_blob(request: &Request) -> bool {
    request.method == "GET" && request.path.contains("/blobs/sha256:")
}

fn assert_there(registry: &Registry) {
    for repository in ["org/app", "org/other"] {
        let there = format!("library/{repository}");
        assert_eq!(registry.missing(&there, "1"), Vec::<String>::new());
        assert_eq!(registry.digest(&there, "1"), registry.digest(repository, "1"));
    }
}

#[test]
fn within_one_registry_no_byte_of_a_blob_moves() {
    let registry = registry();
    let report = copy(&registry).args(["--format", "json"]).run().succeeds().json();
    assert_there(&registry);
    assert_eq!(body_bytes(&registry), 0);
    assert_eq!(registry.count(is_of_blob), 0);
    assert_eq!((&report["blobs"]["sent"], &report["blobs"]["mounted"]), (&0.into(), &4.into()), "{report}");
    assert_eq!(registry.open_sessions(), 0, "nothing is left open");
}

#[test]
fn one_registry_is_one_however_its_name_is_written() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    let port = scene.source.address().port();
    let (name, registry) = (format!("LOCALHOST:{port}/org/app:1"), format!("localhost:{port}"));
    command("copy").args(["--registry", &registry, &name]).run().succeeds();
    assert_eq!(body_bytes(&scene.source), 0);
    assert_eq!(scene.source.missing("library/org/app", "1"), Vec::<String>::new());
}

#[test]
fn an_image_is_not_copied_onto_itself() {
    let registry = registry();
    let name = format!("{}/org/app:1", registry.host());
    let run = command("copy").args(["--registry", &registry.host(), "--namespace", "", &name]);
    let said = run.run().exits(2);
    assert!(said.stderr.contains("copied onto itself") && said.stderr.contains(&name), "{}", said.stderr);
    assert!(said.stderr.contains("--map"), "{}", said.stderr);
    assert_eq!(registry.requests().len(), 0);
    for (name, target) in
        [("EVIL.example:443/a:1", "evil.example"), ("nginx", "docker.io"), ("nginx", "registry-1.docker.io")]
    {
        let said = command("copy").args(["--registry", target, "--namespace", "", name]).run().exits(2);
        assert!(said.stderr.contains("copied onto itself"), "{name} {target}: {}", said.stderr);
    }
}

#[test]
fn where_mounts_are_refused_content_is_streamed_also_one_request_at_a_time() {
    for jobs in ["1", "2", "16"] {
        for refusal in [Fault::RefuseMount, Fault::status(403), Fault::status(405)] {
            let registry = registry();
            registry.fault(Match::on("POST", "mount="), refusal);
            copy(&registry).args(["--jobs", jobs]).run().succeeds();
            assert_there(&registry);
        }
    }
}

#[test]
fn who_may_not_read_there_with_the_rights_of_the_target_streams() {
    let tokens = Tokens::new("pusher", "secret").refuse("pull");
    let registry = Registry::builder().auth(Auth::bearer(&tokens)).start();
    fill(&registry);
    // The token service gives whoever pushes no right to read what lies elsewhere; whoever reads may read.
    registry.fault(Match::on("POST", "mount="), Fault::error(403, "DENIED", "not yours"));
    let host = registry.host();
    let said = copy(&registry)
        .args(["--src-username", "pusher", "--username", "pusher"])
        .env("BUNDLE_PASSWORD", "secret")
        .env("BUNDLE_SRC_PASSWORD", "secret")
        .run();
    // Either it is all there, or it is said what was refused; never half of it.
    if said.code == Some(0) {
        assert_there(&registry);
    } else {
        assert!(said.stderr.contains(&host), "{}", said.stderr);
        assert!(registry.tags("library/org/app").is_empty());
    }
}

#[test]
fn a_copy_between_two_registries_goes_one_request_at_a_time_too() {
    let scene = Scene::new();
    fill(&scene.source);
    scene.copy(&["org/app:1", "org/other:1"]).args(["--jobs", "1"]).run().succeeds();
    assert_eq!(scene.target.missing("library/org/app", "1"), Vec::<String>::new());
    assert!(!writes(&scene.target).is_empty() && writes(&scene.source).is_empty());
}
