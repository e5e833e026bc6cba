//! Deltas inside layers where something is wrong: another old layer, a damaged difference, a process that dies. What is
//! not the layer that was meant never arrives.

use std::collections::BTreeSet;
use std::path::Path;

use crate::kill::{assert_whole, is_write, kill_at_write};
use crate::layer_deltas::{Months, gzipped, import, months, months_of};
use crate::scene::{command, writes};
use crate::serve_scene::Server;
use crate::support::registry::{Registry, digest_like};
use crate::support::run::Run;

/// Where the difference stands in the file, and its length.
fn entry(bundle: &[u8], layer: &str) -> (usize, usize) {
    let name = format!("deltas/{}", layer.replace(':', "/"));
    let mut archive = tar::Archive::new(bundle);
    for entry in archive.entries().expect("a tar") {
        let entry = entry.expect("an entry");
        if entry.path_bytes() == name.as_bytes() {
            let at = usize::try_from(entry.raw_file_position()).expect("small");
            return (at, usize::try_from(entry.size()).expect("small"));
        }
    }
    panic!("no {name}");
}

/// Imports into a registry that has June.
fn import_into(registry: &Registry, bundle: &Path) -> Run {
    command("import").args([bundle]).args(["--plain-http", "--registry", &registry.host()])
}

#[test]
fn another_layer_under_the_old_one_s_name_ends_with_both_named_and_nothing_pushed() {
    let Months { scene, june, patch, old, new, .. } = months();
    import(&scene, &[&june]).run().succeeds();
    let mut other = scene.source.blob("org/app", &old).expect("a layer");
    let last = other.len() - 9;
    other[last] ^= 1;
    scene.target.put_blob_as("library/org/app", &old, other);
    let before = scene.target.manifest("library/org/app", "1");
    let refused = import(&scene, &[&patch]).run().exits(3);
    for text in [old.as_str(), new.as_str(), "cannot be rebuilt", "give the old bundle as one more file"] {
        assert!(refused.stderr.contains(text), "{text}: {}", refused.stderr);
    }
    assert!(!scene.target.has_blob("library/org/app", &new));
    assert_eq!(scene.target.manifest("library/org/app", "1"), before, "the tag is where it was");
    // The way out that is named.
    import(&scene, &[&june, &patch]).run().succeeds();
    assert!(scene.target.has_blob("library/org/app", &new));
    assert_eq!(scene.target.violations(), Vec::<String>::new());
}

#[test]
fn a_base_of_other_images_is_no_base() {
    let Months { scene, patch, new, .. } = months();
    crate::scene::put_small_image(&scene.source, "org/other", "1");
    let other = scene.path("other.tar");
    scene.export_to(&other, &["org/other:1"]).run().succeeds();
    let refused = import(&scene, &[&other, &patch]).run().exits(4);
    assert!(refused.stderr.contains(&new), "{}", refused.stderr);
    assert!(scene.target.manifest("library/org/app", "1").is_none());
    let refused = command("pack").args([&other, &patch]).args([Path::new("-o"), &scene.path("p.tar")]).run().exits(4);
    assert!(refused.stderr.contains(&new), "{}", refused.stderr);
}

#[test]
fn a_damaged_old_bundle_is_found_by_import_pack_and_verify() {
    let Months { scene, june, patch, old, new, .. } = months();
    let mut bytes = std::fs::read(&june).expect("a file");
    let layer = scene.source.blob("org/app", &old).expect("a layer");
    let at = bytes.windows(64).position(|window| window == &layer[..64]).expect("the layer");
    bytes[at + layer.len() / 2] ^= 4;
    std::fs::write(&june, &bytes).expect("written");
    let refused = import(&scene, &[&june, &patch]).run().exits(3);
    assert!(refused.stderr.contains(&new) && refused.stderr.contains(&old), "{}", refused.stderr);
    assert!(!scene.target.has_blob("library/org/app", &new));
    assert!(scene.target.manifest("library/org/app", "1").is_none());
    let packed = scene.path("packed.tar");
    let refused = command("pack").args([&june, &patch]).args([Path::new("-o"), &packed]).run().exits(3);
    assert!(refused.stderr.contains(&new), "{}", refused.stderr);
    assert!(!packed.exists());
    command("verify").args([&june, &patch]).run().exits(3);
}

#[test]
fn a_flipped_bit_in_any_byte_of_a_difference_is_found_and_nothing_wrong_is_pushed() {
    let Months { scene, june, patch, new, .. } = months_of(6);
    let registry = Registry::builder().accepting().start();
    import_into(&registry, &june).run().succeeds();
    let before = registry.manifest("library/org/app", "1");
    let whole = std::fs::read(&patch).expect("a file");
    let (at, len) = entry(&whole, &new);
    let broken = scene.path("broken.tar");
    // Each costs a process: of a longer one every byte of its front, and enough of the others.
    let step = 1 + len / 40;
    for offset in (0..len).filter(|offset| *offset < 84 || offset % step == 0) {
        let mut bytes = whole.clone();
        bytes[at + offset] ^= 1 << (offset % 8);
        std::fs::write(&broken, &bytes).expect("written");
        let refused = import_into(&registry, &broken).run().exits(3);
        let text = &refused.stderr;
        assert!(text.contains("the layer delta of") && text.contains(&new), "byte {offset}: {text}");
        assert!(!registry.has_blob("library/org/app", &new), "byte {offset}");
        assert_eq!(registry.manifest("library/org/app", "1"), before, "byte {offset}");
    }
    assert_eq!(registry.violations(), Vec::<String>::new());
    let said = command("verify").args([&broken]).run().exits(3);
    assert!(said.all().contains("hashes to"), "{}", said.all());
    import_into(&registry, &patch).run().succeeds();
    assert!(registry.has_blob("library/org/app", &new));
}

