//! Copies within one registry: nothing need move there, and nobody waits for himself.

use crate::scene::{Scene, body_bytes, command, put_image, put_made_layer, put_small_image, writes};
use crate::support::registry::{Auth, Fault, Match, Registry, Request};
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
fn two_accounts_of_one_registry_each_do_their_part() {
    let registry = Registry::builder().auth(Auth::basic("reader", "a")).auth(Auth::basic("writer", "b")).start();
    fill(&registry);
    // Each may do one thing alone, and the writer may not even look at what he would take over.
    let reader = format!("Basic {}", data_encoding::BASE64.encode(b"reader:a"));
    registry.intercept(move |request| {
        let is_readers = request.header("Authorization") == Some(reader.as_str());
        let is_ours = request.path.starts_with("/v2/library/");
        let is_allowed = request.path == "/v2/" || is_readers != is_ours;
        let takes_over = request.query.contains("from=org");
        let is_known = request.header("Authorization").is_some();
        (is_known && (!is_allowed || takes_over)).then(|| Fault::error(403, "DENIED", "not yours"))
    });
    let run = copy(&registry).args(["--src-username", "reader", "--username", "writer"]);
    run.env("BUNDLE_SRC_PASSWORD", "a").env("BUNDLE_PASSWORD", "b").run().succeeds();
    assert_there(&registry);
    assert_eq!(registry.count(|r| r.method == "GET" && r.status == 403), 0, "nobody asked what is not his");
}

#[test]
fn a_copy_between_two_registries_goes_one_request_at_a_time_too() {
    let scene = Scene::new();
    fill(&scene.source);
    scene.copy(&["org/app:1", "org/other:1"]).args(["--jobs", "1"]).run().succeeds();
    assert_eq!(scene.target.missing("library/org/app", "1"), Vec::<String>::new());
    assert!(!writes(&scene.target).is_empty() && writes(&scene.source).is_empty());
}
