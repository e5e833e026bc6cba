//! The write front on file systems without holes: no blob starts far ahead of the first unfinished
//! one, since the gap in between would be written in zeros first.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// How far ahead of the front a blob may start, in bytes: so little that the gap is still in memory
/// when it is filled.
const WINDOW: u64 = 32 << 20;

/// The offsets of unfinished blobs. With holes there is no front, and nobody ever waits.
pub(super) struct Front {
    unfinished: Option<Mutex<BTreeSet<u64>>>,
    moved: Condvar,
}

impl Front {
    /// A front over blobs at these offsets, taken in this order by whoever writes them.
    pub(super) fn new(has_holes: bool, offsets: impl Iterator<Item = u64>) -> Self {
        Self { unfinished: (!has_holes).then(|| Mutex::new(offsets.collect())), moved: Condvar::new() }
    }

    /// Waits until the blob at `offset` may start. Whoever holds an earlier blob never waits for a
    /// later one, so somebody always goes on.
    pub(super) fn reach(&self, offset: u64) {
        let Some(unfinished) = &self.unfinished else { return };
        let far = |set: &mut BTreeSet<u64>| set.first().is_some_and(|front| offset > front + WINDOW);
        drop(self.moved.wait_while(lock(unfinished), far).unwrap_or_else(PoisonError::into_inner));
    }

    /// The blob at `offset` is done with, well or not.
    pub(super) fn pass(&self, offset: u64) {
        let Some(unfinished) = &self.unfinished else { return };
        lock(unfinished).remove(&offset);
        self.moved.notify_all();
    }
}

fn lock(set: &Mutex<BTreeSet<u64>>) -> MutexGuard<'_, BTreeSet<u64>> {
    set.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_far_blob_waits_until_the_front_has_come_near() {
        let front = Front::new(false, [0, WINDOW + 1].into_iter());
        front.reach(0);
        std::thread::scope(|scope| {
            let (sender, reached) = std::sync::mpsc::channel();
            let front = &front;
            scope.spawn(move || {
                front.reach(WINDOW + 1);
                sender.send(()).expect("the test waits");
            });
            assert!(reached.try_recv().is_err());
            front.pass(0);
            reached.recv().expect("reached");
        });
    }

    #[test]
    fn with_holes_nobody_waits() {
        Front::new(true, [0, 1 << 40].into_iter()).reach(1 << 40);
    }
}
