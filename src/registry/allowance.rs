//! What a registry still allows: Docker Hub counts the manifests that are fetched, and says with each answer how
//! many more there may be (`ratelimit-remaining: 76;w=21600`). A HEAD is answered alike and not counted.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use super::auth::scope::Scope;
use super::peer::Peer;
use super::registries::Registries;
use super::wire::exchange::{Method, Response};
use crate::oci::{Host, Reference};
use crate::store::{Event, Watch};

impl Peer {
    /// Takes note of how many more manifests may be fetched; says so the first time.
    pub(super) fn note_allowance(&self, response: &Response, watch: &dyn Watch) {
        let Some(header) = response.header("ratelimit-remaining") else { return };
        let digits = header.split(';').next().unwrap_or_default().trim();
        let Ok(left) = digits.parse() else { return };
        let before = self.allowance.lock().unwrap_or_else(PoisonError::into_inner).replace(left);
        if before.is_none() {
            let what = format!("{left} more manifests may be fetched for now (ratelimit-remaining)");
            watch.on(Event::Learned { host: &self.name, what: &what });
        }
    }
}

impl Registries {
    /// Warns of images that need more manifests than their registry allows, before any is fetched. Only Docker Hub
    /// is asked for it: whoever else counts has not said that a HEAD is free.
    pub(crate) fn check_allowances<'a>(&self, wanted: impl Iterator<Item = &'a Reference>) {
        let mut hosts: BTreeMap<&Host, Vec<&Reference>> = BTreeMap::new();
        for reference in wanted.filter(|reference| reference.repository.host().is_docker_hub()) {
            hosts.entry(reference.repository.host()).or_default().push(reference);
        }
        for (host, references) in hosts {
            let Some(left) = references.first().and_then(|first| self.allowance(first)) else { continue };
            let needed = references.len() as u64;
            if needed > left {
                let message = format!(
                    "{host}: {needed} images need {needed} manifests or more, and {left} may be fetched for now: log in, \
                     export fewer at a time, or wait"
                );
                self.transport.watch.on(Event::Warning { message: &message });
            }
        }
    }

    /// What a HEAD of this image says is left; nothing where that is not to be had. That the image cannot be had
    /// is said when it is fetched.
    fn allowance(&self, reference: &Reference) -> Option<u64> {
        let repository = &reference.repository;
        let name = match (&reference.digest, &reference.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, Some(tag)) => tag.to_string(),
            (None, None) => return None,
        };
        let scope = Scope::pull(repository.path());
        let (mut response, _) = self.request_manifest(Method::HEAD, repository, &name, &scope).ok()?;
        response.drain();
        let peer = self.transport.peer(repository.host()).ok()?;
        *peer.allowance.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
