//! The write front on file systems without holes: no blob starts far ahead of where the first
//! unfinished one filled, since the gap in between would be written in zeros first.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// How far ahead of the front a blob may start, in bytes. Measured on FAT32: all of the gap reaches
/// the drive when writing back is eager, so it has to be small beside a blob; and many small blobs
/// have to fit in.
const WINDOW: u64 = 1 << 20;

/// Where each unfinished blob filled, by its offset. With holes there is no front, and nobody ever
/// waits.
pub(crate) struct Front {
    unfinished: Option<Mutex<BTreeMap<u64, u64>>>,
    moved: Condvar,
}

impl Front {
    /// A front over blobs at these offsets, taken in this order by whoever writes them.
    pub(crate) fn new(has_holes: bool, offsets: impl Iterator<Item = u64>) -> Self {
        let unfinished = (!has_holes).then(|| Mutex::new(offsets.map(|offset| (offset, offset)).collect()));
        Self { unfinished, moved: Condvar::new() }
    }

    /// Waits until the blob at `offset` may start. Whoever holds an earlier blob never waits for a
    /// later one, so somebody always goes on.
    pub(crate) fn reach(&self, offset: u64) {
        let Some(unfinished) = &self.unfinished else { return };
        let far = |blobs: &mut BTreeMap<u64, u64>| {
            blobs.first_key_value().is_some_and(|(front, filled)| offset > *front && offset > filled + WINDOW)
        };
        drop(self.moved.wait_while(lock(unfinished), far).unwrap_or_else(PoisonError::into_inner));
    }

    /// The blob at `offset` is written up to byte `end` of the file.
    pub(crate) fn advance(&self, offset: u64, end: u64) {
        let Some(unfinished) = &self.unfinished else { return };
        lock(unfinished).entry(offset).and_modify(|filled| *filled = end.max(*filled));
        self.moved.notify_all();
    }

    /// Nobody waits any more: the drive failed, and not all blobs will be passed.
    pub(crate) fn give_up(&self) {
        let Some(unfinished) = &self.unfinished else { return };
        lock(unfinished).clear();
        self.moved.notify_all();
    }

    /// The blob at `offset` is done with, well or not.
    pub(crate) fn pass(&self, offset: u64) {
        let Some(unfinished) = &self.unfinished else { return };
        lock(unfinished).remove(&offset);
        self.moved.notify_all();
    }
}

fn lock(blobs: &Mutex<BTreeMap<u64, u64>>) -> MutexGuard<'_, BTreeMap<u64, u64>> {
    blobs.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_far_blob_waits_until_the_front_has_come_near() {
        for comes_near in [|front: &Front| front.pass(0), |front: &Front| front.advance(0, WINDOW)] {
            let front = Front::new(false, [0, 2 * WINDOW].into_iter());
            front.reach(0);
            std::thread::scope(|scope| {
                let (sender, reached) = std::sync::mpsc::channel();
                let front = &front;
                scope.spawn(move || {
                    front.reach(2 * WINDOW);
                    sender.send(()).expect("the test waits");
                });
                front.advance(0, WINDOW - 1);
                assert!(reached.try_recv().is_err());
                comes_near(front);
                reached.recv().expect("reached");
            });
        }
    }

    #[test]
    fn nobody_waits_for_blobs_that_nobody_will_write() {
        let front = Front::new(false, [0, 2 * WINDOW, 4 * WINDOW].into_iter());
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| front.reach(4 * WINDOW));
            front.pass(0);
            // The second is taken by nobody.
            front.give_up();
            waiting.join().expect("it went on");
        });
    }

    #[test]
    fn with_holes_nobody_waits() {
        Front::new(true, [0, 1 << 40].into_iter()).reach(1 << 40);
    }
}
