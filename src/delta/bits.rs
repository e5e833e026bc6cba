//! Bits in the order of deflate (RFC 1951, 3.1.1): the first is the lowest of its byte.

use std::io::{self, Read, Write};

/// How much is read or written at once.
const BUFFER: usize = 64 * 1024;

/// Bits of a stream of bytes.
pub(super) struct BitReader<R> {
    inner: R,
    buffer: Vec<u8>,
    at: usize,
    end: usize,
    /// Bits to come, the next one lowest. Above `have` there may be more of what follows, never anything else.
    held: u64,
    have: u32,
}

impl<R: Read> BitReader<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, buffer: vec![0; BUFFER], at: 0, end: 0, held: 0, have: 0 }
    }

    /// Sees that at least 56 bits are held, or all that is left. Says how many are held.
    #[inline]
    pub(super) fn refill(&mut self) -> io::Result<u32> {
        if let Some(word) = self.buffer.get(self.at..self.end).and_then(|left| left.first_chunk::<8>()) {
            self.held |= u64::from_le_bytes(*word) << self.have;
            let bytes = (63 - self.have) / 8;
            self.at += bytes as usize;
            self.have += bytes * 8;
            return Ok(self.have);
        }
        self.refill_slowly()
    }

    #[cold]
    fn refill_slowly(&mut self) -> io::Result<u32> {
        while self.have < 56 {
            if self.at == self.end && !self.fill()? {
                break;
            }
            let Some(byte) = self.buffer.get(self.at) else { break };
            self.held |= u64::from(*byte) << self.have;
            self.at += 1;
            self.have += 8;
        }
        Ok(self.have)
    }

    /// Reads on. False at the end.
    fn fill(&mut self) -> io::Result<bool> {
        self.at = 0;
        self.end = 0;
        loop {
            match self.inner.read(&mut self.buffer) {
                Ok(read) => {
                    // A reader that claims more than the room it was given is not believed.
                    self.end = read.min(self.buffer.len());
                    return Ok(self.end > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// What is held. Bits that are not there are zeros or bits to come.
    #[inline]
    pub(super) fn held(&self) -> u64 {
        self.held
    }

    /// Leaves out bits that are held. False, and nothing done, if there are fewer.
    #[inline]
    pub(super) fn skip(&mut self, bits: u32) -> bool {
        if bits > self.have {
            return false;
        }
        self.held >>= bits;
        self.have -= bits;
        true
    }

    /// The next bits, at most 32; `None` at the end.
    pub(super) fn take(&mut self, bits: u32) -> io::Result<Option<u32>> {
        self.refill()?;
        let value = self.held & ((1u64 << bits.min(32)) - 1);
        Ok(self.skip(bits.min(32)).then_some(value as u32))
    }

    /// What is left of the byte that was begun, and how many bits that is.
    pub(super) fn padding(&mut self) -> u8 {
        let bits = self.have % 8;
        let value = (self.held & ((1u64 << bits) - 1)) as u8;
        self.skip(bits);
        value
    }

    /// The next whole byte, after [`Self::padding`].
    pub(super) fn byte(&mut self) -> io::Result<Option<u8>> {
        Ok(self.take(8)?.map(|byte| byte as u8))
    }

    /// Gives the next `length` whole bytes to `sink`, after [`Self::padding`]. False if there are fewer.
    pub(super) fn bytes(
        &mut self,
        mut length: usize,
        sink: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<bool> {
        while length > 0 && self.have >= 8 {
            sink(&[self.held as u8])?;
            self.skip(8);
            length -= 1;
        }
        if length == 0 {
            return Ok(true);
        }
        // What stands above the held bits is read again from the buffer.
        self.held = 0;
        self.have = 0;
        while length > 0 {
            if self.at == self.end && !self.fill()? {
                return Ok(false);
            }
            let here = self.buffer.get(self.at..self.end).unwrap_or_default();
            let part = here.get(..length.min(here.len())).unwrap_or_default();
            sink(part)?;
            self.at += part.len();
            length -= part.len();
        }
        Ok(true)
    }
}

/// Bits into a stream of bytes.
pub(super) struct BitWriter<W> {
    inner: W,
    buffer: Vec<u8>,
    at: usize,
    held: u64,
    have: u32,
}

impl<W: Write> BitWriter<W> {
    pub(super) fn new(inner: W) -> Self {
        Self { inner, buffer: vec![0; BUFFER], at: 0, held: 0, have: 0 }
    }

    /// Adds bits: at most 56, and none of them above `count`.
    #[inline]
    pub(super) fn put(&mut self, bits: u64, count: u32) -> io::Result<()> {
        self.held |= bits << self.have;
        self.have += count;
        let room = self.buffer.get_mut(self.at..).and_then(|left| left.first_chunk_mut::<8>());
        let Some(room) = room else { return self.make_room() };
        *room = self.held.to_le_bytes();
        self.at += (self.have / 8) as usize;
        self.held = if self.have == 64 { 0 } else { self.held >> (self.have & !7) };
        self.have %= 8;
        Ok(())
    }

    #[cold]
    fn make_room(&mut self) -> io::Result<()> {
        self.write_out()?;
        self.put(0, 0)
    }

    fn write_out(&mut self) -> io::Result<()> {
        self.inner.write_all(self.buffer.get(..self.at).unwrap_or_default())?;
        self.at = 0;
        Ok(())
    }

    /// How many bits the byte still takes that was begun.
    pub(super) fn open(&self) -> u32 {
        (8 - self.have % 8) % 8
    }

    /// Adds whole bytes; the byte that was begun must be full.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.put(0, 0)?;
        self.write_out()?;
        self.inner.write_all(bytes)
    }

    /// Writes everything that is held out; an unfinished byte has been filled up before.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.put(0, 0)?;
        self.write_out()?;
        Ok(self.inner)
    }
}
