//! `Settling`: how long what was just written may stay out of sight. Registries on object storage, and
//! several behind one name, show what they took a few seconds later.

use std::time::Duration;

use super::event::{Watch, sleep};
use crate::error::Result;

/// Pauses between two looks, in milliseconds: about nine seconds in all.
const PAUSES: [u64; 7] = [100, 200, 400, 800, 1600, 3000, 3000];

/// The looks that are left.
#[derive(Debug, Default)]
pub(crate) struct Settling {
    looks: usize,
}

impl Settling {
    /// Waits before the next look; false if there were enough.
    ///
    /// # Errors
    /// When somebody asks to stop.
    pub(crate) fn wait(&mut self, watch: &dyn Watch) -> Result<bool> {
        let Some(pause) = PAUSES.get(self.looks) else { return Ok(false) };
        self.looks += 1;
        sleep(Duration::from_millis(*pause), watch).map(|()| true)
    }

    /// Looks until something is as wished, or long enough; the last answer.
    ///
    /// # Errors
    /// Those of the look, or when somebody asks to stop.
    pub(crate) fn look<T>(watch: &dyn Watch, wish: impl Fn(&T) -> bool, look: impl Fn() -> Result<T>) -> Result<T> {
        let mut settling = Self::default();
        loop {
            let answer = look()?;
            if wish(&answer) || !settling.wait(watch)? {
                return Ok(answer);
            }
        }
    }
}
