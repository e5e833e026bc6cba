//! The ladder of ways to upload a blob, and the rung that a host is on, learned as uploads go: whole,
//! streamed into a session, or in chunks small enough to get through. What the host refuses as such
//! is never tried again; what only the line did is tried again after a while.
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
/// Chunks in a row that arrive before larger ones are tried; after each time that was too early,
/// twice as many.
const GOOD: u32 = 64;

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

/// Whether larger bodies than chunks are tried again: by one blob, since all that try at once are lost at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Trial {
    #[default]
    None,
    /// By the next blob.
    Due,
    /// It is under way.
    Begun,
}

#[derive(Debug)]
struct Learned {
    /// It takes content on the closing PUT.
    takes_whole: bool,
    takes_patch: bool,
    /// Longer bodies were refused as too large.
    most: u64,
    /// What gets through the line at once, where that is little.
    through: Option<u64>,
    /// Lost sessions, and the fewest bytes that one was lost with.
    losses: u32,
    lost_at: u64,
    /// Chunks that arrived since the last loss, and how many there have to be.
    good: u32,
    good_needed: u32,
    /// Chunks go well, and one blob is to find out whether larger bodies do too.
    trial: Trial,
    /// What the host said a chunk must at least be (distribution-spec v1.1 `OCI-Chunk-Min-Length`).
    least: u64,
}

impl Default for Ladder {
    fn default() -> Self {
        Self(Mutex::new(Learned {
            takes_whole: true,
            takes_patch: true,
            most: u64::MAX,
            through: None,
            losses: 0,
            lost_at: u64::MAX,
            good: 0,
            good_needed: GOOD,
            trial: Trial::default(),
            least: 0,
        }))
    }
}

impl Ladder {
    /// How to send the next blob.
    pub(crate) fn now(&self) -> Rung {
        self.with(|learned| {
            if learned.trial != Trial::Due {
                return learned.now();
            }
            learned.trial = Trial::Begun;
            learned.larger()
        })
    }

    /// The host asks for chunks of at least so many bytes.
    pub(crate) fn at_least(&self, bytes: u64) {
        // More than a gibibyte is not meant.
        self.with(|learned| learned.least = bytes.min(1 << 30));
    }

    /// The host refused `tried` as such, or its length. The next one to try, if there is any.
    pub(crate) fn refused(&self, tried: Rung, too_large: bool) -> Option<Rung> {
        self.with(|learned| {
            match tried {
                _ if too_large && !learned.takes_patch => return None,
                Rung::Whole | Rung::Streamed if too_large => learned.most = learned.most.min(MOST_CHUNK),
                Rung::Chunked { size, .. } if too_large && size > LEAST_CHUNK => {
                    learned.most = learned.most.min((size / 2).max(LEAST_CHUNK));
                }
                Rung::Chunked { .. } if too_large => return None,
                // The last way is not given up for good: it may have been this once.
                Rung::Whole if !learned.takes_patch => return None,
                Rung::Whole => learned.takes_whole = false,
                Rung::Streamed | Rung::Chunked { .. } if !learned.takes_whole || learned.most < u64::MAX => {
                    return None;
                }
                Rung::Streamed | Rung::Chunked { .. } => learned.takes_patch = false,
            }
            Some(learned.now())
        })
    }

    /// A session was lost with its connection after `sent` bytes of one request.
    pub(crate) fn lost(&self, tried: Rung, sent: u64) {
        self.with(|learned| {
            learned.losses += 1;
            learned.lost_at = learned.lost_at.min(sent);
            learned.good = 0;
            if learned.through.is_some() && !matches!(tried, Rung::Chunked { .. }) {
                // Too early, if it was the trial; begun before there were chunks, it says nothing new.
                if std::mem::take(&mut learned.trial) == Trial::Begun {
                    learned.good_needed = learned.good_needed.saturating_mul(2);
                }
                return;
            }
            // Sixteen uploads that break at one moment teach one lesson.
            if learned.losses < LOSSES || learned.now() != tried || !learned.takes_patch {
                return;
            }
            if learned.through.is_some() {
                learned.good_needed = learned.good_needed.saturating_mul(2);
            }
            // Half of what was on the way surely left this machine only in part.
            let through = (sent / 2).next_power_of_two() / 2;
            let size = through.clamp(LEAST_CHUNK, MOST_CHUNK).min(tried.step() / 2).max(LEAST_CHUNK);
            learned.through = Some(size);
        });
    }

