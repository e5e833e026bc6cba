//! Standard output: text lines for a person, or one JSON object. Where it takes no more, that is
//! kept, and becomes an error at the end: the work itself is not concerned.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use oci_bundle::Error;
use oci_bundle::registry::redacted_json;
use serde::Serialize;

use super::escape::harmless_json;
use super::report_file;
use super::text::escaped;

/// Why some of the output was lost: there is one standard output.
static LOST: Mutex<Option<Error>> = Mutex::new(None);

/// Prints all of these at once: a thousand images are three thousand lines.
pub(crate) fn lines(texts: &[String]) {
    write(texts.iter().map(|text| format!("{}\n", escaped(text))).collect::<String>().as_bytes());
}

/// Prints a document of many lines, in which everything from outside is harmless already.
pub(crate) fn document(text: &str) {
    write(text.as_bytes());
}

/// Prints `label` in its column and then `text`.
pub(crate) fn labelled(label: &str, text: &str) {
    write(format!("{}\n", escaped(&format!("{label:<10} {text}"))).as_bytes());
}

/// A report, and how the command failed, as one object.
#[derive(Serialize)]
struct Whole<'a, T, E> {
    #[serde(flatten)]
    report: Option<&'a T>,
    #[serde(flatten)]
    ended: Option<E>,
}

/// Prints the one object: a report, and how the command failed.
pub(crate) fn json<T: Serialize, E: Serialize>(report: Option<&T>, ended: Option<E>) {
    match serde_json::to_string(&Whole { report, ended }) {
        Ok(text) => write(format!("{}\n", harmless_json(&redacted_json(&text))).as_bytes()),
        Err(e) => lose(Error::content(e.to_string())),
    }
}

/// What a command ends with: kept for `--report`, and printed where JSON is wanted.
pub(crate) fn ended<T: Serialize, E: Serialize>(prints: bool, report: Option<&T>, ended: Option<E>) {
    let whole = Whole { report, ended };
    if report_file::is_wanted() {
        match serde_json::to_value(&whole) {
            Ok(object) => report_file::keep(object),
            Err(e) => lose(Error::content(e.to_string())),
        }
    }
    if prints {
        json(whole.report, whole.ended);
    }
}

/// The reports of several bundles: the only one as it is, else all in one object.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Reports<T> {
    One(T),
    Several { bundles: Vec<T> },
}

impl<T> Reports<T> {
    /// Of so many bundles, those that there is something to say of.
    pub(crate) fn of(asked: usize, mut reports: Vec<T>) -> Option<Self> {
        match reports.len() {
            0 => None,
            1 if asked == 1 => reports.pop().map(Self::One),
            _ => Some(Self::Several { bundles: reports }),
        }
    }
}

/// Why some of the output was lost, if some was.
pub(crate) fn lost() -> Option<Error> {
    LOST.lock().unwrap_or_else(PoisonError::into_inner).take()
}

fn lose(error: Error) {
    LOST.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
}

fn write(bytes: &[u8]) {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        // A reader that went away has seen what it wanted.
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => lose(Error::disk("write", "standard output")(e)),
        _ => {}
    }
}
