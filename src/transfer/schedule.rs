//! Runs tasks that wait for each other, from a bounded number of threads.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};

use crate::store::crew;

/// When a task may run.
#[derive(Clone, Debug, Default)]
pub(super) struct Task {
    /// The tasks that must have ended, well or not. They may stand anywhere, and in no circle.
    pub(super) after: Vec<usize>,
    /// Taken before others that are ready: it is short and completes something.
    pub(super) urgent: bool,
}

struct State {
    waiting_for: Vec<usize>,
    urgent: VecDeque<usize>,
    ready: VecDeque<usize>,
    unfinished: usize,
}

/// Runs every task exactly once, each after those it waits for; otherwise about in their order.
pub(super) fn run(tasks: &[Task], jobs: usize, work: impl Fn(usize) + Sync) {
    let mut followers = vec![Vec::new(); tasks.len()];
    for (place, task) in tasks.iter().enumerate() {
        for before in &task.after {
            followers[*before].push(place);
        }
    }
    let waiting_for: Vec<usize> = tasks.iter().map(|t| t.after.len()).collect();
    let (urgent, ready) = (0..tasks.len()).filter(|t| waiting_for[*t] == 0).partition(|t| tasks[*t].urgent);
    let state = Mutex::new(State { waiting_for, urgent, ready, unfinished: tasks.len() });
    let changed = Condvar::new();
    std::thread::scope(|scope| {
        let worker = || {
            let mut held = state.lock().unwrap_or_else(PoisonError::into_inner);
            loop {
                let next = held.urgent.pop_front().or_else(|| held.ready.pop_front());
                if let Some(place) = next {
                    drop(held);
                    work(place);
                    held = state.lock().unwrap_or_else(PoisonError::into_inner);
                    held.unfinished -= 1;
                    for &follower in &followers[place] {
                        held.waiting_for[follower] -= 1;
                        if held.waiting_for[follower] == 0 {
                            let queue = if tasks[follower].urgent { &mut held.urgent } else { &mut held.ready };
                            queue.push_back(follower);
                        }
                    }
                    changed.notify_all();
                } else if held.unfinished == 0 {
                    return;
                } else {
                    held = changed.wait(held).unwrap_or_else(PoisonError::into_inner);
                }
            }
        };
        crew(scope, jobs.clamp(1, tasks.len().max(1)), worker);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_run_once_and_after_what_they_wait_for() {
        let tasks: Vec<Task> = (0..200)
            .map(|n| Task { after: (0..n).filter(|m| n % (m + 2) == 0).collect(), urgent: n % 3 == 0 })
            .collect();
        let order = Mutex::new(Vec::new());
        run(&tasks, 7, |n| order.lock().expect("no panic").push(n));
        let order = order.into_inner().expect("no panic");
        assert_eq!(order.len(), tasks.len());
        for (place, task) in order.iter().map(|n| &tasks[*n]).enumerate() {
            assert!(task.after.iter().all(|before| order[..place].contains(before)));
        }
    }
}
