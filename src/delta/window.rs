//! Places of a file that are read again and again, by position.

use std::io::{self, Read, Seek, SeekFrom};

use super::refusal::{Damaged, Result};

/// How much is read at once.
const PAGE: usize = 64 * 1024;

/// A file of known length with the page of it that was read last.
pub(super) struct Window<S> {
    inner: S,
    length: u64,
    page: Vec<u8>,
    /// Where the page begins in the file.
    from: u64,
}

impl<S: Read + Seek> Window<S> {
    pub(super) fn new(inner: S, length: u64) -> Self {
        Self { inner, length, page: Vec::new(), from: 0 }
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// What there is from `at` on: at least one byte, unless the file ends there.
    pub(super) fn from(&mut self, at: u64) -> io::Result<&[u8]> {
        let held = |page: &[u8], from: u64| at >= from && at - from < page.len() as u64;
        if !held(&self.page, self.from) {
            self.load(at)?;
        }
        let skip = usize::try_from(at - self.from).unwrap_or(usize::MAX);
        Ok(self.page.get(skip..).unwrap_or_default())
    }

    /// What there is before `at`: at least one byte, unless the file begins there.
    pub(super) fn before(&mut self, at: u64) -> io::Result<&[u8]> {
        let at = at.min(self.length);
        let held = at > self.from && at - self.from <= self.page.len() as u64;
        if !held {
            self.load(at.saturating_sub(PAGE as u64))?;
        }
        let end = usize::try_from(at - self.from).unwrap_or(usize::MAX);
        Ok(self.page.get(..end).unwrap_or_default())
    }

    fn load(&mut self, at: u64) -> io::Result<()> {
        let length = self.length.saturating_sub(at).min(PAGE as u64) as usize;
        self.page.resize(length, 0);
        self.from = at;
        let read = self.inner.seek(SeekFrom::Start(at)).and_then(|_| self.inner.read_exact(&mut self.page));
        if read.is_err() {
            self.page.clear();
        }
        read
    }

    /// Gives `length` bytes from `at` on to `sink`, piece by piece.
    pub(super) fn copy(
        &mut self,
        mut at: u64,
        mut length: u64,
        sink: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        if at.checked_add(length).is_none_or(|end| end > self.length) {
            return Err(Damaged::Copy.into());
        }
        while length > 0 {
            let here = self.from(at)?;
            let part = here.get(..here.len().min(usize::try_from(length).unwrap_or(usize::MAX))).unwrap_or_default();
            if part.is_empty() {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            sink(part)?;
            at += part.len() as u64;
            length -= part.len() as u64;
        }
        Ok(())
    }
}
