//! The same export again, after one that did not end well: what is there is kept, what is not is
//! fetched, and the bundle is the one that an undisturbed export writes.

use std::fs;
use std::os::unix::fs::FileExt;

use crate::resume_support::{Place, blobs, counts, put_image, sent, undisturbed};
use crate::support::registry::{Cut, Fault, Match, Registry};

const KIB: u64 = 1 << 10;

/// Two images that share a layer; seven blobs with the configs.
fn registry() -> Registry {
    let registry = Registry::start();
    put_image(&registry, "app", "1", &[(1, 900 * KIB + 1), (2, 700 * KIB), (3, 5)]);
    put_image(&registry, "web", "1", &[(1, 900 * KIB + 1), (4, 300 * KIB + 511), (5, 0)]);
    registry
}

const IMAGES: [&str; 2] = ["app:1", "web:1"];

/// The digest of the blob that was made from this seed.
fn layer(registry: &Registry, size: u64) -> String {
    let undisturbed = undisturbed(registry, &IMAGES);
    let found = blobs(&undisturbed).into_iter().find(|(_, _, len)| *len as u64 == size);
    found.expect("a layer of this size").0
}

#[test]
fn a_blob_that_was_cut_is_continued_where_it_broke_off() {
    let registry = registry();
    let expected = undisturbed(&registry, &IMAGES);
    let digest = layer(&registry, 700 * KIB);
    registry.fault(Match::on("GET", &digest), Fault::CutBodyAfter(400 * KIB, Cut::Close));
    // What the cuts leave of the rest is nothing: every answer ends at once.
    registry.fault(Match::on("GET", &digest).after(1), Fault::status(503));
    let place = Place::new();
    let output = place.export(&registry, &IMAGES).run().exits(1);
    assert_eq!(place.names(), [".out.tar.partial"]);
    let last = output.stderr.lines().last().unwrap_or_default();
    assert!(last.starts_with("hint: run the same command again"), "{}", output.stderr);
    assert!(last.contains("1.56 MiB of 1.86 MiB are kept in ") && last.ends_with("/.out.tar.partial"), "{last}");
    registry.clear_faults();
    registry.clear_requests();
    let output = place.export(&registry, &IMAGES).args(["--format", "json"]).run().succeeds();
    assert!(place.bytes() == expected);
    assert_eq!(place.names(), ["out.tar"]);
    assert_eq!(sent(&registry), [(digest, 300 * KIB)].into());
    assert_eq!(counts(&output), (1, 6));
    let ranges: Vec<_> = registry.requests().iter().filter_map(|r| r.header("Range").map(str::to_owned)).collect();
    assert_eq!(ranges, [format!("bytes={}-", 400 * KIB)]);
}

#[test]
fn a_beginning_that_is_not_true_is_fetched_anew() {
    let registry = registry();
    let expected = undisturbed(&registry, &IMAGES);
    let (digest, at, _) = blobs(&expected).into_iter().find(|b| b.2 as u64 == 700 * KIB).expect("the layer");
    registry.fault(Match::on("GET", &digest), Fault::CutBodyAfter(400 * KIB, Cut::Close));
    registry.fault(Match::on("GET", &digest).after(1), Fault::status(503));
    let place = Place::new();
    place.export(&registry, &IMAGES).run().exits(1);
    let partial = fs::OpenOptions::new().write(true).open(place.partial()).expect("a partial file");
    partial.write_all_at(&[expected[at + 1000] ^ 1], at as u64 + 1000).expect("one byte changed");
    registry.clear_faults();
    registry.clear_requests();
    place.export(&registry, &IMAGES).run().succeeds();
    assert!(place.bytes() == expected);
    assert_eq!(sent(&registry), [(digest, 300 * KIB + 700 * KIB)].into());
}

#[test]
fn a_registry_that_knows_no_ranges_sends_the_whole_blob_again() {
    let registry = registry();
    let expected = undisturbed(&registry, &IMAGES);
    let digest = layer(&registry, 700 * KIB);
    registry.fault(Match::on("GET", &digest), Fault::CutBodyAfter(400 * KIB, Cut::Close));
    registry.fault(Match::on("GET", &digest).after(1), Fault::status(503));
    let place = Place::new();
    place.export(&registry, &IMAGES).run().exits(1);
    registry.clear_faults();
    registry.clear_requests();
    registry.fault(Match::on("GET", &digest), Fault::IgnoreRange);
    place.export(&registry, &IMAGES).run().succeeds();
    assert!(place.bytes() == expected);
}

