//! `Gate`: bounds the requests in flight to one host, by what was asked for and by what the host turns
//! out to take.
//!
//! There are two for each host, one for questions and downloads and one for uploads. Whoever sends a
//! blob holds leave of the second for as long as that takes, and reads what it sends through the first.
//! Nobody who holds leave of the first ever waits for the second, so the two never wait for each other,
//! even where a blob comes from the host that it goes to.
//!
//! A server that takes so many connections and no more answers the others with 503, or resets them:
//! each such answer halves how many are let in, and each row of good ones lets in one more.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Requests in flight to a host that answered 429.
const CALM_JOBS: usize = 8;
/// Fewer in flight than this are no load to speak of: what fails then fails for another reason.
const LOAD: usize = 4;
/// Good answers in a row, for each request let in, before what was too many once is tried again.
const PROBE: usize = 16;

/// Lets in so many at once.
#[derive(Debug)]
pub(crate) struct Gate {
    state: Mutex<State>,
    left: Condvar,
}

#[derive(Debug)]
struct State {
    in_flight: usize,
    /// How many may be.
    most: usize,
    /// As many as were asked for.
    cap: usize,
    /// So many were too many once.
    ceiling: usize,
    /// Good answers since `most` changed.
    good: usize,
    /// How often load made `most` fall.
    falls: u64,
}

/// Leave to have one request in flight; ends when dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    gate: Arc<Gate>,
    /// How many might be in flight when it was given, and how often that had fallen.
    most: usize,
    falls: u64,
}

impl Gate {
    /// A gate that lets in at least one.
    pub(crate) fn new(most: usize) -> Arc<Self> {
        let most = most.max(1);
        let state = State { in_flight: 0, most, cap: most, ceiling: usize::MAX, good: 0, falls: 0 };
        Arc::new(Self { state: Mutex::new(state), left: Condvar::new() })
    }

    /// Waits for leave. A thread that holds some of this gate must not ask for more of it.
    pub(crate) fn enter(self: &Arc<Self>) -> Permit {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let full = |state: &mut State| state.in_flight >= state.most;
        let mut state = self.left.wait_while(state, full).unwrap_or_else(PoisonError::into_inner);
        state.in_flight += 1;
        Permit { gate: self.clone(), most: state.most, falls: state.falls }
    }

    /// Fewer at once from now on.
    pub(crate) fn calm_down(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.cap = state.cap.min(CALM_JOBS);
        state.most = state.most.min(CALM_JOBS);
    }
}

impl Permit {
    /// The host may have failed under the load: fewer from now on. Whether the load is reason enough,
    /// so that this says nothing about the request itself.
    pub(crate) fn overloaded(&self) -> bool {
        let mut state = self.gate.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Sixteen that fail at one moment teach one lesson.
        if state.most < self.most || state.falls > self.falls {
            return state.falls > self.falls;
        }
        let together = state.in_flight.min(state.most);
        if together < 2 {
            return false;
        }
        // One more than worked before is one too many; otherwise nobody knows how many are not.
        let probed = together >= state.ceiling && together == state.most;
        state.most = if probed { together - 1 } else { together / 2 };
        state.ceiling = together;
        state.good = 0;
        state.falls += u64::from(together >= LOAD);
        together >= LOAD
    }

    /// The host answered.
    pub(crate) fn answered(&self) {
        let mut state = self.gate.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.most >= state.cap {
            return;
        }
        state.good += 1;
        let needed = if state.most + 1 < state.ceiling { 2 * state.most } else { PROBE * state.most };
        if state.good >= needed {
            state.good = 0;
            state.most += 1;
            self.gate.left.notify_one();
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.gate.state.lock().unwrap_or_else(PoisonError::into_inner).in_flight -= 1;
        self.gate.left.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets `jobs` requests in at a server that takes `most`; how many failed until all were done, and
    /// how many at most counted against one of them.
    fn play(jobs: usize, most: usize, requests: usize) -> (usize, usize) {
        let gate = Gate::new(jobs);
        let (mut failed, mut worst) = (0, 0);
        let mut waiting: Vec<usize> = vec![0; requests];
        while !waiting.is_empty() {
            let room = gate.state.lock().expect("state").most;
            let now: Vec<usize> = waiting.drain(..room.min(waiting.len())).collect();
            let permits: Vec<Permit> = now.iter().map(|_| gate.enter()).collect();
            for (place, (counted, permit)) in now.into_iter().zip(&permits).enumerate() {
                if place < most {
                    permit.answered();
                    continue;
                }
                failed += 1;
                let counted = counted + usize::from(!permit.overloaded());
                worst = worst.max(counted);
                waiting.push(counted);
            }
        }
        (failed, worst)
    }

    #[test]
    fn a_server_that_takes_few_connections_is_given_few() {
        for most in [1, 2, 3, 5, 7, 12] {
            let (failed, worst) = play(16, most, 1_000);
            assert!(worst <= 2, "{most}: {worst} failures count against one request");
            assert!(failed <= 100, "{most}: {failed} requests failed");
        }
        assert_eq!(play(16, 16, 1_000), (0, 0));
    }

    #[test]
    fn one_request_that_fails_alone_is_no_load() {
        let gate = Gate::new(16);
        let permit = gate.enter();
        assert!(!permit.overloaded());
        assert_eq!(gate.state.lock().expect("state").most, 16);
    }
}
