//! Shows what goes on, to whoever looks: lines at the bottom of a terminal, a line every few seconds
//! elsewhere. What is waited for is always said.

use std::collections::HashMap;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use oci_bundle::{Event, NextStep, Watch};

use super::live::Live;
use super::next_steps::Advice;
use super::report;
use super::report_file;
use super::state::State;
use super::text::{count, escaped, size};

/// Between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// What takes longer than this is announced where there is no terminal.
const WORTH_A_WORD: Duration = Duration::from_secs(1);
/// Between two looks at what goes on.
const TICK: Duration = Duration::from_millis(200);

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
    advice: Advice,
    stop: Arc<AtomicUsize>,
    reloads: Arc<AtomicUsize>,
    screen: Arc<Mutex<Screen>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shows {
    Bars,
    Lines,
    Nothing,
}

/// What goes on and what of it is seen. Whoever prints holds it.
struct Screen {
    shows: Shows,
    state: State,
    live: Live,
    last_line: Instant,
    /// Of each host, how often the request was repeated that was spoken of last, and when.
    retries: HashMap<String, (u32, Instant)>,
    ended: bool,
}

impl Progress {
    pub(crate) fn new(mut talk: Talk, off: bool, advice: Advice, stop: Arc<AtomicUsize>) -> Self {
        if talk.quiet {
            talk.verbose = 0;
        }
        let terminal = std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|t| t != "dumb");
        let shows = match () {
            () if off || talk.quiet => Shows::Nothing,
            () if terminal => Shows::Bars,
            () => Shows::Lines,
        };
        let screen = Arc::new(Mutex::new(Screen {
            shows,
            state: State::default(),
            live: Live::default(),
            last_line: Instant::now(),
            retries: HashMap::new(),
            ended: false,
        }));
        if shows != Shows::Nothing {
            let seen = Arc::downgrade(&screen);
            std::thread::spawn(move || look(&seen));
        }
        Self { talk, advice, stop, reloads: Arc::default(), screen }
    }

    pub(crate) fn talk(&self) -> Talk {
        self.talk
    }

    /// What can be said about errors of this command.
    pub(crate) fn advice(&self) -> &Advice {
        &self.advice
    }

    /// How often somebody asked to read everything anew, to be counted up.
    pub(crate) fn reloads(&self) -> Arc<AtomicUsize> {
        self.reloads.clone()
    }

    /// A line of the report, for a person: standard output, above all that changes.
    pub(crate) fn say(&self, label: &str, text: &str) {
        if !self.talk.quiet {
            self.answer(label, text);
        }
    }

    /// A line that the command was asked for: said to a person even if nothing else is.
    pub(crate) fn answer(&self, label: &str, text: &str) {
        if !self.talk.json {
            self.lock().above(|| report::labelled(label, text));
        }
    }

    /// Takes away what changes, for good.
    pub(crate) fn clear(&self) {
        let mut screen = self.lock();
        screen.ended = true;
        screen.live.clear();
    }

    /// For an end in the middle of things: leaves a clean line, and says how many images are done.
    pub(crate) fn abandon(&self) {
        super::prompt::restore();
        // Whoever holds it may hold it for ever; then there is nothing left to say.
        let Ok(mut screen) = self.screen.try_lock() else { return };
        screen.ended = true;
        screen.live.clear();
        let done = match screen.state.images_done() {
            Some((done, of)) => format!(": {done} of {} done", count(of, "image")),
            None => String::new(),
        };
        let hint = self.advice.about_steps(&[NextStep::GoOn]).unwrap_or_default();
        let mut stderr = std::io::stderr().lock();
        // Nobody is left to tell when standard error is closed.
        let _ = writeln!(stderr, "bundle: interrupted{done}\nhint: {hint}");
    }

    /// A line about what goes on, for a person: standard error.
    pub(crate) fn note(&self, label: &str, text: &str) {
        if !self.talk.quiet {
            self.tell(&format!("{label:<10} {text}"));
        }
    }

    fn tell(&self, text: &str) {
        self.lock().tell(text);
    }

    fn lock(&self) -> MutexGuard<'_, Screen> {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request will be sent again. Of many at once to one host, the first is said.
    fn retry(&self, host: &str, attempt: (u32, u32), wait: Duration, reason: &str) {
        let (number, of) = attempt;
        let when = match wait.as_secs_f64() {
            seconds if seconds < 0.05 => "now".into(),
            seconds if seconds < 1.0 => format!("in {seconds:.1} s"),
            seconds => format!("in {seconds:.0} s"),
        };
        let text = format!("retry {number}/{of} {when}: {host}: {reason}");
        let mut screen = self.lock();
        screen.state.wait(wait.max(Duration::from_secs(1)), text.clone());
        let is_new = screen.retries.get(host).is_none_or(|(said, at)| number > *said || at.elapsed() >= LINE_EVERY);
        if self.talk.quiet || (!is_new && self.talk.verbose == 0) {
            return;
        }
        screen.retries.insert(host.to_owned(), (number, Instant::now()));
        screen.tell(&format!("{:<10} {}", "retry", &text["retry ".len()..]));
    }
}

impl Screen {
    /// Prints something above what changes.
    fn above(&mut self, print: impl FnOnce()) {
        self.live.clear();
        print();
        self.draw();
    }

    fn tell(&mut self, text: &str) {
        self.above(|| {
            // Nobody is left to tell when standard error is closed.
            let _ = writeln!(std::io::stderr().lock(), "{}", escaped(text));
        });
    }

