//! `Gate`: bounds the requests in flight to one host, by what was asked for and by what the host turns
//! out to take.
//!
//! There are two for each host, one for questions and downloads and one for uploads. Whoever sends a
//! blob holds leave of the second for as long as that takes, and reads what it sends through the first.
//! Nobody who holds leave of the first ever waits for the second, so the two never wait for each other,
//! even where a blob comes from the host that it goes to.
//!
//! A server that takes so many connections and no more answers the others with 503, or resets them:
//! each such answer halves how many are let in by both together, and each row of good ones lets in one
//! more. Whoever may be what others wait for does not wait for them long.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

const QUESTIONS: usize = 0;
const UPLOADS: usize = 1;
/// Requests in flight to a host that answered 429.
const CALM_JOBS: usize = 8;
/// Fewer in flight than this are no load to speak of: what fails then fails for another reason.
const LOAD: usize = 4;
/// Good answers in a row, for each request let in, before what was too many once is tried again.
const PROBE: usize = 16;
/// As long as the first through one gate waits for those who came through the other: they may wait
/// for it.
const DETOUR: Duration = Duration::from_secs(1);

/// Lets in so many at once.
#[derive(Debug)]
pub(crate) struct Gate {
    both: Arc<Both>,
    side: usize,
}

#[derive(Debug)]
struct Both {
    state: Mutex<State>,
    left: Condvar,
}

#[derive(Debug)]
struct State {
    /// Through each gate.
    in_flight: [usize; 2],
    /// Before each gate.
    waiting: [usize; 2],
    /// As many as were asked for, through each.
    cap: usize,
    /// As many as the host takes in all, as far as is known.
    most: usize,
    /// So many were too many once.
    ceiling: usize,
    /// Good answers since `most` changed.
    good: usize,
    /// How often load made `most` fall.
    falls: u64,
}

impl State {
    fn all(&self) -> usize {
        self.in_flight.iter().sum()
    }

    /// Whether one more may go through this gate. Where the host takes few, questions go before uploads:
    /// they are short, and uploads wait for their answers.
    fn has_room(&self, side: usize) -> bool {
        let gives_way = side == UPLOADS && self.waiting[QUESTIONS] > 0 && self.most < usize::MAX;
        self.in_flight[side] < self.cap && self.all() < self.most && !gives_way
    }
}

/// Leave to have one request in flight; ends when dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    both: Arc<Both>,
    side: usize,
    /// How many might be in flight when it was given, and how often that had fallen.
    most: usize,
    falls: u64,
}

impl Gate {
    /// The gate for questions and downloads, and that for uploads; each lets in at least one.
    pub(crate) fn pair(most: usize) -> [Self; 2] {
        let cap = most.max(1);
        let state =
            State { in_flight: [0, 0], waiting: [0, 0], cap, most: usize::MAX, ceiling: usize::MAX, good: 0, falls: 0 };
        let both = Arc::new(Both { state: Mutex::new(state), left: Condvar::new() });
        [QUESTIONS, UPLOADS].map(|side| Self { both: both.clone(), side })
    }

    /// Waits for leave. A thread that holds some of this gate must not ask for more of it.
    pub(crate) fn enter(&self) -> Permit {
        let Both { state, left } = &*self.both;
        let asked = Instant::now();
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.waiting[self.side] += 1;
        while !state.has_room(self.side) {
            let detour = DETOUR.saturating_sub(asked.elapsed());
            if state.in_flight[self.side] > 0 {
                state = left.wait(state).unwrap_or_else(PoisonError::into_inner);
            } else if detour.is_zero() {
                break;
            } else {
                state = left.wait_timeout(state, detour).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
        state.waiting[self.side] -= 1;
        state.in_flight[self.side] += 1;
        Permit { both: self.both.clone(), side: self.side, most: state.most, falls: state.falls }
    }

    /// Fewer at once from now on.
    pub(crate) fn calm_down(&self) {
        let mut state = self.both.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.cap = state.cap.min(CALM_JOBS);
    }
}

impl Permit {
    /// The host may have failed under the load: fewer from now on. Whether the load is reason enough,
    /// so that this says nothing about the request itself.
    pub(crate) fn overloaded(&self) -> bool {
        let mut state = self.both.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Sixteen that fail at one moment teach one lesson.
        if state.most < self.most || state.falls > self.falls {
            return state.falls > self.falls;
        }
        let together = state.all().min(state.most);
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
        let mut state = self.both.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.most >= 2 * state.cap {
            return;
        }
        state.good += 1;
        let needed = if state.most + 1 < state.ceiling { 2 * state.most } else { PROBE * state.most };
        if state.good >= needed {
            state.good = 0;
            state.most += 1;
            self.both.left.notify_all();
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.both.state.lock().unwrap_or_else(PoisonError::into_inner).in_flight[self.side] -= 1;
        self.both.left.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets `jobs` requests in at a server that takes `most`; how many failed until all were done, and
    /// how many at most counted against one of them.
    fn play(jobs: usize, most: usize, requests: usize) -> (usize, usize) {
        let [gate, _] = Gate::pair(jobs);
        let (mut failed, mut worst) = (0, 0);
        let mut waiting: Vec<usize> = vec![0; requests];
        while !waiting.is_empty() {
            let room = gate.both.state.lock().expect("state").most.min(jobs);
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
        let [gate, _] = Gate::pair(16);
        let permit = gate.enter();
        assert!(!permit.overloaded());
        assert_eq!(gate.both.state.lock().expect("state").most, usize::MAX);
    }
}
