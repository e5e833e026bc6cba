//! Proof of possession: a target takes a blob over from one of its repositories into another on a bare
//! digest, so whoever may ask for that moves content that he never had. It is asked for only what the
//! source here really holds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::content::BlobContent;
use crate::error::{Error, Result};
use crate::oci::Digest;
use crate::store::{Event, Node, Source, Watch};

type Answer = OnceLock<Result<(), Arc<Error>>>;

/// What was found out about the blobs that the source holds, each read at most once.
#[derive(Default)]
pub(super) struct Proofs(Mutex<HashMap<Digest, Arc<Answer>>>);

impl Proofs {
    /// The blob was sent, and hashed on the way; or the target gave it to us from where we read it.
    pub(super) fn is_known(&self, digest: &Digest) {
        // Where somebody has looked meanwhile, that says the same.
        let _ = self.answer(digest).set(Ok(()));
    }

    /// That the source has this blob whole: all of it is read, unless that was done before.
    ///
    /// # Errors
    /// What is wrong with it at each of its places.
    pub(super) fn check(&self, source: &dyn Source, node: &Node, watch: &dyn Watch) -> Result<()> {
        let answer = self.answer(&node.descriptor.digest);
        // Whoever else needs it waits meanwhile, and reads nothing.
        let answer = answer.get_or_init(|| {
            let unseen = Unseen(watch);
            BlobContent::new(source, node, &unseen).check().map_err(Arc::new)
        });
        answer.clone().map_err(Error::Shared)
    }

    /// A small blob itself, which proves it too.
    ///
    /// # Errors
    /// What is wrong with it at each of its places.
    pub(super) fn held(&self, source: &dyn Source, node: &Node, watch: &dyn Watch) -> Result<Arc<[u8]>> {
        let unseen = Unseen(watch);
        let held = BlobContent::new(source, node, &unseen).all()?;
        self.is_known(&node.descriptor.digest);
        Ok(held)
    }

    fn answer(&self, digest: &Digest) -> Arc<Answer> {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.entry(digest.clone()).or_default().clone()
    }
}

/// What is read twice is announced once.
struct Unseen<'a>(&'a dyn Watch);

impl Watch for Unseen<'_> {
    fn on(&self, _: Event<'_>) {}

    fn stopped(&self) -> Option<i32> {
        self.0.stopped()
    }
}
