//! `.NAME.volumes`: which volumes of a bundle are finished, and which of them were handed on, beside them. A finished
//! volume may be moved away before the next one begins, and only this tells that it need not be written again.
//!
//! Text, a line for each thing that happened, each line safe on the drive before anything follows from it.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::partial::{lock, open_own, parent};
use crate::archive::file_system::{self, Folder};
use crate::error::{Error, Result};
use crate::oci::Digest;

/// Far more than the lines of all volumes need, in bytes.
const MOST: u64 = 4 << 20;

/// What became of the volumes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// They are finished.
    pub(crate) written: BTreeSet<u32>,
    /// Whoever takes finished ones has taken them.
    pub(crate) handed_on: BTreeSet<u32>,
}

/// The file, open and locked.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    name: String,
    directory: Folder,
    file: File,
    len: u64,
    progress: Progress,
}

impl Journal {
    /// Opens the journal of a bundle that would be at `output`, which has this digest and so many volumes of this
    /// size, and adds what is known already. What it says of another bundle is forgotten.
    ///
    /// # Errors
    /// Another process is at it, or the directory cannot be written.
    pub(crate) fn open(output: &Path, about: (&Digest, u32, u64), known: &Progress) -> Result<Self> {
        let name = output.file_name().and_then(|n| n.to_str());
        let name = name.ok_or_else(|| Error::usage(format!("{}: not the name of a file", output.display())))?;
        let name = format!(".{name}.volumes");
        let path = output.with_file_name(&name);
        let directory = Folder::open(parent(output)).map_err(Error::typed("open directory", parent(output)))?;
        let file = open_own(&directory, &name, &path)?;
        lock(&file, &path)?;
        let mut text = String::new();
        // What is no text is nothing of ours.
        let read = (&file).take(MOST).read_to_string(&mut text);
        let text = if read.is_ok() { text } else { String::new() };
        let (digest, count, size) = about;
        let head = format!("{digest} {count} {size}\n");
        let mut journal = Self { path, name, directory, file, len: 0, progress: Progress::default() };
        match text.strip_prefix(&head) {
            Some(lines) => {
                journal.len = head.len() as u64;
                for line in lines.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
                    journal.len += line.len() as u64;
                    journal.learn(line.trim_end(), count);
                }
            }
            None => journal.begin(&head)?,
        }
        let there = journal.progress.clone();
        known.written.difference(&there.written).try_for_each(|number| journal.is_written(*number))?;
        known.handed_on.difference(&there.handed_on).try_for_each(|number| journal.is_handed_on(*number))?;
        Ok(journal)
    }

    /// What became of the volumes so far.
    pub(crate) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// This volume is finished.
    ///
    /// # Errors
    /// When the drive fails.
    pub(crate) fn is_written(&mut self, number: u32) -> Result<()> {
        self.add(format!("written {number}\n"))
    }

    /// Whoever takes finished volumes has taken this one.
    ///
    /// # Errors
    /// When the drive fails.
    pub(crate) fn is_handed_on(&mut self, number: u32) -> Result<()> {
        self.add(format!("handed-on {number}\n"))
    }

    /// This volume has to be written again.
    ///
    /// # Errors
    /// When the drive fails.
    pub(crate) fn is_bad(&mut self, number: u32) -> Result<()> {
        self.add(format!("bad {number}\n"))
    }

    /// All is done: nothing needs to be known any more.
    pub(crate) fn remove(self) {
        // Best effort: what stays is about a bundle that is finished.
        let _ = self.directory.remove(&self.name);
    }

    fn learn(&mut self, line: &str, count: u32) {
        let Some((word, number)) = line.split_once(' ') else { return };
        let Some(number) = number.parse().ok().filter(|number| (1..=count).contains(number)) else { return };
        match word {
            "written" => _ = self.progress.written.insert(number),
            "handed-on" => _ = self.progress.handed_on.insert(number),
            "bad" => {
                self.progress.written.remove(&number);
                self.progress.handed_on.remove(&number);
            }
            _ => {}
        }
    }

    fn begin(&mut self, head: &str) -> Result<()> {
        self.file.set_len(0).map_err(self.failed("write"))?;
        self.put(head.as_bytes())?;
        file_system::sync(self.directory.file()).map(drop).map_err(self.failed("sync the directory of"))
    }

    fn add(&mut self, line: String) -> Result<()> {
        self.put(line.as_bytes())?;
        self.learn(line.trim_end(), u32::MAX);
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all_at(bytes, self.len).map_err(self.failed("write"))?;
        self.len += bytes.len() as u64;
        self.file.set_len(self.len).map_err(self.failed("write"))?;
        file_system::sync(&self.file).map(drop).map_err(self.failed("sync"))
    }

    fn failed(&self, doing: &'static str) -> impl FnOnce(io::Error) -> Error + use<> {
        Error::disk(doing, self.path.clone())
    }
}
