//! Standard output: text lines for a person, or one JSON object.

use std::io::{self, Write};

use oci_bundle::registry::redacted_json;
use oci_bundle::{Error, Result};
use serde::Serialize;

use super::escape::harmless_json;
use super::text::escaped;

/// Prints one line; a reader that went away is content.
pub(crate) fn line(text: &str) -> Result<()> {
    write(format!("{}\n", escaped(text)).as_bytes())
}

/// Prints all of these at once: a thousand images are three thousand lines.
pub(crate) fn lines(texts: &[String]) -> Result<()> {
    write(texts.iter().map(|text| format!("{}\n", escaped(text))).collect::<String>().as_bytes())
}

/// Prints `label` in its column and then `text`.
pub(crate) fn labelled(label: &str, text: &str) -> Result<()> {
    line(&format!("{label:<10} {text}"))
}

/// Prints one object.
pub(crate) fn json(report: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string(report).map_err(|e| Error::content(e.to_string()))?;
    write(format!("{}\n", harmless_json(&redacted_json(&text))).as_bytes())
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

fn write(bytes: &[u8]) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(Error::disk("write", "standard output")(e)),
        _ => Ok(()),
    }
}
