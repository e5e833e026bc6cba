//! The coder's one half: a new stream as the difference to an old one.

use std::io::{self, Read, Seek, Write};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::{self, Scope};

use super::chunks::{Chunk, Index};
use super::number;
use super::refusal::Result;
use super::segment::{self, Fresh, MOST_FRESH, MOST_PREFIX, MOST_STEPS, Place, SHORTEST_COPY, Step};
use super::window::Window;

/// What comes next in a difference.
pub(super) const SEGMENT: u8 = 1;
pub(super) const STREAM_ENDS: u8 = 0;
/// Segments that are compressed at once: each takes 32 MiB. Their order is the same for any number.
const WORKERS: usize = 2;

/// Writes `new` as the difference to `old`, where `chunks` are those of `new` and `index` has those of `old`.
pub(super) fn encode<O: Read + Seek, N: Read + Seek, W: Write>(
    old: &mut Window<O>,
    new: &mut Window<N>,
    index: &Index,
    chunks: &[Chunk],
    out: W,
) -> Result<()> {
    thread::scope(|scope| {
        let workers = Workers::start(scope, out);
        let mut segments = Segments { old, new, workers, at: 0, place: Place(0), open: Open::new(Place(0)) };
        let mut at = 0;
        for (hash, length) in chunks {
            let start = at;
            at += u64::from(*length);
            if at <= segments.at {
                continue;
            }
            let near = segments.place.0.saturating_add(start).saturating_sub(segments.at);
            if let Some(found) = index.find(*hash, near) {
                segments.alike(start, found)?;
            }
        }
        let rest = segments.new.length() - segments.at;
        segments.push(Step { fresh: rest, copied: 0, from: 0 })?;
        segments.close()?;
        segments.workers.finish()
    })
}

/// The segment that is being filled.
struct Open {
    begins: Place,
    steps: Vec<Step>,
    fresh: Fresh,
    ranges: Vec<(u64, u64)>,
    prefix: u64,
}

impl Open {
    fn new(begins: Place) -> Self {
        Self { begins, steps: Vec::new(), fresh: Fresh::new(), ranges: Vec::new(), prefix: 0 }
    }
}

struct Segments<'a, O, N, W> {
    old: &'a mut Window<O>,
    new: &'a mut Window<N>,
    workers: Workers<W>,
    /// How much of the new stream is in steps.
    at: u64,
    place: Place,
    open: Open,
}

impl<O: Read + Seek, N: Read + Seek, W: Write> Segments<'_, O, N, W> {
    /// The new stream at `start` may be the old one at `found`: makes a step of all that is the same there.
    fn alike(&mut self, start: u64, found: u64) -> Result<()> {
        let covered = self.at.saturating_sub(start);
        let (start, found) = (start + covered, found + covered);
        let after = self.forward(start, found)?;
        if after == 0 {
            return Ok(());
        }
        let before = self.backward(start, found)?;
        if before + after < SHORTEST_COPY {
            return Ok(());
        }
        self.push(Step { fresh: start - before - self.at, copied: before + after, from: found - before })
    }

    /// How many bytes are the same from there on.
    fn forward(&mut self, mut new: u64, mut old: u64) -> Result<u64> {
        let mut same = 0;
        while new < self.new.length() && old < self.old.length() {
            let (here, there) = (self.new.from(new)?, self.old.from(old)?);
            let most = here.len().min(there.len());
            if most == 0 {
                break;
            }
            let whole = here.get(..most) == there.get(..most);
            let count = if whole { most } else { alike(here.iter(), there.iter()) };
            same += count as u64;
            new += count as u64;
            old += count as u64;
            if !whole {
                break;
            }
        }
        Ok(same)
    }

    /// How many bytes are the same before, as far as no step has them yet.
    fn backward(&mut self, mut new: u64, mut old: u64) -> Result<u64> {
        let mut same = 0;
        while new > self.at && old > 0 {
            let left = usize::try_from(new - self.at).unwrap_or(usize::MAX);
            let (here, there) = (self.new.before(new)?, self.old.before(old)?);
            let most = here.len().min(there.len()).min(left);
            let count = alike(here.iter().rev().take(most), there.iter().rev().take(most));
            same += count as u64;
            new -= count as u64;
            old -= count as u64;
            if count < most || most == 0 {
                break;
            }
        }
        Ok(same)
    }

    fn push(&mut self, mut step: Step) -> Result<()> {
        loop {
            let room = (MOST_FRESH - self.open.fresh.len()) as u64;
            if step.fresh <= room {
                return self.add(step);
            }
            if room > 0 {
                self.add(Step { fresh: room, copied: 0, from: 0 })?;
                step.fresh -= room;
            }
            self.close()?;
        }
    }

    fn add(&mut self, step: Step) -> Result<()> {
        if step.fresh + step.copied == 0 {
            return Ok(());
        }
        let ranges = self.place.prefix(&step, self.old.length());
        let prefix: u64 = ranges.iter().map(|(from, to)| to.saturating_sub(*from)).sum();
        if self.open.prefix + prefix > MOST_PREFIX || self.open.steps.len() >= MOST_STEPS {
            self.close()?;
        }
        let fresh = &mut self.open.fresh;
        self.new.copy(self.at, step.fresh, &mut |bytes| {
            fresh.push(bytes);
            Ok(())
        })?;
        self.open.steps.push(step);
        self.open.ranges.extend(ranges.iter().filter(|(from, to)| from < to));
        self.open.prefix += prefix;
        self.at += step.fresh + step.copied;
        self.place = self.place.after(&step, self.old.length());
        Ok(())
    }

    /// Hands the segment over to be compressed, and begins the next.
    fn close(&mut self) -> Result<()> {
        let open = std::mem::replace(&mut self.open, Open::new(self.place));
        if open.steps.is_empty() {
            return Ok(());
        }
        let steps = segment::write_steps(&open.steps, open.begins, self.old.length());
        let prefix = segment::read_prefix(&open.ranges, self.old)?;
        self.workers.take(Job { steps, fresh: open.fresh, prefix })
    }
}

