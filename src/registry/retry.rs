//! How often, and after how long, a request is sent again.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::options::Retry;
use crate::error::{Error, Result};
use crate::store::{Event, Watch, sleep};

/// A registry may ask for at most this; a longer wait is for a person to decide on.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
const LONGEST_DELAY: Duration = Duration::from_secs(30);
impl Retry {
    /// Full jitter: anything up to a bound that doubles, so that workers do not come back together.
    pub(crate) fn delay(&self, tries: u32) -> Duration {
        let bound = self.delay.saturating_mul(1 << tries.min(16)).min(LONGEST_DELAY);
        bound.mul_f64(fastrand::f64())
    }
}

/// A pause that a host asked for, obeyed by everything that talks to it.
#[derive(Debug, Default)]
pub(crate) struct Pause(Mutex<Option<Instant>>);

impl Pause {
    /// Nobody goes on before `wait` is over.
    pub(crate) fn set(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *held = Some(held.map_or(until, |other| other.max(until)));
    }

    /// Waits until the pause is over, if there is one.
    pub(crate) fn wait(&self, watch: &dyn Watch) -> Result<()> {
        let until = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()));
        sleep(left, watch)
    }
}

/// Waits before a request is sent again, and says so first.
///
/// # Errors
/// When somebody asks to stop.
pub(crate) fn wait_before_repeating(
    host: &str,
    attempt: (u32, u32),
    wait: Duration,
    failure: &Error,
    watch: &dyn Watch,
) -> Result<()> {
    watch.on(Event::Retrying { host, attempt, wait, reason: &failure.cause() });
    sleep(wait, watch)
}

/// What `Retry-After` asks for (RFC 9110 §10.2.3: seconds or a date).
pub(crate) fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

/// How long to leave a host alone after this answer, or why that is too long.
pub(crate) fn pause_for(
    host: &str,
    status: u16,
    header: Option<&str>,
    delay: Duration,
    watch: &dyn Watch,
) -> Result<Duration> {
    let asked = header.and_then(|value| retry_after(value, Timestamp::now()));
    let wait = asked.map_or(delay, |asked| asked.max(delay));
    if wait > LONGEST_PAUSE {
        let minutes = wait.as_secs().div_ceil(60);
        let reason = format!("{host} answers {status} and asks to come back in {minutes} minutes");
        return Err(Error::Network { request: host.into(), reason });
    }
    if asked.is_some_and(|asked| !asked.is_zero()) {
        watch.on(Event::Waiting { host, seconds: wait.as_secs().max(1), reason: "it asked for a pause" });
    }
    Ok(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().expect("time");
        assert_eq!(retry_after("7", now), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("Fri, 02 Jan 2026 03:05:05 GMT", now), Some(Duration::from_secs(60)));
        assert_eq!(retry_after("Thu, 01 Jan 2026 03:05:05 GMT", now), Some(Duration::ZERO));
        for nothing in ["", "soon", "-1", "1.5", "99999999999999999999"] {
            assert_eq!(retry_after(nothing, now), None, "{nothing}");
        }
    }

    #[test]
    fn delays_grow_up_to_a_bound() {
        let retry = Retry::default();
        for tries in 0..40 {
            assert!(retry.delay(tries) <= LONGEST_DELAY.min(retry.delay * (1 << tries.min(16))));
        }
    }
}
