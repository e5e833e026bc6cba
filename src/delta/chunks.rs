//! Where two streams may be alike: chunks whose ends their content decides (FastCDC), by their hashes.

use std::hash::{DefaultHasher, Hasher};
use std::io::{self, Read};

use fastcdc::v2020::StreamCDC;

/// The most chunks of a stream that are looked at; what is beyond counts as new.
const MOST: usize = 1 << 19;

/// A chunk: its hash and its length.
pub(super) type Chunk = (u64, u32);

/// How long chunks are on average, for layers of this size: 4 KiB, or more for what would have too many.
pub(super) fn average(size: u64) -> usize {
    let mut average = 4096;
    while size / average > (MOST / 4) as u64 && average < 1 << 20 {
        average *= 2;
    }
    average as usize
}

/// The chunks of a stream. All of it is read, also where there are too many.
pub(super) fn chunks(mut stream: impl Read, average: usize) -> io::Result<Vec<Chunk>> {
    let mut found = Vec::new();
    let cuts = StreamCDC::new(&mut stream, average / 4, average, average * 4);
    for chunk in cuts {
        let chunk = chunk.map_err(io::Error::from)?;
        // Only a hint: whatever it finds is compared. So it need not be strong.
        let mut hasher = DefaultHasher::new();
        hasher.write(&chunk.data);
        found.push((hasher.finish(), u32::try_from(chunk.length).unwrap_or(u32::MAX)));
        if found.len() == MOST {
            break;
        }
    }
    io::copy(&mut stream, &mut io::sink())?;
    Ok(found)
}

/// The chunks of the old stream, to be found by hash.
pub(super) struct Index(Vec<(u64, u64)>);

impl Index {
    pub(super) fn new(chunks: Vec<Chunk>) -> Self {
        let mut at = 0;
        let mut places = Vec::with_capacity(chunks.len());
        for (hash, length) in chunks {
            places.push((hash, at));
            at += u64::from(length);
        }
        places.sort_unstable();
        Self(places)
    }

    /// Where a chunk with this hash stands; of several, the one nearest to `near`, as far as is looked.
    pub(super) fn find(&self, hash: u64, near: u64) -> Option<u64> {
        let first = self.0.partition_point(|place| *place < (hash, near.saturating_sub(1 << 20)));
        let alike = |place: &&(u64, u64)| place.0 == hash;
        let from_there = self.0.iter().skip(first).take(16).take_while(alike);
        let before = self.0.iter().take(first).next_back().filter(alike);
        from_there.chain(before).map(|(_, at)| *at).min_by_key(|at| (at.abs_diff(near), *at))
    }
}
