//! Where content comes from: registries, or bundles.

use std::io::Read;
use std::ops::Range;
use std::sync::Arc;

use super::reason::Reason;
use crate::error::{Error, Result};
use crate::oci::{Descriptor, Digest, Manifest, Reference, Repository};

/// One of the places of a [`Source`] that content can be had from: a repository, a file. Sources give
/// them out, and nobody else can tell what one stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Place(u32);

impl Place {
    /// The place that its source counts as this one.
    pub(crate) fn new(number: usize) -> Self {
        // A source of more places would need more than sixty gigabytes to name them.
        Self(u32::try_from(number).unwrap_or(u32::MAX))
    }

    /// What its source counts it as.
    pub(crate) fn number(self) -> usize {
        self.0 as usize
    }
}

/// Where content comes from.
pub(crate) trait Source: Sync {
    /// The places that may have some content which a document found at `near` names, best first.
    /// None where the source knows that it does not have it.
    fn places(&self, descriptor: &Descriptor, near: Place) -> Vec<Place>;

    /// A place as a person knows it: the repository, or the file; with what else stands in for it
    /// there.
    fn name(&self, place: Place, digest: &Digest) -> String;

    /// An error about some content at a place, with both named as far as it does not name them
    /// itself.
    fn blame(&self, place: Place, digest: &Digest, error: Error) -> Error;

    /// A manifest by its digest, checked against it.
    ///
    /// # Errors
    /// Not found, refused, not a manifest, or not what the descriptor says.
    fn manifest(&self, at: Place, descriptor: &Descriptor) -> Result<Manifest>;

    /// Whether a blob is there, without reading it.
    ///
    /// # Errors
    /// When the source does not say.
    fn has_blob(&self, at: Place, descriptor: &Descriptor) -> Result<bool>;

    /// A small blob that a place has among its manifests only: an index may list what is no manifest
    /// to us.
    ///
    /// # Errors
    /// When it is there and not what the descriptor says, or the source does not say.
    fn document(&self, _: Place, _: &Descriptor) -> Result<Option<Arc<[u8]>>> {
        Ok(None)
    }

    /// Why some content is at none of its places, where the source says that it was left out.
    fn leaves_out(&self, _: &Digest) -> Option<Reason> {
        None
    }

    /// Whether content that none of its places has is taken from the `urls` in its descriptor.
    fn fetches_urls(&self) -> bool {
        false
    }

    /// Whether there is a line to wait for before content comes.
    fn is_far(&self) -> bool {
        false
    }

    /// The repository that a place is, where the source is the same registry as what it is copied to: content need
    /// not move then.
    fn beside(&self, _: Place) -> Option<Repository> {
        None
    }

    /// The content of a blob from byte `offset` on. Not checked: [`crate::oci::VerifyReader`] does.
    ///
    /// # Errors
    /// When it cannot be opened there.
    fn open(&self, at: Place, descriptor: &Descriptor, offset: u64) -> Result<Box<dyn Read + Send + '_>>;

    /// A part of a blob, for somebody who holds what he opened of the same one, and reads nothing of that meanwhile.
    /// None where it cannot be had apart.
    fn open_part(&self, _: Place, _: &Descriptor, _: Range<u64>) -> Option<Box<dyn Read + Send + '_>> {
        None
    }
}

/// Where one can ask what refers to some content: registries.
pub(crate) trait ReferrerSource: Source {
    /// What a place lists about this manifest, unchecked.
    ///
    /// # Errors
    /// When it does not say. An error is never to be taken for an empty list.
    fn referrers(&self, at: Place, subject: &Digest) -> Result<Vec<Descriptor>>;

    /// What cosign attached to this manifest: the names under which it stands, and what stands there.
    ///
    /// # Errors
    /// When the place does not say.
    fn tagged(&self, at: Place, subject: &Digest) -> Result<Vec<(Reference, Manifest)>>;

    /// Places of which one answer tells something about all have one number: those on one host.
    fn neighbourhood(&self, place: Place) -> usize;
}

/// Where the content of a target can be read back: the same registries as a source.
pub(crate) trait Copies: Source {
    /// The place that a repository is.
    fn place_of(&self, repository: &Repository) -> Place;
}

/// The content of one blob on its way: reads checked bytes, and can go back.
pub(crate) trait Content: Read + Send {
    /// Stands at byte `offset` again. What is before it counts as read.
    ///
    /// # Errors
    /// When the source cannot be opened there.
    fn seek_to(&mut self, offset: u64) -> Result<()>;

    /// Lets go of whatever is open where it comes from, before a wait. It goes on with `seek_to`.
    fn let_go(&mut self) {}
}
