//! What goes on right now, and the lines that say so in as many columns as there are.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use oci_bundle::oci::Digest;

use super::text::{count, cut, escaped, size};

/// Blobs from this size (bytes) on get a line of their own.
const WORTH_A_LINE: u64 = 4 << 20;
/// Lines for blobs at most.
const MOST_LINES: usize = 4;
/// Rows of a window that are left to what was printed.
const ROWS_LEFT: usize = 6;
/// Nothing moved for so long: that is said.
const STALLED: Duration = Duration::from_secs(5);
/// The rate is that of about the last so many seconds.
const WINDOW: f64 = 8.0;
/// Columns of the bar.
const BAR: std::ops::RangeInclusive<usize> = 8..=30;

/// A blob under way.
struct Blob {
    size: u64,
    done: u64,
    of: String,
    started: Instant,
}

/// A wait that is not over, in words.
struct Waiting {
    until: Instant,
    text: String,
}

/// What goes on.
pub(crate) struct State {
    phase: &'static str,
    items: u64,
    items_done: u64,
    total: u64,
    done: u64,
    images: Option<(u64, u64)>,
    started: Instant,
    advanced: Instant,
    /// Bytes in a second, and when that was reckoned from how many bytes.
    rate: f64,
    reckoned: (Instant, u64),
    blobs: BTreeMap<Digest, Blob>,
    waiting: Option<Waiting>,
}

impl Default for State {
    fn default() -> Self {
        let now = Instant::now();
        Self {
            phase: "",
            items: 0,
            items_done: 0,
            total: 0,
            done: 0,
            images: None,
            started: now,
            advanced: now,
            rate: 0.0,
            reckoned: (now, 0),
            blobs: BTreeMap::new(),
            waiting: None,
        }
    }
}

impl State {
    /// Another phase begins; none, if there is nothing in it.
    pub(crate) fn begin(&mut self, phase: &'static str, items: u64, bytes: u64) {
        let phase = if items == 0 { "" } else { phase };
        let (images, waiting) = (self.images.take(), self.waiting.take());
        *self = Self { phase, items, total: bytes, images, waiting, ..Self::default() };
    }

    /// So many images are done of so many.
    pub(crate) fn images(&mut self, done: u64, of: u64) {
        self.images = Some((done, of));
    }

    /// One more image is done, one way or the other.
    pub(crate) fn one_more_image(&mut self) {
        if let Some((done, of)) = &mut self.images {
            *done = (*done + 1).min(*of);
        }
    }

    /// Something is waited for.
    pub(crate) fn wait(&mut self, long: Duration, text: String) {
        let until = Instant::now() + long;
        // The longest wait is the one that holds things up.
        if self.waiting.as_ref().is_none_or(|waiting| waiting.until < until) {
            // What is drawn goes to the terminal as it is, and the reason is the registry's.
            self.waiting = Some(Waiting { until, text: escaped(&text) });
        }
    }

    pub(crate) fn advance(&mut self, digest: &Digest, bytes: u64) {
        self.done += bytes;
        self.advanced = Instant::now();
        if let Some(blob) = self.blobs.get_mut(digest) {
            blob.done += bytes;
        }
    }

    pub(crate) fn start_blob(&mut self, digest: &Digest, size: u64, of: &str) {
        let blob = Blob { size, done: 0, of: of.to_owned(), started: Instant::now() };
        self.blobs.insert(digest.clone(), blob);
    }

    pub(crate) fn end_blob(&mut self, digest: &Digest) {
        if self.blobs.remove(digest).is_some() {
            self.items_done += 1;
            self.advanced = Instant::now();
        }
    }

    /// Whether anything is going on that can be shown.
    pub(crate) fn is_idle(&self) -> bool {
        self.phase.is_empty()
    }

    /// Done and all of the images, as far as they are counted.
    pub(crate) fn images_done(&self) -> Option<(u64, u64)> {
        self.images
    }

    /// How long this phase has been going on.
    pub(crate) fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// Reckons the rate anew, and forgets waits that are over; called a few times in a second.
    pub(crate) fn tick(&mut self) {
        self.waiting.take_if(|waiting| waiting.until <= Instant::now());
        let (at, bytes) = self.reckoned;
        let seconds = at.elapsed().as_secs_f64();
        if seconds < 0.2 {
            return;
        }
        #[allow(clippy::cast_precision_loss)]
        let now = self.done.saturating_sub(bytes) as f64 / seconds;
        // Before the window is full, the mean since the start.
        let weight = (seconds / self.age().as_secs_f64().clamp(seconds, WINDOW)).min(1.0);
        self.rate += weight * (now - self.rate);
        self.reckoned = (Instant::now(), self.done);
    }

