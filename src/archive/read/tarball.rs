//! `Tarball`: a layout in a tar, opened in place. Opening reads headers and the three files at the
//! root; blobs are read where they lie, and nothing is ever extracted.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::recognised::{self, MAX_MANIFEST_JSON, Seen};
use super::scan::{Fault, Member, ScanError, scan};
use super::slice::{Slice, broken_off};
use crate::archive::format::layout::Extent;
use crate::archive::format::paths::{
    BUNDLE_JSON, HAULER_INDEX, INDEX_JSON, MANIFEST_JSON, OCI_LAYOUT, delta_of, digest_of, part_of,
};
use crate::error::{Error, NextStep, Result};
use crate::oci::Digest;

/// The directories that a bundle has.
const FOLDERS: [&str; 6] = ["blobs/", "blobs/sha256/", "blobs/sha512/", "deltas/", "deltas/sha256/", "deltas/sha512/"];

/// The files at the root that are looked into.
const ROOTS: [&str; 5] = [OCI_LAYOUT.0, INDEX_JSON, BUNDLE_JSON, HAULER_INDEX, MANIFEST_JSON];

/// An entry that has a meaning in a layout.
#[derive(Clone, Debug)]
pub(crate) enum Known {
    Blob(Digest),
    /// A directory or one of the files at the root, by its path.
    Other(Box<str>),
}

/// An open tar.
#[derive(Debug)]
pub(crate) struct Tarball {
    path: PathBuf,
    file: Arc<File>,
    bytes: u64,
    roots: HashMap<&'static str, Extent>,
    blobs: HashMap<Digest, Vec<Extent>>,
    /// Parts of blobs and, where that is the last, their checksums.
    parts: HashMap<(Digest, u32, bool), Extent>,
    /// Differences, by the layers that they stand for.
    deltas: HashMap<Digest, Extent>,
    /// What has a meaning, in order, each with the first byte of its data.
    order: Vec<(Known, u64)>,
    /// Which of the folders it has.
    has_folder: [bool; FOLDERS.len()],
    /// Where something stands that is in no bundle, or not as it would be there.
    is_ours: bool,
    /// Where a bundle of these entries ends.
    end: u64,
}

impl Tarball {
    /// Opens a tar of this length. `path` is for messages.
    pub(crate) fn open(path: &Path, file: File, bytes: u64) -> Result<Self> {
        refuse_other_formats(path, &file, bytes)?;
        let mut opened = Self {
            path: path.into(),
            file: Arc::new(file),
            bytes,
            roots: HashMap::new(),
            blobs: HashMap::new(),
            parts: HashMap::new(),
            deltas: HashMap::new(),
            order: Vec::new(),
            has_folder: Default::default(),
            is_ours: true,
            end: 0,
        };
        let mut seen = Seen::default();
        let file = opened.file.clone();
        let scanned = scan(&file, bytes, &mut |member| {
            seen.add(member.path);
            opened.add(member)
        });
        let scanned = scanned.map_err(|e| match e {
            ScanError::Bad(Fault { reason, next }) => {
                let error = Error::content(reason);
                next.into_iter().fold(error, Error::or_else_do)
            }
            ScanError::Io(at, e) => broken_off(path, at, e),
        })?;
        opened.is_ours &= scanned.is_ours;
        opened.end = scanned.end;
        if !opened.roots.contains_key(OCI_LAYOUT.0) {
            let list = opened.root_file(MANIFEST_JSON).filter(|(_, size)| *size <= MAX_MANIFEST_JSON);
            let list = list.map(|(slice, _)| slice.read_whole()).transpose()?;
            return Err(recognised::without_layout(&seen, list.as_deref()));
        }
        Ok(opened)
    }

    /// Of another file this content alone.
    pub(super) fn of_blobs(path: &Path, file: Arc<File>, bytes: u64, found: Vec<(Digest, Extent)>) -> Self {
        let mut blobs: HashMap<Digest, Vec<Extent>> = HashMap::new();
        let mut order = Vec::new();
        for (digest, extent) in found {
            order.push((Known::Blob(digest.clone()), extent.offset));
            blobs.entry(digest).or_default().push(extent);
        }
        let (roots, parts, deltas) = (HashMap::new(), HashMap::new(), HashMap::new());
        let (path, has_folder) = (path.into(), Default::default());
        Self { path, file, bytes, roots, blobs, parts, deltas, order, has_folder, is_ours: false, end: 0 }
    }

