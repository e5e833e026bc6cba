//! What is known about content: that it hashed right or wrong, as long as the files are what they were then.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::archive::Stamp;
use crate::error::Error;
use crate::oci::Digest;

/// Copies of one content that are remembered: of files that are gone, the oldest go first.
const MOST_COPIES: usize = 8;

/// What came of hashing some content.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    Bad(Arc<Error>),
    Good,
}

/// What is known, and who is finding out. It stays when the bundles are opened anew: it is about files, not about who
/// has them open.
#[derive(Debug, Default)]
pub(super) struct Checked {
    known: Mutex<HashMap<Digest, Vec<(Stamp, Verdict)>>>,
    /// Content that is being hashed for somebody who needs to know before he gets any of it.
    under_way: Mutex<HashMap<Digest, Arc<tokio::sync::Mutex<()>>>>,
}

impl Checked {
    /// What is known of this content in files that are so.
    pub(super) fn verdict(&self, digest: &Digest, stamp: &Stamp) -> Option<Verdict> {
        let known = lock(&self.known);
        known.get(digest)?.iter().find(|(of, _)| of == stamp).map(|(_, verdict)| verdict.clone())
    }

    /// Keeps this. Of files that had changed a moment ago when hashing began nothing is to be kept: the next change may
    /// not show.
    pub(super) fn keep(&self, digest: &Digest, stamp: &Stamp, verdict: Verdict) {
        let mut known = lock(&self.known);
        let copies = known.entry(digest.clone()).or_default();
        copies.retain(|(of, _)| of != stamp);
        if copies.len() == MOST_COPIES {
            copies.remove(0);
        }
        copies.push((stamp.clone(), verdict));
    }

    /// Whoever holds it hashes this content; others wait, and look again.
    pub(super) fn turn(&self, digest: &Digest) -> Arc<tokio::sync::Mutex<()>> {
        let mut under_way = lock(&self.under_way);
        under_way.retain(|_, turn| Arc::strong_count(turn) > 1);
        under_way.entry(digest.clone()).or_default().clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
