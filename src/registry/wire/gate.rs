//! `Gate`: bounds the requests in flight to one host.
//!
//! There are two for each host, one for questions and downloads and one for uploads. Whoever sends a
//! blob holds leave of the second for as long as that takes, and reads what it sends through the first.
//! Nobody who holds leave of the first ever waits for the second, so the two never wait for each other,
//! even where a blob comes from the host that it goes to.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Requests in flight to a host that answered 429.
const CALM_JOBS: usize = 8;

/// Lets in so many at once.
#[derive(Debug)]
pub(crate) struct Gate {
    /// How many are in flight, and how many may be.
    state: Mutex<(usize, usize)>,
    left: Condvar,
}

/// Leave to have one request in flight; ends when dropped.
#[derive(Debug)]
pub(crate) struct Permit(Arc<Gate>);

impl Gate {
    /// A gate that lets in at least one.
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new((0, most.max(1))), left: Condvar::new() })
    }

    /// Waits for leave. A thread that holds some of this gate must not ask for more of it.
    pub(crate) fn enter(self: &Arc<Self>) -> Permit {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let full = |(in_flight, most): &mut (usize, usize)| *in_flight >= *most;
        let mut state = self.left.wait_while(state, full).unwrap_or_else(PoisonError::into_inner);
        state.0 += 1;
        Permit(self.clone())
    }

    /// Fewer at once from now on.
    pub(crate) fn calm_down(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.1 = state.1.min(CALM_JOBS);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).0 -= 1;
        self.0.left.notify_one();
    }
}
