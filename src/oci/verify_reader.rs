//! `VerifyReader`: content passes through it only if it is what its descriptor says.
//!
//! It fails on the very read that would deliver the last promised byte, so that whoever forwards the
//! bytes (an upload, an archive) never holds the whole of a wrong blob.

use std::fmt;
use std::io::{self, Read};

use super::{Digest, Hasher};

/// Content that is not what its descriptor promised.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) enum BadContent {
    /// The right number of bytes, but other ones.
    Digest {
        /// What was promised.
        expected: Digest,
        /// What came.
        actual: Digest,
    },
    /// It went on after the last promised byte.
    TooLong {
        /// What was promised.
        expected: Digest,
        /// The promised length in bytes.
        size: u64,
    },
}

impl fmt::Display for BadContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Digest { expected, actual } => write!(f, "content of {expected} hashes to {actual}"),
            Self::TooLong { expected, size } => write!(f, "content of {expected} is longer than {size} bytes"),
        }
    }
}

impl std::error::Error for BadContent {}

impl BadContent {
    /// The bad content that an I/O error stands for, if it does.
    pub(crate) fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

/// Reads at most `size` bytes and hashes them on the way.
///
/// An early end is `UnexpectedEof`; [`VerifyReader::go_on`] takes the rest from another reader, with
/// what was hashed so far kept. Wrong or surplus content is an error of kind `InvalidData` that
/// carries a [`BadContent`].
pub(crate) struct VerifyReader<R> {
    inner: R,
    expected: Digest,
    size: u64,
    seen: u64,
    hasher: Option<Hasher>,
}

/// How far some content was checked, to go on from there without its beginning.
#[derive(Clone)]
pub(crate) struct Checkpoint {
    position: u64,
    hasher: Hasher,
}

impl Checkpoint {
    /// Bytes checked.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    #[cfg(test)]
    pub(crate) fn at(self, position: u64) -> Self {
        Self { position, ..self }
    }
}

impl<R: Read> VerifyReader<R> {
    /// Reads content of this digest and size (bytes) from `inner`.
    pub(crate) fn new(inner: R, expected: &Digest, size: u64) -> Self {
        let hasher = Some(Hasher::new(expected.algorithm()));
        Self { inner, expected: expected.clone(), size, seen: 0, hasher }
    }

    /// Reads the rest of the content from `inner`, which stands where the checkpoint is.
    pub(crate) fn from_checkpoint(inner: R, expected: &Digest, size: u64, checkpoint: Checkpoint) -> Self {
        let Checkpoint { position, hasher } = checkpoint;
        Self { inner, expected: expected.clone(), size, seen: position, hasher: Some(hasher) }
    }

    /// How far the content was checked; `None` once all of it was.
    pub(crate) fn checkpoint(&self) -> Option<Checkpoint> {
        Some(Checkpoint { position: self.seen, hasher: self.hasher.clone()? })
    }

    /// Goes on with a reader that stands at byte [`Self::position`].
    pub(crate) fn go_on(&mut self, inner: R) {
        self.inner = inner;
    }

    /// What it reads from, which stands at byte [`Self::position`].
    pub(crate) fn into_inner(self) -> R {
        self.inner
    }

    /// Bytes delivered so far.
    pub(crate) fn position(&self) -> u64 {
        self.seen
    }

    fn finish(&mut self) -> io::Result<()> {
        let Some(hasher) = self.hasher.take() else { return Ok(()) };
        let mut beyond = [0; 1];
        // All of it is here, so what breaks behind it says nothing about it, and must keep nobody from
        // comparing the digest.
        if self.inner.read(&mut beyond).is_ok_and(|more| more > 0) {
            let (expected, size) = (self.expected.clone(), self.size);
            return Err(io::Error::new(io::ErrorKind::InvalidData, BadContent::TooLong { expected, size }));
        }
        let actual = hasher.finish();
        if actual != self.expected {
            let expected = self.expected.clone();
            return Err(io::Error::new(io::ErrorKind::InvalidData, BadContent::Digest { expected, actual }));
        }
        Ok(())
    }
}

impl<R: Read> Read for VerifyReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.size - self.seen;
        if left == 0 {
            self.finish()?;
            return Ok(0);
        }
        let want = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let got = self.inner.read(&mut buffer[..want])?;
        if got == 0 && want > 0 {
            let (seen, size) = (self.seen, self.size);
            let text = format!("content of {} ended after {seen} of {size} bytes", self.expected);
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&buffer[..got]);
        }
        self.seen += got as u64;
        if self.seen == self.size {
            self.finish()?;
        }
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(bytes: &[u8], promised: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        VerifyReader::new(bytes, &Digest::sha256(promised), promised.len() as u64).read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn the_promised_content_passes() {
        assert_eq!(read_all(b"layer", b"layer").expect("good content"), b"layer");
        assert_eq!(read_all(b"", b"").expect("empty content"), b"");
    }

    #[test]
    fn the_last_byte_of_wrong_content_is_never_delivered() {
        let mut reader = VerifyReader::new(&b"lay3r"[..], &Digest::sha256(b"layer"), 5);
        let mut one = [0; 1];
        for _ in 0..4 {
            assert_eq!(reader.read(&mut one).expect("the first four bytes"), 1);
        }
        let error = reader.read(&mut one).expect_err("the fifth");
        assert!(matches!(BadContent::of(&error), Some(BadContent::Digest { .. })), "{error}");
    }

    #[test]
    fn short_and_long_content_is_told_apart() {
        assert_eq!(read_all(b"laye", b"layer").expect_err("short").kind(), io::ErrorKind::UnexpectedEof);
        let long = read_all(b"layers", b"layer").expect_err("long");
        assert!(matches!(BadContent::of(&long), Some(BadContent::TooLong { size: 5, .. })), "{long}");
        assert!(read_all(b"x", b"").is_err());
    }

    /// Gives these bytes, and then fails.
    struct Breaks(&'static [u8]);

    impl Read for Breaks {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() { Err(io::ErrorKind::ConnectionReset.into()) } else { self.0.read(buffer) }
        }
    }

    #[test]
    fn what_breaks_behind_the_last_byte_neither_spoils_good_content_nor_saves_bad() {
        let mut out = Vec::new();
        let mut good = VerifyReader::new(Breaks(b"layer"), &Digest::sha256(b"layer"), 5);
        good.read_to_end(&mut out).expect("all of it was there");
        assert_eq!(out, b"layer");
        let mut bad = VerifyReader::new(Breaks(b"lay3r"), &Digest::sha256(b"layer"), 5);
        let error = bad.read_to_end(&mut out).expect_err("other content");
        assert!(matches!(BadContent::of(&error), Some(BadContent::Digest { .. })), "{error}");
    }

    #[test]
    fn what_was_hashed_before_a_break_counts_after_it() {
        let mut reader = VerifyReader::new(&b"la"[..], &Digest::sha256(b"layer"), 5);
        let mut out = Vec::new();
        assert!(reader.read_to_end(&mut out).is_err());
        assert_eq!(reader.position(), 2);
        reader.go_on(b"yer");
        reader.read_to_end(&mut out).expect("the rest");
        assert_eq!(out, b"layer");
    }
}
