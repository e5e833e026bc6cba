//! `LayoutDirectory`: a layout that lies unpacked in a directory. Files are opened where they are, and no
//! symbolic link below the directory is ever followed.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{CWD, Mode, OFlags, openat};
use walkdir::WalkDir;

use super::slice::Slice;
use crate::archive::format::paths::digest_of;
use crate::error::{Error, Result};
use crate::oci::{Algorithm, Digest};

const PLAIN: OFlags = OFlags::CLOEXEC.union(OFlags::NOFOLLOW);
/// A FIFO in a file's place must not keep us waiting.
const FILE: OFlags = PLAIN.union(OFlags::NONBLOCK);
const FOLDER: OFlags = PLAIN.union(OFlags::DIRECTORY);

/// An open layout directory.
#[derive(Debug)]
pub(crate) struct LayoutDirectory {
    path: PathBuf,
    root: OwnedFd,
    /// Held open, so that what they are cannot change any more.
    folders: HashMap<Algorithm, OwnedFd>,
    sizes: HashMap<Digest, u64>,
    order: Vec<Digest>,
    /// Something below `blobs` that is neither a blob nor one of the folders for them.
    other: Option<PathBuf>,
}

impl LayoutDirectory {
    /// Opens a layout directory, which may itself be given as a link to one.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let system = |doing: &'static str, path: &Path| {
            let path = path.to_owned();
            move |e: rustix::io::Errno| Error::disk(doing, path)(e.into())
        };
        let flags = OFlags::CLOEXEC | OFlags::DIRECTORY;
        let root = openat(CWD, path, flags, Mode::empty()).map_err(system("open", path))?;
        let mut opened = Self {
            path: path.into(),
            root,
            folders: HashMap::new(),
            sizes: HashMap::new(),
            order: Vec::new(),
            other: None,
        };
        let blobs = path.join("blobs");
        let folder = match openat(&opened.root, "blobs", FOLDER, Mode::empty()) {
            Ok(folder) => folder,
            Err(rustix::io::Errno::NOENT) => return Ok(opened),
            Err(rustix::io::Errno::NOTDIR | rustix::io::Errno::LOOP) => return Err(not_plain(&blobs)),
            Err(e) => return Err(system("open", &blobs)(e)),
        };
        for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
            match openat(&folder, algorithm.as_str(), FOLDER, Mode::empty()) {
                Ok(fd) => drop(opened.folders.insert(algorithm, fd)),
                Err(rustix::io::Errno::NOENT) => {}
                Err(rustix::io::Errno::NOTDIR | rustix::io::Errno::LOOP) => {
                    return Err(not_plain(&blobs.join(algorithm.as_str())));
                }
                Err(e) => return Err(system("open", &blobs.join(algorithm.as_str()))(e)),
            }
        }
        opened.list(&blobs)?;
        Ok(opened)
    }

    fn list(&mut self, blobs: &Path) -> Result<()> {
        let walk = WalkDir::new(blobs).follow_links(false).min_depth(1).sort_by_file_name();
        for entry in walk {
            let failed = |e: walkdir::Error| {
                let path = e.path().unwrap_or(blobs).to_owned();
                Error::disk("list", path)(e.into_io_error().unwrap_or_else(|| io::ErrorKind::InvalidInput.into()))
            };
            let entry = match entry {
                // Nobody reads what lies deeper, but in a bundle it should not be there.
                Err(e) if e.depth() > 2 => {
                    self.other.get_or_insert_with(|| e.path().unwrap_or(blobs).to_owned());
                    continue;
                }
                entry => entry.map_err(failed)?,
            };
            let inside = entry.path().strip_prefix(&self.path).ok().and_then(Path::to_str);
            let Some(digest) = inside.and_then(digest_of) else {
                if !entry.file_type().is_dir() {
                    self.other.get_or_insert_with(|| entry.into_path());
                }
                continue;
            };
            if !entry.file_type().is_file() {
                return Err(not_plain(entry.path()));
            }
            let size = entry.metadata().map_err(failed)?.len();
            self.sizes.insert(digest.clone(), size);
            self.order.push(digest);
        }
        Ok(())
    }

    /// Something below `blobs` that no reader of a layout looks at.
    pub(crate) fn other(&self) -> Option<&Path> {
        self.other.as_deref()
    }

    /// The length of all blobs together, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.sizes.values().sum()
    }

    /// The digests of all blobs, in order.
    pub(crate) fn blobs(&self) -> impl Iterator<Item = &Digest> {
        self.order.iter()
    }

    pub(crate) fn size_of(&self, digest: &Digest) -> Option<u64> {
        self.sizes.get(digest).copied()
    }

    /// A blob, in the length that it had when the directory was opened.
    pub(crate) fn open_blob(&self, digest: &Digest) -> Result<Option<Slice<'_>>> {
        let (Some(size), Some(folder)) = (self.size_of(digest), self.folders.get(&digest.algorithm())) else {
            return Ok(None);
        };
        let Some((file, len)) = self.open_at(folder, digest.hex())? else { return Ok(None) };
        if len != size {
            return Err(Error::content(format!("{digest} changed its length while it was read")));
        }
        Ok(Some(Slice::new(Arc::new(file), &self.path, 0, size)))
    }

    /// One of the files at the root, and its length in bytes.
    pub(crate) fn root_file(&self, name: &str) -> Result<Option<(Slice<'_>, u64)>> {
        let file = self.open_at(&self.root, name)?;
        Ok(file.map(|(file, len)| (Slice::new(Arc::new(file), &self.path, 0, len), len)))
    }

    fn open_at(&self, folder: &OwnedFd, name: &str) -> Result<Option<(File, u64)>> {
        let file = match openat(folder, name, FILE, Mode::empty()) {
            Ok(fd) => File::from(fd),
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(rustix::io::Errno::LOOP) => return Err(not_plain(Path::new(name))),
            Err(e) => return Err(Error::disk("open", self.path.join(name))(e.into())),
        };
        let metadata = file.metadata().map_err(Error::disk("open", self.path.join(name)))?;
        if !metadata.is_file() {
            return Err(not_plain(Path::new(name)));
        }
        Ok(Some((file, metadata.len())))
    }
}

fn not_plain(path: &Path) -> Error {
    Error::content(format!("{}: neither a plain file nor a directory, and links are not followed", path.display()))
}
