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
/// Nobody waits longer, and the calendar does not end before.
const LONGEST_SHOWN: Duration = Duration::from_secs(100 * 366 * 24 * 60 * 60);
/// A number this near to the present time, in seconds or milliseconds since 1970, is no number of seconds to
/// wait but a time.
const NEAR: u64 = 366 * 24 * 60 * 60;

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

/// What `Retry-After` asks for (RFC 9110 §10.2.3: seconds or a date; Docker Hub gave a Unix time).
pub(crate) fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(number) = value.parse::<u64>() {
        let now = u64::try_from(now.as_second()).unwrap_or_default();
        let time = [number, number / 1000].into_iter().find(|time| time.abs_diff(now) < NEAR);
        return Some(Duration::from_secs(time.map_or(number, |time| time.saturating_sub(now))));
    }
    let date = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

/// How long to leave a host alone after this failure, or why that is too long.
pub(crate) fn pause_for(
    host: &str,
    failure: &Error,
    header: Option<&str>,
    delay: Duration,
    watch: &dyn Watch,
) -> Result<Duration> {
    let now = Timestamp::now();
    let asked = header.and_then(|value| retry_after(value, now));
    let wait = asked.map_or(delay, |asked| asked.max(delay));
    if wait > LONGEST_PAUSE {
        let until = clock(now, wait);
        return Err(Error::ComeBack { request: host.into(), reason: failure.to_string(), until });
    }
    if asked.is_some_and(|asked| !asked.is_zero()) {
        watch.on(Event::Waiting { host, seconds: wait.as_secs().max(1), reason: "it asked for a pause" });
    }
    Ok(wait)
}

/// What the clock shows after this wait, rounded up to a minute.
fn clock(now: Timestamp, wait: Duration) -> String {
    let wait = wait.saturating_add(Duration::from_secs(59)).min(LONGEST_SHOWN);
    let until = now.checked_add(wait).unwrap_or(now);
    let format = if until.strftime("%F").to_string() == now.strftime("%F").to_string() { "" } else { "%F " };
    until.strftime(&format!("{format}%H:%M UTC")).to_string()
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
        let unix = now.as_second();
        for (value, seconds) in [(unix + 60, 60), (unix - 60, 0), ((unix + 90) * 1000, 90)] {
            assert_eq!(retry_after(&value.to_string(), now), Some(Duration::from_secs(seconds)), "{value}");
        }
        assert_eq!(retry_after("3000000", now), Some(Duration::from_secs(3_000_000)), "a month is not a time");
        for nothing in ["", "soon", "-1", "1.5", "99999999999999999999"] {
            assert_eq!(retry_after(nothing, now), None, "{nothing}");
        }
    }

    #[test]
    fn when_to_come_back_is_a_time_of_day_or_a_date() {
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().expect("time");
        assert_eq!(clock(now, Duration::from_secs(3600)), "04:05 UTC");
        assert_eq!(clock(now, Duration::from_secs(86_400)), "2026-01-03 03:05 UTC");
        assert!(!clock(now, Duration::MAX).is_empty());
    }

    #[test]
    fn delays_grow_up_to_a_bound() {
        let retry = Retry::default();
        for tries in 0..40 {
            assert!(retry.delay(tries) <= LONGEST_DELAY.min(retry.delay * (1 << tries.min(16))));
        }
    }
}
