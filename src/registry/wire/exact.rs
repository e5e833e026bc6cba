//! The body of a request: so many bytes of a blob, counted and watched over as they go out.

use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::clock::Deadline;
use super::pace::Pace;
use crate::error::Error;
use crate::store::Content;

/// Fails when a source ends early: ureq would wait for more of it for ever.
pub(super) struct Exact<'a> {
    inner: &'a mut dyn Content,
    left: u64,
    moved: Option<&'a AtomicU64>,
    unread: &'a Unread,
    pace: Pace,
}

/// What came in the way of reading content on its way out. Whoever it is sent to has nothing to do with that.
#[derive(Clone, Default)]
pub(crate) struct Unread(Arc<OnceLock<Arc<Error>>>);

impl Unread {
    /// Takes note of the first error; it travels on.
    pub(super) fn note(&self, error: Error) -> Error {
        Error::Shared(self.0.get_or_init(|| Arc::new(error)).clone())
    }

    /// That error.
    pub(crate) fn error(&self) -> Option<Error> {
        self.0.get().cloned().map(Error::Shared)
    }
}

impl<'a> Exact<'a> {
    pub(super) fn new(
        inner: &'a mut dyn Content,
        left: u64,
        (moved, unread): (Option<&'a AtomicU64>, &'a Unread),
        pace: Pace,
    ) -> Self {
        Self { inner, left, moved, unread, pace }
    }
}

impl Read for Exact<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let want = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if want == 0 {
            return Ok(0);
        }
        // The connection stands, and what is sent now may be long.
        Deadline::lift();
        let got = self.inner.read(&mut buffer[..want]).map_err(|e| self.unread.note(Error::from_read(e)))?;
        if got == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= got as u64;
        if let Some(moved) = self.moved {
            moved.fetch_add(got as u64, Ordering::Relaxed);
        }
        self.pace.moved(got)?;
        Ok(got)
    }
}
