//! One segment of a difference: copies from the old stream, and what stands between them, compressed with what stood
//! there in the old stream as the prefix.

use std::io::{Read, Seek};

use zstd::zstd_safe::{CCtx, CParameter, DCtx};

use super::number;
use super::refusal::{Damaged, Result};
use super::window::Window;

/// How hard the coder tries.
pub(super) const LEVEL: i32 = 15;
/// The most new bytes of a segment.
pub(super) const MOST_FRESH: usize = 1 << 20;
/// The most old bytes that it is compressed with.
pub(super) const MOST_PREFIX: u64 = 4 << 20;
/// The most steps of a segment.
pub(super) const MOST_STEPS: usize = 1 << 15;
/// The shortest copy: shorter ones cost more than they save, and could make a reader seek for each byte.
pub(super) const SHORTEST_COPY: u64 = 32;
/// The most bytes that many steps take.
pub(super) const MOST_STEP_BYTES: usize = MOST_STEPS * 27;

/// New bytes, then a copy. Either may be empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// How many new bytes.
    pub(super) fresh: u64,
    /// How many old bytes after them.
    pub(super) copied: u64,
    /// Where those stand in the old stream.
    pub(super) from: u64,
}

/// Where in the old stream we are: after the last copy, and on by the new bytes since.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place(pub(super) u64);

impl Place {
    /// The ranges of the old stream that are the prefix for the new bytes of `step`, which begins here. What stood
    /// between both copies, or where that is too much, as much after the one and before the other.
    pub(super) fn prefix(self, step: &Step, length: u64) -> [(u64, u64); 2] {
        let Self(after) = self;
        if step.fresh == 0 {
            return [(0, 0); 2];
        }
        let near = step.fresh + 4096;
        if step.copied > 0 && after <= step.from && step.from - after <= 2 * step.fresh + 65_536 {
            return [(after, step.from), (0, 0)];
        }
        let one = (after.min(length), (after + near).min(length));
        let other = if step.copied > 0 { (step.from.saturating_sub(near), step.from) } else { (0, 0) };
        [one, other]
    }

    /// Where we are after `step`.
    pub(super) fn after(self, step: &Step, length: u64) -> Self {
        if step.copied > 0 { Self(step.from + step.copied) } else { Self((self.0 + step.fresh).min(length)) }
    }
}

/// Steps as bytes: the new bytes, the copied ones, and how far the copy is from where we are.
pub(super) fn write_steps(steps: &[Step], mut place: Place, length: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    for step in steps {
        number::put(&mut bytes, step.fresh);
        number::put(&mut bytes, step.copied);
        if step.copied > 0 {
            number::put_signed(&mut bytes, step.from as i64 - place.0 as i64);
        }
        place = place.after(step, length);
    }
    bytes
}

/// The next step of what [`write_steps`] wrote.
pub(super) fn read_step(bytes: &mut &[u8], place: Place, length: u64) -> Result<Step> {
    let (fresh, copied) = (number::take_front(bytes)?, number::take_front(bytes)?);
    let mut from = 0;
    if copied > 0 {
        let away = number::take_signed(bytes)?;
        from = place.0.checked_add_signed(away).ok_or(Damaged::Copy)?;
        if from.checked_add(copied).is_none_or(|end| end > length) {
            return Err(Damaged::Copy.into());
        }
    }
    // A step without a copy has a prefix of its own, however short it is: there is one in a segment, at the end.
    let bare = copied == 0 && (fresh == 0 || !bytes.is_empty());
    if fresh > MOST_FRESH as u64 || bare || (1..SHORTEST_COPY).contains(&copied) {
        return Err(Damaged::Number.into());
    }
    Ok(Step { fresh, copied, from })
}

/// The prefix of a segment: the ranges of its steps, one after the other.
pub(super) fn read_prefix<S: Read + Seek>(ranges: &[(u64, u64)], old: &mut Window<S>) -> Result<Vec<u8>> {
    let mut prefix = Vec::new();
    for (from, to) in ranges {
        old.copy(*from, to.saturating_sub(*from), &mut |bytes| {
            prefix.extend_from_slice(bytes);
            Ok(())
        })?;
    }
    Ok(prefix)
}

/// Bytes that keep what is compressed from standing right behind its prefix in memory: the coder would see one text
/// then, and give other bytes.
const APART: usize = 64;

/// What is to be compressed, kept apart from its prefix.
pub(super) struct Fresh(Vec<u8>);

impl Fresh {
    pub(super) fn new() -> Self {
        Self(vec![0; APART])
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.0.get(APART..).unwrap_or_default()
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len() - APART
    }
}

/// Compresses with a prefix: the same bytes for the same input, as long as the coder is of one version.
pub(super) fn compress(fresh: &Fresh, prefix: &[u8], level: i32) -> Result<Vec<u8>> {
    let mut coder = CCtx::create();
    let parameters = [
        CParameter::CompressionLevel(level),
        // The window holds the prefix and everything new; the tables are as small as serves that.
        CParameter::WindowLog(23),
        CParameter::HashLog(21),
        CParameter::ChainLog(22),
        CParameter::ContentSizeFlag(false),
        CParameter::ChecksumFlag(false),
    ];
    for parameter in parameters {
        coder.set_parameter(parameter).map_err(coder_failed)?;
    }
    let mut compressed = Vec::with_capacity(zstd::zstd_safe::compress_bound(fresh.len()));
    coder.ref_prefix(prefix).map_err(coder_failed)?;
    coder.compress2(&mut compressed, fresh.bytes()).map_err(coder_failed)?;
    Ok(compressed)
}

/// Decompresses to exactly `length` bytes.
pub(super) fn decompress(compressed: &[u8], prefix: &[u8], length: usize) -> Result<Vec<u8>> {
    let mut coder = DCtx::create();
    let mut plain = Vec::with_capacity(length);
    coder.ref_prefix(prefix).map_err(coder_failed)?;
    coder.decompress(&mut plain, compressed).map_err(|_| Damaged::Compressed)?;
    // The vector may have been given more room than was asked for.
    if plain.len() == length { Ok(plain) } else { Err(Damaged::Compressed.into()) }
}

fn coder_failed(code: usize) -> std::io::Error {
    std::io::Error::other(zstd::zstd_safe::get_error_name(code))
}
