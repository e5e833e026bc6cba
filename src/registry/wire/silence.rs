//! Waiting for an answer that somebody may find out about in another way meanwhile.
//!
//! A closing request may be answered after minutes, or never though it took effect. Whoever asks
//! elsewhere and learns that it did ends the wait.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};

/// How often a wait looks whether it is over.
const SLICE: Duration = Duration::from_millis(100);

thread_local! {
    /// What ends the waits of this thread.
    static OVER: RefCell<Option<Arc<AtomicBool>>> = const { RefCell::new(None) };
}

/// Does some work whose waits for input end once `over` is set.
pub(crate) fn until<R>(over: &Arc<AtomicBool>, work: impl FnOnce() -> R) -> R {
    struct Reset;
    impl Drop for Reset {
        fn drop(&mut self) {
            OVER.with(|held| *held.borrow_mut() = None);
        }
    }
    OVER.with(|held| *held.borrow_mut() = Some(over.clone()));
    let _reset = Reset;
    work()
}

/// Puts a [`Waiting`] on top of a connection.
#[derive(Debug)]
pub(crate) struct WaitingConnector;

impl<In: Transport> Connector<In> for WaitingConnector {
    type Out = Waiting<In>;

    fn connect(&self, _: &ConnectionDetails, chained: Option<In>) -> Result<Option<Self::Out>, ureq::Error> {
        Ok(chained.map(Waiting))
    }
}

/// A connection whose waits can be ended.
#[derive(Debug)]
pub(crate) struct Waiting<In>(In);

impl<In: Transport> Transport for Waiting<In> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.0.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.0.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let Some(over) = OVER.with(|held| held.borrow().clone()) else { return self.0.await_input(timeout) };
        let limit = timeout.for_read();
        let mut left = limit.not_zero().map_or(Duration::MAX, |left| *left);
        loop {
            if over.load(Ordering::Relaxed) {
                return Err(ureq::Error::Timeout(limit.reason));
            }
            let slice = left.min(SLICE);
            // What is below goes by the reason.
            let part = NextTimeout { after: slice.into(), per_read: None, ..timeout };
            left -= slice;
            match self.0.await_input(part) {
                Err(ureq::Error::Timeout(which)) if which == timeout.reason && !left.is_zero() => {}
                Err(ureq::Error::Timeout(which)) if which == timeout.reason => {
                    return Err(ureq::Error::Timeout(limit.reason));
                }
                answer => return answer,
            }
        }
    }

    fn is_open(&mut self) -> bool {
        self.0.is_open()
    }

    fn is_tls(&self) -> bool {
        self.0.is_tls()
    }
}
