//! A small file, written as safely as a bundle: beside its place, synced, and given its name at the end.

use std::os::unix::fs::FileExt;
use std::path::Path;

use super::partial::Partial;
use crate::archive::file_system;
use crate::error::Result;

/// A place for a small file, locked before there is anything to write.
#[derive(Debug)]
pub(crate) struct DocumentPlace(Partial);

impl DocumentPlace {
    /// Makes ready to write to `path`; `force` allows an existing file to be replaced at the end.
    ///
    /// # Errors
    /// The file exists (without `force`) or is no plain file, another process is writing it, or the directory cannot
    /// be written.
    pub(crate) fn open(path: &Path, force: bool) -> Result<Self> {
        Partial::open(path, force).map(Self)
    }

    /// Writes it. On failure the path is as it was before. True if the drive said that it has it.
    ///
    /// # Errors
    /// When the drive fails, or takes no more.
    pub(crate) fn write(self, bytes: &[u8]) -> Result<bool> {
        let Self(partial) = &self;
        let write = || -> Result<bool> {
            partial.file().set_len(0).map_err(partial.failed("write"))?;
            partial.file().write_all_at(bytes, 0).map_err(partial.failed("write"))?;
            let synced = file_system::sync(partial.file()).map_err(partial.failed("sync"))?;
            partial.give_name()?;
            Ok(synced & partial.sync_names()?)
        };
        let written = write();
        if written.is_err() {
            partial.remove();
        }
        written
    }

    /// Goes away without a file.
    pub(crate) fn give_up(self) {
        self.0.remove();
    }
}
