//! Files without a name, for what is needed once: they are gone with whoever uses them, however that ends.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::Error;

/// The directory that such files lie in.
#[derive(Clone, Debug)]
pub(crate) struct Scratch {
    directory: Arc<PathBuf>,
}

impl Scratch {
    /// In this directory; where nobody says, where the system keeps temporary files.
    pub(crate) fn new(directory: Option<&Path>) -> Self {
        Self { directory: Arc::new(directory.map_or_else(std::env::temp_dir, Path::to_owned)) }
    }

    /// One such file, empty. Its errors are ours, and come out of [`Error::from_read`] again.
    ///
    /// # Errors
    /// None can be made there.
    pub(crate) fn file(&self) -> io::Result<ScratchFile> {
        let file = tempfile::tempfile_in(self.directory.as_path()).map_err(|e| self.failed("make a file in")(e))?;
        Ok(ScratchFile { file, scratch: self.clone() })
    }

    /// Where that is, for messages.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    fn failed(&self, doing: &'static str) -> impl FnOnce(io::Error) -> io::Error {
        let directory = self.directory.clone();
        move |e| match e.kind() {
            io::ErrorKind::Interrupted => e,
            _ => Error::disk(doing, directory.as_path())(e).into(),
        }
    }
}

/// A file without a name.
#[derive(Debug)]
pub(crate) struct ScratchFile {
    file: File,
    scratch: Scratch,
}

impl ScratchFile {
    /// The file itself, to be read by position.
    pub(crate) fn into_file(self) -> File {
        self.file
    }
}

impl Read for ScratchFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer).map_err(self.scratch.failed("read a file in"))
    }
}

impl Write for ScratchFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes).map_err(self.scratch.failed("write to"))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for ScratchFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
