//! `Content-Range`, `Range` and `Retry-After`, one per line, and made of the numbers in the input:
//! no panic, no pause of more than five minutes, and no range that is none.

use std::time::Duration;

use crate::registry::fuzzing::{content_range, held, pause_for};
use crate::{Error, Quiet, Result};

const LONGEST: Duration = Duration::from_secs(300);

fn pause(header: &str, delay: Duration) -> Result<Duration> {
    let [request, code, message] = ["GET /v2/", "TOOMANYREQUESTS", ""].map(str::to_owned);
    let failure = Error::Status { request, status: 429, code, message };
    pause_for("registry.example", &failure, Some(header), delay, &Quiet)
}

pub fn check(bytes: &[u8]) {
    for header in String::from_utf8_lossy(bytes).lines().take(16) {
        if let Some((start, total)) = content_range(header) {
            assert!(start < total && header.contains(&total.to_string()));
        }
        if let Some(held) = held(header) {
            assert!(held > 1);
        }
        for delay in [Duration::ZERO, Duration::from_secs(30)] {
            match pause(header, delay) {
                Ok(pause) => assert!(delay <= pause && pause <= LONGEST, "{pause:?}"),
                Err(error) => assert!(error.to_string().contains("come back at"), "{error}"),
            }
        }
    }
    let Some(numbers) = bytes.first_chunk::<24>() else { return };
    let number = |n: usize| u64::from_le_bytes(*numbers[8 * n..].first_chunk().expect("eight bytes"));
    let (start, end, total) = (number(0), number(1), number(2));
    for total in [total, end.wrapping_add(1)] {
        let expected = (end.checked_add(1) == Some(total) && start <= end).then_some((start, total));
        assert_eq!(content_range(&format!("bytes {start}-{end}/{total}")), expected);
    }
    assert_eq!(held(&format!("0-{end}")), end.checked_add(1).filter(|held| *held > 1));
    // Ten digits or more may be a time, which is another question.
    if end < 1_000_000_000 {
        let expected = Some(Duration::from_secs(end)).filter(|p| *p <= LONGEST);
        assert_eq!(pause(&end.to_string(), Duration::ZERO).ok(), expected);
    }
}