    /// A blob of `size` bytes arrived in this way.
    pub(crate) fn arrived(&self, tried: Rung, size: u64) {
        self.with(|learned| {
            let Some(through) = learned.through else {
                // As much as was lost gets through: that was bad luck.
                if size >= learned.lost_at {
                    (learned.losses, learned.lost_at) = (0, u64::MAX);
                }
                return;
            };
            if learned.trial == Trial::Begun && tried == learned.larger() {
                // What is smaller than what was lost proves nothing.
                learned.trial = if size >= learned.lost_at { Trial::None } else { Trial::Due };
                if size >= learned.lost_at {
                    // One more loss is enough to come back.
                    (learned.through, learned.losses) = (None, LOSSES - 1);
                }
                return;
            }
            if learned.now() != tried {
                return;
            }
            let chunks = u32::try_from(size / tried.step().max(1)).unwrap_or(u32::MAX);
            learned.good = learned.good.saturating_add(chunks);
            if learned.good >= learned.good_needed {
                learned.good = 0;
                match through * 2 {
                    more if more <= MOST_CHUNK => learned.through = Some(more),
                    _ => learned.trial = Trial::Due,
                }
            }
        });
    }

    fn with<R>(&self, change: impl FnOnce(&mut Learned) -> R) -> R {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Learned {
    fn now(&self) -> Rung {
        let chunk = |size: u64, alone| Rung::Chunked { size: size.min(self.most).max(self.least), alone };
        match self.through {
            _ if !self.takes_patch => Rung::Whole,
            Some(size) => chunk(size, true),
            None => self.larger(),
        }
    }

    /// The way for a line that lets everything through.
    fn larger(&self) -> Rung {
        match self.most {
            most if most < u64::MAX => Rung::Chunked { size: most.max(self.least), alone: false },
            _ if self.takes_whole => Rung::Whole,
            _ => Rung::Streamed,
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
        assert_eq!(rungs.refused(Rung::Streamed, false), None, "neither way is left");
        let rungs = Ladder::default();
        assert_eq!(rungs.refused(Rung::Streamed, false), Some(Rung::Whole), "the ladder goes up, too");
        assert_eq!(rungs.refused(Rung::Whole, true), None, "too large, and there are no chunks");
    }

    #[test]
    fn a_limit_on_bodies_makes_chunks_below_it() {
        let rungs = Ladder::default();
        let chunk = |size| Rung::Chunked { size, alone: false };
        assert_eq!(rungs.refused(Rung::Whole, true), Some(chunk(MOST_CHUNK)));
        assert_eq!(rungs.refused(Rung::Whole, true), Some(chunk(MOST_CHUNK)), "two that found it at once");
        assert_eq!(rungs.refused(chunk(MOST_CHUNK), true), Some(chunk(MOST_CHUNK / 2)));
        assert_eq!(rungs.refused(chunk(LEAST_CHUNK), true), None);
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

    #[test]
    fn a_line_that_is_good_again_gets_larger_chunks_and_whole_blobs_in_the_end() {
        let rungs = Ladder::default();
        rungs.lost(Rung::Whole, 32 << 20);
        rungs.arrived(Rung::Whole, 1 << 20);
        rungs.lost(Rung::Whole, 32 << 20);
        let chunk = |size| Rung::Chunked { size, alone: true };
        assert_eq!(rungs.now(), chunk(4 << 20), "less than was lost proves nothing");
        rungs.arrived(rungs.now(), 1 << 30);
        assert_eq!([rungs.now(), rungs.now()], [Rung::Whole, chunk(4 << 20)], "one blob tries it");
        rungs.lost(Rung::Whole, 32 << 20);
        assert_eq!(rungs.now(), chunk(4 << 20), "that was too early");
        rungs.arrived(rungs.now(), 2 * 64 * (4 << 20));
        assert_eq!(rungs.now(), Rung::Whole, "twice as many chunks later");
        rungs.arrived(Rung::Whole, 1 << 20);
        assert_eq!(rungs.now(), Rung::Whole, "a small one proves nothing, and the next one tries it");
        rungs.arrived(Rung::Whole, 32 << 20);
        assert_eq!([rungs.now(), rungs.now()], [Rung::Whole; 2], "now all do");
        rungs.lost(Rung::Whole, 32 << 20);
        assert_eq!(rungs.now(), chunk(4 << 20), "one more loss is enough");
        for _ in 0..6 {
            rungs.lost(rungs.now(), 256 << 10);
        }
        let small = rungs.now();
        rungs.arrived(small, 63 * small.step());
        assert_eq!(rungs.now(), small, "a few chunks prove nothing");

        let rungs = Ladder::default();
        rungs.lost(Rung::Whole, 32 << 20);
        rungs.arrived(Rung::Whole, 32 << 20);
        rungs.lost(Rung::Whole, 32 << 20);
        assert_eq!(rungs.now(), Rung::Whole, "as much got through in between");
    }
}