    /// The line for the whole, and those for what is waited for and for large blobs, in a window of so
    /// many columns and rows.
    pub(crate) fn lines(&self, (columns, rows): (usize, usize)) -> Vec<String> {
        if self.is_idle() {
            return Vec::new();
        }
        let mut lines = vec![self.whole(columns)];
        lines.extend(self.waiting.as_ref().map(|waiting| cut(&format!("  {}", escaped(&waiting.text)), columns)));
        let room = rows.saturating_sub(ROWS_LEFT + lines.len()).min(MOST_LINES);
        let mut large: Vec<(&Digest, &Blob)> = self.blobs.iter().filter(|(_, b)| b.size >= WORTH_A_LINE).collect();
        large.sort_by_key(|(_, blob)| blob.started);
        lines.extend(large.into_iter().take(room).map(|(digest, blob)| cut(&blob_line(digest, blob), columns)));
        lines
    }

    /// The same for where no terminal is: one line, as long as it takes.
    pub(crate) fn line(&self) -> String {
        let mut parts = match self.total {
            0 => vec![self.resting()],
            _ => vec![format!("{} of {}, {}/s", size(self.done), size(self.total), self.shown_rate())],
        };
        parts.extend(self.counts());
        if self.total > 0 && self.is_stalled() {
            parts.push(self.time());
        }
        format!("{:<10} {}", self.phase, parts.join(", "))
    }

    fn whole(&self, columns: usize) -> String {
        let label = format!("{:<10} ", self.phase);
        if self.total == 0 {
            return cut(&format!("{label}{}", self.resting()), columns);
        }
        // In the order of what one would rather do without.
        let mut parts: Vec<(u8, String)> = vec![(1, amount(self.done, self.total)), (2, self.time())];
        parts.extend(self.counts().into_iter().zip([3, 4]).map(|(text, rank)| (rank, text)));
        if !self.is_stalled() {
            parts.push((5, format!("{}/s", self.shown_rate())));
        }
        let time = 2 + self.time().chars().count();
        if label.len() + parts[0].1.chars().count() + time + 2 > columns {
            parts[0].1 = format!("{} %", u128::from(self.done.min(self.total)) * 100 / u128::from(self.total));
        }
        let width = |parts: &[(u8, String)]| parts.iter().map(|(_, text)| text.chars().count() + 2).sum::<usize>();
        while parts.len() > 1 && label.len() + width(&parts) > columns {
            let least = parts.iter().map(|(rank, _)| *rank).max().unwrap_or_default();
            parts.retain(|(rank, _)| *rank != least);
        }
        let left = columns.saturating_sub(label.len() + width(&parts) + 2);
        let bar = if left < *BAR.start() { String::new() } else { format!("{}  ", self.bar(left.min(*BAR.end()))) };
        let texts: Vec<String> = parts.into_iter().map(|(_, text)| text).collect();
        cut(&format!("{label}{bar}{}", texts.join("  ")), columns)
    }

    fn bar(&self, columns: usize) -> String {
        let full = u128::from(self.done.min(self.total)) * columns as u128 / u128::from(self.total.max(1));
        let full = usize::try_from(full).unwrap_or(columns);
        let head = if full < columns { "╸" } else { "" };
        format!("[{:<columns$}]", format!("{}{head}", "━".repeat(full)))
    }

    /// How many blobs and images are done.
    fn counts(&self) -> Vec<String> {
        let blobs = (self.total > 0).then(|| format!("blobs {}/{}", self.items_done, self.items));
        let images = self.images.map(|(done, of)| format!("images {done}/{of}"));
        blobs.into_iter().chain(images).collect()
    }

    /// What a phase without bytes is about.
    fn resting(&self) -> String {
        let noun = match self.phase {
            "resolving" => "image",
            "checking" => "piece of content",
            _ => return format!("{} s", self.age().as_secs()),
        };
        let counted = if noun == "image" { count(self.items, noun) } else { plural(self.items) };
        match self.age().as_secs() {
            0 | 1 => format!("{counted}…"),
            seconds => format!("{counted}… {seconds} s"),
        }
    }

    fn is_stalled(&self) -> bool {
        self.advanced.elapsed() >= STALLED
    }

    /// The time that is left, or for how long nothing has moved.
    fn time(&self) -> String {
        if self.is_stalled() {
            return format!("stalled {} s", self.advanced.elapsed().as_secs());
        }
        let left = self.total.saturating_sub(self.done);
        if self.rate < 1.0 {
            return "--:-- left".into();
        }
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let seconds = (left as f64 / self.rate).ceil() as u64;
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        if hours > 0 {
            format!("{hours}:{minutes:02}:{seconds:02} left")
        } else {
            format!("{minutes}:{seconds:02} left")
        }
    }

