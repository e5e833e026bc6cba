//! Moves what stands in a file to other places in the same file, without a second copy: in an order
//! in which nothing is written over before it has been moved itself.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::error::Result;

/// One read's and one write's worth, in bytes.
const BUFFER: u64 = 1 << 20;

/// `len` bytes on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Move {
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) len: u64,
}

/// The moves in an order in which they do no harm. No two destinations overlap.
///
/// Where some of them stand in each other's way in a circle, the shortest of those is left out.
pub(crate) fn in_order(moves: impl IntoIterator<Item = Move>) -> Vec<Move> {
    let mut waiting: BTreeMap<u64, Move> = BTreeMap::new();
    for one in moves {
        // Sources never overlap in a file of ours; in a crafted one the later of two is dropped.
        if overlapping(&waiting, one.from, one.len).next().is_none() {
            waiting.insert(one.from, one);
        }
    }
    let mut order = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let before = waiting.len();
        // As a rule the order of the blobs stays, and this is all: what goes back is moved last one
        // first, what comes forward first one first.
        let back: Vec<Move> = waiting.values().rev().filter(|m| m.to > m.from).copied().collect();
        let forward: Vec<Move> = waiting.values().filter(|m| m.to <= m.from).copied().collect();
        for one in back.into_iter().chain(forward) {
            if overlapping(&waiting, one.to, one.len).all(|other| *other == one) {
                waiting.remove(&one.from);
                order.push(one);
            }
        }
        if waiting.len() == before {
            let shortest = waiting.values().min_by_key(|m| m.len).map(|m| m.from);
            shortest.and_then(|from| waiting.remove(&from));
        }
    }
    order
}

/// Those whose sources overlap this range; the sources do not overlap each other.
fn overlapping(moves: &BTreeMap<u64, Move>, start: u64, len: u64) -> impl Iterator<Item = &Move> {
    moves.range(..start + len).rev().map(|(_, m)| m).take_while(move |m| m.from + m.len > start)
}

/// Moves within the file, also where old and new place overlap. `progress` hears of every byte, and
/// asks to stop by an error.
pub(crate) fn carry_out(file: &File, one: Move, progress: &dyn Fn(u64) -> Result<()>) -> io::Result<()> {
    let mut buffer = vec![0; usize::try_from(one.len.min(BUFFER)).unwrap_or(0)];
    let mut done = 0;
    while done < one.len {
        let part = (one.len - done).min(BUFFER);
        // Towards the end of the file, the last part goes first.
        let at = if one.to > one.from { one.len - done - part } else { done };
        let part = &mut buffer[..usize::try_from(part).unwrap_or(0)];
        file.read_exact_at(part, one.from + at)?;
        file.write_all_at(part, one.to + at)?;
        done += part.len() as u64;
        progress(part.len() as u64)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Pieces of 1 to 40 bytes, each at a place in an old and in a new file of its own order.
    fn pieces() -> impl Strategy<Value = Vec<(usize, usize, usize)>> {
        prop::collection::vec((1..40_usize, 0..20_usize, 0..20_usize), 1..30).prop_flat_map(|sizes| {
            let n = sizes.len();
            let order = Just((0..n).collect::<Vec<_>>()).prop_shuffle();
            let keep = any::<bool>();
            (Just(sizes), order, keep).prop_map(|(sizes, shuffled, keep)| {
                let place = |order: Vec<usize>, gap: fn(&(usize, usize, usize)) -> usize| {
                    let mut at = 0;
                    let mut places = vec![0; order.len()];
                    for piece in order {
                        at += gap(&sizes[piece]);
                        places[piece] = at;
                        at += sizes[piece].0;
                    }
                    places
                };
                let from = place((0..sizes.len()).collect(), |s| s.1);
                let to = place(if keep { (0..sizes.len()).collect() } else { shuffled }, |s| s.2);
                (0..sizes.len()).map(|n| (from[n], to[n], sizes[n].0)).collect()
            })
        })
    }

    proptest! {
        #[test]
        fn what_is_moved_arrives_whole(pieces in pieces()) {
            let len = pieces.iter().map(|(from, to, size)| from.max(to) + size).max().unwrap_or(0);
            let mut old = vec![0; len];
            for (n, (from, _, size)) in pieces.iter().enumerate() {
                old[*from..from + size].fill(u8::try_from(n + 1).expect("few"));
            }
            let file = tempfile::tempfile().expect("a file");
            file.write_all_at(&old, 0).expect("written");
            let moves = pieces.iter().map(|(from, to, size)| Move { from: *from as u64, to: *to as u64, len: *size as u64 });
            let order = in_order(moves);
            let same_order = pieces.windows(2).all(|w| w[0].1 < w[1].1);
            prop_assert!(!same_order || order.len() == pieces.len(), "nothing is left out where the order stays");
            for one in &order {
                carry_out(&file, *one, &|_| Ok(())).expect("moved");
            }
            for one in &order {
                let n = pieces.iter().position(|(from, ..)| *from as u64 == one.from).expect("ours") + 1;
                let mut found = vec![0; usize::try_from(one.len).expect("small")];
                file.read_exact_at(&mut found, one.to).expect("read");
                prop_assert!(found.iter().all(|b| usize::from(*b) == n), "{one:?}: {found:?}");
            }
        }
    }

    #[test]
    fn a_long_piece_moves_by_a_little_either_way() {
        let bytes: Vec<u8> = (0..BUFFER * 3 + 17).map(|n| u8::try_from(n % 251).expect("small")).collect();
        for (from, to) in [(0, 512), (512, 0)] {
            let file = tempfile::tempfile().expect("a file");
            file.write_all_at(&bytes, from).expect("written");
            carry_out(&file, Move { from, to, len: bytes.len() as u64 }, &|_| Ok(())).expect("moved");
            let mut found = vec![0; bytes.len()];
            file.read_exact_at(&mut found, to).expect("read");
            assert!(found == bytes);
        }
    }
}
