//! The room as a whole: exact or refused, whatever comes in.

use std::io::{Cursor, Write};
use std::path::Path;

use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;

use super::join::join;
use super::refusal::{Damaged, Unusual};
use super::split::split;
use super::{Named, Refusal, make, rebuild};
use crate::oci::Digest;

/// A gzip file of each compressor, with its name. `tests/deflate/make fixtures/deflate` makes them; more are taken from
/// the folder that LAYERS names.
fn fixtures() -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/deflate");
    for folder in [Some(own), std::env::var_os("LAYERS").map(Into::into)].into_iter().flatten() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|extension| extension == "gz") {
                found.push((path.display().to_string(), std::fs::read(&path).expect("a file")));
            }
        }
    }
    found.sort();
    found
}

fn there_and_back(gzip: &[u8]) -> Result<Vec<u8>, Refusal> {
    let (mut tokens, mut framing) = (Vec::new(), Vec::new());
    let lengths = split(gzip, &mut tokens, &mut framing)?;
    assert_eq!((lengths.tokens, lengths.framing), (tokens.len() as u64, framing.len() as u64));
    // The limits of the header hold for whatever the splitter gives.
    assert!(lengths.tokens <= 32 * gzip.len() as u64 + 1024, "{lengths:?}");
    assert!(lengths.framing <= 2 * gzip.len() as u64 + 1024, "{lengths:?}");
    Ok(join(&tokens[..], &framing[..], Vec::new()).expect("what was split can be joined"))
}

fn named(gzip: &[u8]) -> Named {
    Named { digest: Digest::sha256(gzip), size: gzip.len() as u64 }
}

fn scratch() -> std::io::Result<Cursor<Vec<u8>>> {
    Ok(Cursor::new(Vec::new()))
}

fn delta(old: &[u8], new: &[u8]) -> Result<Vec<u8>, Refusal> {
    let (delta, length) = make((&named(old), old), (&named(new), new), u64::MAX, &mut scratch)?;
    let delta = delta.into_inner();
    assert_eq!(delta.len() as u64, length);
    Ok(delta)
}

fn applied(delta: &[u8], old: &[u8]) -> Result<Vec<u8>, Refusal> {
    rebuild(delta, |_| Ok(old), &mut scratch, Vec::new())
}

fn gzip(plain: &[u8], level: u32) -> Vec<u8> {
    let mut coder = GzEncoder::new(Vec::new(), Compression::new(level));
    coder.write_all(plain).expect("memory");
    coder.finish().expect("memory")
}

/// Bytes that compress a little and do not repeat: each seed gives others.
fn text(seed: u64, length: usize) -> Vec<u8> {
    let mut chance = fastrand::Rng::with_seed(seed);
    (0..length).map(|_| b"etaoin shrdlu\ncmf"[chance.usize(..17)]).collect()
}

#[test]
fn what_any_compressor_made_comes_back_bit_for_bit() {
    let fixtures = fixtures();
    for wanted in ["go-1", "go-6", "go-9", "klauspost-6", "pgzip-6", "zlib-1", "zlib-6", "zlib-9", "pigz", "java"] {
        assert!(fixtures.iter().any(|(name, _)| name.ends_with(&format!("/{wanted}.gz"))), "{wanted}");
    }
    for wanted in ["igzip-0", "igzip-3", "zopfli", "libdeflate-12", "stored", "multi-member", "sync-flushed", "named"] {
        assert!(fixtures.iter().any(|(name, _)| name.ends_with(&format!("/{wanted}.gz"))), "{wanted}");
    }
    for (name, gzip) in fixtures {
        assert!(there_and_back(&gzip).expect("split") == gzip, "{name}");
    }
}

#[test]
fn ten_thousand_changed_streams_are_exact_or_refused() {
    let fixtures = fixtures();
    let mut chance = fastrand::Rng::with_seed(17);
    let mut exact = 0;
    for _ in 0..10_000 {
        let (name, gzip) = &fixtures[chance.usize(..fixtures.len())];
        let mut changed = gzip.clone();
        changed.truncate(64 * 1024);
        for _ in 0..chance.usize(1..4) {
            let at = chance.usize(..changed.len());
            match chance.u8(..4) {
                0 => changed[at] ^= 1 << chance.u8(..8),
                1 => changed[at] = chance.u8(..),
                2 => changed.truncate(at.max(1)),
                _ => changed.insert(at, chance.u8(..)),
            }
        }
        match there_and_back(&changed) {
            Ok(back) => {
                assert!(back == changed, "{name}");
                exact += 1;
            }
            Err(Refusal::Unusual(_)) => {}
            Err(other) => panic!("{name}: {other}"),
        }
    }
    assert!(exact > 100, "only {exact} of them could be split");
}

#[test]
fn what_is_unusual_is_refused_by_its_reason() {
    let good = gzip(&text(1, 500), 6);
    let refused = |bytes: &[u8]| match there_and_back(bytes) {
        Err(Refusal::Unusual(why)) => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(b""), Unusual::NoGzip);
    assert_eq!(refused(b"\x28\xb5\x2f\xfd and more"), Unusual::NoGzip);
    assert_eq!(refused(&good[..good.len() - 1]), Unusual::CutShort);
    assert_eq!(refused(&good[..good.len() / 2]), Unusual::CutShort);
    assert_eq!(refused(&[&good[..], &[0; 20]].concat()), Unusual::Trailing);
    let member = |deflate: &[u8]| [b"\x1f\x8b\x08\0\0\0\0\0\0\xff", deflate, &[0; 16]].concat();
    assert_eq!(refused(&member(&[0b111])), Unusual::BlockType);
    assert_eq!(refused(&member(&[1, 1, 0, 1, 0])), Unusual::StoredLength);
    // Four codes of one bit.
    assert_eq!(refused(&member(&[0b101, 0, 0x92, 4])), Unusual::Codes);
    // Symbol 286 of the fixed codes: 11000110.
    assert_eq!(refused(&member(&[0b0001_1011, 0b11])), Unusual::Symbol);
    let mut long = b"\x1f\x8b\x08\x08\0\0\0\0\0\xff".to_vec();
    long.extend(std::iter::repeat_n(b'a', 200_000));
    assert_eq!(refused(&long), Unusual::LongHeader);
}

