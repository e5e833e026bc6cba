//! `Slice`: a part of a file, read by position so that any number of threads can.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Result};

/// Reads some bytes of a file. Its errors are ours, and come out of [`Error::from_read`] again.
pub(crate) struct Slice<'a> {
    file: Arc<File>,
    /// For messages.
    path: &'a Path,
    at: u64,
    left: u64,
}

impl<'a> Slice<'a> {
    /// `size` bytes from byte `at` on.
    pub(crate) fn new(file: Arc<File>, path: &'a Path, at: u64, size: u64) -> Self {
        Self { file, path, at, left: size }
    }

    /// The file that it is a part of.
    #[cfg(feature = "serve")]
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// The same without its first bytes.
    pub(crate) fn skip(mut self, bytes: u64) -> Self {
        let bytes = bytes.min(self.left);
        self.at += bytes;
        self.left -= bytes;
        self
    }

    /// All of it at once, for what is known to be small.
    pub(crate) fn read_whole(self) -> Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(self.left).unwrap_or(usize::MAX)];
        self.file.read_exact_at(&mut bytes, self.at).map_err(|e| broken_off(self.path, self.at, e))?;
        Ok(bytes)
    }
}

impl Read for Slice<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let want = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if want == 0 {
            return Ok(0);
        }
        let got = match self.file.read_at(&mut buffer[..want], self.at) {
            Ok(0) => return Err(broken_off(self.path, self.at, io::ErrorKind::UnexpectedEof.into()).into()),
            Ok(got) => got,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => return Err(e),
            Err(e) => return Err(broken_off(self.path, self.at, e).into()),
        };
        self.at += got as u64;
        self.left -= got as u64;
        Ok(got)
    }
}

/// A failing drive, with the place; unless the file ended where it had more bytes when it was opened.
pub(crate) fn broken_off(path: &Path, at: u64, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Error::content("the file became shorter while it was read"),
        kind => Error::disk("read", path)(io::Error::new(kind, format!("byte {at}: {error}"))),
    }
}
