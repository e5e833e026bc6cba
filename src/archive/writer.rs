//! Writes a bundle: `.NAME.partial` under a lock, every byte once into its final place, then fsync,
//! rename, fsync of the directory. Until the rename the path itself is exactly as it was before.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::file_system::{self, Directory, FileSystem, Standing};
use super::front::Front;
use super::header::{self, END};
use super::layout::{Layout, Place};
use crate::error::{Error, Result};
use crate::oci::Digest;
use crate::store::{Content, Sink};

/// One write call's worth, in bytes: few calls, and small beside the memory limit even times the
/// number of workers.
const BUFFER: usize = 256 << 10;

/// A place for a bundle, checked and locked before anything is fetched.
#[derive(Debug)]
pub struct Output {
    path: PathBuf,
    name: String,
    partial: String,
    directory: Directory,
    file: File,
    force: bool,
}

/// A finished bundle.
#[derive(Clone, Debug)]
pub struct Written {
    /// Where it is.
    pub path: PathBuf,
    /// Its length in bytes.
    pub len: u64,
    /// sha256 of its `index.json`.
    pub digest: Digest,
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
        let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let directory = Directory::open(parent).map_err(Error::disk("open directory", parent))?;
        let refuse = |what: &str, hint: &str| {
            Err(Error::Usage { message: format!("{}: {what}", path.display()), hint: Some(hint.into()) })
        };
        match directory.standing(&name).map_err(Error::disk("look up", path))? {
            Standing::Nothing => {}
            Standing::File if force => {}
            Standing::File => {
                return refuse("the file exists", "use --force to replace it once the new bundle is complete");
            }
            Standing::Directory => return refuse("is a directory", "name a file in it"),
            Standing::Symlink => return refuse("is a symbolic link", "name the file it points to"),
            Standing::Other => {
                return refuse("is not a plain file", "a bundle is written in place and needs a plain file");
            }
        }
        let partial = format!(".{name}.partial");
        let partial_path = path.with_file_name(&partial);
        let file = directory.open_file(&partial).map_err(Error::disk("create", &partial_path))?;
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
        let again = directory.open_file(&partial).map_err(Error::disk("create", &partial_path))?;
        if !file_system::same_file(&file, &again).map_err(Error::disk("look up", &partial_path))? {
            return refuse("was just written by another bundle process", "run the command again");
        }
        Ok(Self { path: path.into(), name, partial, directory, file, force })
    }

    /// Checks that a bundle of this layout fits, takes up the room and writes the head.
    ///
    /// # Errors
    /// Not enough room, longer than a file can be there, or a failing write.
    pub fn begin(self, layout: Layout) -> Result<Writer> {
        let in_partial = |doing| Error::disk(doing, self.partial_path());
        self.file.set_len(0).map_err(in_partial("empty"))?;
        let system = FileSystem::of(&self.file).map_err(in_partial("look at the file system of"))?;
        let needed = layout.len();
        if let Some(limit) = system.file_limit.filter(|limit| needed > *limit) {
            return Err(Error::FileLimit { path: self.path, needed, limit });
        }
        if needed > system.free {
            return Err(Error::NoSpace { path: self.path, needed, free: system.free });
        }
        if system.has_holes {
            match file_system::allocate(&self.file, needed) {
                Ok(()) => {}
                Err(e) if e.kind() == io::ErrorKind::StorageFull => {
                    return Err(Error::NoSpace { path: self.path, needed, free: system.free });
                }
                // Without room set aside the writes themselves will tell.
                Err(e) if matches!(e.kind(), io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput) => {}
                Err(e) => return Err(in_partial("take up room for")(e)),
            }
        }
        self.file.write_all_at(layout.head(), 0).map_err(in_partial("write"))?;
        let starts = layout.headers().iter().map(|(start, _)| *start);
        let front = Front::new(system.has_holes, starts);
        Ok(Writer { output: self, layout, front })
    }

    /// Drops an unused partial file.
    pub fn give_up(self) {
        // Best effort: what stays is taken up by the next export.
        let _ = self.directory.remove(&self.partial);
    }

    fn partial_path(&self) -> PathBuf {
        self.path.with_file_name(&self.partial)
    }
}

/// A bundle in the making: takes blobs from many threads at once.
pub struct Writer {
    output: Output,
    layout: Layout,
    front: Front,
}

impl Writer {
    /// Makes it safe and gives it its name. All blobs must have been taken.
    ///
    /// # Errors
    /// When the drive fails; then the path is as it was before. A failed fsync is final: a second
    /// one may claim success for data that is gone.
    pub fn finish(self) -> Result<Written> {
        let Self { output, layout, .. } = self;
        let in_partial = |doing| Error::disk(doing, output.partial_path());
        let end = [0; END as usize];
        output.file.write_all_at(&end, layout.len() - END).map_err(in_partial("write"))?;
        output.file.sync_all().map_err(in_partial("sync"))?;
        let len = output.file.metadata().map_err(in_partial("look up"))?.len();
        if len != layout.len() {
            return Err(in_partial("check")(io::Error::other(format!("{len} bytes long, not {}", layout.len()))));
        }
        let device = file_system::device;
        let (there, here) = (device(output.directory.file()), device(&output.file));
        if there.map_err(in_partial("look up"))? != here.map_err(in_partial("look up"))? {
            return Err(in_partial("check")(io::Error::other("the directory is on another drive now")));
        }
        let at_path = |doing| Error::disk(doing, &output.path);
        output.directory.rename(&output.partial, &output.name, output.force).map_err(at_path("rename to"))?;
        output.directory.sync().map_err(at_path("sync the directory of"))?;
        Ok(Written { path: output.path, len, digest: layout.digest().clone() })
    }

    fn write(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.output.file.write_all_at(bytes, offset).map_err(Error::disk("write", self.output.partial_path()))
    }

    /// Writes header, data and padding with as few calls as the buffer allows.
    fn fill(&self, start: u64, header: &[u8], place: Place, content: &mut dyn Content) -> Result<()> {
        let whole = place.end() - start;
        let mut buffer = vec![0; usize::try_from(whole).unwrap_or(BUFFER).min(BUFFER)];
        buffer[..header.len()].copy_from_slice(header);
        let (mut at, mut filled, mut left) = (start, header.len(), place.size);
        while left > 0 {
            if filled == buffer.len() {
                self.write(&buffer, at)?;
                at += filled as u64;
                filled = 0;
            }
            let room = buffer.len().min(filled.saturating_add(usize::try_from(left).unwrap_or(usize::MAX)));
            let got = content.read(&mut buffer[filled..room]).map_err(Error::from_read)?;
            filled += got;
            left -= got as u64;
        }
        // Completes the check also of content that is empty.
        content.read(&mut [0]).map_err(Error::from_read)?;
        buffer.truncate(filled);
        buffer.resize(filled + usize::try_from(header::padding(place.size)).unwrap_or(0), 0);
        self.write(&buffer, at)
    }
}

impl Sink for Writer {
    fn take(&self, digest: &Digest, content: &mut dyn Content) -> Result<()> {
        let unknown = || Error::content(format!("{digest} has no place in this bundle"));
        let place = self.layout.place(digest).ok_or_else(unknown)?;
        let headers = self.layout.headers();
        let found = headers.binary_search_by(|(start, blocks)| (start + blocks.len() as u64).cmp(&place.offset));
        let (start, blocks) = &headers[found.map_err(|_| unknown())?];
        self.front.reach(*start);
        let result = self.fill(*start, blocks, place, content);
        self.front.pass(*start);
        result
    }
}