    fn add(&mut self, member: Member<'_>) -> Result<(), Fault> {
        let mut extent = Extent { offset: member.offset, size: member.size };
        if let Some(link) = member.link {
            // Only content that was read already: so there is nothing to follow, and no circle.
            let linked = digest_of(link).and_then(|digest| self.blobs.get(&digest)?.first().copied());
            extent = linked.ok_or_else(|| {
                let reason = format!("`{}`: a link to `{}`, no blob before it", member.path, link.escape_debug());
                Fault::new(reason, NextStep::PackPlainFiles)
            })?;
        }
        let root = ROOTS.into_iter().find(|name| *name == member.path);
        let known = if let Some(digest) = digest_of(member.path) {
            let copies = self.blobs.entry(digest.clone()).or_default();
            if copies.first().is_some_and(|first| first.size != extent.size) {
                return Err(format!("{digest} is there twice, in two lengths").into());
            }
            copies.push(extent);
            Known::Blob(digest)
        } else if let Some(part) = part_of(member.path) {
            // Of a second one, the order tells.
            self.parts.insert(part, extent);
            Known::Other(member.path.into())
        } else if let Some(layer) = delta_of(member.path) {
            self.deltas.insert(layer, extent);
            Known::Other(member.path.into())
        } else if let Some(name) = root {
            let is_second = self.roots.insert(name, extent).is_some();
            if is_second && name != MANIFEST_JSON {
                return Err(format!("{name} is there twice").into());
            }
            // A second list for Docker matters to no layout, and as many as there may be are not kept.
            if is_second || name == HAULER_INDEX {
                self.is_ours = false;
                return Ok(());
            }
            Known::Other(name.into())
        } else if let Some(place) = FOLDERS.iter().position(|folder| *folder == member.path) {
            // A second one is in no bundle, and as many as there may be are not kept.
            if std::mem::replace(&mut self.has_folder[place], true) {
                self.is_ours = false;
                return Ok(());
            }
            Known::Other(member.path.into())
        } else {
            self.is_ours = false;
            return Ok(());
        };
        self.order.push((known, member.offset));
        Ok(())
    }

    /// The file as it is held open.
    #[cfg(feature = "serve")]
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// The length of the file in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Every entry is one that a bundle may have, and all that is not content is as we write it.
    pub(crate) fn is_ours(&self) -> bool {
        self.is_ours
    }

    /// Where a bundle of these entries ends: the length of the file, unless it was cut or padded.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// What has a meaning in a layout, in file order, each with the first byte of its data.
    pub(crate) fn order(&self) -> &[(Known, u64)] {
        &self.order
    }

    /// The digests of all blob entries, in file order. One may stand several times.
    pub(crate) fn blobs(&self) -> impl Iterator<Item = &Digest> {
        self.order.iter().filter_map(|(known, _)| match known {
            Known::Blob(digest) => Some(digest),
            Known::Other(_) => None,
        })
    }

    pub(crate) fn size_of(&self, digest: &Digest) -> Option<u64> {
        self.blobs.get(digest).and_then(|copies| copies.first()).map(|copy| copy.size)
    }

    /// Every copy of a blob.
    pub(crate) fn copies(&self, digest: &Digest) -> Vec<Slice<'_>> {
        self.blobs.get(digest).into_iter().flatten().map(|copy| self.slice(*copy)).collect()
    }

    /// A blob; the first copy of several.
    pub(crate) fn open_blob(&self, digest: &Digest) -> Option<Slice<'_>> {
        self.blobs.get(digest)?.first().map(|copy| self.slice(*copy))
    }

    /// A part of a blob, or its checksum, and its length in bytes.
    pub(crate) fn part(&self, digest: &Digest, number: u32, is_sum: bool) -> Option<(Slice<'_>, u64)> {
        self.parts.get(&(digest.clone(), number, is_sum)).map(|extent| (self.slice(*extent), extent.size))
    }

    /// The difference that stands for a layer, and its length in bytes.
    pub(crate) fn delta(&self, layer: &Digest) -> Option<(Slice<'_>, u64)> {
        self.deltas.get(layer).map(|extent| (self.slice(*extent), extent.size))
    }

    /// One of the files at the root, and its length in bytes.
    pub(crate) fn root_file(&self, name: &str) -> Option<(Slice<'_>, u64)> {
        self.roots.get(name).map(|extent| (self.slice(*extent), extent.size))
    }

    fn slice(&self, extent: Extent) -> Slice<'_> {
        Slice::new(self.file.clone(), &self.path, extent.offset, extent.size)
    }
}

/// Says what a file is that is plainly something else.
fn refuse_other_formats(path: &Path, file: &File, bytes: u64) -> Result<()> {
    if bytes == 0 {
        return Err(Error::content("the file is empty").or_else_do(NextStep::CopyAgain));
    }
    let mut start = [0; 512];
    let got = file.read_at(&mut start, 0).map_err(|e| broken_off(path, 0, e))?;
    match &start[..got] {
        [0x1f, 0x8b, ..] => return Err(Error::content("gzip-compressed twice: run gunzip on it first")),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => return Err(Error::content("compressed twice: run unzstd on it first")),
        _ => {}
    }
    recognised::by_text(&start[..got])
}
