//! The budget of a run for manifests: the one thing that is held in memory whole, and the more of it the
//! longer the lists of whoever wrote it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::error::{Error, NextStep, Result};

/// Bytes of manifests that may be held at once.
#[derive(Debug)]
pub(crate) struct Budget {
    most: u64,
    held: AtomicU64,
    is_exceeded: AtomicBool,
}

impl Budget {
    /// Where nobody says anything else, in bytes.
    pub(crate) const DEFAULT: u64 = 1 << 30;

    /// A budget of so many bytes.
    pub(crate) fn new(most: u64) -> Self {
        Self { most, held: AtomicU64::new(0), is_exceeded: AtomicBool::new(false) }
    }

    /// Takes up room for some bytes, before they are read.
    ///
    /// # Errors
    /// When there is none left.
    pub(crate) fn take(&self, bytes: u64) -> Result<()> {
        let before = self.held.fetch_add(bytes, Ordering::Relaxed);
        if before.checked_add(bytes).is_none_or(|held| held > self.most) {
            self.give_back(bytes);
            self.is_exceeded.store(true, Ordering::Relaxed);
        }
        self.check()
    }

    /// Gives up room for what came to nothing.
    pub(crate) fn give_back(&self, bytes: u64) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// That it has sufficed so far.
    ///
    /// # Errors
    /// When it has not.
    pub(crate) fn check(&self) -> Result<()> {
        if self.is_exceeded.load(Ordering::Relaxed) {
            let reason = format!("the manifests take more than {} bytes, the most that is held in memory", self.most);
            return Err(Error::content(reason).or_else_do(NextStep::RaiseMaxManifests));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_never_more_than_there_is() {
        let budget = Budget::new(10);
        assert!(budget.take(6).is_ok() && budget.take(4).is_ok() && budget.check().is_ok());
        budget.give_back(4);
        assert!(budget.take(4).is_ok());
        assert!(budget.take(1).is_err() && budget.take(0).is_err() && budget.check().is_err());
        assert!(Budget::new(u64::MAX).take(u64::MAX).is_ok());
        let budget = Budget::new(u64::MAX);
        assert!(budget.take(u64::MAX - 1).is_ok() && budget.take(2).is_err());
    }
}
