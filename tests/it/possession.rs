//! A bundle is written by somebody who wants to have content of the target that he never had: he knows its
//! digest and its length, and nothing more. The target gives it to nobody because of us.

use crate::bundle;
use crate::reader_parts::{Contents, Given};
use crate::support::registry::{Fault, Match, Registry, digest_like};

/// From this size on, in bytes, a blob is asked for before anything is sent.
const LARGE: usize = 1 << 20;

/// A layer of `size` bytes that the target has in `library/secret/app`; a bundle for these repositories whose
/// images all claim it, and whose own copy holds other bytes.
fn claimed(registry: &Registry, size: usize, repositories: &[&str]) -> (Given, String) {
    let secret = b"known to nobody".iter().copied().cycle().take(size).collect::<Vec<u8>>();
    let digest = digest_like("sha256:", &secret);
    registry.put_blob("library/secret/app", secret.clone());
    let mut contents = Contents::default();
    for repository in repositories {
        let image = contents.image(&[&secret, repository.as_bytes()]);
        contents.name(&format!("gcr.io/{repository}:1"), &image);
    }
    let blob = contents.blobs.iter_mut().find(|(other, _)| *other == digest).expect("the layer");
    blob.1 = vec![b'x'; size];
    (Given::new(contents.bundle()), digest)
}

fn import(registry: &Registry, bundles: &[&Given]) -> crate::support::run::Run {
    let paths = bundles.iter().map(|given| &given.path);
    bundle().args(["import"]).args(paths).args(["--plain-http", "--registry", &registry.host()])
}

#[test]
fn content_that_only_the_target_has_whole_is_not_taken_over_into_another_repository() {
    for size in [100, LARGE + 7] {
        for repositories in [&["secret/app", "evil/app"][..], &["evil/app"], &["evil/one", "evil/two", "secret/app"]] {
            let registry = Registry::start();
            let (given, secret) = claimed(&registry, size, repositories);
            let said = import(&registry, &[&given]).run().exits(3);
            assert!(said.stderr.contains(&secret), "{}", said.stderr);
            for repository in repositories.iter().filter(|repository| repository.starts_with("evil")) {
                let repository = format!("library/{repository}");
                assert!(!registry.has_blob(&repository, &secret), "{repository} with {size} bytes");
                assert!(registry.tags(&repository).is_empty());
            }
            let mounts = |r: &crate::support::registry::Request| r.query_values("mount").contains(&secret);
            assert_eq!(registry.count(mounts), 0, "nobody even asked for it");
        }
    }
}

#[test]
fn a_registry_that_finds_content_in_any_repository_is_not_asked_to_either() {
    // It answers a mount from anywhere with what it has anywhere.
    let registry = Registry::start();
    let (given, secret) = claimed(&registry, 100, &["evil/app"]);
    registry.fault(Match::on("POST", &secret), Fault::status(201));
    import(&registry, &[&given]).run().exits(3);
    assert!(registry.tags("library/evil/app").is_empty());
    assert_eq!(registry.count(|r| r.method == "POST" && r.target().contains(&secret[7..])), 0);
}

#[test]
fn whoever_has_the_content_in_another_bundle_may_have_it_mounted() {
    let registry = Registry::start();
    let (given, secret) = claimed(&registry, LARGE, &["secret/app", "own/app"]);
    let mut contents = Contents::default();
    let whole = registry.blob("library/secret/app", &secret).expect("the layer");
    let image = contents.image(&[&whole]);
    contents.name("gcr.io/third/app:1", &image);
    let second = Given::new(contents.bundle());
    let said = import(&registry, &[&given, &second]).args(["--format", "json"]).run().succeeds().json();
    assert!(registry.has_blob("library/own/app", &secret));
    assert_eq!(said["blobs"]["sent"].as_u64(), Some(3), "a config and two small layers: {said}");
}

#[test]
fn content_is_hashed_once_however_many_repositories_take_it_over() {
    let registry = Registry::start();
    let layer = vec![b'l'; 16 * LARGE];
    registry.put_blob("library/team/first", layer.clone());
    let mut contents = Contents::default();
    for repository in ["first", "second", "third", "fourth", "fifth"] {
        let image = contents.image(&[&layer, repository.as_bytes()]);
        contents.name(&format!("gcr.io/team/{repository}:1"), &image);
    }
    let given = Given::new(contents.bundle());
    let script = r#""$0" "$@" && cat /proc/$$/io >&2"#;
    let run = crate::support::run::Run::new("sh").args(["-c", script, env!("CARGO_BIN_EXE_bundle"), "import"]);
    let said = run.args([&given.path]).args(["--plain-http", "--registry", &registry.host()]).run().succeeds();
    let read = said.stderr.lines().find_map(|line| line.strip_prefix("rchar: ")).expect("what was read");
    let read: usize = read.parse().expect("a number");
    assert!(read < 2 * layer.len(), "{read} bytes are read for a layer of {}", layer.len());
    let mounts = registry.count(|r| r.status == 201 && !r.query_values("mount").is_empty());
    assert!(mounts >= 4, "{mounts} are mounted");
}