/// A number from the environment, for longer runs than everyday's.
fn many(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn an_export_killed_at_any_moment_is_completed_by_the_next_one() {
    let registry = registry();
    let expected = undisturbed(&registry, &IMAGES);
    let seed = many("BUNDLE_TEST_SEED", 1);
    let mut random = fastrand::Rng::with_seed(seed);
    let mut kept = 0;
    for round in 0..many("BUNDLE_TEST_KILLS", 24) {
        let place = Place::new();
        let jobs = random.u64(1..6).to_string();
        // Two kills in a row, then one run to the end.
        for _ in 0..2 {
            registry.clear_requests();
            let (turn, bytes) = (random.usize(1..18), random.u64(0..900 * KIB));
            registry.fault(Match::any().nth(turn), Fault::StallAfter(bytes));
            let running = place.export(&registry, &IMAGES).args(["-j", &jobs]).spawn();
            // Either it comes to where it is stopped, or it had less to do than that.
            registry.wait_until(|log| {
                log.len() >= turn && log[turn - 1].status != 0
                    || place.file().exists()
                    || log.len() < turn && ended(log)
            });
            running.kill();
            running.wait();
            registry.clear_faults();
        }
        registry.clear_requests();
        if place.file().exists() {
            assert!(place.bytes() == expected, "seed {seed}, round {round}");
            continue;
        }
        let partial = fs::read(place.partial()).unwrap_or_default();
        let standing = standing(&partial, &expected);
        kept += standing.iter().map(|(_, len)| len).sum::<u64>();
        place.export(&registry, &IMAGES).run().succeeds();
        assert!(place.bytes() == expected, "seed {seed}, round {round}");
        assert_eq!(place.names(), ["out.tar"], "seed {seed}, round {round}");
        let again = sent(&registry);
        for (digest, len) in standing {
            let (_, _, size) = blobs(&expected).into_iter().find(|b| b.0 == digest).expect("a blob");
            // A byte that happens to be zero cannot be told from one that was not written.
            let most = size as u64 - len + if len == size as u64 { 0 } else { 16 };
            let sent = again.get(&digest).copied().unwrap_or_default();
            assert!(sent <= most, "seed {seed}, round {round}: {sent} bytes of {digest}, {len} of {size} were there");
        }
    }
    // How much depends on the machine; nothing at all would mean that resuming was never tried.
    assert!(kept > 0, "nothing was ever kept");
}

/// Every request so far was answered to its end, and the plan is known: what is left needs none.
fn ended(log: &[crate::support::registry::Request]) -> bool {
    log.iter().any(|r| r.path.contains("/blobs/")) && log.iter().all(|r| r.status != 0)
}

/// How much of each blob a partial file has, compared with the bundle that it is to become.
fn standing(partial: &[u8], expected: &[u8]) -> Vec<(String, u64)> {
    let there = |at: usize, size: usize| {
        let end = (at + size).min(partial.len());
        let same = partial.get(at..end).unwrap_or_default().iter().zip(&expected[at..]);
        same.take_while(|(a, b)| a == b).count() as u64
    };
    // Without its header a region was not begun.
    let begun = |at: usize| partial.len() >= at && partial[at - 512..at] == expected[at - 512..at];
    let head = blobs(expected).first().map_or(0, |b| b.1 - 512);
    if partial.get(..head) != expected.get(..head) {
        return Vec::new();
    }
    blobs(expected).into_iter().filter(|b| begun(b.1)).map(|(d, at, size)| (d, there(at, size))).collect()
}

#[test]
fn a_damaged_partial_file_costs_only_what_is_damaged() {
    let registry = registry();
    let expected = undisturbed(&registry, &IMAGES);
    let all = blobs(&expected);
    let head = all[0].1 - 512;
    for (digest, at, size) in all.iter().filter(|b| b.2 > 0) {
        // In the header, at the first and last byte of the data, and in the padding.
        let padding = (at + size..(at + size).next_multiple_of(512)).next();
        for place_of_damage in
            [Some(at - 512), Some(at - 400), Some(*at), Some(at + size - 1), padding].into_iter().flatten()
        {
            let place = Place::new();
            let mut partial = expected.clone();
            partial[place_of_damage] ^= 0x40;
            fs::write(place.partial(), partial).expect("a partial file");
            registry.clear_requests();
            let output = place.export(&registry, &IMAGES).args(["--format", "json"]).run().succeeds();
            assert!(place.bytes() == expected, "damaged at {place_of_damage}");
            let damaged_data = place_of_damage < at + size;
            let sent: Vec<String> = sent(&registry).into_keys().collect();
            let wanted: Vec<String> = damaged_data.then(|| digest.clone()).into_iter().collect();
            assert_eq!(sent, wanted, "damaged at {place_of_damage}");
            assert_eq!(counts(&output), (1, all.len() as u64 - 1), "damaged at {place_of_damage}");
        }
    }
    // Without its head nobody knows what is where.
    let place = Place::new();
    let mut partial = expected.clone();
    partial[head / 2] ^= 1;
    fs::write(place.partial(), partial).expect("a partial file");
    let output = place.export(&registry, &IMAGES).args(["--format", "json"]).run().succeeds();
    assert!(place.bytes() == expected);
    assert_eq!(counts(&output), (all.len() as u64, 0));
}

#[test]
fn a_partial_file_cut_at_any_block_is_completed() {
    let registry = registry();
    let expected = undisturbed(&registry, &IMAGES);
    for end in (0..expected.len()).step_by(70_001).chain([expected.len() - 1, expected.len() - 1024]) {
        let place = Place::new();
        fs::write(place.partial(), &expected[..end]).expect("a partial file");
        registry.clear_requests();
        place.export(&registry, &IMAGES).run().succeeds();
        assert!(place.bytes() == expected, "cut at {end}");
        let whole: Vec<_> = blobs(&expected).into_iter().filter(|b| (b.1 + b.2).next_multiple_of(512) <= end).collect();
        let asked = sent(&registry);
        assert!(whole.iter().all(|b| !asked.contains_key(&b.0)), "cut at {end}: {asked:?}");
    }
}

#[test]
fn a_partial_file_of_something_else_is_written_over() {
    let registry = registry();
    let expected = undisturbed(&registry, &IMAGES);
    let newer = {
        let text = br#""formatVersion":1"#;
        let at = expected.windows(text.len()).position(|w| w == text).expect("bundle.json");
        let mut newer = expected.clone();
        newer[at + text.len() - 1] = b'9';
        newer
    };
    let noise: Vec<u8> = std::iter::repeat_with({
        let mut random = fastrand::Rng::with_seed(7);
        move || random.u8(..)
    })
    .take(expected.len() * 2)
    .collect();
    for partial in [newer, noise, b"x".to_vec(), vec![0; 1 << 20]] {
        let place = Place::new();
        fs::write(place.partial(), partial).expect("a partial file");
        let output = place.export(&registry, &IMAGES).args(["--format", "json"]).run().succeeds();
        assert!(place.bytes() == expected);
        assert_eq!(counts(&output), (7, 0));
    }
}

#[test]
fn a_failure_that_leaves_nothing_of_use_leaves_no_file() {
    let registry = registry();
    registry.fault(Match::on("GET", "/blobs/"), Fault::status(503));
    let place = Place::new();
    let output = place.export(&registry, &IMAGES).run().exits(1);
    assert_eq!(place.names(), [""; 0]);
    assert!(!output.stderr.contains("kept"), "{}", output.stderr);
    // The images cannot even be planned.
    registry.clear_faults();
    let output = place.export(&registry, &["absent:1"]).run().exits(4);
    assert_eq!(place.names(), [""; 0]);
    assert!(!output.stderr.contains("kept"), "{}", output.stderr);
}

#[test]
fn a_failure_before_the_first_blob_leaves_an_earlier_partial_file_alone() {
    let registry = registry();
    let expected = undisturbed(&registry, &IMAGES);
    let place = Place::new();
    fs::write(place.partial(), &expected[..expected.len() / 2]).expect("a partial file");
    registry.fault(Match::on("GET", "/manifests/"), Fault::status(503));
    let output = place.export(&registry, &IMAGES).run().exits(1);
    assert_eq!(fs::read(place.partial()).expect("the partial file"), &expected[..expected.len() / 2]);
    assert!(output.stderr.contains("what was fetched before is kept in "), "{}", output.stderr);
}

#[test]
fn ctrl_c_says_what_is_kept() {
    let registry = registry();
    let expected = undisturbed(&registry, &IMAGES);
    let digest = layer(&registry, 300 * KIB + 511);
    registry.fault(Match::on("GET", &digest), Fault::Rate(100 * KIB));
    let place = Place::new();
    let running = place.export(&registry, &IMAGES).args(["-j", "1"]).spawn();
    registry.wait_until(|log| log.iter().any(|r| r.path.ends_with(&digest) && r.sent_bytes > 0));
    running.interrupt();
    let output = running.wait().exits(130);
    assert_eq!(output.stderr.matches("interrupted").count(), 1, "{}", output.stderr);
    assert!(output.stderr.contains("of 1.86 MiB are kept in "), "{}", output.stderr);
    registry.clear_faults();
    place.export(&registry, &IMAGES).run().succeeds();
    assert!(place.bytes() == expected);
}
