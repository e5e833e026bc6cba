//! Where the report of a command goes: written whole, or not at all.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::archive::DocumentPlace;
use crate::error::{Error, NextStep, Result};

/// What every report begins with, so that one is known again.
const BEGINNING: &[u8] = b"{\"bundleReport\":";

/// A place for a report. An older report there is replaced at the end; nothing else ever is.
#[derive(Debug)]
pub struct ReportPlace {
    path: PathBuf,
    place: DocumentPlace,
}

impl ReportPlace {
    /// Makes ready to write it.
    ///
    /// # Errors
    /// Something else is there, or nothing can be written there.
    pub fn open(path: &Path) -> Result<Self> {
        check_replaceable(path)?;
        Ok(Self { path: path.to_owned(), place: DocumentPlace::open(path, true)? })
    }

    /// Writes it. On failure the path is as it was before.
    ///
    /// # Errors
    /// The drive fails, or the command has put something else there meanwhile.
    pub fn write(self, report: &[u8]) -> Result<()> {
        if let Err(error) = check_replaceable(&self.path) {
            self.place.give_up();
            return Err(error);
        }
        self.place.write(report).map(drop)
    }
}

/// That nothing is there, or an older report.
fn check_replaceable(path: &Path) -> Result<()> {
    let mut start = Vec::new();
    match File::open(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(Error::disk("open", path)(e)),
        Ok(file) if file.metadata().is_ok_and(|there| there.is_file()) => {
            file.take(BEGINNING.len() as u64).read_to_end(&mut start).map_err(Error::disk("read", path))?;
        }
        Ok(_) => {}
    }
    if start == BEGINNING {
        return Ok(());
    }
    let message = format!("{}: the file exists and is not a report, so it is not replaced", path.display());
    Err(Error::Usage { message, next: Some(NextStep::CheckPath) })
}
