//! Runs tasks that wait for each other, from a bounded number of threads.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use crate::store::crew;

/// When a task may run.
#[derive(Clone, Debug, Default)]
pub(super) struct Task {
    /// The tasks that must have ended, well or not. They may stand anywhere, and in no circle.
    pub(super) after: Vec<usize>,
    /// Taken before others that are ready: it is short and completes something.
    pub(super) urgent: bool,
    /// It takes long, and few of these run at once: taken before others that are neither.
    pub(super) large: bool,
}

struct State {
    waiting_for: Vec<usize>,
    urgent: VecDeque<usize>,
    large: VecDeque<usize>,
    ready: VecDeque<usize>,
    /// Large ones that run.
    running: usize,
    unfinished: usize,
}

impl State {
    fn queue(&mut self, task: &Task) -> &mut VecDeque<usize> {
        match task {
            Task { urgent: true, .. } => &mut self.urgent,
            Task { large: true, .. } => &mut self.large,
            _ => &mut self.ready,
        }
    }

    fn next(&mut self, most_large: usize) -> Option<usize> {
        let large = |state: &mut Self| {
            let next = (state.running < most_large).then(|| state.large.pop_front()).flatten();
            state.running += usize::from(next.is_some());
            next
        };
        self.urgent.pop_front().or_else(|| large(self)).or_else(|| self.ready.pop_front())
    }
}

/// Runs every task exactly once, each after those it waits for; otherwise about in their order. Of the large ones at
/// most `most_large` at once, one at least; it may grow meanwhile.
pub(super) fn run(tasks: &[Task], jobs: usize, most_large: &AtomicUsize, work: impl Fn(usize) + Sync) {
    let mut followers = vec![Vec::new(); tasks.len()];
    for (place, task) in tasks.iter().enumerate() {
        for before in &task.after {
            followers[*before].push(place);
        }
    }
    let waiting_for: Vec<usize> = tasks.iter().map(|t| t.after.len()).collect();
    let first: Vec<usize> = (0..tasks.len()).filter(|t| waiting_for[*t] == 0).collect();
    let [urgent, large, ready] = [(); 3].map(|()| VecDeque::new());
    let mut state = State { waiting_for, urgent, large, ready, running: 0, unfinished: tasks.len() };
    first.into_iter().for_each(|place| state.queue(&tasks[place]).push_back(place));
    let state = Mutex::new(state);
    let changed = Condvar::new();
    std::thread::scope(|scope| {
        let worker = || {
            let mut held = state.lock().unwrap_or_else(PoisonError::into_inner);
            loop {
                let next = held.next(most_large.load(Ordering::Relaxed).max(1));
                if let Some(place) = next {
                    drop(held);
                    work(place);
                    held = state.lock().unwrap_or_else(PoisonError::into_inner);
                    held.unfinished -= 1;
                    let Task { urgent, large, .. } = tasks[place];
                    held.running -= usize::from(large && !urgent);
                    for &follower in &followers[place] {
                        held.waiting_for[follower] -= 1;
                        if held.waiting_for[follower] == 0 {
                            held.queue(&tasks[follower]).push_back(follower);
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
            .map(|n| {
                let after = (0..n).filter(|m| n % (m + 2) == 0).collect();
                Task { after, urgent: n % 3 == 0, large: n % 4 == 0 }
            })
            .collect();
        let order = Mutex::new(Vec::new());
        run(&tasks, 7, &AtomicUsize::new(2), |n| order.lock().expect("no panic").push(n));
        let order = order.into_inner().expect("no panic");
        assert_eq!(order.len(), tasks.len());
        for (place, task) in order.iter().map(|n| &tasks[*n]).enumerate() {
            assert!(task.after.iter().all(|before| order[..place].contains(before)));
        }
    }

    #[test]
    fn few_large_ones_run_at_once_and_others_beside_them() {
        let tasks: Vec<Task> = (0..60).map(|n| Task { large: n % 2 == 0, ..Task::default() }).collect();
        let (most, running, seen) = (AtomicUsize::new(2), AtomicUsize::new(0), AtomicUsize::new(0));
        run(&tasks, 8, &most, |n| {
            if n % 2 == 1 {
                return;
            }
            seen.fetch_max(1 + running.fetch_add(1, Ordering::SeqCst), Ordering::SeqCst);
            std::thread::yield_now();
            running.fetch_sub(1, Ordering::SeqCst);
        });
        assert!((1..=2).contains(&seen.into_inner()));
        run(&tasks, 1, &AtomicUsize::new(0), |_| ());
    }
}
