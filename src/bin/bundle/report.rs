//! Standard output: text lines for a person, or one JSON object.

use std::io::{self, Write};

use oci_bundle::store::Referrer;
use oci_bundle::{Error, Result};
use serde_json::Value;

use super::errors::escaped;

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
pub(crate) fn json(value: &Value) -> Result<()> {
    write(format!("{value}\n").as_bytes())
}

/// An error as an object.
pub(crate) fn error(error: &Error) -> Value {
    let mut object = serde_json::json!({ "kind": error.kind().as_str(), "message": error.to_string() });
    if let Some(hint) = error.hint() {
        object["hint"] = hint.into();
    }
    object
}

/// What refers to an image as an object.
pub(crate) fn referrer(referrer: &Referrer) -> Value {
    let Referrer { digest, artifact_type, subject, bytes, .. } = referrer;
    let mut object = serde_json::json!({ "digest": digest, "subject": subject, "bytes": bytes });
    if let Some(kind) = artifact_type {
        object["artifactType"] = kind.as_str().into();
    }
    object
}

/// `3 images`, `1 image`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// A size in bytes for a person.
pub(crate) fn size(bytes: u64) -> String {
    indicatif::BinaryBytes(bytes).to_string()
}

fn write(bytes: &[u8]) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(Error::disk("write", "standard output")(e)),
        _ => Ok(()),
    }
}
