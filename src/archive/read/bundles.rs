//! `Bundles`: several bundles read as one. Content is found by digest in whichever of them has it.

use std::io::Read;

use super::bundle::Bundle;
use crate::error::{Error, Result};
use crate::oci::{Descriptor, Digest, Manifest, Reference, Repository};
use crate::store::Source;

/// Open bundles that are used together.
#[derive(Debug)]
pub struct Bundles(Vec<Bundle>);

impl Bundles {
    /// These, in this order.
    pub fn new(bundles: Vec<Bundle>) -> Self {
        Self(bundles)
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Bundle> {
        self.0.iter()
    }

    /// The paths of all, for messages.
    pub fn label(&self) -> String {
        self.0.iter().map(|b| b.path().display().to_string()).collect::<Vec<_>>().join(", ")
    }

    /// That a blob is there in its full length. Its content is not looked at.
    ///
    /// # Errors
    /// When it is missing or of another length.
    pub fn holds(&self, descriptor: &Descriptor) -> Result<()> {
        self.with(&descriptor.digest)?.holds(descriptor)
    }

    fn with(&self, digest: &Digest) -> Result<&Bundle> {
        let found =
            self.0.iter().find(|b| b.size_of(digest).is_some()).or(self.0.first().filter(|_| self.0.len() == 1));
        found.ok_or_else(|| Error::content(format!("{digest} is in none of the bundles")))
    }
}

impl Source for Bundles {
    fn place(&self, from: &Repository, digest: &Digest) -> String {
        self.with(digest).map_or_else(|_| self.label(), |bundle| bundle.place(from, digest))
    }

    fn about(&self, _: &Repository, _: &Digest, error: Error) -> Error {
        error
    }

    fn resolve(&self, reference: &Reference) -> Result<Manifest> {
        let name = reference.name();
        let named = |b: &&Bundle| b.index().entries.iter().any(|e| e.name.as_deref() == Some(&name));
        let bundle = self.0.iter().find(named);
        bundle.ok_or_else(|| Error::usage(format!("{name} is not in the bundle")))?.resolve(reference)
    }

    fn manifest(&self, from: &Repository, descriptor: &Descriptor) -> Result<Manifest> {
        self.with(&descriptor.digest)?.manifest(from, descriptor)
    }

    fn has_blob(&self, _: &Repository, descriptor: &Descriptor) -> Result<bool> {
        Ok(self.0.iter().any(|b| b.size_of(&descriptor.digest).is_some()))
    }

    fn open(&self, from: &Repository, descriptor: &Descriptor, offset: u64) -> Result<Box<dyn Read + Send + '_>> {
        self.with(&descriptor.digest)?.open(from, descriptor, offset)
    }
}
