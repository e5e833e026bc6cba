//! A connection without TLS, to a server that may speak nothing else: what such a one answers is no HTTP, and its
//! first byte gives it away.

use std::io;

use ureq::unversioned::transport::{Buffers, NextTimeout, Transport};

/// What a server's first byte is where it speaks TLS: the type of a record (RFC 8446 §5.1). No answer of HTTP begins so.
const RECORD_TYPES: std::ops::RangeInclusive<u8> = 20..=23;

/// Whether somebody speaks TLS whose first byte this is.
pub(super) fn is_of_tls(first: u8) -> bool {
    RECORD_TYPES.contains(&first)
}

/// The server speaks TLS, and was asked without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it speaks TLS on this port")]
pub(crate) struct SpeaksTls;

impl SpeaksTls {
    /// Whether this is what came out of a connection.
    pub(crate) fn is(error: &ureq::Error) -> bool {
        matches!(error, ureq::Error::Io(error) if error.get_ref().is_some_and(|inner| inner.is::<Self>()))
    }
}

/// A connection whose first byte is looked at.
#[derive(Debug)]
pub(crate) struct Plain<In> {
    below: In,
    has_answered: bool,
}

impl<In: Transport> Plain<In> {
    /// Over a connection that has brought nothing yet.
    pub(super) fn new(below: In) -> Self {
        Self { below, has_answered: false }
    }
}

impl<In: Transport> Transport for Plain<In> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.below.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.below.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let progress = self.below.await_input(timeout)?;
        if !self.has_answered
            && let Some(first) = self.below.buffers().input().first().copied()
        {
            self.has_answered = true;
            if is_of_tls(first) {
                return Err(io::Error::new(io::ErrorKind::InvalidData, SpeaksTls).into());
            }
        }
        Ok(progress)
    }

    fn is_open(&mut self) -> bool {
        self.below.is_open()
    }

    fn is_tls(&self) -> bool {
        self.below.is_tls()
    }
}
