//! What a push has done so far: blobs, counted once for each repository, and bytes.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::survey::Survey;
use crate::oci::{Descriptor, Digest, Repository};
use crate::store::{Endpoint, Put};

/// A blob in a repository.
pub(super) type InRepository = (Repository, Digest);

/// Blobs so far, counted once for each repository, and bytes.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) mounted: AtomicU64,
    pub(super) sent: AtomicU64,
    pub(super) bytes_sent: AtomicU64,
    /// What was there when it was to be sent.
    pub(super) found: Mutex<HashSet<InRepository>>,
    /// What was said to be there, and had to be sent all the same.
    pub(super) resent: Mutex<HashSet<InRepository>>,
}

impl Tally {
    pub(super) fn add(&self, to: &Repository, put: Put, descriptor: &Descriptor) {
        match put {
            Put::Found => note(&self.found, to, &descriptor.digest),
            Put::Mounted => _ = self.mounted.fetch_add(1, Ordering::Relaxed),
            Put::Sent => {
                self.sent.fetch_add(1, Ordering::Relaxed);
                self.bytes_sent.fetch_add(descriptor.size, Ordering::Relaxed);
            }
        }
    }

    /// How many blobs were there, of those that the survey found and those that were found later.
    pub(super) fn present(&self, survey: &Survey<'_>) -> u64 {
        let met = survey.met().filter(|(_, need)| need.by == Endpoint::Blobs);
        let met = met.map(|(to, need)| (to.clone(), need.node.descriptor.digest.clone()));
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let resent = self.resent.lock().unwrap_or_else(PoisonError::into_inner);
        met.chain(found.iter().cloned()).filter(|blob| !resent.contains(blob)).count() as u64
    }
}

pub(super) fn note(blobs: &Mutex<HashSet<InRepository>>, to: &Repository, digest: &Digest) {
    blobs.lock().unwrap_or_else(PoisonError::into_inner).insert((to.clone(), digest.clone()));
}
