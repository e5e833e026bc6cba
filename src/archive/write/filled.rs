//! What stands in a file already: the whole of a blob, its beginning, or nothing of use.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

use crate::archive::format::header;
use crate::archive::format::layout::Region;
use crate::archive::format::table::Part;
use crate::error::{Error, Result};
use crate::oci::{BadContent, Digest, VerifyReader};
use crate::store::{Event, Watch};

/// One read's worth, in bytes.
const BUFFER: usize = 256 << 10;
/// Content may end in zeros that were written. Up to this many (bytes) it is worth hashing the whole
/// before it is taken for a beginning.
const ZEROS: u64 = 64 << 20;

/// How much of a region is as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filled {
    Nothing,
    /// The header, and this many bytes of data, as far as can be told without the rest. All of them:
    /// only the padding is missing.
    Start(u64),
    Whole,
}

/// Whether the file begins with these bytes.
pub(crate) fn begins_with(file: &File, head: &[u8]) -> bool {
    let mut found = vec![0; head.len()];
    file.read_exact_at(&mut found, 0).is_ok() && found == head
}

/// Tells whoever watches of bytes that were looked at.
///
/// # Errors
/// When somebody asked to stop.
pub(crate) fn advance(watch: &dyn Watch, digest: &Digest, bytes: u64) -> Result<()> {
    watch.on(Event::Advanced { digest, bytes });
    watch.stopped().map_or(Ok(()), |signal| Err(Error::Interrupted { signal }))
}

/// Looks at a region of the file. `progress` hears of every byte that was looked at, and asks to
/// stop by an error.
pub(crate) fn look(file: &File, region: &Region, progress: &dyn Fn(u64) -> Result<()>) -> Result<Filled> {
    if !has_header(file, region) {
        return Ok(Filled::Nothing);
    }
    match look_at_data(file, region, progress) {
        Ok(filled) => Ok(filled),
        Err(e) => match e.downcast() {
            Ok(stop) => Err(stop),
            // What the drive does not give back is fetched again, and then it may fail to take it.
            Err(_) => Ok(Filled::Nothing),
        },
    }
}

/// Whether the region begins with its header, byte for byte.
pub(crate) fn has_header(file: &File, region: &Region) -> bool {
    let Ok(expected) = region.header() else { return false };
    let mut found = vec![0; expected.len()];
    file.read_exact_at(&mut found, region.start).is_ok() && found == expected
}

fn look_at_data(file: &File, region: &Region, progress: &dyn Fn(u64) -> Result<()>) -> io::Result<Filled> {
    let extent = region.extent;
    let there = file.metadata()?.len().saturating_sub(extent.offset).min(extent.size);
    // What was set aside and never written reads as zeros: the beginning ends with the last byte
    // that is none. If that is not true, the digest of the whole will tell.
    let start = written(file, extent.offset, there)?;
    if region.part.is_some() {
        // Of a part that is not whole nobody could tell what it is.
        return match hash(file, region, progress) {
            Ok(()) if ends_in_padding(file, region) => Ok(Filled::Whole),
            Ok(()) => Ok(Filled::Nothing),
            Err(e) if BadContent::of(&e).is_some() => Ok(Filled::Nothing),
            Err(e) => Err(e),
        };
    }
    if there < extent.size || extent.size - start > ZEROS {
        progress(extent.size)?;
        return Ok(if start == 0 { Filled::Nothing } else { Filled::Start(start) });
    }
    match hash(file, region, progress) {
        Ok(()) if ends_in_padding(file, region) => Ok(Filled::Whole),
        Ok(()) => Ok(Filled::Start(extent.size)),
        Err(e) if BadContent::of(&e).is_some() && 0 < start && start < extent.size => Ok(Filled::Start(start)),
        Err(e) if BadContent::of(&e).is_some() => Ok(Filled::Nothing),
        Err(e) => Err(e),
    }
}

/// Reads the data of a region and compares its digest.
pub(crate) fn hash(file: &File, region: &Region, progress: &dyn Fn(u64) -> Result<()>) -> io::Result<()> {
    let extent = region.extent;
    let sum = region.part.map(|part| sum_of(file, region, part)).transpose()?;
    let digest = sum.as_ref().unwrap_or(&region.digest);
    let mut reader = VerifyReader::new(Stretch::new(file, extent.offset, extent.size), digest, extent.size);
    let mut buffer = vec![0; usize::try_from(extent.size).unwrap_or(BUFFER).clamp(1, BUFFER)];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(()),
            got => progress(got as u64)?,
        }
    }
}

/// The checksum that stands behind a part. A part without one is none.
fn sum_of(file: &File, region: &Region, part: Part) -> io::Result<Digest> {
    let mut line = vec![0; usize::try_from(part.line_len()).unwrap_or(0)];
    let entry = region.extent.end();
    file.read_exact_at(&mut line, region.end() - header::BLOCK)?;
    let none = || {
        let (expected, size) = (region.digest.clone(), region.extent.size);
        io::Error::new(io::ErrorKind::InvalidData, BadContent::TooLong { expected, size })
    };
    let sum = part.sum_of(&line).ok_or_else(none)?;
    let expected = part.sum_entry(&region.digest, &sum)?;
    let mut found = vec![0; expected.len()];
    file.read_exact_at(&mut found, entry)?;
    if found == expected { Ok(sum) } else { Err(none()) }
}

pub(crate) fn ends_in_padding(file: &File, region: &Region) -> bool {
    let mut padding = vec![1; usize::try_from(header::padding(region.extent.size)).unwrap_or(0)];
    let at = region.extent.offset + region.extent.size;
    file.read_exact_at(&mut padding, at).is_ok() && padding.iter().all(|b| *b == 0)
}

/// How many of `len` bytes from `offset` on are before the last one that is not zero, it included.
fn written(file: &File, offset: u64, len: u64) -> io::Result<u64> {
    let mut buffer = vec![0; BUFFER];
    let mut end = len;
    while end > 0 {
        let start = end.saturating_sub(BUFFER as u64);
        let part = &mut buffer[..usize::try_from(end - start).unwrap_or(BUFFER)];
        file.read_exact_at(part, offset + start)?;
        if let Some(last) = part.iter().rposition(|b| *b != 0) {
            return Ok(start + last as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// A stretch of a file, read by position so that any number of threads can.
pub(crate) struct Stretch<'a> {
    file: &'a File,
    at: u64,
    left: u64,
}

impl<'a> Stretch<'a> {
    pub(crate) fn new(file: &'a File, at: u64, len: u64) -> Self {
        Self { file, at, left: len }
    }
}

impl Read for Stretch<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let want = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let got = self.file.read_at(&mut buffer[..want], self.at)?;
        self.at += got as u64;
        self.left -= got as u64;
        Ok(got)
    }
}