#[test]
fn a_delta_of_layers_that_are_alike_is_small_and_gives_the_new_one() {
    let old = text(2, 800_000);
    let mut new = old.clone();
    new.splice(300_000..300_100, text(3, 3000));
    new.extend(text(4, 1000));
    for level in [1, 6, 9] {
        let (old, new) = (gzip(&old, level), gzip(&new, level));
        let delta = delta(&old, &new).expect("a delta");
        assert!(delta.len() * 20 < new.len(), "{} of {} bytes", delta.len(), new.len());
        assert!(applied(&delta, &old).expect("rebuilt") == new);
    }
}

#[test]
fn the_same_layers_give_the_same_delta() {
    // More new bytes than a segment takes.
    let (old, new) = (gzip(&text(5, 400_000), 6), gzip(&[text(5, 300_000), text(6, 1_500_000)].concat(), 6));
    let first = delta(&old, &new).expect("a delta");
    assert!(applied(&first, &old).expect("rebuilt") == new);
    assert!(delta(&old, &new).expect("a delta") == first);
}

#[test]
fn every_compressor_s_layer_is_rebuilt_from_every_other_s() {
    let fixtures: Vec<_> = fixtures().into_iter().filter(|(_, gzip)| gzip.len() < 1 << 20).collect();
    for (old, (name, new)) in fixtures.iter().zip(fixtures.iter().cycle().skip(1)) {
        let delta = delta(&old.1, new).expect("a delta");
        assert!(applied(&delta, &old.1).expect("rebuilt") == *new, "{name} from {}", old.0);
    }
}

#[test]
fn a_delta_that_saves_too_little_is_none() {
    let (old, new) = (gzip(&text(7, 100_000), 6), gzip(&text(8, 100_000), 6));
    let most = new.len() as u64 * 7 / 10;
    let made = make((&named(&old), &old[..]), (&named(&new), &new[..]), most, &mut scratch);
    assert!(matches!(made, Err(Refusal::SavesTooLittle)));
}

#[test]
fn another_old_layer_or_a_changed_one_is_named() {
    let (old, new) = (gzip(&text(9, 50_000), 6), gzip(&text(9, 49_000), 6));
    let delta = delta(&old, &new).expect("a delta");
    let mut changed = old.clone();
    changed[100] ^= 1;
    for wrong in [&changed[..], &new[..], &old[..old.len() - 1], &[&old[..], b"\0"].concat()[..], b"", b"no gzip"] {
        match applied(&delta, wrong) {
            Err(Refusal::WrongOld { expected, .. }) => assert_eq!(expected, Digest::sha256(&old)),
            other => panic!("{:?}", other.map(|bytes| bytes.len())),
        }
    }
}

#[test]
fn a_delta_with_any_byte_changed_or_cut_anywhere_gives_nothing_wrong() {
    let (old, new) = (gzip(&text(10, 9000), 6), gzip(&[&text(10, 8000)[..], b"new", &text(11, 300)[..]].concat(), 6));
    let good = delta(&old, &new).expect("a delta");
    let mut chance = fastrand::Rng::with_seed(18);
    for at in 0..good.len() {
        let mut changed = good.clone();
        changed[at] ^= chance.u8(1..);
        // A bit that the compressed bytes do not need may differ.
        if let Ok(bytes) = applied(&changed, &old) {
            assert!(bytes == new, "byte {at}");
        }
        assert!(applied(&good[..at], &old).is_err(), "cut at {at}");
    }
    assert!(matches!(applied(&[&good[..], b"\0"].concat(), &old), Err(Refusal::Damaged(Damaged::Length))));
    let mut later = good;
    later[11] = 2;
    assert!(matches!(applied(&later, &old), Err(Refusal::Damaged(Damaged::Version(2)))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_two_contents_give_a_delta_that_gives_the_second(
        parts in prop::collection::vec((0u64..6, 0usize..20_000), 1..6),
        other in prop::collection::vec((0u64..6, 0usize..20_000), 1..6),
        levels in (0u32..10, 0u32..10),
    ) {
        let whole = |parts: &[(u64, usize)]| parts.iter().flat_map(|(seed, length)| text(*seed, *length)).collect::<Vec<_>>();
        let (old, new) = (gzip(&whole(&parts), levels.0), gzip(&whole(&other), levels.1));
        let delta = delta(&old, &new).expect("a delta");
        prop_assert!(applied(&delta, &old).expect("rebuilt") == new);
    }

    #[test]
    fn any_tokens_and_framing_are_joined_to_what_splits_again_or_refused(
        tokens in prop::collection::vec(any::<u8>(), 0..200),
        framing in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        if let Ok(gzip) = join(&tokens[..], &framing[..], Vec::new()) {
            prop_assert!(gzip.len() <= 16 * (tokens.len() + framing.len()) + 64);
        }
    }
}
