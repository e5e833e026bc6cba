//! Where images are pushed to: a registry.

use super::source::Content;
use crate::error::Result;
use crate::oci::{Descriptor, Digest, Manifest, Repository, Tag};

/// Which of the two ways to content of a registry: they know nothing of each other's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Endpoint {
    /// `blobs/`
    Blobs,
    /// `manifests/`
    Manifests,
}

/// What is tried before a blob is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ahead<'a> {
    /// Nobody has asked for it yet: ask, and for leave to send it, both at once.
    Ask,
    /// Take it over from this repository, which has it.
    Mount(&'a Repository),
    /// Nothing: it is known to be missing everywhere.
    Nothing,
}

/// What was done about a blob at the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Put {
    /// It was there already.
    Found,
    /// Taken over from another repository of the target, without a body.
    Mounted,
    /// Sent.
    Sent,
}

/// Takes images.
pub(crate) trait Target: Sync {
    /// Whether the content is there in its full length.
    ///
    /// # Errors
    /// When the target does not say.
    fn has(&self, to: &Repository, by: Endpoint, descriptor: &Descriptor) -> Result<bool>;

    /// The digest of what a tag names; `None` if there is no such tag.
    ///
    /// # Errors
    /// When the target does not say.
    fn tagged(&self, to: &Repository, tag: &Tag) -> Result<Option<Digest>>;

    /// Makes sure that blobs may be sent to this repository, before any is sent to any.
    ///
    /// # Errors
    /// When the target refuses.
    fn prepare(&self, to: &Repository) -> Result<()>;

    /// Takes a blob over from another repository of the same registry, which has it and which somebody else may have
    /// written; false if the target takes it in no way but by a body.
    ///
    /// # Errors
    /// When the target cannot be asked.
    fn take_over(&self, to: &Repository, from: &Repository, descriptor: &Descriptor) -> Result<bool>;

    /// Brings a blob into a repository.
    ///
    /// # Errors
    /// When the target refuses it or the content is not what it should be.
    fn put_blob(
        &self,
        to: &Repository,
        ahead: Ahead<'_>,
        descriptor: &Descriptor,
        content: &mut dyn Content,
    ) -> Result<Put>;

    /// Puts a manifest by its digest, or under a tag.
    ///
    /// # Errors
    /// When the target refuses it.
    fn put_manifest(&self, to: &Repository, manifest: &Manifest, tag: Option<&Tag>) -> Result<()>;

    /// Makes sure that a manifest which is there is found by its subject.
    ///
    /// # Errors
    /// When the target does not say, or refuses.
    fn list_referrer(&self, to: &Repository, manifest: &Manifest) -> Result<()>;

    /// Enters what an index of referrers lists into the one that stands under its tag, which has other
    /// writers: nothing of theirs is lost. True if that changed anything.
    ///
    /// # Errors
    /// When the target refuses, or something else stands there.
    fn merge_list(&self, to: &Repository, list: &Manifest, tag: &Tag) -> Result<bool>;

    /// The bytes of a manifest as the target serves them, by tag or by digest; `None` if absent.
    ///
    /// # Errors
    /// When the target does not say.
    fn read_back(&self, to: &Repository, tag: Option<&Tag>, digest: &Digest) -> Result<Option<Vec<u8>>>;

    /// Gives up what was prepared and not used.
    fn finish(&self);
}
