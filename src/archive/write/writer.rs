//! Writes a bundle: every byte once into its final place, then fsync, rename, fsync of the
//! directory. Until the rename the path itself is exactly as it was before.

use std::collections::HashMap;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::filled::{Filled, Stretch};
use super::front::Front;
use super::partial::Partial;
use super::read_back;
use super::stopped::{Leftover, Stopped};
use crate::archive::file_system::{self, FileSystem};
use crate::archive::format::header::{self, END};
use crate::archive::format::layout::{Layout, Region};
use crate::error::{Error, Kind, Result};
use crate::oci::{Algorithm, Digest, Hasher};
use crate::store::{Content, Event, Held, Sink, Watch};

/// One write call's worth, in bytes: few calls, and small beside the memory limit even times the
/// number of workers.
const BUFFER: usize = 512 << 10;
/// With less room than this in the buffer (bytes) it is written out: a read that can take all that a
/// connection has at hand leaves nothing there to be moved up.
const LEAST_ROOM: usize = 128 << 10;

/// A finished bundle.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Its length in bytes.
    pub(crate) bytes: u64,
    /// sha256 of its `index.json`.
    pub(crate) digest: Digest,
    /// The drive said that it has it. False where its file system has no way to say so.
    pub(crate) synced: bool,
}

/// A bundle in the making: takes blobs from many threads at once.
pub(crate) struct Writer {
    partial: Partial,
    layout: Layout,
    front: Front,
    held: Mutex<HashMap<Digest, Filled>>,
    /// Whose turn it is to write. The kernel lets one write to a file at a time, and those who wait
    /// for it there keep a processor busy.
    turn: Mutex<()>,
}

impl Writer {
    pub(crate) fn new(partial: Partial, layout: Layout, system: FileSystem, held: HashMap<Digest, Filled>) -> Self {
        let unfinished = layout.regions().iter().filter(|r| held.get(&r.digest) != Some(&Filled::Whole));
        let front = Front::new(system.has_holes, unfinished.map(|r| r.start));
        Self { partial, layout, front, held: Mutex::new(held), turn: Mutex::new(()) }
    }

    /// Makes it safe and gives it its name. All blobs must have been taken. With `verify`, first
    /// everything is read back from the drive by that many threads.
    ///
    /// # Errors
    /// When the drive fails; then the path is as it was before. A failed fsync is final: a second
    /// one may claim success for data that is gone.
    pub(crate) fn finish(self, verify: Option<usize>, watch: &dyn Watch) -> Result<Written, Stopped> {
        match self.make_safe(verify, watch).and_then(|synced| Ok(synced & self.give_name()?)) {
            Ok(synced) => {
                let (path, digest) = (self.partial.path().to_owned(), self.layout.digest().clone());
                Ok(Written { path, bytes: self.layout.bytes(), digest, synced })
            }
            Err(error) => Err(Stopped::new(error, self.leave())),
        }
    }

