//! `Bundles`: several bundles read as one. Content is found by digest in each of them that has it, so
//! that what is damaged in one is taken from the next.

use std::io::Read;

use super::bundle::{Bundle, placed};
use crate::error::{Error, Result};
use crate::oci::{Descriptor, Digest, Manifest};
use crate::store::{Place, Source};

/// Open bundles that are used together.
#[derive(Debug)]
pub(crate) struct Bundles(Vec<Bundle>);

impl Bundles {
    /// These, in this order.
    pub(crate) fn new(bundles: Vec<Bundle>) -> Self {
        Self(bundles)
    }

    /// Each of them, to be used otherwise.
    pub(crate) fn into_inner(self) -> Vec<Bundle> {
        self.0
    }

    /// Each of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Bundle> {
        self.0.iter()
    }

    /// The only one, where there is one.
    pub(crate) fn only(&self) -> Option<&Bundle> {
        self.0.first().filter(|_| self.0.len() == 1)
    }

    /// All those that hold some content in its full length.
    pub(crate) fn holding(&self, descriptor: &Descriptor) -> Vec<Place> {
        let holding = self.0.iter().enumerate().filter(|(_, bundle)| bundle.holds(descriptor));
        holding.map(|(number, _)| Place::new(number)).collect()
    }

    /// The paths of all, for messages.
    pub(crate) fn label(&self) -> String {
        self.0.iter().map(|b| b.path().display().to_string()).collect::<Vec<_>>().join(", ")
    }

    /// What is wrong with content that none of them holds.
    pub(crate) fn lack(&self, descriptor: &Descriptor) -> Error {
        let with_a_piece = self.0.iter().find(|bundle| bundle.size_of(&descriptor.digest).is_some());
        match (with_a_piece, self.only()) {
            (Some(bundle), _) | (None, Some(bundle)) => placed(bundle.lack(descriptor), bundle.path()),
            (None, None) => Error::content(format!("{} is in none of the bundles", descriptor.digest)).at(self.label()),
        }
    }

    fn at(&self, place: Place) -> Result<&Bundle> {
        // Nobody else gives out places of ours.
        self.0.get(place.number()).ok_or_else(|| Error::content("no such bundle"))
    }
}

impl Source for Bundles {
    fn places(&self, descriptor: &Descriptor, _: Place) -> Vec<Place> {
        self.holding(descriptor)
    }

    fn name(&self, place: Place, _: &Digest) -> String {
        self.at(place).map_or_else(|_| self.label(), |bundle| bundle.path().display().to_string())
    }

    fn blame(&self, place: Place, _: &Digest, error: Error) -> Error {
        match self.at(place) {
            Ok(bundle) => placed(error, bundle.path()),
            Err(_) => error,
        }
    }

    fn manifest(&self, at: Place, descriptor: &Descriptor) -> Result<Manifest> {
        self.at(at)?.manifest(descriptor)
    }

    fn has_blob(&self, at: Place, descriptor: &Descriptor) -> Result<bool> {
        Ok(self.at(at)?.holds(descriptor))
    }

    fn open(&self, at: Place, descriptor: &Descriptor, offset: u64) -> Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(self.at(at)?.content(descriptor)?.skip(offset)))
    }
}
