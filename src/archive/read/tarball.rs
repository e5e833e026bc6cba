//! `Tarball`: a layout in a tar, opened in place. Opening reads headers and the three files at the
//! root; blobs are read where they lie, and nothing is ever extracted.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::scan::{Member, ScanError, scan};
use super::slice::{Slice, broken_off};
use crate::archive::format::layout::Extent;
use crate::archive::format::paths::{BUNDLE_JSON, INDEX_JSON, OCI_LAYOUT, digest_of};
use crate::error::{Error, Result};
use crate::oci::Digest;

/// The directories that a bundle has.
const FOLDERS: [&str; 3] = ["blobs/", "blobs/sha256/", "blobs/sha512/"];

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
    /// What has a meaning, in order, each with the first byte of its data.
    order: Vec<(Known, u64)>,
    /// Which of the folders it has.
    has_folder: [bool; FOLDERS.len()],
    /// Where something stands that is in no bundle, or not as it would be there.
    is_ours: bool,
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
            order: Vec::new(),
            has_folder: Default::default(),
            is_ours: true,
        };
        let mut is_docker = false;
        let file = opened.file.clone();
        let scanned = scan(&file, bytes, &mut |member| {
            is_docker |= member.path == "manifest.json";
            opened.add(member)
        });
        let all_ours = scanned.map_err(|e| match e {
            ScanError::Bad(reason) => Error::content(reason),
            ScanError::Io(at, e) => broken_off(path, at, e),
        })?;
        opened.is_ours &= all_ours;
        if is_docker && !opened.roots.contains_key(OCI_LAYOUT.0) {
            return Err(docker_archive());
        }
        Ok(opened)
    }

    fn add(&mut self, member: Member<'_>) -> Result<(), String> {
        let extent = Extent { offset: member.offset, size: member.size };
        let root = [OCI_LAYOUT.0, INDEX_JSON, BUNDLE_JSON].into_iter().find(|name| *name == member.path);
        let known = if let Some(digest) = digest_of(member.path) {
            let copies = self.blobs.entry(digest.clone()).or_default();
            if copies.first().is_some_and(|first| first.size != extent.size) {
                return Err(format!("{digest} is there twice, in two lengths"));
            }
            copies.push(extent);
            Known::Blob(digest)
        } else if let Some(name) = root {
            if self.roots.insert(name, extent).is_some() {
                return Err(format!("{name} is there twice"));
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

    /// The length of the file in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Every entry is one that a bundle may have, and all that is not content is as we write it.
    pub(crate) fn is_ours(&self) -> bool {
        self.is_ours
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

    /// One of the files at the root, and its length in bytes.
    pub(crate) fn root_file(&self, name: &str) -> Option<(Slice<'_>, u64)> {
        self.roots.get(name).map(|extent| (self.slice(*extent), extent.size))
    }

    fn slice(&self, extent: Extent) -> Slice<'_> {
        Slice::new(self.file.clone(), &self.path, extent.offset, extent.size)
    }
}

/// What `docker save` wrote before version 25: configs and layers, but not the manifests.
fn docker_archive() -> Error {
    Error::Content {
        reason: "a docker archive without an image layout: it has no manifests, so its digests are gone for good; \
export the images from their registry with `bundle export`, or save them anew with docker 25 or later"
            .into(),
    }
}

/// Says what a file is that is plainly something else.
fn refuse_other_formats(path: &Path, file: &File, bytes: u64) -> Result<()> {
    let mut start = [0; 6];
    let got = file.read_at(&mut start, 0).map_err(|e| broken_off(path, 0, e))?;
    if bytes == 0 {
        return Err(Error::content("the file is empty"));
    }
    match &start[..got] {
        [0x1f, 0x8b, ..] => Err(Error::content("gzip-compressed twice: run gunzip on it first")),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Err(Error::content("zstd-compressed: run unzstd on it first")),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => Err(Error::content("xz-compressed: run unxz on it first")),
        [b'B', b'Z', b'h', ..] => Err(Error::content("bzip2-compressed: run bunzip2 on it first")),
        [b'{', ..] => Err(Error::content("a json document, not a bundle")),
        _ => Ok(()),
    }
}
