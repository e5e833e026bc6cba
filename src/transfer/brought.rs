//! Manifests at a target, for as long as a push lasts: put, waited for where what this run has brought does not show
//! yet, and read back.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use super::tally::{InRepository, note};
use crate::error::{Error, Result};
use crate::oci::{Digest, Manifest, Repository, Role, Tag};
use crate::store::{Settling, Target, Watch};

/// What this run has brought to a target, and what follows from that for its manifests.
pub(super) struct Brought<'a> {
    target: &'a dyn Target,
    watch: &'a dyn Watch,
    written: Mutex<HashSet<InRepository>>,
}

impl<'a> Brought<'a> {
    pub(super) fn new(target: &'a dyn Target, watch: &'a dyn Watch) -> Self {
        Self { target, watch, written: Mutex::default() }
    }

    /// This is there because of us.
    pub(super) fn note(&self, to: &Repository, digest: &Digest) {
        note(&self.written, to, digest);
    }

    /// Puts a manifest, and waits where the registry does not show yet what this run has just brought
    /// and the manifest needs.
    pub(super) fn put_when_shown(&self, to: &Repository, manifest: &Manifest, tag: Option<&Tag>) -> Result<()> {
        let mut settling = Settling::default();
        loop {
            match self.target.put_manifest(to, manifest, tag) {
                Err(e) if self.lacks_ours(to, manifest, &e) => {
                    if !settling.wait(self.watch)? {
                        return Err(not_shown(manifest.digest(), &e.to_string()));
                    }
                }
                answer => return answer.map(|()| self.note(to, manifest.digest())),
            }
        }
    }

    /// Whether the registry says that it lacks something which this run has brought there.
    pub(super) fn lacks_ours(&self, to: &Repository, manifest: &Manifest, refusal: &Error) -> bool {
        let only_manifests = refusal.code() == Some("MANIFEST_UNKNOWN");
        let gone = refusal.status() == Some(404) && matches!(refusal.code(), None | Some("NAME_UNKNOWN"));
        if !gone && !refusal.is_missing_content() {
            return false;
        }
        let subject = manifest.subject().map(|subject| &subject.digest);
        let below = manifest.successors().filter(|s| !only_manifests || s.role == Role::Manifest);
        below.map(|s| &s.descriptor.digest).chain(subject).any(|digest| self.wrote(to, digest))
    }

    pub(super) fn wrote(&self, to: &Repository, digest: &Digest) -> bool {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.contains(&(to.clone(), digest.clone()))
    }

    /// A manifest as the target serves it; what this run has just put there is waited for.
    pub(super) fn read_back(&self, to: &Repository, tag: Option<&Tag>, manifest: &Manifest) -> Result<Option<Vec<u8>>> {
        let read = || self.target.read_back(to, tag, manifest.digest());
        if !self.wrote(to, manifest.digest()) {
            return read();
        }
        // By tag, what stood there before may be shown for a while.
        let wish = |served: &Option<Vec<u8>>| match tag {
            Some(_) => served.as_deref() == Some(manifest.bytes()),
            None => served.is_some(),
        };
        match Settling::look(self.watch, wish, read)? {
            None => Err(not_shown(manifest.digest(), "404")),
            served => Ok(served),
        }
    }
}

/// What the registry took and does not show; a later run may find it.
fn not_shown(digest: &Digest, answer: &str) -> Error {
    let reason = format!("the registry took what it does not show some seconds later: {answer}");
    Error::Network { request: digest.to_string(), reason }
}
