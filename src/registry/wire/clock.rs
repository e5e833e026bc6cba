//! The one clock for waiting: how long the answer that this thread waits for may take in all, and how
//! much may come in before any of it is content.
//!
//! A timeout for each read bounds silence only: whoever sends a byte a second never falls silent. So
//! every piece of an answer has an end by the clock: its head, each read of its body, a small body as a
//! whole. ureq runs a request in the thread that asks for it, which is how the end reaches the
//! connection.

use std::cell::Cell;
use std::fmt;
use std::io;
use std::time::{Duration, Instant};

use ureq::Timeout;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};

/// For finding a name's addresses, and again for a connection with its TLS and its proxy.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// What comes in without being content, such as heads, interim answers, framing and trailers, in bytes.
/// One read from the wire brings in at most an eighth of it.
const MOST_AROUND: usize = 1 << 20;

#[derive(Clone, Copy)]
struct Wait {
    until: Option<Instant>,
    /// Bytes since the last that counted as content, where they are counted.
    arrived: Option<usize>,
}

const ENDLESS: Wait = Wait { until: None, arrived: None };

thread_local! {
    static WAIT: Cell<Wait> = const { Cell::new(ENDLESS) };
}

/// Ends what this thread waits for at a time. When dropped, what held before holds again.
pub(crate) struct Deadline(Wait);

impl Deadline {
    pub(crate) fn at(until: Instant) -> Self {
        Self(WAIT.replace(Wait { until: Some(until), arrived: Some(0) }))
    }

    pub(crate) fn after(limit: Duration) -> Self {
        Self::at(Instant::now() + limit)
    }

    /// Takes the end away, since a request body is under way, which may be long.
    pub(crate) fn lift() {
        WAIT.set(Wait { arrived: Some(0), ..ENDLESS });
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        WAIT.set(self.0);
    }
}

/// Puts every connection under the clock. A head that has begun is to be complete within `idle`, and so is the
/// answer of a proxy that is asked for a tunnel.
#[derive(Debug)]
pub(crate) struct ClockConnector {
    pub(crate) idle: Duration,
}

impl<In: Transport> Connector<In> for ClockConnector {
    type Out = Clocked<In>;

    fn connect(&self, _: &ConnectionDetails, chained: Option<In>) -> Result<Option<Self::Out>, ureq::Error> {
        Ok(chained.map(|inner| Clocked { inner, idle: self.idle, begun: None }))
    }
}

/// A connection under the clock.
pub(crate) struct Clocked<T> {
    inner: T,
    idle: Duration,
    /// Since when part of a head is here.
    begun: Option<Instant>,
}

impl<T: Transport> Clocked<T> {
    fn until(&mut self, timeout: NextTimeout, now: Instant) -> Option<Instant> {
        let is_in_head = match timeout.reason {
            // A proxy that is asked for a tunnel.
            Timeout::Connect => true,
            // An interim answer that is complete has been taken out: patience with silence stays as it was.
            Timeout::RecvResponse => !self.inner.buffers().input().is_empty(),
            _ => false,
        };
        self.begun = is_in_head.then(|| self.begun.unwrap_or(now));
        let head = self.begun.map(|begun| begun + self.idle);
        [WAIT.get().until, head].into_iter().flatten().min()
    }
}

impl<T: Transport> Transport for Clocked<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, mut timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let now = Instant::now();
        if let Some(until) = self.until(timeout, now) {
            let left = until.saturating_duration_since(now);
            if left.is_zero() {
                return Err(ureq::Error::Timeout(Timeout::PerCall));
            }
            if left < *timeout.after {
                (timeout.after, timeout.reason) = (left.into(), Timeout::PerCall);
            }
        }
        let before = self.inner.buffers().input().len();
        let more = self.inner.await_input(timeout)?;
        let wait = WAIT.get();
        let came = self.inner.buffers().input().len().saturating_sub(before);
        let arrived = wait.arrived.map(|arrived| arrived + came);
        WAIT.set(Wait { arrived, ..wait });
        if arrived > Some(MOST_AROUND) {
            let reason = format!("more than {MOST_AROUND} bytes of its answer are no content");
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason).into());
        }
        Ok(more)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

impl<T: Transport> fmt::Debug for Clocked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
