//! Shows what goes on: bars on a terminal, a line every few seconds elsewhere.

use std::collections::HashMap;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use oci_bundle::oci::Digest;
use oci_bundle::{Error, Event, Result, Watch};

use super::report;
use super::text::{count, escaped, size};

/// Between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// Blobs from this size (bytes) on get a bar of their own.
const WORTH_A_BAR: u64 = 4 << 20;

/// How much to say.
#[derive(Clone, Copy)]
pub(crate) struct Talk {
    pub(crate) quiet: bool,
    pub(crate) verbose: u8,
    /// Standard output is for one object; report lines are left away.
    pub(crate) json: bool,
}

pub(crate) struct Progress {
    talk: Talk,
    bars: MultiProgress,
    shows: Shows,
    state: Mutex<State>,
    lost: Mutex<Option<Error>>,
    stop: Arc<AtomicUsize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shows {
    Bars,
    Lines,
    Nothing,
}

#[derive(Default)]
struct State {
    phase: &'static str,
    total: u64,
    done: u64,
    started: Option<Instant>,
    last_line: Option<Instant>,
    bar: Option<ProgressBar>,
    blobs: HashMap<Digest, ProgressBar>,
}

impl Progress {
    pub(crate) fn new(mut talk: Talk, off: bool, stop: Arc<AtomicUsize>) -> Self {
        if talk.quiet {
            talk.verbose = 0;
        }
        let terminal = std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|t| t != "dumb");
        let shows = match () {
            () if off || talk.quiet => Shows::Nothing,
            () if terminal => Shows::Bars,
            () => Shows::Lines,
        };
        let target = if shows == Shows::Bars { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self {
            talk,
            bars: MultiProgress::with_draw_target(target),
            shows,
            state: Mutex::default(),
            lost: Mutex::default(),
            stop,
        }
    }

    pub(crate) fn talk(&self) -> Talk {
        self.talk
    }

    /// A line of the report, for a person: standard output, above the bars.
    ///
    /// # Errors
    /// When standard output takes it no more.
    pub(crate) fn say(&self, label: &str, text: &str) -> Result<()> {
        if self.talk.quiet || self.talk.json {
            return Ok(());
        }
        self.bars.suspend(|| report::labelled(label, text))
    }

    /// A line about something that happened just now. Where it cannot be said, the end of the report
    /// cannot be either, and that is an error.
    fn mention(&self, label: &str, text: &str) {
        if let Err(e) = self.say(label, text) {
            self.lost.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(e);
        }
    }

    /// Why a line of the report was lost, if one was.
    pub(crate) fn lost(&self) -> Option<Error> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Takes the bars away.
    pub(crate) fn clear(&self) {
        // Only a terminal that is gone refuses.
        let _ = self.bars.clear();
    }

