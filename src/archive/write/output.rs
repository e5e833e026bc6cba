//! A place for a bundle: checked and locked before anything is fetched, `.NAME.partial` beside it
//! taken up where an earlier export left it, and given its name at the end.

use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::archive::file_system::{self, Directory, FileSystem, Standing};
use crate::archive::format::layout::Layout;
use super::resume;
use super::standing::Stands;
use super::writer::Writer;
use crate::error::{Error, Result};
use crate::oci::Digest;
use crate::store::Watch;

/// A place for a bundle, locked.
#[derive(Debug)]
pub struct Output {
    pub(crate) path: PathBuf,
    pub(crate) name: String,
    pub(crate) partial: String,
    pub(crate) directory: Directory,
    pub(crate) file: File,
    pub(crate) force: bool,
    /// The partial file holds something that the next export can use.
    worth_keeping: bool,
}

/// What a failed export leaves for the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Where it is.
    pub path: PathBuf,
    /// How many bytes of how many of the content; `None` as long as nobody has looked.
    pub bytes: Option<(u64, u64)>,
}

/// Why a bundle was not written, and what is left of it.
#[derive(Debug)]
pub struct Stopped {
    /// What went wrong.
    pub error: Box<Error>,
    /// What the next export can go on from.
    pub kept: Option<Kept>,
}

impl Stopped {
    pub(crate) fn new(error: Error, kept: Option<Kept>) -> Self {
        Self { error: Box::new(error), kept }
    }
}

impl Output {
    /// Makes ready to write to `path`; `force` allows an existing file to be replaced at the end.
    ///
    /// # Errors
    /// The file exists (without `force`) or is no plain file, another process is writing it, or the
    /// directory cannot be written.
    pub fn open(path: &Path, force: bool) -> Result<Self> {
        let name = path.file_name().and_then(|n| n.to_str());
        let name = name.ok_or_else(|| Error::usage(format!("{}: not the name of a file", path.display())))?.to_owned();
        let directory = Directory::open(parent(path)).map_err(Error::typed("open directory", parent(path)))?;
        match directory.standing(&name).map_err(Error::disk("look up", path))? {
            Standing::Nothing => {}
            Standing::File if force => {}
            Standing::File => {
                return Err(refuse(
                    path,
                    "the file exists",
                    "use --force to replace it once the new bundle is complete",
                ));
            }
            other => refuse_all_but_files(path, other)?,
        }
        let partial = format!(".{name}.partial");
        let partial_path = path.with_file_name(&partial);
        let there = directory.standing(&partial).map_err(Error::disk("look up", &partial_path))?;
        refuse_all_but_files(&partial_path, there)?;
        let open = || directory.open_file(&partial).map_err(Error::disk("create", &partial_path));
        let file = open()?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::Disk {
                    doing: "lock",
                    path: partial_path,
                    source: io::Error::other("in use by another bundle process"),
                });
            }
            Err(TryLockError::Error(e)) => return Err(Error::disk("lock", partial_path)(e)),
        }
        // Between opening and locking, another process may have finished and renamed this very file.
        if !file_system::same_file(&file, &open()?).map_err(Error::disk("look up", &partial_path))? {
            return Err(refuse(path, "was just written by another bundle process", "run the command again"));
        }
        let worth_keeping = file.metadata().map_err(Error::disk("look up", &partial_path))?.len() > 0;
        Ok(Self { path: path.into(), name, partial, directory, file, force, worth_keeping })
    }

    /// Checks that a bundle of this layout fits, takes up the room, and finds out what of it is
    /// there already.
    ///
    /// # Errors
    /// Not enough room, longer than a file can be there, or a failing drive.
    pub fn begin(self, layout: Layout, jobs: usize, watch: &dyn Watch) -> Result<Writer, Stopped> {
        match FileSystem::of(&self.file) {
            Ok(system) => self.begin_on(system, layout, jobs, watch),
            Err(e) => {
                let error = self.in_partial("look at the file system of")(e);
                Err(Stopped::new(error, self.give_up()))
            }
        }
    }

    /// The same on a file system that is said to be like this.
    pub(crate) fn begin_on(
        mut self,
        system: FileSystem,
        layout: Layout,
        jobs: usize,
        watch: &dyn Watch,
    ) -> Result<Writer, Stopped> {
        match self.prepare(system, &layout, jobs, watch) {
            Ok(held) => Ok(Writer::new(self, layout, system, held)),
            Err(error) => Err(Stopped::new(error, self.give_up())),
        }
    }

    fn prepare(
        &mut self,
        system: FileSystem,
        layout: &Layout,
        jobs: usize,
        watch: &dyn Watch,
    ) -> Result<HashMap<Digest, Stands>> {
        let needed = layout.len();
        if let Some(limit) = system.file_limit.filter(|limit| needed > *limit) {
            return Err(Error::FileLimit { path: self.path.clone(), needed, limit });
        }
        let own = file_system::allocated(&self.file).map_err(self.in_partial("look up"))?;
        let free = system.free.saturating_add(own);
        if needed > free {
            return Err(Error::NoSpace { path: self.path.clone(), needed, free });
        }
        let held = resume::take_up(self, layout, system, jobs, watch)?;
        self.worth_keeping = !held.is_empty();
        if system.reserves {
            match file_system::allocate(&self.file, needed) {
                Ok(()) => {}
                Err(e) if e.kind() == io::ErrorKind::StorageFull => {
                    return Err(Error::NoSpace { path: self.path.clone(), needed, free });
                }
                // Without room set aside the writes themselves will tell.
                Err(e) if matches!(e.kind(), io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput) => {}
                Err(e) => return Err(self.in_partial("take up room for")(e)),
            }
        }
        if !resume::begins_with(&self.file, layout.head()) {
            self.file.write_all_at(layout.head(), 0).map_err(self.in_partial("write"))?;
        }
        Ok(held)
    }

    /// Goes away without a bundle. A partial file that holds nothing of use goes too.
    pub fn give_up(self) -> Option<Kept> {
        if self.worth_keeping {
            return Some(Kept { path: self.partial_path(), bytes: None });
        }
        self.remove();
        None
    }

    /// Removes the partial file.
    pub(crate) fn remove(&self) {
        // Best effort: what stays is taken up or written over by the next export.
        let _ = self.directory.remove(&self.partial);
    }

    pub(crate) fn partial_path(&self) -> PathBuf {
        self.path.with_file_name(&self.partial)
    }

    /// For `map_err`: a failing operation on the partial file.
    pub(crate) fn in_partial(&self, doing: &'static str) -> impl FnOnce(io::Error) -> Error + use<> {
        Error::disk(doing, self.partial_path())
    }

    /// The directory that is at the output's path now is the one that was opened.
    pub(crate) fn is_still_there(&self) -> io::Result<bool> {
        match Directory::open(parent(&self.path)) {
            Ok(now) => file_system::same_file(now.file(), self.directory.file()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(e),
        }
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn refuse(path: &Path, what: &str, hint: &str) -> Error {
    Error::Usage { message: format!("{}: {what}", path.display()), hint: Some(hint.into()) }
}

fn refuse_all_but_files(path: &Path, standing: Standing) -> Result<()> {
    match standing {
        Standing::Nothing | Standing::File => Ok(()),
        Standing::Directory => Err(refuse(path, "is a directory", "name a file in it")),
        Standing::Symlink => Err(refuse(path, "is a symbolic link", "name the file it points to")),
        Standing::Other => {
            Err(refuse(path, "is not a plain file", "a bundle is written in place and needs a plain file"))
        }
    }
}
