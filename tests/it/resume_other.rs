//! An export of other images to the path where an earlier one did not end well: what both have in
//! common is not fetched again.

use std::fs;

use crate::resume_support::{Place, blobs, counts, put_image, sent, undisturbed};
use crate::support::registry::Registry;

const KIB: u64 = 1 << 10;

/// Images of which each two share something.
fn registry() -> Registry {
    let registry = Registry::start();
    put_image(&registry, "a", "1", &[(1, 600 * KIB), (2, 200 * KIB + 7), (3, 40 * KIB)]);
    put_image(&registry, "b", "1", &[(2, 200 * KIB + 7), (4, 900 * KIB), (5, 10 * KIB + 1)]);
    put_image(&registry, "c", "1", &[(6, 300 * KIB), (3, 40 * KIB), (4, 900 * KIB)]);
    registry
}

/// The digests of the blobs that this bundle has and the other one has not.
fn only_in(one: &[u8], other: &[u8]) -> Vec<String> {
    let other: Vec<String> = blobs(other).into_iter().map(|b| b.0).collect();
    let mut only: Vec<String> = blobs(one).into_iter().map(|b| b.0).filter(|d| !other.contains(d)).collect();
    only.sort();
    only
}

#[test]
fn what_two_sets_of_images_have_in_common_is_moved_and_kept() {
    let registry = registry();
    let sets: [&[&str]; 6] =
        [&["a:1"], &["b:1"], &["a:1", "b:1"], &["b:1", "c:1"], &["a:1", "b:1", "c:1"], &["a:1", "c:1"]];
    let whole: Vec<Vec<u8>> = sets.iter().map(|set| undisturbed(&registry, set)).collect();
    for (before, old) in sets.iter().zip(&whole) {
        for (now, new) in sets.iter().zip(&whole) {
            let place = Place::new();
            fs::write(place.partial(), old).expect("a partial file");
            registry.clear_requests();
            let output = place.export(&registry, now).args(["--format", "json"]).run().succeeds();
            assert!(place.bytes() == *new, "{before:?}, then {now:?}");
            assert_eq!(place.names(), ["out.tar"], "{before:?}, then {now:?}");
            let missing = only_in(new, old);
            assert_eq!(sent(&registry).into_keys().collect::<Vec<_>>(), missing, "{before:?}, then {now:?}");
            let all = blobs(new).len() as u64;
            assert_eq!(counts(&output), (missing.len() as u64, all - missing.len() as u64));
        }
    }
}

#[test]
fn a_beginning_is_moved_and_continued() {
    let registry = registry();
    let old = undisturbed(&registry, &["a:1", "b:1"]);
    let new = undisturbed(&registry, &["b:1", "c:1"]);
    let (digest, at, _) = blobs(&old).into_iter().find(|b| b.2 as u64 == 900 * KIB).expect("the layer");
    let place = Place::new();
    fs::write(place.partial(), &old[..at + 500 * 1024]).expect("a partial file");
    place.export(&registry, &["b:1", "c:1"]).run().succeeds();
    assert!(place.bytes() == new);
    let sent = sent(&registry)[&digest];
    assert!((400 * KIB..400 * KIB + 16).contains(&sent), "{sent} bytes");
}

#[test]
fn a_tag_that_moved_meanwhile_is_exported_as_it_is_now() {
    let registry = registry();
    let old = undisturbed(&registry, &["a:1"]);
    put_image(&registry, "a", "1", &[(1, 600 * KIB), (7, 100 * KIB)]);
    let new = undisturbed(&registry, &["a:1"]);
    let place = Place::new();
    fs::write(place.partial(), &old).expect("a partial file");
    place.export(&registry, &["a:1"]).run().succeeds();
    assert!(place.bytes() == new);
    assert_eq!(sent(&registry).into_keys().collect::<Vec<_>>(), only_in(&new, &old));
}

#[test]
fn what_was_interrupted_while_moving_is_found_at_either_place() {
    let registry = registry();
    let old = undisturbed(&registry, &["a:1", "b:1"]);
    let new = undisturbed(&registry, &["a:1", "b:1", "c:1"]);
    let head = |bundle: &[u8]| bundle[..blobs(bundle)[0].1 - 512].to_vec();
    // As after a kill: the heads are written down, one blob is at its new place, the old head is gone.
    let (digest, from, size) = blobs(&old).into_iter().rfind(|b| b.2 > 0).expect("a blob");
    let (_, to, _) = blobs(&new).into_iter().find(|b| b.0 == digest).expect("the same blob");
    let mut partial = old.clone();
    partial.resize(new.len(), 0);
    partial[from - 512..from + size].fill(0);
    partial[to - 512..to + size].copy_from_slice(&new[to - 512..to + size]);
    let first_blob = blobs(&old)[0].1 - 512;
    partial[..first_blob].fill(0xff);
    let place = Place::new();
    fs::write(place.partial(), &partial).expect("a partial file");
    fs::write(place.dir().join(".out.tar.partial.moving"), [head(&old), head(&new)].concat()).expect("the heads");
    // Even for a third set of images.
    for images in [&["a:1", "b:1", "c:1"] as &[&str], &["a:1", "b:1"]] {
        let again = Place::new();
        for name in place.names() {
            fs::copy(place.dir().join(&name), again.dir().join(&name)).expect("a copy");
        }
        let expected = undisturbed(&registry, images);
        again.export(&registry, images).run().succeeds();
        assert!(again.bytes() == expected);
        assert_eq!(again.names(), ["out.tar"]);
        assert_eq!(sent(&registry).into_keys().collect::<Vec<_>>(), only_in(&expected, &old));
    }
}
