//! What a deflate stream says, in whole bytes: runs of literals, and matches. Where its blocks end does not show here,
//! so what stayed the same is the same bytes wherever a block ended before.
//!
//! A byte below 127: that many literals and one more follow. 127: a run as long as the next two bytes and 128 more.
//! From 128 on a match: 128 to 254 are the lengths 3 to 129; 255 is followed by a byte for the lengths from 130 on, where
//! 129 is length 258 written as 227 and 31. Two bytes follow, the distance less one. All numbers little-endian.

use std::io::{self, Read, Write};

use super::refusal::{Damaged, Result};

const BUFFER: usize = 128 * 1024;
/// The longest run of literals.
const LONGEST_RUN: usize = 65_535 + 128;

/// Writes tokens.
pub(super) struct TokenWriter<W> {
    inner: W,
    buffer: Vec<u8>,
    /// How long the run at the end of the buffer is; a byte for its length stands before it.
    run: usize,
    written: u64,
}

impl<W: Write> TokenWriter<W> {
    pub(super) fn new(inner: W) -> Self {
        Self { inner, buffer: Vec::with_capacity(2 * BUFFER), run: 0, written: 0 }
    }

    #[inline]
    pub(super) fn literal(&mut self, byte: u8) -> io::Result<()> {
        if self.run == 0 {
            self.buffer.push(0);
        }
        self.buffer.push(byte);
        self.run += 1;
        if self.run == LONGEST_RUN { self.close() } else { Ok(()) }
    }

    #[inline]
    pub(super) fn matched(&mut self, length: u16, distance: u16) -> io::Result<()> {
        if self.run > 0 {
            self.close()?;
        }
        let [low, high] = distance.to_le_bytes();
        match length {
            0..=126 => self.buffer.extend_from_slice(&[128 + length as u8, low, high]),
            _ => self.buffer.extend_from_slice(&[255, (length - 127) as u8, low, high]),
        }
        if self.buffer.len() >= BUFFER { self.write_out() } else { Ok(()) }
    }

    /// Ends the run of literals.
    fn close(&mut self) -> io::Result<()> {
        let start = self.buffer.len().saturating_sub(self.run + 1);
        if self.run < 128 {
            if let Some(control) = self.buffer.get_mut(start) {
                *control = (self.run.max(1) - 1) as u8;
            }
        } else {
            let [low, high] = ((self.run - 128) as u16).to_le_bytes();
            self.buffer.splice(start..=start, [127, low, high]);
        }
        self.run = 0;
        if self.buffer.len() >= BUFFER { self.write_out() } else { Ok(()) }
    }

    fn write_out(&mut self) -> io::Result<()> {
        self.inner.write_all(&self.buffer)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// How many bytes that were, once all is written.
    pub(super) fn finish(mut self) -> io::Result<u64> {
        if self.run > 0 {
            self.close()?;
        }
        self.write_out()?;
        self.inner.flush()?;
        Ok(self.written)
    }
}

/// Reads tokens.
pub(super) struct TokenReader<R> {
    inner: R,
    buffer: Vec<u8>,
    at: usize,
    end: usize,
    /// Literals that are left of the run.
    run: usize,
}

impl<R: Read> TokenReader<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, buffer: vec![0; BUFFER], at: 0, end: 0, run: 0 }
    }

    /// The literals that come next, at most `most`; empty where a match is next. They count as taken.
    #[inline]
    pub(super) fn literals(&mut self, most: u64) -> Result<&[u8]> {
        if self.run == 0 {
            self.have(4)?;
            self.run = match self.buffer.get(self.at..self.end).unwrap_or_default() {
                [short @ 0..=126, ..] => {
                    self.at += 1;
                    usize::from(*short) + 1
                }
                [127, low, high, ..] => {
                    self.at += 3;
                    usize::from(u16::from_le_bytes([*low, *high])) + 128
                }
                [128..=255, ..] => return Ok(&[]),
                _ => return Err(Damaged::Length.into()),
            };
        }
        self.have(1)?;
        let here = self.end - self.at;
        let count = self.run.min(here).min(usize::try_from(most).unwrap_or(usize::MAX));
        if here == 0 {
            return Err(Damaged::Length.into());
        }
        let from = self.at;
        self.at += count;
        self.run -= count;
        Ok(self.buffer.get(from..self.at).unwrap_or_default())
    }

    /// The match that comes next.
    #[inline]
    pub(super) fn matched(&mut self) -> Result<(u16, u16)> {
        self.have(4)?;
        let (length, distance, used) = match self.buffer.get(self.at..self.end).unwrap_or_default() {
            [255, long @ 0..=129, low, high, ..] => (u16::from(*long) + 127, [*low, *high], 4),
            [short @ 128..=254, low, high, ..] => (u16::from(*short) - 128, [*low, *high], 3),
            [255, 130..=255, ..] => return Err(Damaged::Token.into()),
            _ => return Err(Damaged::Length.into()),
        };
        let distance = u16::from_le_bytes(distance);
        if distance > 32_767 {
            return Err(Damaged::Token.into());
        }
        self.at += used;
        Ok((length, distance))
    }

    /// Whether nothing is left.
    pub(super) fn at_end(&mut self) -> Result<bool> {
        self.have(1)?;
        Ok(self.run == 0 && self.at == self.end)
    }

    /// Sees that as many bytes are held, or all that is left.
    #[inline]
    fn have(&mut self, bytes: usize) -> io::Result<()> {
        if self.end - self.at >= bytes { Ok(()) } else { self.fill(bytes) }
    }

    #[cold]
    fn fill(&mut self, bytes: usize) -> io::Result<()> {
        self.buffer.copy_within(self.at..self.end, 0);
        self.end -= self.at;
        self.at = 0;
        while self.end < bytes {
            match self.inner.read(self.buffer.get_mut(self.end..).unwrap_or_default()) {
                Ok(0) => break,
                Ok(read) => self.end = (self.end + read).min(self.buffer.len()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
