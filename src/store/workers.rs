//! Bounded workers: the one way in which this library does things side by side.

use std::sync::Mutex;
use std::sync::mpsc;
use std::thread::{Builder, Scope};

/// The stack of a worker, in bytes: many times what the deepest of our calls takes, and half of what is
/// usual, since a machine may count the room that threads could take.
pub(crate) const STACK: usize = 1 << 20;

/// Calls `work` on every item from at most `jobs` threads, items taken in order, and gives the
/// results in the order of the items.
pub(crate) fn side_by_side<T: Send, R: Send>(items: Vec<T>, jobs: usize, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let count = items.len();
    if jobs <= 1 || count <= 1 {
        return items.into_iter().map(work).collect();
    }
    let queue = Mutex::new(items.into_iter().enumerate());
    let next = || queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
    let (sender, results) = mpsc::channel();
    let mut slots: Vec<Option<R>> = std::iter::repeat_with(|| None).take(count).collect();
    std::thread::scope(|scope| {
        crew(scope, jobs.min(count), {
            let (next, work) = (&next, &work);
            move || {
                while let Some((place, item)) = next() {
                    // The receiver outlives the scope.
                    let _ = sender.send((place, work(item)));
                }
            }
        });
        for (place, result) in results {
            slots[place] = Some(result);
        }
    });
    // A missing slot means a panicking worker, and the scope has passed that panic on.
    slots.into_iter().flatten().collect()
}

/// Starts up to `jobs` threads that do the same. Where the system allows fewer, fewer do it; where
/// it allows none, this one does.
pub(crate) fn crew<'scope>(scope: &'scope Scope<'scope, '_>, jobs: usize, work: impl FnOnce() + Clone + Send + 'scope) {
    for started in 0..jobs {
        if Builder::new().stack_size(STACK).spawn_scoped(scope, work.clone()).is_err() {
            if started == 0 {
                work();
            }
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items() {
        for jobs in [1, 3, 64] {
            assert_eq!(side_by_side((0..100).collect(), jobs, |n| n * 2), (0..100).map(|n| n * 2).collect::<Vec<_>>());
        }
    }
}
