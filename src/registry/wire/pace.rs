//! How fast bodies move: a limit that somebody asked for, and a least rate below which a line
//! counts as dead.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::store::{Watch, sleep};

/// Fewer bytes than this within the idle timeout are no progress.
const LEAST: u64 = 1 << 10;

/// Bytes per second over all connections of a run.
#[derive(Debug)]
pub(crate) struct Limiter {
    rate: u64,
    /// When the bytes let through so far are paid for.
    paid: Mutex<Instant>,
}

impl Limiter {
    pub(crate) fn new(rate: u64) -> Self {
        Self { rate: rate.max(1), paid: Mutex::new(Instant::now()) }
    }

    /// Lets `bytes` through, and holds up whoever brings them for as long as they take.
    fn pass(&self, bytes: u64, watch: &dyn Watch) -> Result<(), Error> {
        sleep(self.wait_for(bytes, Instant::now()), watch)
    }

    /// How long whoever brings these bytes at `now` has to wait.
    fn wait_for(&self, bytes: u64, now: Instant) -> Duration {
        #[allow(clippy::cast_precision_loss)]
        let cost = Duration::from_secs_f64(bytes as f64 / self.rate as f64);
        let mut paid = self.paid.lock().unwrap_or_else(PoisonError::into_inner);
        *paid = (*paid).max(now) + cost;
        paid.saturating_duration_since(now)
    }
}

/// Watches over one body.
pub(crate) struct Pace {
    limiter: Option<Arc<Limiter>>,
    watch: Arc<dyn Watch>,
    idle: Duration,
    since: Instant,
    bytes: u64,
}

impl Pace {
    pub(crate) fn new(limiter: Option<Arc<Limiter>>, watch: Arc<dyn Watch>, idle: Duration) -> Self {
        Self { limiter, watch, idle, since: Instant::now(), bytes: 0 }
    }

    /// Takes note of bytes that moved.
    ///
    /// # Errors
    /// When so few moved that the line counts as dead, or somebody asked to stop.
    pub(crate) fn moved(&mut self, bytes: usize) -> io::Result<()> {
        let bytes = bytes as u64;
        if let Some(limiter) = &self.limiter {
            let before = Instant::now();
            limiter.pass(bytes, self.watch.as_ref())?;
            // That we waited says nothing about the line.
            self.since += before.elapsed();
        }
        self.bytes += bytes;
        if self.since.elapsed() > self.idle {
            if self.bytes < LEAST && bytes > 0 {
                let text = format!("only {} bytes in {} s", self.bytes, self.idle.as_secs());
                return Err(io::Error::new(io::ErrorKind::TimedOut, text));
            }
            (self.since, self.bytes) = (Instant::now(), 0);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_kept_over_all_connections_and_to_the_byte() {
        let limiter = Limiter::new(1_000_000);
        let start = *limiter.paid.lock().expect("nobody panicked");
        let mut now = start;
        // Two connections that bring their bytes in turn: each waits for both.
        for number in 1..=50_u32 {
            let wait = limiter.wait_for(40_000, now);
            assert!(wait > Duration::ZERO && wait <= Duration::from_millis(80), "{number}: {wait:?}");
            if number % 2 == 0 {
                now += wait;
            }
        }
        let took = now - start;
        assert!(took.abs_diff(Duration::from_secs(2)) < Duration::from_millis(1), "2 MB at 1 MB a second: {took:?}");
        // What was not used up while nobody brought anything is not made up for.
        let wait = limiter.wait_for(100_000, now + Duration::from_secs(60));
        assert!(wait.abs_diff(Duration::from_millis(100)) < Duration::from_millis(1), "{wait:?}");
    }
}