/// The bundle with another difference, whose digest is right wherever it stands.
fn with_entry(whole: &[u8], layer: &str, change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let (at, len) = entry(whole, layer);
    let mut bytes = whole.to_vec();
    let before = digest_like("sha256:", &bytes[at..at + len]);
    change(&mut bytes[at..at + len]);
    let after = digest_like("sha256:", &bytes[at..at + len]);
    let place = bytes.windows(before.len()).position(|window| window == before.as_bytes()).expect("in bundle.json");
    bytes[place..place + after.len()].copy_from_slice(after.as_bytes());
    bytes
}

#[test]
fn a_difference_of_another_version_is_refused_by_that_name() {
    let Months { scene, june, patch, new, .. } = months();
    import(&scene, &[&june]).run().succeeds();
    let later = with_entry(&std::fs::read(&patch).expect("a file"), &new, |entry| entry[11] = 9);
    std::fs::write(&patch, later).expect("written");
    let refused = import(&scene, &[&patch]).run().exits(3);
    assert!(refused.stderr.contains("it has version 9 of the format, and this program knows 1"), "{}", refused.stderr);
    let said = command("verify").args([&patch]).run().exits(3);
    assert!(said.all().contains("version 9"), "{}", said.all());
    assert!(!scene.target.has_blob("library/org/app", &new));
}

#[test]
fn a_forged_difference_that_makes_another_layer_is_never_pushed() {
    let Months { scene, june, patch, new, .. } = months();
    import(&scene, &[&june]).run().succeeds();
    let whole = std::fs::read(&patch).expect("a file");
    let mut seen = BTreeSet::new();
    let (_, len) = entry(&whole, &new);
    for offset in (12..len).step_by(1 + len / 40) {
        std::fs::write(&patch, with_entry(&whole, &new, |entry| entry[offset] ^= 0x11)).expect("written");
        let refused = import(&scene, &[&patch]).run().exits(3);
        assert!(refused.stderr.contains(&new), "byte {offset}: {}", refused.stderr);
        assert!(!scene.target.has_blob("library/org/app", &new), "byte {offset}");
        seen.insert(refused.stderr);
    }
    assert!(seen.len() > 2, "in several ways: {seen:?}");
}

#[test]
fn an_import_killed_at_any_of_twenty_moments_leaves_nothing_false_and_ends_well_the_next_time() {
    let Months { scene, june, patch, new, .. } = months();
    import(&scene, &[&june]).run().succeeds();
    scene.target.clear_requests();
    import(&scene, &[&patch]).run().succeeds();
    let moments = scene.target.count(is_write);
    assert!(moments > 3, "{:?}", writes(&scene.target));
    for kill in 0..20 {
        let nth = 1 + kill % moments;
        let registry = Registry::builder().accepting().start();
        import_into(&registry, &june).run().succeeds();
        kill_at_write(import_into(&registry, &patch), &registry, nth);
        assert_whole(&registry, &format!("killed at write {nth}"));
        import_into(&registry, &patch).run().succeeds();
        assert_whole(&registry, &format!("imported after a kill at write {nth}"));
        assert!(registry.has_blob("library/org/app", &new));
    }
}

#[test]
fn a_server_with_the_base_gives_the_layer_whole_and_in_parts_and_without_it_says_why_not() {
    let Months { scene, june, patch, new, .. } = months();
    let server = Server::start(&[june, patch.clone()], &[]);
    let layer = scene.source.blob("org/app", &new).expect("a layer");
    let path = format!("/v2/org/app/blobs/{new}");
    let source = scene.source.host();
    let query = format!("{path}?ns={source}");
    let all = server.ask("GET", &query, &[]);
    assert_eq!(all.status, 200, "{}", String::from_utf8_lossy(&all.body));
    assert!(all.body == layer);
    let part = server.ask("GET", &query, &[("Range", "bytes=100-299")]);
    assert_eq!((part.status, &part.body[..]), (206, &layer[100..300]));
    drop(server);
    let server = Server::start(&[patch], &[]);
    let none = server.ask("GET", &query, &[]);
    assert_eq!(none.status, 404);
    assert!(String::from_utf8_lossy(&none.body).contains("what changed since an older layer"));
}

#[test]
fn where_too_little_would_be_saved_or_it_is_no_gzip_the_layer_is_carried_whole() {
    let scene = crate::scene::Scene::new();
    let put = |seed: u64| {
        let noise: Vec<u8> =
            (0..60_000u64).map(|n| ((n + seed).wrapping_mul(n ^ 0x9e37_79b9_7f4a_7c15) >> 51) as u8).collect();
        let gzip = crate::scene::put_layer(&scene.source, "org/app", gzipped(&noise));
        let other = crate::scene::put_layer(&scene.source, "org/app", noise);
        crate::scene::put_image(&scene.source, "org/app", "1", &[gzip, other]);
    };
    put(1);
    let (june, patch) = (scene.path("june.tar"), scene.path("patch.tar"));
    scene.export_to(&june, &["org/app:1"]).run().succeeds();
    put(777_777);
    let export = scene.export_to(&patch, &["org/app:1"]).args([Path::new("--base"), &june]);
    let report = export.args(["--layer-deltas", "--format", "json"]).run().succeeds().json();
    assert_eq!(report["blobs"]["deltas"], 0, "{report}");
    assert_eq!(report["blobs"]["count"], 2, "{report}");
    // Fetched once, though they were looked at first.
    let gets = scene.source.count(|request| request.method == "GET" && request.path.contains("/blobs/"));
    assert!(gets <= 3 + 3, "{gets}");
    import(&scene, &[&june, &patch]).run().succeeds();
}