    fn shown_rate(&self) -> String {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        size(self.rate as u64)
    }
}

fn plural(pieces: u64) -> String {
    if pieces == 1 { "1 piece of content".into() } else { format!("{pieces} pieces of content") }
}

fn blob_line(digest: &Digest, blob: &Blob) -> String {
    let of = if blob.of.is_empty() { String::new() } else { format!("  {}", escaped(&blob.of)) };
    format!("  {}  {}{of}", digest.short(), amount(blob.done, blob.size))
}

/// `1.02/1.31 GiB`, or with two units where they differ.
fn amount(done: u64, all: u64) -> String {
    let (done, all) = (size(done), size(all));
    match (done.split_once(' '), all.split_once(' ')) {
        (Some((number, unit)), Some((_, other))) if unit == other => format!("{number}/{all}"),
        _ => format!("{done}/{all}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn busy() -> State {
        let mut state = State::default();
        state.images(2, 3);
        state.begin("fetching", 25, 1_406_402_560);
        let digest: Digest = format!("sha256:{}", "1c4c".repeat(16)).parse().expect("a digest");
        state.start_blob(&digest, 80 << 20, "quay.io/a-team/with-a-long-name/app:1.4.2-rc.1+build.7000");
        state.advance(&digest, 700_000_000);
        state.rate = 212e6;
        state.wait(Duration::from_secs(4), "retry 2/5 in 4 s: registry.example:5000: connection refused".into());
        state
    }

    #[test]
    fn what_a_registry_said_is_drawn_harmless_and_without_secrets() {
        let mut state = busy();
        drop(oci_bundle::registry::Secret::from("kq9-secret".to_owned()));
        let reason = "retry 2/5 in 9 s: r.example:5000: \u{1b}[2J503 kq9-secret".to_owned();
        state.wait(Duration::from_secs(9), reason);
        let lines = state.lines((200, 40)).join("\n");
        assert!(lines.contains("\\u{1b}[2J503 ***"), "{lines}");
    }

    #[test]
    fn every_line_fits_whatever_the_width_is() {
        for columns in 19..=200 {
            for line in busy().lines((columns, 24)) {
                assert!(line.chars().count() <= columns, "{columns}: {line}");
            }
        }
    }

    #[test]
    fn what_a_registry_says_moves_no_cursor() {
        let mut state = busy();
        state.wait(Duration::from_secs(9), "paused: registry.example: \u{1b}[2J\u{9b}A\u{202e}".into());
        let lines = state.lines((200, 24)).concat();
        assert!(lines.contains("\\u{1b}[2J\\u{9b}A\\u{202e}") && !lines.contains(['\u{1b}', '\u{9b}', '\u{202e}']));
    }

    #[test]
    fn at_eighty_columns_the_bar_the_bytes_the_time_blobs_and_images_are_there() {
        let lines = busy().lines((79, 24));
        assert!(lines[0].contains('━') || lines[0].contains('╸'), "{}", lines[0]);
        for wanted in ["fetching", "/1.31 GiB", " left", "blobs 0/25", "images 2/3"] {
            assert!(lines[0].contains(wanted), "{wanted}: {}", lines[0]);
        }
        assert_eq!(lines[1], "  retry 2/5 in 4 s: registry.example:5000: connection refused");
        assert!(lines[2].contains("sha256:") && lines[2].contains("quay.io/a-team"), "{}", lines[2]);
    }

    #[test]
    fn at_forty_columns_the_share_and_the_time_are_there() {
        let lines = busy().lines((39, 24));
        assert!(lines[0].contains("49 %") && lines[0].contains("left"), "{}", lines[0]);
    }

    #[test]
    fn what_does_not_move_is_called_stalled_and_has_no_time_left() {
        let mut state = busy();
        state.advanced = Instant::now().checked_sub(Duration::from_secs(12)).expect("a machine that is up for long");
        for line in [state.whole(79), state.line()] {
            assert!(line.contains("stalled 12 s") && !line.contains("left"), "{line}");
        }
    }

    #[test]
    fn what_is_resolved_is_counted() {
        let mut state = State::default();
        state.begin("resolving", 3, 0);
        assert_eq!(state.whole(79), "resolving  3 images…");
        state.begin("resolving", 1, 0);
        assert_eq!(state.line(), "resolving  1 image…");
    }

    #[test]
    fn in_a_low_window_the_lines_of_blobs_give_way() {
        assert_eq!(busy().lines((79, 5)).len(), 2);
        assert_eq!(busy().lines((79, 24)).len(), 3);
    }
}