fn alike<'a>(one: impl Iterator<Item = &'a u8>, other: impl Iterator<Item = &'a u8>) -> usize {
    one.zip(other).take_while(|(one, other)| one == other).count()
}

struct Job {
    steps: Vec<u8>,
    fresh: Fresh,
    prefix: Vec<u8>,
}

impl Job {
    fn written(self) -> Result<Vec<u8>> {
        let mut plain = Fresh::new();
        plain.push(&self.steps);
        let steps = segment::compress(&plain, &[], segment::LEVEL)?;
        let fresh = match self.fresh.len() {
            0 => Vec::new(),
            _ => segment::compress(&self.fresh, &self.prefix, segment::LEVEL)?,
        };
        let mut bytes = vec![SEGMENT];
        for length in [self.steps.len(), steps.len(), self.fresh.len(), fresh.len()] {
            number::put(&mut bytes, length as u64);
        }
        bytes.extend(steps);
        bytes.extend(fresh);
        Ok(bytes)
    }
}

/// Threads that compress segments, taken in turn, so that what comes out is in order.
struct Workers<W> {
    jobs: Vec<SyncSender<Job>>,
    done: Vec<Receiver<Result<Vec<u8>>>>,
    given: usize,
    taken: usize,
    out: W,
}

impl<W: Write> Workers<W> {
    fn start<'scope>(scope: &'scope Scope<'scope, '_>, out: W) -> Self {
        let mut workers = Self { jobs: Vec::new(), done: Vec::new(), given: 0, taken: 0, out };
        for _ in 0..WORKERS {
            let (give, jobs) = mpsc::sync_channel::<Job>(1);
            let (finished, done) = mpsc::sync_channel(1);
            scope.spawn(move || {
                for job in jobs {
                    if finished.send(job.written()).is_err() {
                        break;
                    }
                }
            });
            workers.jobs.push(give);
            workers.done.push(done);
        }
        workers
    }

    fn take(&mut self, job: Job) -> Result<()> {
        if self.given - self.taken == WORKERS {
            self.write_one()?;
        }
        let worker = self.jobs.get(self.given % WORKERS);
        self.given += 1;
        worker.and_then(|worker| worker.send(job).ok()).ok_or_else(ended)
    }

    fn write_one(&mut self) -> Result<()> {
        let done = self.done.get(self.taken % WORKERS).and_then(|done| done.recv().ok()).ok_or_else(ended)?;
        self.taken += 1;
        Ok(self.out.write_all(&done?)?)
    }

    fn finish(mut self) -> Result<()> {
        while self.taken < self.given {
            self.write_one()?;
        }
        Ok(self.out.write_all(&[STREAM_ENDS])?)
    }
}

fn ended() -> super::refusal::Refusal {
    io::Error::other("a thread that compresses has ended").into()
}