    fn tell(&self, text: &str) {
        self.bars.suspend(|| {
            // Nobody is left to tell when standard error is closed.
            let _ = writeln!(std::io::stderr().lock(), "{}", escaped(text));
        });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn phase(&self, name: &'static str, items: u64, bytes: u64) {
        let mut state = self.lock();
        if let Some(bar) = state.bar.take() {
            bar.finish_and_clear();
            self.bars.remove(&bar);
        }
        *state = State::default();
        if items == 0 {
            return;
        }
        (state.phase, state.total) = (name, bytes);
        (state.started, state.last_line) = (Some(Instant::now()), Some(Instant::now()));
        if self.shows == Shows::Bars {
            let template = if bytes == 0 {
                "{msg:<10} {spinner}"
            } else {
                "{msg:<10} [{bar:30}] {binary_bytes}/{binary_total_bytes}  {binary_bytes_per_sec}  {eta} left"
            };
            let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = self.bars.add(ProgressBar::new(bytes).with_style(style.progress_chars("━╸ ")).with_message(name));
            bar.enable_steady_tick(Duration::from_millis(250));
            state.bar = Some(bar);
        }
    }

    fn advanced(&self, digest: &Digest, bytes: u64) {
        let mut state = self.lock();
        state.done += bytes;
        if let Some(bar) = &state.bar {
            bar.inc(bytes);
        }
        if let Some(bar) = state.blobs.get(digest) {
            bar.inc(bytes);
        }
        let due = self.shows == Shows::Lines && state.last_line.is_some_and(|at| at.elapsed() >= LINE_EVERY);
        if due {
            state.last_line = Some(Instant::now());
            let seconds = state.started.map_or(1.0, |at| at.elapsed().as_secs_f64()).max(0.001);
            #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let rate = (state.done as f64 / seconds) as u64;
            let (done, total) = (size(state.done), size(state.total));
            let text = format!("{:<10} {done} of {total}, {}/s", state.phase, size(rate));
            drop(state);
            self.tell(&text);
        }
    }

    fn blob_started(&self, digest: &Digest, bytes: u64) {
        if self.talk.verbose > 0 {
            self.tell(&format!("{:<10} {digest}  {}", "blob", size(bytes)));
        }
        if self.shows == Shows::Bars && bytes >= WORTH_A_BAR {
            let style = ProgressStyle::with_template("  {msg}  {binary_bytes}/{binary_total_bytes}");
            let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = self.bars.add(ProgressBar::new(bytes).with_style(style).with_message(digest.short()));
            self.lock().blobs.insert(digest.clone(), bar);
        }
    }

    fn blob_ended(&self, digest: &Digest) {
        if let Some(bar) = self.lock().blobs.remove(digest) {
            bar.finish_and_clear();
            self.bars.remove(&bar);
        }
    }
}

impl Watch for Progress {
    fn on(&self, event: Event<'_>) {
        match event {
            Event::Advanced { digest, bytes } => self.advanced(digest, bytes),
            Event::BlobStarted { digest, size } => self.blob_started(digest, size),
            Event::BlobEnded { digest } => self.blob_ended(digest),
            Event::Image { status: "failed", target, error, .. } => {
                self.mention("failed", target);
                let error = error.filter(|_| !self.talk.json);
                self.bars.suspend(|| error.into_iter().for_each(super::errors::print));
            }
            Event::Image { status, target, digest, .. } => {
                self.mention(status, &format!("{target}  {}", digest.short()));
            }
            Event::Phase { name, items, bytes } => self.phase(name, items, bytes),
            Event::Planned { images, manifests, blobs, bytes, shared } => {
                let [images, manifests, blobs] =
                    [(images, "image"), (manifests, "manifest"), (blobs, "blob")].map(|(n, noun)| count(n, noun));
                let shared = match shared {
                    0 => String::new(),
                    shared => format!(" ({} shared, carried once)", size(shared)),
                };
                self.mention("plan", &format!("{images} · {manifests} · {blobs} · {}{shared}", size(bytes)));
            }
            Event::Learned { host, what } if self.talk.verbose > 0 => {
                self.tell(&format!("{:<10} {host}: {what}", "learned"));
            }
            Event::Repeating { host, reason } if self.talk.verbose > 0 => {
                self.tell(&format!("{:<10} {host}: {reason}", "again"));
            }
            Event::Request { host, line } if self.talk.verbose > 1 => {
                self.tell(&format!("{:<10} {host}: {line}", "request"))
            }
            Event::Resolved { name, digest, platforms, referrers } => {
                let counted = [(platforms.len() as u64, "platform"), (referrers, "referrer")];
                let counted = counted.iter().filter(|(n, _)| *n > 0).map(|(n, noun)| count(*n, noun));
                let parts: Vec<String> = counted.collect();
                let parts = if parts.is_empty() { String::new() } else { format!("  {}", parts.join(", ")) };
                self.mention("resolved", &format!("{name}  {}{parts}", digest.short()));
            }
            Event::Spooling { from, to, most, free } if !self.talk.quiet => {
                let (to, most, free) = (to.display(), size(most), size(free));
                let text = format!("{from} to a temporary file in {to}: at most {most}, {free} free");
                self.tell(&format!("{:<10} {text}", "spooling"));
            }
            Event::Waiting { host, seconds, reason } if !self.talk.quiet => {
                self.tell(&format!("{:<10} {host}: {seconds} s, {reason}", "waiting"));
            }
            Event::Warning { message } if !self.talk.quiet => self.tell(&format!("{:<10} {message}", "warning")),
            _ => {}
        }
    }

    fn stopped(&self) -> Option<i32> {
        match self.stop.load(Ordering::Relaxed) {
            0 => None,
            signal => Some(i32::try_from(signal).unwrap_or(1)),
        }
    }
}