    fn draw(&mut self) {
        if self.shows == Shows::Bars && !self.ended {
            let lines = self.state.lines(Live::room());
            self.live.draw(&lines);
        }
    }

    /// Where no terminal is: a line now and then, and one for what takes longer than a moment.
    fn line_if_due(&mut self) {
        let age = self.state.age();
        let is_new = self.last_line.elapsed() > age;
        let due = if is_new { age >= WORTH_A_WORD } else { self.last_line.elapsed() >= LINE_EVERY };
        if due && !self.state.is_idle() && !self.ended {
            self.last_line = Instant::now();
            let line = self.state.line();
            self.tell(&line);
        }
    }
}

/// Looks at what goes on as long as there is something.
fn look(screen: &Weak<Mutex<Screen>>) {
    loop {
        std::thread::sleep(TICK);
        let Some(screen) = screen.upgrade() else { return };
        let mut screen = screen.lock().unwrap_or_else(PoisonError::into_inner);
        screen.state.tick();
        match screen.shows {
            Shows::Bars => screen.draw(),
            Shows::Lines => screen.line_if_due(),
            Shows::Nothing => return,
        }
    }
}

impl Watch for Progress {
    fn on(&self, event: Event<'_>) {
        match event {
            Event::Advanced { digest, bytes } => self.lock().state.advance(digest, bytes),
            Event::BlobStarted { digest, size: bytes, of } => {
                if self.talk.verbose > 0 {
                    self.tell(&format!("{:<10} {digest}  {}  {of}", "blob", size(bytes)));
                }
                self.lock().state.start_blob(digest, bytes, of);
            }
            Event::BlobEnded { digest } => self.lock().state.end_blob(digest),
            Event::Image { status, target, .. } => {
                self.lock().state.one_more_image();
                if self.talk.verbose > 0 {
                    self.tell(&format!("{status:<10} {target}"));
                }
            }
            Event::Images { done, of } => self.lock().state.images(done, of),
            Event::Phase { name, items, bytes } => {
                let mut screen = self.lock();
                screen.state.begin(name, items, bytes);
                screen.draw();
            }
            Event::Planned { images, manifests, blobs, bytes, shared } => {
                let [images, manifests, blobs] =
                    [(images, "image"), (manifests, "manifest"), (blobs, "blob")].map(|(n, noun)| count(n, noun));
                let shared = match shared {
                    0 => String::new(),
                    shared => format!(" ({} shared, carried once)", size(shared)),
                };
                self.say("plan", &format!("{images} · {manifests} · {blobs} · {}{shared}", size(bytes)));
            }
            Event::Learned { host, what } if self.talk.verbose > 0 => {
                self.tell(&format!("{:<10} {host}: {what}", "learned"));
            }
            Event::Reloaded { images } => self.note("reloaded", &count(images, "image")),
            Event::Repeating { host, reason } if self.talk.verbose > 0 => {
                self.tell(&format!("{:<10} {host}: {reason}", "again"));
            }
            Event::Retrying { host, attempt, wait, reason } => self.retry(host, attempt, wait, reason),
            Event::Request { host, line } if self.talk.verbose > 1 => {
                self.tell(&format!("{:<10} {host}: {line}", "request"))
            }
            Event::Resolved { name, digest, platforms, referrers } => {
                let counted = [(platforms.len() as u64, "platform"), (referrers, "referrer")];
                let counted = counted.iter().filter(|(n, _)| *n > 0).map(|(n, noun)| count(*n, noun));
                let parts: Vec<String> = counted.collect();
                let parts = if parts.is_empty() { String::new() } else { format!("  {}", parts.join(", ")) };
                self.say("resolved", &format!("{name}  {digest}{parts}"));
            }
            Event::Signed { path, key, fingerprint } => {
                report_file::keep_signed(path, key, fingerprint.to_string());
                if self.talk.quiet {
                    return;
                }
                let text = format!("{}  with {}  {fingerprint}", path.display(), key.display());
                self.tell(&format!("{:<10} {text}", "signed"));
            }
            Event::Spooling { from, to, most, free } if !self.talk.quiet => {
                let (to, most, free) = (to.display(), size(most), size(free));
                let text = format!("{from} to a temporary file in {to}: at most {most}, {free} free");
                self.tell(&format!("{:<10} {text}", "spooling"));
            }
            Event::Volume { path, number, count, bytes, state } => {
                self.say("volume", &format!("{number} of {count}  {}  {}  ({state})", path.display(), size(bytes)));
            }
            Event::Waiting { host, seconds, reason } => {
                let until = clock_after(seconds);
                let mut screen = self.lock();
                let text = format!("paused until {until}: {host}: {reason}");
                screen.state.wait(Duration::from_secs(seconds), text);
                if !self.talk.quiet {
                    screen.tell(&format!("{:<10} {host}: {seconds} s, until {until}: {reason}", "waiting"));
                }
            }
            Event::Warning { message } if !self.talk.quiet => self.tell(&format!("{:<10} {message}", "warning")),
            _ => {}
        }
    }

    fn reloads(&self) -> usize {
        self.reloads.load(Ordering::Relaxed)
    }

    fn stopped(&self) -> Option<i32> {
        match self.stop.load(Ordering::Relaxed) {
            0 => None,
            signal => Some(i32::try_from(signal).unwrap_or(1)),
        }
    }
}

/// What the clock shows so many seconds from now.
fn clock_after(seconds: u64) -> String {
    let wait = jiff::SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    let now = jiff::Timestamp::now();
    now.checked_add(wait).unwrap_or(now).strftime("%H:%M:%S UTC").to_string()
}
