//! Registries, and before them what was fetched or made already.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::oci::{Descriptor, Digest, Manifest, Repository};
use crate::registry::Registries;
use crate::store::{Place, Reason, Source};

/// A source that has some content in files without a name.
pub(in crate::verbs) struct Scratched<'a> {
    registries: &'a Registries,
    files: HashMap<Digest, File>,
}

impl<'a> Scratched<'a> {
    pub(super) fn new(registries: &'a Registries, files: HashMap<Digest, File>) -> Self {
        Self { registries, files }
    }
}

impl Source for Scratched<'_> {
    fn places(&self, descriptor: &Descriptor, near: Place) -> Vec<Place> {
        self.registries.places(descriptor, near)
    }

    fn name(&self, place: Place, digest: &Digest) -> String {
        self.registries.name(place, digest)
    }

    fn blame(&self, place: Place, digest: &Digest, error: Error) -> Error {
        self.registries.blame(place, digest, error)
    }

    fn manifest(&self, at: Place, descriptor: &Descriptor) -> Result<Manifest> {
        self.registries.manifest(at, descriptor)
    }

    fn has_blob(&self, at: Place, descriptor: &Descriptor) -> Result<bool> {
        self.registries.has_blob(at, descriptor)
    }

    fn document(&self, at: Place, descriptor: &Descriptor) -> Result<Option<Arc<[u8]>>> {
        self.registries.document(at, descriptor)
    }

    fn leaves_out(&self, digest: &Digest) -> Option<Reason> {
        self.registries.leaves_out(digest)
    }

    fn fetches_urls(&self) -> bool {
        self.registries.fetches_urls()
    }

    fn is_far(&self) -> bool {
        self.registries.is_far()
    }

    fn beside(&self, place: Place) -> Option<Repository> {
        self.registries.beside(place)
    }

    fn open(&self, at: Place, descriptor: &Descriptor, offset: u64) -> Result<Box<dyn Read + Send + '_>> {
        match self.files.get(&descriptor.digest) {
            Some(file) => Ok(Box::new(From { file, at: offset })),
            None => self.registries.open(at, descriptor, offset),
        }
    }

    fn open_part(&self, at: Place, descriptor: &Descriptor, part: Range<u64>) -> Option<Box<dyn Read + Send + '_>> {
        match self.files.contains_key(&descriptor.digest) {
            true => None,
            false => self.registries.open_part(at, descriptor, part),
        }
    }
}

/// A file from a byte on, read by position.
pub(super) struct From<F> {
    pub(super) file: F,
    pub(super) at: u64,
}

impl<F: std::ops::Deref<Target = File>> Read for From<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.file.read_at(buffer, self.at)?;
        self.at += got as u64;
        Ok(got)
    }
}
