//! `LayoutDirectory`: a layout that lies unpacked in a directory. Files are opened where they are, and no
//! symbolic link below the directory is ever followed.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, openat, statat};
use walkdir::WalkDir;

use super::recognised::{self, MAX_MANIFEST_JSON, Seen};
use super::scan::MAX_FILES;
use super::slice::Slice;
use crate::archive::format::paths::{MANIFEST_JSON, digest_of};
use crate::error::{Error, NextStep, Result};
use crate::oci::{Algorithm, Digest};

const PLAIN: OFlags = OFlags::CLOEXEC.union(OFlags::NOFOLLOW);
/// A FIFO in a file's place must not keep us waiting.
const FILE: OFlags = PLAIN.union(OFlags::NONBLOCK);
const FOLDER: OFlags = PLAIN.union(OFlags::DIRECTORY);
/// A layout has two; what is empty does no harm.
const MOST_DIRECTORIES: usize = 10_000;
/// Directories in each other that are held open while they are gone through.
const MOST_OPEN: usize = 100;

/// As many names as tell what a directory is.
const MOST_NAMES: usize = 10_000;

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
        for (algorithm, folder) in &opened.folders {
            list(folder, &blobs.join(algorithm.as_str()), *algorithm, &mut opened.sizes)?;
        }
        opened.order = opened.sizes.keys().cloned().collect();
        opened.order.sort();
        opened.find_other(&blobs)?;
        Ok(opened)
    }

    /// Finds something below `blobs` that is no blob, at any depth: the first is enough. Nothing that is met is kept,
    /// so however many names there are, and however long, they take no memory.
    fn find_other(&mut self, blobs: &Path) -> Result<()> {
        let mut directories = 0;
        // More levels than anybody makes are held open before what is left of one is read ahead.
        for entry in WalkDir::new(blobs).follow_links(false).min_depth(1).max_open(MOST_OPEN) {
            let entry = match entry {
                // Nobody reads what lies deeper, but in a bundle it should not be there.
                Err(e) if e.depth() > 2 => {
                    self.other = Some(e.path().unwrap_or(blobs).to_owned());
                    return Ok(());
                }
                entry => entry.map_err(|e| {
                    let path = e.path().unwrap_or(blobs).to_owned();
                    Error::disk("list", path)(e.into_io_error().unwrap_or_else(|| io::ErrorKind::InvalidInput.into()))
                })?,
            };
            if entry.file_type().is_dir() {
                directories += 1;
                if directories > MOST_DIRECTORIES {
                    let reason = format!("more than {MOST_DIRECTORIES} directories");
                    return Err(Error::content(reason).at(blobs.display()));
                }
            } else if entry.path().strip_prefix(&self.path).ok().and_then(Path::to_str).and_then(digest_of).is_none() {
                self.other = Some(entry.into_path());
                return Ok(());
            }
        }
        Ok(())
    }

    /// What a directory is that has no marker of a layout.
    pub(crate) fn without_marker(&self) -> Result<Error> {
        let mut seen = Seen::default();
        let names = WalkDir::new(&self.path).follow_links(false).min_depth(1).max_depth(2).sort_by_file_name();
        for entry in names.into_iter().take(MOST_NAMES).flatten() {
            let inside = entry.path().strip_prefix(&self.path).ok().and_then(Path::to_str);
            inside.into_iter().for_each(|name| seen.add(name));
        }
        // What cannot be looked into says nothing.
        let list = self.root_file(MANIFEST_JSON).ok().flatten().filter(|(_, size)| *size <= MAX_MANIFEST_JSON);
        let list = list.map(|(slice, _)| slice.read_whole()).transpose()?;
        Ok(recognised::without_layout(&seen, list.as_deref()))
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

    /// The difference that stands for a layer, and its length in bytes.
    pub(crate) fn delta(&self, layer: &Digest) -> Result<Option<(Slice<'_>, u64)>> {
        let mut folder = None;
        for name in ["deltas", layer.algorithm().as_str()] {
            folder = match openat(folder.as_ref().unwrap_or(&self.root), name, FOLDER, Mode::empty()) {
                Ok(inside) => Some(inside),
                Err(rustix::io::Errno::NOENT) => return Ok(None),
                Err(rustix::io::Errno::NOTDIR | rustix::io::Errno::LOOP) => return Err(not_plain(Path::new(name))),
                Err(e) => return Err(Error::disk("open", self.path.join(name))(e.into())),
            };
        }
        let file = folder.map(|folder| self.open_at(&folder, layer.hex())).transpose()?.flatten();
        Ok(file.map(|(file, len)| (Slice::new(Arc::new(file), &self.path, 0, len), len)))
    }

    /// One of the files at the root, and its length in bytes.
    pub(crate) fn root_file(&self, name: &str) -> Result<Option<(Slice<'_>, u64)>> {
        let file = self.open_at(&self.root, name)?;
        Ok(file.map(|(file, len)| (Slice::new(Arc::new(file), &self.path, 0, len), len)))
    }

    fn open_at(&self, folder: &OwnedFd, name: &str) -> Result<Option<(File, u64)>> {
        open_plain(folder, &self.path, name)
    }
}

/// A plain file in a folder, and its length in bytes; `shown` is for messages.
pub(super) fn open_plain(folder: &OwnedFd, shown: &Path, name: &str) -> Result<Option<(File, u64)>> {
    let file = match openat(folder, name, FILE, Mode::empty()) {
        Ok(fd) => File::from(fd),
        Err(rustix::io::Errno::NOENT) => return Ok(None),
        Err(rustix::io::Errno::LOOP) => return Err(not_plain(Path::new(name))),
        Err(e) => return Err(Error::disk("open", shown.join(name))(e.into())),
    };
    let metadata = file.metadata().map_err(Error::disk("open", shown.join(name)))?;
    if !metadata.is_file() {
        return Err(not_plain(Path::new(name)));
    }
    Ok(Some((file, metadata.len())))
}

/// Adds the blobs of one folder, by their names alone.
fn list(folder: &OwnedFd, path: &Path, algorithm: Algorithm, sizes: &mut HashMap<Digest, u64>) -> Result<()> {
    let failed = |path: PathBuf| move |e: rustix::io::Errno| Error::disk("list", path)(e.into());
    for entry in Dir::read_from(folder).map_err(failed(path.into()))? {
        let entry = entry.map_err(failed(path.into()))?;
        let name = entry.file_name();
        let digest = name.to_str().ok().and_then(|name| digest_of(&format!("blobs/{}/{name}", algorithm.as_str())));
        let Some(digest) = digest else { continue };
        let there = path.join(digest.hex());
        let stat = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).map_err(failed(there.clone()))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(not_plain(&there));
        }
        if sizes.len() == MAX_FILES {
            return Err(Error::content(format!("more than {MAX_FILES} files")).at(path.display()));
        }
        sizes.insert(digest, u64::try_from(stat.st_size).unwrap_or(0));
    }
    Ok(())
}

fn not_plain(path: &Path) -> Error {
    let reason = format!("{}: neither a plain file nor a directory, and links are not followed", path.display());
    Error::content(reason).or_else_do(NextStep::PackPlainFiles)
}
