//! `Tarball`: a layout in a tar, opened in place. Opening reads headers and the three files at the
//! root; blobs are read where they lie, and nothing is ever extracted.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::archive::format::layout::Place;
use crate::archive::format::paths::digest_of;
use super::scan::{Scan, ScanError, scan};
use super::slice::{Slice, broken_off};
use crate::archive::format::paths::{BUNDLE_JSON, INDEX_JSON, OCI_LAYOUT};
use crate::error::{Error, Result};
use crate::oci::Digest;

/// An open tar.
#[derive(Debug)]
pub(crate) struct Tarball {
    path: PathBuf,
    file: Arc<File>,
    len: u64,
    roots: HashMap<&'static str, Place>,
    blobs: HashMap<Digest, Vec<Place>>,
    order: Vec<Digest>,
    canonical: bool,
}

impl Tarball {
    /// Opens a tar of this length. `path` is for messages.
    pub(crate) fn open(path: &Path, file: File, len: u64) -> Result<Self> {
        refuse_other_formats(path, &file, len)?;
        let Scan { members, canonical } = scan(&file, len).map_err(|e| match e {
            ScanError::Bad(reason) => Error::content(reason),
            ScanError::Io(at, e) => broken_off(path, at, e),
        })?;
        let mut roots: HashMap<&'static str, Place> = HashMap::new();
        let mut blobs: HashMap<Digest, Vec<Place>> = HashMap::with_capacity(members.len());
        let mut order = Vec::with_capacity(members.len());
        let mut is_docker = false;
        for member in &members {
            let place = Place { offset: member.offset, size: member.size };
            is_docker |= member.path == "manifest.json";
            if let Some(digest) = digest_of(&member.path) {
                let places = blobs.entry(digest.clone()).or_default();
                if places.first().is_some_and(|first| first.size != place.size) {
                    return Err(Error::content(format!("{digest} is there twice, in two lengths")));
                }
                places.push(place);
                order.push(digest);
            } else if let Some(name) = [OCI_LAYOUT.0, INDEX_JSON, BUNDLE_JSON].iter().find(|n| **n == member.path)
                && roots.insert(name, place).is_some()
            {
                return Err(Error::content(format!("{name} is there twice")));
            }
        }
        if is_docker && !roots.contains_key(OCI_LAYOUT.0) {
            return Err(docker_archive());
        }
        Ok(Self { path: path.into(), file: Arc::new(file), len, roots, blobs, order, canonical })
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Every byte that is not content is as we write it.
    pub(crate) fn is_canonical(&self) -> bool {
        self.canonical
    }

    /// The digests of all blob entries, in file order.
    pub(crate) fn order(&self) -> &[Digest] {
        &self.order
    }

    pub(crate) fn size_of(&self, digest: &Digest) -> Option<u64> {
        self.blobs.get(digest).and_then(|places| places.first()).map(|p| p.size)
    }

    /// Every copy of a blob.
    pub(crate) fn copies(&self, digest: &Digest) -> Vec<Slice<'_>> {
        self.blobs.get(digest).into_iter().flatten().map(|place| self.slice(*place)).collect()
    }

    /// A blob; the first copy of several.
    pub(crate) fn open_blob(&self, digest: &Digest) -> Option<Slice<'_>> {
        self.blobs.get(digest)?.first().map(|place| self.slice(*place))
    }

    /// One of the files at the root, and its length in bytes.
    pub(crate) fn root_file(&self, name: &str) -> Option<(Slice<'_>, u64)> {
        self.roots.get(name).map(|place| (self.slice(*place), place.size))
    }

    fn slice(&self, place: Place) -> Slice<'_> {
        Slice::new(self.file.clone(), &self.path, place.offset, place.size)
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
fn refuse_other_formats(path: &Path, file: &File, len: u64) -> Result<()> {
    let mut start = [0; 6];
    let got = file.read_at(&mut start, 0).map_err(|e| broken_off(path, 0, e))?;
    if len == 0 {
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