    /// Goes away without a bundle. What was taken stays for the next export.
    pub(crate) fn leave(self) -> Option<Leftover> {
        let held = self.lock();
        let bytes = |region: &Region| match held.get(&region.digest) {
            Some(Filled::Whole) => region.extent.size,
            Some(Filled::Start(len)) => *len,
            _ => 0,
        };
        let regions = self.layout.regions();
        let (kept, all) = (regions.iter().map(bytes).sum(), regions.iter().map(|r| r.extent.size).sum());
        if kept == 0 {
            self.partial.remove();
            return None;
        }
        Some(Leftover { path: self.partial.hidden_path(), bytes: Some((kept, all)) })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Digest, Filled>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the drive said that it has everything.
    fn make_safe(&self, verify: Option<usize>, watch: &dyn Watch) -> Result<bool> {
        let Self { partial, layout, .. } = self;
        let whole = |region: &Region| self.lock().get(&region.digest) == Some(&Filled::Whole);
        if let Some(missing) = layout.regions().iter().find(|r| !whole(r)) {
            return Err(Error::content(format!("{} was not taken", missing.digest)));
        }
        self.write(&[0; END as usize], layout.bytes() - END, 0)?;
        let synced = file_system::sync(partial.file()).map_err(|e| {
            // What of it is on the drive nobody knows now, and what is read may come from memory.
            self.lock().clear();
            partial.failed("sync")(e)
        })?;
        if !synced {
            let path = partial.path().display();
            let message = format!("{path}: this file system cannot confirm that everything is on the drive");
            watch.on(Event::Warning { message: &message });
        }
        let len = partial.file().metadata().map_err(partial.failed("look up"))?.len();
        if len != layout.bytes() {
            let text = format!("{len} bytes long, not {}", layout.bytes());
            return Err(partial.failed("check")(io::Error::other(text)));
        }
        if let Some(jobs) = verify {
            read_back::read_back(partial, layout, jobs, watch)?;
        }
        Ok(synced)
    }

    fn give_name(&self) -> Result<bool> {
        self.partial.give_name()?;
        // From here on there is no partial file.
        self.lock().clear();
        self.partial.sync_names()
    }

    /// Writes all but what is before `keep`.
    fn write(&self, bytes: &[u8], offset: u64, keep: u64) -> Result<()> {
        let skip = usize::try_from(keep.saturating_sub(offset)).unwrap_or(usize::MAX).min(bytes.len());
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let result = self.partial.file().write_all_at(&bytes[skip..], offset + skip as u64);
        result.map_err(self.partial.failed("write"))
    }

    /// Writes header, data and padding with as few calls as the buffer allows, but not what filled
    /// before byte `keep` of the file. `done` is how much of the data is there.
    fn fill(&self, region: &Region, keep: u64, content: &mut dyn Content, done: &mut u64) -> Result<()> {
        let (blocks, extent) = (region.header()?, region.extent);
        let whole = extent.end() - region.start;
        let mut buffer = vec![0; usize::try_from(whole).unwrap_or(BUFFER).min(BUFFER)];
        buffer[..blocks.len()].copy_from_slice(&blocks);
        let (mut at, mut filled, mut left) = (region.start, blocks.len(), extent.size);
        let mut sum = region.part.map(|part| (part, Hasher::new(Algorithm::Sha256)));
        while left > 0 {
            let room = buffer.len() - filled;
            if room < LEAST_ROOM && (room as u64) < left {
                self.write(&buffer[..filled], at, keep)?;
                at += filled as u64;
                *done = (*done).max(at - extent.offset);
                self.front.advance(region.start, at);
                filled = 0;
            }
            let room = buffer.len().min(filled.saturating_add(usize::try_from(left).unwrap_or(usize::MAX)));
            let got = match content.read(&mut buffer[filled..room]).map_err(Error::from_read) {
                Ok(got) => got,
                Err(e) => {
                    // What arrived need not arrive again.
                    if e.kind() != Kind::Content && self.write(&buffer[..filled], at, keep).is_ok() {
                        *done = (*done).max(extent.size - left);
                    }
                    return Err(e);
                }
            };
            if let Some((_, hasher)) = &mut sum {
                hasher.update(&buffer[filled..filled + got]);
            }
            filled += got;
            left -= got as u64;
        }
        // Completes the check also of content that is empty.
        content.read(&mut [0]).map_err(Error::from_read)?;
        buffer.truncate(filled);
        buffer.resize(filled + usize::try_from(header::padding(extent.size)).unwrap_or(0), 0);
        if let Some((part, hasher)) = sum {
            buffer.extend(part.sum_entry(&region.digest, &hasher.finish())?);
        }
        self.write(&buffer, at, keep)
    }
}

impl Sink for Writer {
    fn held(&self, digest: &Digest) -> Held<'_> {
        let region = self.layout.region(digest);
        match (self.lock().get(digest), region) {
            (Some(Filled::Whole), _) => Held::Whole,
            (Some(Filled::Start(len)), Some(region)) => {
                let bytes = Stretch::new(self.partial.file(), region.extent.offset, *len);
                Held::Start { len: *len, bytes: Box::new(bytes) }
            }
            _ => Held::Nothing,
        }
    }

    fn take(&self, digest: &Digest, content: &mut dyn Content) -> Result<()> {
        let unknown = || Error::content(format!("{digest} has no place in this bundle"));
        let region = self.layout.region(digest).ok_or_else(unknown)?;
        // Once only: where the beginning turns out wrong, all of it is written anew.
        let (mut done, keep) = match self.lock().remove(digest) {
            Some(Filled::Start(len)) => (len, region.extent.offset + len),
            _ => (0, 0),
        };
        self.front.reach(region.start);
        let result = self.fill(region, keep, content, &mut done);
        self.front.pass(region.start);
        if result.as_ref().is_err_and(|e| e.kind() == Kind::Failed) {
            self.front.give_up();
        }
        let filled = match &result {
            Ok(()) => Filled::Whole,
            Err(e) if e.kind() == Kind::Content || done == 0 => Filled::Nothing,
            Err(_) => Filled::Start(done),
        };
        self.lock().insert(digest.clone(), filled);
        result
    }
}

#[cfg(test)]
mod tests;
