//! The place of a bundle: taken up where an earlier export left it, checked for room, and handed on to
//! whoever writes.

use std::collections::HashMap;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::filled::{self, Filled};
use super::partial::Partial;
use super::resume;
use super::stopped::{Leftover, Stopped};
use super::writer::Writer;
use crate::archive::file_system::{self, FileSystem};
use crate::archive::format::layout::Layout;
use crate::error::{Error, Result};
use crate::oci::Digest;
use crate::store::Watch;

/// A place for a bundle, locked.
#[derive(Debug)]
pub(crate) struct Output {
    partial: Partial,
    /// The partial file holds something that the next export can use.
    worth_keeping: bool,
}

impl Output {
    /// Makes ready to write to `path`; `force` allows an existing file to be replaced at the end.
    ///
    /// # Errors
    /// The file exists (without `force`) or is no plain file, another process is writing it, or the
    /// directory cannot be written.
    pub(crate) fn open(path: &Path, force: bool) -> Result<Self> {
        let partial = Partial::open(path, force)?;
        let worth_keeping = partial.file().metadata().map_err(partial.failed("look up"))?.len() > 0;
        Ok(Self { partial, worth_keeping })
    }

    /// Checks that a bundle of this layout would fit.
    ///
    /// # Errors
    /// Not enough room, longer than a file can be there, or a failing drive.
    pub(crate) fn check_room(&self, layout: &Layout) -> Result<()> {
        let system = FileSystem::of(self.partial.file());
        let system = system.map_err(self.partial.failed("look at the file system of"))?;
        self.room(&system, layout).map(drop)
    }

    /// The bytes that are free for a bundle of this layout, which are enough.
    fn room(&self, system: &FileSystem, layout: &Layout) -> Result<u64> {
        let (partial, needed) = (&self.partial, layout.bytes());
        let path = || partial.path().to_owned();
        if let Some(limit) = system.file_limit.filter(|limit| needed > *limit) {
            return Err(Error::FileLimit { path: path(), needed, limit });
        }
        let own = file_system::allocated(partial.file()).map_err(partial.failed("look up"))?;
        let free = system.free.saturating_add(own);
        if needed > free { Err(Error::NoSpace { path: path(), needed, free }) } else { Ok(free) }
    }

    /// Checks that a bundle of this layout fits, takes up the room, and finds out what of it is
    /// there already.
    ///
    /// # Errors
    /// Not enough room, longer than a file can be there, or a failing drive.
    pub(crate) fn begin(self, layout: Layout, jobs: usize, watch: &dyn Watch) -> Result<Writer, Stopped> {
        match FileSystem::of(self.partial.file()) {
            Ok(system) => self.begin_on(system, layout, jobs, watch),
            Err(e) => {
                let error = self.partial.failed("look at the file system of")(e);
                Err(Stopped::new(error, self.give_up()))
            }
        }
    }

    /// The same on a file system that is said to be like this.
    pub(super) fn begin_on(
        mut self,
        system: FileSystem,
        layout: Layout,
        jobs: usize,
        watch: &dyn Watch,
    ) -> Result<Writer, Stopped> {
        match self.prepare(system, &layout, jobs, watch) {
            Ok(held) => Ok(Writer::new(self.partial, layout, system, held)),
            Err(error) => Err(Stopped::new(error, self.give_up())),
        }
    }

    fn prepare(
        &mut self,
        system: FileSystem,
        layout: &Layout,
        jobs: usize,
        watch: &dyn Watch,
    ) -> Result<HashMap<Digest, Filled>> {
        let free = self.room(&system, layout)?;
        let (partial, needed) = (&self.partial, layout.bytes());
        let path = || partial.path().to_owned();
        let held = resume::take_up(partial, layout, system, jobs, watch)?;
        self.worth_keeping = !held.is_empty();
        if system.reserves {
            match file_system::allocate(partial.file(), needed) {
                Ok(()) => {}
                Err(e) if e.kind() == io::ErrorKind::StorageFull => {
                    return Err(Error::NoSpace { path: path(), needed, free });
                }
                // Without room set aside the writes themselves will tell.
                Err(e) if matches!(e.kind(), io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput) => {}
                Err(e) => return Err(partial.failed("take up room for")(e)),
            }
        }
        if !filled::begins_with(partial.file(), layout.head()) {
            partial.file().write_all_at(layout.head(), 0).map_err(partial.failed("write"))?;
        }
        Ok(held)
    }

    /// Goes away without a bundle. A partial file that holds nothing of use goes too.
    pub(crate) fn give_up(self) -> Option<Leftover> {
        if self.worth_keeping {
            return Some(Leftover { path: self.partial.hidden_path(), bytes: None });
        }
        self.partial.remove();
        None
    }
}
