//! Writing to a registry: what it has, sessions opened ahead, mounts, manifests and tags.
//!
//! distribution-spec v1.1 "Push". Uploads themselves are in `upload`.

use std::collections::HashSet;
use std::sync::{MutexGuard, PoisonError};

use ureq::http::Method;

use super::Registries;
use super::wire::exchange::{Body, Request, Response};
use super::auth::token::Scope;
use super::upload::Mount;
use crate::error::{Error, Result};
use crate::oci::{Descriptor, Digest, Manifest, Repository, Role, Tag};
use crate::store::{Content, Put, Target};

impl Registries {
    /// Whether a blob is there that nobody has asked for yet. If not, a session is open for it, as a
    /// rule: registries answer a mount within one repository by one or the other.
    fn is_there(&self, to: &Repository, descriptor: &Descriptor) -> Result<bool> {
        let host = self.transport.host(to.host())?;
        let has_session = self.sessions().get(to).is_some_and(|waiting| !waiting.is_empty());
        if !has_session && host.manners.mounts_within() {
            match self.mount(to, to, &descriptor.digest)? {
                Mount::Done => {}
                Mount::Session => return Ok(false),
                Mount::Refused => host.manners.refused_mount_within(),
            }
        }
        // Only here its length shows.
        match self.has(to, Role::Layer, descriptor) {
            // What it will not say counts as missing.
            Err(e) if e.status().is_some() => Ok(false),
            answer => answer,
        }
    }

    fn suspects(&self) -> MutexGuard<'_, HashSet<(Repository, Digest)>> {
        self.suspects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Target for Registries {
    fn has(&self, to: &Repository, role: Role, descriptor: &Descriptor) -> Result<bool> {
        let scope = Scope::push(to.path());
        let digest = &descriptor.digest;
        let (mut response, shown) = match role {
            Role::Manifest => self.request_manifest(Method::HEAD, to, digest.as_str(), &scope)?,
            _ => self.request_blob(Method::HEAD, to, digest, None, &scope)?,
        };
        match response.status {
            // A registry that lost content may still know its name: the length tells.
            200 if response.length().is_none_or(|length| length == descriptor.size) => Ok(true),
            200 => {
                self.suspects().insert((to.clone(), digest.clone()));
                Ok(false)
            }
            404 => Ok(false),
            _ => Err(response.failure(&shown)),
        }
    }

    fn prepare(&self, to: &Repository) -> Result<()> {
        let session = self.start_upload(to).map_err(|e| with_project(e, to))?;
        self.sessions().entry(to.clone()).or_default().push(session);
        Ok(())
    }

    fn put_blob(
        &self,
        to: &Repository,
        mount_from: Option<&Repository>,
        descriptor: &Descriptor,
        content: &mut dyn Content,
    ) -> Result<Put> {
        match mount_from {
            Some(from) if from == to && self.is_there(to, descriptor)? => return Ok(Put::Found),
            Some(from) if from != to && self.mount(to, from, &descriptor.digest)? == Mount::Done => {
                return Ok(Put::Mounted);
            }
            _ => {}
        }
        self.upload(to, descriptor, content)?;
        // distribution keeps what it has under a name, whatever is sent.
        let suspect = self.suspects().remove(&(to.clone(), descriptor.digest.clone()));
        if suspect && !self.has(to, Role::Layer, descriptor)? {
            return Err(Error::refused(
                format!("the registry holds a damaged copy of {} and keeps it", descriptor.digest),
                "delete that blob in the registry's storage and run the import again",
            ));
        }
        Ok(Put::Sent)
    }

    fn put_manifest(&self, to: &Repository, manifest: &Manifest, tag: Option<&Tag>) -> Result<()> {
        let digest = manifest.digest();
        let name = tag.map_or(digest.as_str(), Tag::as_str);
        let host = self.transport.host(to.host())?;
        let url = self.transport.url(&host, &format!("v2/{}/manifests/{name}", to.path()));
        let request = Request::new(Method::PUT, url).header("content-type", manifest.media_type().as_str());
        let request = request.body(Body::Bytes(manifest.bytes()));
        let shown = request.shown.clone();
        let answer = self.transport.send(&host, &Scope::push(to.path()), request);
        let mut response = answer.map_err(|e| with_urls(e, manifest))?;
        if !matches!(response.status, 200..=202) {
            return Err(with_urls(response.failure(&shown), manifest));
        }
        agrees(&response, digest, &shown)?;
        let keeps_track = response.header("oci-subject").is_some();
        response.drain();
        match manifest.subject() {
            Some(subject) if !keeps_track => self.enter_referrer(to, manifest, &subject.digest),
            _ => Ok(()),
        }
    }

    fn list_referrer(&self, to: &Repository, manifest: &Manifest) -> Result<()> {
        let Some(subject) = manifest.subject() else { return Ok(()) };
        // What has the API keeps track by itself.
        if self.has_referrers_api(to, &subject.digest)? || self.is_entered(to, manifest, &subject.digest)? {
            return Ok(());
        }
        self.enter_referrer(to, manifest, &subject.digest)
    }

    fn read_back(&self, to: &Repository, tag: Option<&Tag>, digest: &Digest) -> Result<Option<Vec<u8>>> {
        let name = tag.map_or(digest.as_str(), Tag::as_str);
        self.manifest_bytes(to, name, &Scope::push(to.path()))
    }

    fn finish(&self) {
        let unused = std::mem::take(&mut *self.sessions());
        for (repository, sessions) in unused {
            for session in sessions {
                // Best effort: the registry clears away what stays.
                let _ = self.end_upload(&repository, session);
            }
        }
    }
}

/// Says what distribution means that refuses layers with `urls`, even when it has them; it answers
/// 500 with no reason.
fn with_urls(error: Error, manifest: &Manifest) -> Error {
    let has_urls = manifest.successors().any(|s| !s.descriptor.urls.is_empty());
    if !has_urls || !matches!(error.status(), Some(400 | 500)) {
        return error;
    }
    Error::refused(
        format!("{error} (it has layers with urls)"),
        "allow them in the registry (distribution: validation.manifests.urls.allow) and run the import again",
    )
}

/// Says what registries mean that answer "no" to the first upload: most want a project made first.
fn with_project(error: Error, to: &Repository) -> Error {
    match error.status() {
        Some(401 | 403 | 404) => {
            let project = to.path().split('/').next().unwrap_or_default();
            let hint = format!(
                "create the project `{project}` (or the repository) in the registry, or check the credentials in \
                 ~/.docker/config.json and their right to push"
            );
            Error::refused(error.to_string(), hint)
        }
        _ => error,
    }
}

/// Compares the digest that a registry gives to something with ours, where both use one algorithm.
pub(crate) fn agrees(response: &Response, digest: &Digest, shown: &str) -> Result<()> {
    let named = response.header("docker-content-digest").and_then(|d| d.parse::<Digest>().ok());
    match named.filter(|n| n.algorithm() == digest.algorithm() && n != digest) {
        Some(other) => Err(Error::Network {
            request: shown.into(),
            reason: format!("the registry took {digest}, and calls it {other}"),
        }),
        None => Ok(()),
    }
}
