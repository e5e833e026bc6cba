//! Turns at the target: so many workers talk to it at once. Those who read from a source that is far away need none
//! meanwhile, so that what is sent next is here when its turn comes.

use std::sync::{Condvar, Mutex, PoisonError};

/// So many turns.
pub(super) struct Turns {
    free: Mutex<usize>,
    given_back: Condvar,
}

/// One of them; it ends when this is dropped.
pub(super) struct Turn<'a>(&'a Turns);

impl Turns {
    pub(super) fn new(most: usize) -> Self {
        Self { free: Mutex::new(most.max(1)), given_back: Condvar::new() }
    }

    /// Waits for a turn. Whoever has one must not ask for another.
    pub(super) fn take(&self) -> Turn<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.given_back.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Turn(self)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.given_back.notify_one();
    }
}
