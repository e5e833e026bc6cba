//! Writing to a registry: what it has, sessions opened ahead, mounts, manifests and tags.
//!
//! distribution-spec v1.1 "Push". Uploads themselves are in `upload`.

use super::auth::scope::Scope;
use super::capabilities::Feature;
use super::mount::Mount;
use super::registries::Registries;
use super::session::{with_cache, without_conflict};
use super::wire::exchange::{Body, Method, Request};
use crate::error::{Error, NextStep, Result};
use crate::oci::{Descriptor, Digest, Manifest, Repository, Tag};
use crate::store::{Ahead, Content, Endpoint, Put, Target};

impl Registries {
    /// Whether a blob is there that nobody has asked for yet. If not, a session is open for it, as a
    /// rule: registries answer a mount within one repository by one or the other.
    fn ask_first(&self, to: &Repository, descriptor: &Descriptor) -> Result<bool> {
        let peer = self.transport.peer(to.host())?;
        let has_session = self.sessions().get(to).is_some_and(|waiting| !waiting.is_empty());
        if !has_session && peer.takes(Feature::MountWithin) && self.mount(to, to, &descriptor.digest)? == Mount::Session
        {
            return Ok(false);
        }
        // Only here its length shows.
        match self.has(to, Endpoint::Blobs, descriptor) {
            // What it will not say counts as missing.
            Err(e) if e.status().is_some() => Ok(false),
            answer => answer,
        }
    }
}

impl Target for Registries {
    fn has(&self, to: &Repository, by: Endpoint, descriptor: &Descriptor) -> Result<bool> {
        self.holds(to, by, descriptor, &Scope::push(to.path()), false)
    }

    fn tagged(&self, to: &Repository, tag: &Tag) -> Result<Option<Digest>> {
        let scope = Scope::push(to.path());
        let (mut response, shown) = self.request_manifest(Method::HEAD, to, tag.as_str(), &scope)?;
        let named = response.header("docker-content-digest").and_then(|text| text.parse::<Digest>().ok());
        response.drain();
        match (response.status, named) {
            (404, _) => Ok(None),
            (200, Some(digest)) => Ok(Some(digest)),
            // Not every registry says it in an answer without a body.
            (200 | 405, _) => Ok(self.manifest_bytes(to, tag.as_str(), &scope)?.map(|bytes| Digest::sha256(&bytes))),
            _ => Err(response.failure(&shown)),
        }
    }

    fn prepare(&self, to: &Repository) -> Result<()> {
        let session = self.start_upload(to, false).map_err(|e| with_project(e, to))?;
        self.sessions().entry(to.clone()).or_default().push(session);
        Ok(())
    }

    fn take_over(&self, to: &Repository, from: &Repository, descriptor: &Descriptor) -> Result<bool> {
        Ok(self.mount(to, from, &descriptor.digest)? == Mount::Done)
    }

    fn put_blob(
        &self,
        to: &Repository,
        ahead: Ahead<'_>,
        descriptor: &Descriptor,
        content: &mut dyn Content,
    ) -> Result<Put> {
        match ahead {
            Ahead::Ask if self.ask_first(to, descriptor)? => return Ok(Put::Found),
            Ahead::Mount(from) if self.mount_when_shown(to, from, descriptor)? == Mount::Done => {
                return Ok(Put::Mounted);
            }
            Ahead::Ask | Ahead::Mount(_) | Ahead::Nothing => {}
        }
        self.upload(to, descriptor, content)?;
        // distribution keeps what it has under a name, whatever is sent.
        let suspect = self.suspects().remove(&(to.clone(), descriptor.digest.clone()));
        if suspect && !self.is_whole(to, descriptor)? {
            return Err(Error::refused(
                format!("the registry holds a damaged copy of {} and keeps it", descriptor.digest),
                NextStep::DeleteDamagedBlob,
            ));
        }
        Ok(Put::Sent)
    }

    fn put_manifest(&self, to: &Repository, manifest: &Manifest, tag: Option<&Tag>) -> Result<()> {
        let digest = manifest.digest();
        let name = tag.map_or(digest.as_str(), Tag::as_str);
        let peer = self.transport.peer(to.host())?;
        let url = self.transport.url(&peer, &format!("v2/{}/manifests/{name}", to.path()));
        let request = Request::new(Method::PUT, url).header("content-type", manifest.media_type().as_str());
        let mut request = request.body(Body::Bytes(manifest.bytes()));
        // A conflict about a tag is a refusal.
        request.writes = tag.is_none();
        let shown = request.shown.clone();
        let answer = self.transport.send(&peer, &Scope::push(to.path()), request);
        let passing = |e: Error| if tag.is_none() { without_conflict(e) } else { e };
        let mut response = answer.map_err(|e| with_urls(passing(e), manifest))?;
        if !matches!(response.status, 200..=202) {
            return Err(with_cache(with_urls(response.failure(&shown), manifest)));
        }
        response.agrees(digest, &shown)?;
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

    fn merge_list(&self, to: &Repository, list: &Manifest, tag: &Tag) -> Result<bool> {
        self.merge_referrers(to, list, tag)
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
    Error::refused(format!("{error} (it has layers with urls)"), NextStep::AllowUrls)
}

/// Says what registries mean that answer "no" to the first upload: most want a project made first.
fn with_project(error: Error, to: &Repository) -> Error {
    match error.status() {
        // Without credentials, nobody knows whether anything else is missing.
        Some(401) if error.next_steps().iter().any(|step| matches!(step, NextStep::LogIn { .. })) => error,
        Some(403) if error.next_steps().contains(&NextStep::RaiseQuota) => error,
        Some(401 | 403 | 404) => {
            let project = to.path().split('/').next().unwrap_or_default().to_owned();
            let (host, repository) = (to.host().to_string(), to.path().to_owned());
            error.advised([NextStep::CreateProject { host, project, repository }])
        }
        _ => error,
    }
}
