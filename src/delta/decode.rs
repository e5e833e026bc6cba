//! The coder's other half: the new stream from the old one and the difference.

use std::io::{self, Read, Seek};

use super::encode::{SEGMENT, STREAM_ENDS};
use super::number;
use super::refusal::{Damaged, Result};
use super::segment::{self, MOST_FRESH, MOST_PREFIX, MOST_STEP_BYTES, MOST_STEPS, Place};
use super::window::Window;

/// Gives the new stream, which is `length` bytes long, to `sink`, piece by piece. Takes exactly the difference from
/// `delta`.
pub(super) fn decode<D: Read, S: Read + Seek>(
    delta: &mut D,
    old: &mut Window<S>,
    length: u64,
    sink: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let mut place = Place(0);
    let mut left = length;
    loop {
        match byte(delta)? {
            STREAM_ENDS if left == 0 => return Ok(()),
            SEGMENT => (place, left) = one(delta, old, place, left, sink)?,
            _ => return Err(Damaged::Length.into()),
        }
    }
}

/// One segment; where we are after it, and how much is left of the new stream.
fn one<D: Read, S: Read + Seek>(
    delta: &mut D,
    old: &mut Window<S>,
    begins: Place,
    mut left: u64,
    sink: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<(Place, u64)> {
    let steps = at_most(delta, MOST_STEP_BYTES)?;
    let steps_compressed = at_most(delta, zstd::zstd_safe::compress_bound(MOST_STEP_BYTES))?;
    let fresh = at_most(delta, MOST_FRESH)?;
    let fresh_compressed = at_most(delta, zstd::zstd_safe::compress_bound(MOST_FRESH))?;
    let steps = segment::decompress(&bytes(delta, steps_compressed)?, &[], steps)?;
    let compressed = bytes(delta, fresh_compressed)?;

    let length = old.length();
    let (mut ranges, mut prefix, mut fresh_of_steps, mut count) = (Vec::new(), 0u64, 0u64, 0);
    let (mut place, mut rest) = (begins, steps.as_slice());
    while !rest.is_empty() {
        let step = segment::read_step(&mut rest, place, length)?;
        for (from, to) in place.prefix(&step, length).into_iter().filter(|(from, to)| from < to) {
            prefix += to - from;
            ranges.push((from, to));
        }
        left = left.checked_sub(step.fresh).and_then(|left| left.checked_sub(step.copied)).ok_or(Damaged::Length)?;
        fresh_of_steps += step.fresh;
        count += 1;
        if prefix > MOST_PREFIX || fresh_of_steps > MOST_FRESH as u64 || count > MOST_STEPS {
            return Err(Damaged::Number.into());
        }
        place = place.after(&step, length);
    }
    if count == 0 || fresh_of_steps != fresh as u64 || (fresh == 0) != compressed.is_empty() {
        return Err(Damaged::Length.into());
    }

    let prefix = segment::read_prefix(&ranges, old)?;
    let fresh = if fresh == 0 { Vec::new() } else { segment::decompress(&compressed, &prefix, fresh)? };
    let (mut place, mut rest, mut fresh) = (begins, steps.as_slice(), fresh.as_slice());
    while !rest.is_empty() {
        let step = segment::read_step(&mut rest, place, length)?;
        let (here, after) = fresh.split_at_checked(step.fresh as usize).ok_or(Damaged::Length)?;
        sink(here)?;
        fresh = after;
        old.copy(step.from, step.copied, sink)?;
        place = place.after(&step, length);
    }
    Ok((place, left))
}

fn at_most(delta: &mut impl Read, most: usize) -> Result<usize> {
    let length = number::take(&mut || byte(delta))?;
    Ok(usize::try_from(length).ok().filter(|length| *length <= most).ok_or(Damaged::Number)?)
}

pub(super) fn byte(delta: &mut impl Read) -> Result<u8> {
    let mut byte = [0];
    exactly(delta, &mut byte)?;
    let [byte] = byte;
    Ok(byte)
}

/// Takes no more room than there are bytes.
fn bytes(delta: &mut impl Read, length: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    delta.take(length as u64).read_to_end(&mut bytes)?;
    if bytes.len() == length { Ok(bytes) } else { Err(Damaged::Length.into()) }
}

pub(super) fn exactly(delta: &mut impl Read, into: &mut [u8]) -> Result<()> {
    delta.read_exact(into).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => Damaged::Length.into(),
        _ => error.into(),
    })
}
