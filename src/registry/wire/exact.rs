//! The body of a request: so many bytes of a blob, counted and watched over as they go out.

use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};

use super::clock::Deadline;
use super::pace::Pace;
use crate::store::Content;

/// Fails when a source ends early: ureq would wait for more of it for ever.
pub(super) struct Exact<'a> {
    inner: &'a mut dyn Content,
    left: u64,
    moved: Option<&'a AtomicU64>,
    pace: Pace,
}

impl<'a> Exact<'a> {
    pub(super) fn new(inner: &'a mut dyn Content, left: u64, moved: Option<&'a AtomicU64>, pace: Pace) -> Self {
        Self { inner, left, moved, pace }
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
        let got = self.inner.read(&mut buffer[..want])?;
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
