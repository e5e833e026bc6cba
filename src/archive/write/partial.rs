//! `.NAME.partial`, the file that becomes a bundle: opened and locked before anything is fetched, and
//! given its name, or removed, at the end.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::archive::file_system::{self, AtName, Folder};
use crate::error::{Error, NextStep, Result};

/// Times that a file is looked at anew which others finish meanwhile.
const TRIES: usize = 3;

/// The file of a bundle in the making, locked, and the directory it is in, held open.
#[derive(Debug)]
pub(crate) struct Partial {
    /// Where the bundle will be.
    path: PathBuf,
    /// Its name in the directory.
    name: String,
    /// The name of the file meanwhile.
    hidden: String,
    directory: Folder,
    file: File,
    /// An existing bundle may be replaced at the end.
    force: bool,
}

impl Partial {
    /// Makes ready to write to `path`; `force` allows an existing file to be replaced at the end.
    ///
    /// # Errors
    /// The file exists (without `force`) or is no plain file, another process is writing it, or the
    /// directory cannot be written.
    pub(crate) fn open(path: &Path, force: bool) -> Result<Self> {
        for _ in 0..TRIES {
            if let Some(opened) = Self::try_open(path, force)? {
                return Ok(opened);
            }
        }
        Err(in_use(path.to_owned()))
    }

    /// The same; `None` where another process finished this very file meanwhile.
    fn try_open(path: &Path, force: bool) -> Result<Option<Self>> {
        let name = path.file_name().and_then(|n| n.to_str());
        let name = name.ok_or_else(|| Error::usage(format!("{}: not the name of a file", path.display())))?.to_owned();
        let directory = Folder::open(parent(path)).map_err(Error::typed("open directory", parent(path)))?;
        match directory.at_name(&name).map_err(Error::disk("look up", path))? {
            AtName::Nothing => {}
            AtName::File if force => {}
            AtName::File => {
                return Err(refuse(path, "the file exists", NextStep::AllowReplacing));
            }
            other => refuse_all_but_files(path, other)?,
        }
        let hidden = format!(".{name}.partial");
        let hidden_path = path.with_file_name(&hidden);
        let there = directory.at_name(&hidden).map_err(Error::disk("look up", &hidden_path))?;
        refuse_all_but_files(&hidden_path, there)?;
        let file = open_own(&directory, &hidden, &hidden_path)?;
        lock(&file, &hidden_path)?;
        // Between opening and locking, another process may have finished and renamed this very file.
        let now = directory.open_existing(&hidden).map_err(Error::disk("look up", &hidden_path))?;
        let same = now.map_or(Ok(false), |now| file_system::same_file(&file, &now));
        let is_ours = same.map_err(Error::disk("look up", &hidden_path))?;
        Ok(is_ours.then(|| Self { path: path.into(), name, hidden, directory, file, force }))
    }

    /// Where the bundle will be.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The file.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// The directory that it is in.
    pub(crate) fn directory(&self) -> &Folder {
        &self.directory
    }

    /// The name of the file.
    pub(crate) fn hidden(&self) -> &str {
        &self.hidden
    }

    /// Where the file is.
    pub(crate) fn hidden_path(&self) -> PathBuf {
        self.path.with_file_name(&self.hidden)
    }

    /// For `map_err`: a failing operation on the file.
    pub(crate) fn failed(&self, doing: &'static str) -> impl FnOnce(io::Error) -> Error + use<> {
        Error::disk(doing, self.hidden_path())
    }

    /// Opens the file once more, by its name.
    ///
    /// # Errors
    /// When it cannot be, or another file has the name now.
    pub(crate) fn reopened(&self) -> Result<File> {
        let file = self.directory.open_existing(&self.hidden).map_err(self.failed("read back"))?;
        let same = file.map(|file| file_system::same_file(&file, &self.file).map(|same| same.then_some(file)));
        let same = same.transpose().map_err(self.failed("read back"))?.flatten();
        same.ok_or_else(|| self.failed("read back")(io::Error::other("another file is in its place")))
    }

    /// Gives the file the name of the bundle. Whether the drive said that it has the name is the other
    /// half of the answer, once the rename itself is done.
    ///
    /// # Errors
    /// When that name is taken, or the directory is not the one that was opened.
    pub(crate) fn give_name(&self) -> Result<()> {
        if !self.is_still_there().map_err(self.failed("look up"))? {
            let text = "another directory is at its path now: the drive was removed or replaced";
            return Err(self.failed("check")(io::Error::other(text)));
        }
        file_system::open_up(&self.file).map_err(self.failed("set the mode of"))?;
        self.directory.rename(&self.hidden, &self.name, self.force).map_err(Error::disk("rename to", &self.path))
    }

    /// Makes names in the directory safe. False where the file system cannot say so.
    ///
    /// # Errors
    /// When the drive fails.
    pub(crate) fn sync_names(&self) -> Result<bool> {
        // FAT writes a new name without a length and a place, and enters them when the file is synced the next time
        // (Linux 6.1, fs/fat/namei_vfat.c, vfat_rename): until then a yanked drive has an empty file there.
        file_system::sync(&self.file).map_err(Error::disk("sync", &self.path))?;
        file_system::sync(self.directory.file()).map_err(Error::disk("sync the directory of", &self.path))
    }

    /// Removes the file.
    pub(crate) fn remove(&self) {
        // Best effort: what stays is taken up or written over by the next export.
        let _ = self.directory.remove(&self.hidden);
    }

    /// The directory that is at the path now is the one that was opened.
    fn is_still_there(&self) -> io::Result<bool> {
        match Folder::open(parent(&self.path)) {
            Ok(now) => file_system::same_file(now.file(), self.directory.file()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(e),
        }
    }
}

/// Opens a file of ours, or makes it. `path` is for messages.
///
/// # Errors
/// When somebody else has or may have a hand in what is there, or it cannot be opened.
pub(super) fn open_own(directory: &Folder, name: &str, path: &Path) -> Result<File> {
    let opened = directory.open_own(name).map_err(Error::disk("create", path))?;
    opened.map_err(|foreign| Error::refused(format!("{}: {foreign}", path.display()), NextStep::RemoveForeignFile))
}

/// Keeps other processes away from a file; `path` is for messages.
///
/// # Errors
/// When one has it already.
pub(super) fn lock(file: &File, path: &Path) -> Result<()> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(in_use(path.to_owned())),
        Err(TryLockError::Error(e)) => Err(Error::disk("lock", path)(e)),
    }
}

/// The directory that a path is in.
pub(super) fn parent(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Another process holds the lock.
fn in_use(path: PathBuf) -> Error {
    let source = io::Error::other("in use by another bundle process");
    Error::Disk { doing: "lock", path, source }.or_else_do(NextStep::WaitForOther)
}

fn refuse(path: &Path, what: &str, next: NextStep) -> Error {
    Error::Usage { message: format!("{}: {what}", path.display()), next: Some(next) }
}

fn refuse_all_but_files(path: &Path, there: AtName) -> Result<()> {
    match there {
        AtName::Nothing | AtName::File => Ok(()),
        AtName::Directory => Err(refuse(path, "is a directory", NextStep::NameFileInDirectory)),
        AtName::Symlink => Err(refuse(path, "is a symbolic link", NextStep::NameLinkTarget)),
        AtName::Other => Err(refuse(path, "is not a plain file", NextStep::NamePlainFile)),
    }
}
