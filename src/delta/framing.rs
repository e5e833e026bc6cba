//! Everything of a gzip file that is no token: headers, blocks with their codes, padding and trailers, as records in
//! whole bytes.
//!
//! 1: a member begins; the length of its header and the header. 8 and more: a block; bit 0 says that it is the last,
//! bits 1 and 2 are its type, as in RFC 1951. For a stored block the padding bits follow as a byte; for each block
//! the number of its tokens; for dynamic codes the bits of their header, filled up with zeros. 2: the member ends; the
//! padding bits as a byte, and the eight bytes of its trailer. 0: the file ends.

use std::io::{self, Read, Write};

use super::number;
use super::refusal::{Damaged, Result};

pub(super) const FILE_ENDS: u8 = 0;
pub(super) const MEMBER: u8 = 1;
pub(super) const MEMBER_ENDS: u8 = 2;
pub(super) const BLOCK: u8 = 8;
/// What a gzip header may have; ten bytes are usual.
pub(super) const LONGEST_HEADER: usize = 128 * 1024;
/// The types of blocks.
pub(super) const STORED: u8 = 0;
pub(super) const FIXED: u8 = 1;
pub(super) const DYNAMIC: u8 = 2;

/// Bits in whole bytes, as they stand in a record.
#[derive(Default)]
pub(super) struct Packed {
    bytes: Vec<u8>,
    held: u64,
    have: u32,
}

impl Packed {
    pub(super) fn put(&mut self, bits: u32, count: u32) {
        self.held |= u64::from(bits) << self.have;
        self.have += count;
        while self.have >= 8 {
            self.bytes.push(self.held as u8);
            self.held >>= 8;
            self.have -= 8;
        }
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        if self.have > 0 {
            self.bytes.push(self.held as u8);
        }
        self.bytes
    }
}

/// Writes records, and counts.
pub(super) struct FramingWriter<W: Write> {
    inner: io::BufWriter<W>,
    written: u64,
}

impl<W: Write> FramingWriter<W> {
    pub(super) fn new(inner: W) -> Self {
        Self { inner: io::BufWriter::with_capacity(64 * 1024, inner), written: 0 }
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written += bytes.len() as u64;
        self.inner.write_all(bytes)
    }

    pub(super) fn number(&mut self, value: u64) -> io::Result<()> {
        let mut bytes = Vec::new();
        number::put(&mut bytes, value);
        self.bytes(&bytes)
    }

    pub(super) fn finish(mut self) -> io::Result<u64> {
        self.inner.flush()?;
        Ok(self.written)
    }
}

/// Reads records.
pub(super) struct FramingReader<R> {
    inner: io::BufReader<R>,
    held: u8,
    have: u32,
}

impl<R: Read> FramingReader<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner: io::BufReader::with_capacity(64 * 1024, inner), held: 0, have: 0 }
    }

    /// The next byte; what is left of a byte whose bits were taken is passed over.
    pub(super) fn byte(&mut self) -> Result<u8> {
        self.have = 0;
        let mut byte = [0];
        self.bytes(&mut byte)?;
        let [byte] = byte;
        Ok(byte)
    }

    pub(super) fn bytes(&mut self, into: &mut [u8]) -> Result<()> {
        self.inner.read_exact(into).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Damaged::Framing.into(),
            _ => error.into(),
        })
    }

    pub(super) fn number(&mut self) -> Result<u64> {
        number::take(&mut || self.byte())
    }

    /// The next bits of a header with codes.
    pub(super) fn bits(&mut self, count: u32) -> Result<u32> {
        let mut value = 0;
        for place in 0..count {
            if self.have == 0 {
                self.held = self.byte()?;
                self.have = 8;
            }
            value |= u32::from(self.held & 1) << place;
            self.held >>= 1;
            self.have -= 1;
        }
        Ok(value)
    }

    /// Whether nothing is left.
    pub(super) fn at_end(&mut self) -> Result<bool> {
        Ok(io::BufRead::fill_buf(&mut self.inner)?.is_empty())
    }
}
