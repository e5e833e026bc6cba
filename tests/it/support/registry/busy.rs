//! A server that takes so much at once and no more: connections, or requests on any number of them.

use std::sync::atomic::{AtomicUsize, Ordering};

/// What is too much, and what becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// This many connections; further ones are reset.
    ConnectionsOrReset(usize),
    /// This many connections; the first request on a further one is answered 503 and ends it.
    ConnectionsOr503(usize),
    /// This many requests, as nginx's `limit_conn` counts them; others are answered 503.
    Requests(usize),
}

/// How much is going on.
#[derive(Default)]
pub struct Busy {
    connections: AtomicUsize,
    requests: AtomicUsize,
}

/// One of them; ends when dropped.
pub struct One<'a>(&'a AtomicUsize, usize);

impl One<'_> {
    fn of(count: &AtomicUsize) -> One<'_> {
        One(count, count.fetch_add(1, Ordering::SeqCst) + 1)
    }

    /// There were more than `most` when it began.
    pub fn exceeds(&self, most: usize) -> bool {
        self.1 > most
    }
}

impl Drop for One<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Busy {
    pub fn connection(&self) -> One<'_> {
        One::of(&self.connections)
    }

    pub fn request(&self) -> One<'_> {
        One::of(&self.requests)
    }
}
