//! The file that `--report` names: what came of the command, for those who file what crossed. It holds the one JSON
//! object, whether that was shown or not, with what belongs around it, and is written also where the command failed.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use clap::Args;
use jiff::Timestamp;
use oci_bundle::registry::redacted_json;
use oci_bundle::report::ReportPlace;
use oci_bundle::{Error, Result};
use serde::Serialize;
use serde_json::Value;

use super::escape::harmless_json;

#[cfg(test)]
mod schema;

/// The version of the document.
const VERSION: u64 = 1;

/// Somebody wants a report: without one, nothing is kept.
static WANTED: AtomicBool = AtomicBool::new(false);
/// What came of the command so far: there is one command.
static KEPT: Mutex<Option<Value>> = Mutex::new(None);
/// Who has signed what was read.
static SIGNED: Mutex<Vec<SignedBundle>> = Mutex::new(Vec::new());

/// What every command takes that moves or checks something.
#[derive(Args, Clone, Default)]
pub(crate) struct ReportArgs {
    /// Write the result into this file as JSON, also when the command fails: a record to keep
    #[arg(long, value_name = "FILE", help_heading = None::<&str>, env = "BUNDLE_REPORT")]
    pub(crate) report: Option<PathBuf>,
}

/// That a key has signed a bundle.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct SignedBundle {
    /// The bundle.
    bundle: PathBuf,
    /// The file with the public key.
    key: PathBuf,
    /// sha256 of that key's DER.
    fingerprint: String,
}

/// What stands around the command's own object.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct Document {
    /// The version of this document: 1.
    bundle_report: u64,
    /// What was run: `export`, `import`, `copy`, `verify`, `check`, `pack` or `inventory`.
    command: String,
    /// The version of the program.
    version: String,
    /// When it began, in UTC (RFC 3339).
    began: String,
    /// When it ended.
    ended: String,
    /// The exit status.
    exit_status: u8,
    /// The bundles whose signatures were looked at, and found to be by a required key.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    signed: Vec<SignedBundle>,
    /// The object that `--format json` prints.
    #[serde(flatten)]
    #[cfg_attr(test, schemars(skip))]
    object: Value,
}

/// A report that is to be written.
pub(crate) struct ReportFile {
    place: ReportPlace,
    command: &'static str,
    began: Timestamp,
}

impl ReportFile {
    /// Makes ready to write it, before anything is done.
    ///
    /// # Errors
    /// It cannot be written there, or something else is there.
    pub(crate) fn open(path: &Path, command: &'static str) -> Result<Self> {
        let file = Self { place: ReportPlace::open(path)?, command, began: Timestamp::now() };
        WANTED.store(true, Ordering::Relaxed);
        Ok(file)
    }

    /// Writes it.
    ///
    /// # Errors
    /// The drive takes no more.
    pub(crate) fn write(self, exit_status: u8) -> Result<()> {
        let kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner).take();
        let document = Document {
            bundle_report: VERSION,
            command: self.command.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            began: seconds(self.began),
            ended: seconds(Timestamp::now()),
            exit_status,
            signed: std::mem::take(&mut SIGNED.lock().unwrap_or_else(PoisonError::into_inner)),
            object: kept.unwrap_or_else(|| Value::Object(serde_json::Map::new())),
        };
        let text = serde_json::to_string(&document).map_err(|e| Error::content(e.to_string()))?;
        self.place.write(format!("{}\n", harmless_json(&redacted_json(&text))).as_bytes())
    }
}

/// Without the parts of a second, which nobody files.
fn seconds(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).unwrap_or(time).to_string()
}

/// Whether somebody wants a report.
pub(crate) fn is_wanted() -> bool {
    WANTED.load(Ordering::Relaxed)
}

/// Keeps what came of the command.
pub(crate) fn keep(object: Value) {
    *KEPT.lock().unwrap_or_else(PoisonError::into_inner) = Some(object);
}

/// Keeps that somebody has signed a bundle.
pub(crate) fn keep_signed(bundle: &Path, key: &Path, fingerprint: String) {
    let signed = SignedBundle { bundle: bundle.to_owned(), key: key.to_owned(), fingerprint };
    SIGNED.lock().unwrap_or_else(PoisonError::into_inner).push(signed);
}
