//! The ladder of ways to upload a blob, and the rung that a host is on, learned as uploads go: whole,
//! streamed into a session, or in chunks small enough to get through.
//!
//! What no registry agrees on: old Artifactory takes no body on the closing PUT, Google's takes no
//! chunks, GitHub's takes none above 4 MiB, proxies cap bodies. And distribution 2.8 throws a
//! session away with its connection, so over a bad line only small chunks ever arrive.

use std::sync::{Mutex, PoisonError};

/// The largest chunk, in bytes; GitHub's registry refuses larger ones.
pub(crate) const MOST_CHUNK: u64 = 4 << 20;
/// The smallest: below it, headers weigh more than content.
pub(crate) const LEAST_CHUNK: u64 = 32 << 10;
/// Lost sessions before a host is sent chunks.
const LOSSES: u32 = 2;

/// How to send one blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rung {
    /// The body goes with the closing PUT.
    Whole,
    /// One PATCH with everything, then an empty PUT.
    Streamed,
    /// PATCHes of at most this many bytes, then an empty PUT.
    Chunked {
        /// Bytes in one request.
        size: u64,
        /// Each over a connection of its own.
        alone: bool,
    },
}

impl Rung {
    /// The most bytes that one PATCH carries.
    pub(crate) fn step(self) -> u64 {
        match self {
            Self::Whole | Self::Streamed => u64::MAX,
            Self::Chunked { size, .. } => size,
        }
    }
}

/// What was learned about one host.
#[derive(Debug)]
pub(crate) struct Ladder(Mutex<Learned>);

#[derive(Debug)]
struct Learned {
    rung: Rung,
    losses: u32,
    /// What the host said a chunk must at least be (distribution-spec v1.1 `OCI-Chunk-Min-Length`).
    least: u64,
    /// It answers a mount from the repository itself as it does others.
    mounts_within: bool,
}

impl Default for Ladder {
    fn default() -> Self {
        Self(Mutex::new(Learned { rung: Rung::Whole, losses: 0, least: 0, mounts_within: true }))
    }
}

impl Ladder {
    /// How to send the next blob.
    pub(crate) fn now(&self) -> Rung {
        match self.with(|learned| (learned.rung, learned.least)) {
            (Rung::Chunked { size, alone }, least) => Rung::Chunked { size: size.max(least), alone },
            (rung, _) => rung,
        }
    }

    /// The host asks for chunks of at least so many bytes.
    pub(crate) fn at_least(&self, bytes: u64) {
        // More than a gibibyte is not meant.
        self.with(|learned| learned.least = bytes.min(1 << 30));
    }

    /// Whether a mount from the repository itself is worth a try.
    pub(crate) fn mounts_within(&self) -> bool {
        self.with(|learned| learned.mounts_within)
    }

    /// The host refused one.
    pub(crate) fn refused_mount_within(&self) {
        self.with(|learned| learned.mounts_within = false);
    }

    /// The host refused `tried` as such. The next one to try, if there is any.
    pub(crate) fn refused(&self, tried: Rung, too_large: bool) -> Option<Rung> {
        let next = match tried {
            Rung::Whole if !too_large => Rung::Streamed,
            Rung::Whole | Rung::Streamed => Rung::Chunked { size: MOST_CHUNK, alone: false },
            Rung::Chunked { size, alone } if too_large && size > LEAST_CHUNK => {
                Rung::Chunked { size: (size / 2).max(LEAST_CHUNK), alone }
            }
            Rung::Chunked { .. } => return None,
        };
        self.with(|learned| learned.take_over(tried, next));
        Some(next)
    }

    /// A session was lost with its connection after `sent` bytes of one request.
    pub(crate) fn lost(&self, tried: Rung, sent: u64) {
        self.with(|learned| {
            learned.losses += 1;
            if learned.losses < LOSSES {
                return;
            }
            // Half of what was on the way surely left this machine only in part.
            let through = (sent / 2).next_power_of_two() / 2;
            let size = through.clamp(LEAST_CHUNK, MOST_CHUNK).min(tried.step() / 2).max(LEAST_CHUNK);
            learned.take_over(tried, Rung::Chunked { size, alone: true });
        });
    }

    fn with<R>(&self, change: impl FnOnce(&mut Learned) -> R) -> R {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Learned {
    /// Goes on to `next`, unless somebody else has gone on from `tried` already: sixteen uploads
    /// that break at one moment teach one lesson.
    fn take_over(&mut self, tried: Rung, next: Rung) {
        if self.rung == tried {
            self.rung = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_refuses_is_sent_it_another_way() {
        let rungs = Ladder::default();
        assert_eq!(rungs.now(), Rung::Whole);
        assert_eq!(rungs.refused(Rung::Whole, false), Some(Rung::Streamed));
        assert_eq!(rungs.now(), Rung::Streamed);
        let chunks = Rung::Chunked { size: MOST_CHUNK, alone: false };
        assert_eq!(rungs.refused(Rung::Streamed, false), Some(chunks));
        assert_eq!(rungs.refused(chunks, false), None);
        assert_eq!(rungs.now(), chunks);
    }

    #[test]
    fn losses_make_chunks_that_shrink_once_for_all_who_break_together() {
        let rungs = Ladder::default();
        rungs.lost(Rung::Whole, 1 << 20);
        assert_eq!(rungs.now(), Rung::Whole, "one loss may be bad luck");
        rungs.lost(Rung::Whole, 1 << 30);
        let first = Rung::Chunked { size: MOST_CHUNK, alone: true };
        assert_eq!(rungs.now(), first);
        for _ in 0..16 {
            rungs.lost(first, 3 << 20);
        }
        assert_eq!(rungs.now(), Rung::Chunked { size: 1 << 20, alone: true });
        for _ in 0..16 {
            rungs.lost(rungs.now(), 0);
        }
        assert_eq!(rungs.now(), Rung::Chunked { size: LEAST_CHUNK, alone: true });
        rungs.at_least(1 << 20);
        assert_eq!(rungs.now().step(), 1 << 20);
    }
}
