//! Bringing a blob into a repository: by mounting, or by a session that takes the whole body.
//!
//! distribution-spec v1.1 "Pushing blobs" (end-4b, end-6, end-11). A session that broke is given up
//! and the blob started anew: what the closing digest does not cover was never there.

use std::sync::{MutexGuard, PoisonError};

use ureq::http::Method;
use url::Url;

use super::exchange::{Body, Request, Response};
use super::origin::Purpose;
use super::push::agrees;
use super::retry::sleep;
use super::token::Scope;
use super::{Registries, Sessions};
use crate::error::{Error, Kind, Result};
use crate::oci::{Descriptor, Digest, Repository};
use crate::store::Content;

impl Registries {
    pub(super) fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens an upload session; the URL to go on with.
    pub(super) fn start_upload(&self, to: &Repository) -> Result<Url> {
        let host = self.transport.host(to.host())?;
        let url = self.transport.url(&host, &format!("v2/{}/blobs/uploads/", to.path()));
        let request = Request::new(Method::POST, url.clone()).body(Body::Bytes(&[]));
        let shown = request.shown.clone();
        let mut response = self.transport.send(&host, &Scope::push(to.path()), request)?;
        if response.status != 202 {
            return Err(response.failure(&shown));
        }
        let session = self.location(to, &url, &response)?;
        response.drain();
        session.ok_or_else(|| {
            Error::refused(format!("{shown}: an upload without a Location"), "this is not a registry's answer")
        })
    }

    /// Gives up a session.
    pub(super) fn end_upload(&self, to: &Repository, session: Url) -> Result<()> {
        let host = self.transport.host(to.host())?;
        let request = Request::new(Method::DELETE, session);
        self.transport.send(&host, &Scope::push(to.path()), request)?.drain();
        Ok(())
    }

    /// Takes a blob over from another repository of the registry. False if it has to be sent; then
    /// a session may have been opened for it.
    pub(super) fn mount(&self, to: &Repository, from: &Repository, digest: &Digest) -> Result<bool> {
        let host = self.transport.host(to.host())?;
        let mut url = self.transport.url(&host, &format!("v2/{}/blobs/uploads/", to.path()));
        url.query_pairs_mut().append_pair("mount", digest.as_str()).append_pair("from", from.path());
        let request = Request::new(Method::POST, url.clone()).body(Body::Bytes(&[]));
        let mut response = match self.transport.send(&host, &Scope::mount(to.path(), from.path()), request) {
            Ok(response) => response,
            // Registries refuse mounts in many ways, and take the blob all the same.
            Err(e) if matches!(e.kind(), Kind::Transient | Kind::Act) => return Ok(false),
            Err(e) => return Err(e),
        };
        let mounted = response.status == 201;
        if response.status == 202 {
            let session = self.location(to, &url, &response)?;
            self.sessions().entry(to.clone()).or_default().extend(session);
        }
        response.drain();
        Ok(mounted)
    }

    /// Sends a blob, until it is there or there is no hope.
    pub(super) fn upload(&self, to: &Repository, descriptor: &Descriptor, content: &mut dyn Content) -> Result<()> {
        let mut tries = 0;
        loop {
            let error = match self.upload_once(to, descriptor, content) {
                Ok(()) => return Ok(()),
                Err(e) => e,
            };
            // 404 for a session that was there a moment ago: lost, not the repository.
            let lost = tries == 0 && error.status() == Some(404);
            if !(lost || error.kind() == Kind::Transient) || tries == self.transport.options.retry.times {
                return Err(error);
            }
            sleep(self.transport.options.retry.delay(tries), self.transport.watch.as_ref())?;
            tries += 1;
        }
    }

    fn upload_once(&self, to: &Repository, descriptor: &Descriptor, content: &mut dyn Content) -> Result<()> {
        let Descriptor { digest, size, .. } = descriptor;
        let waiting = self.sessions().get_mut(to).and_then(Vec::pop);
        let mut url = match waiting {
            Some(session) => session,
            None => self.start_upload(to)?,
        };
        content.seek_to(0)?;
        // Added to what is there: the rest of the query is the registry's own business.
        url.query_pairs_mut().append_pair("digest", digest.as_str());
        let host = self.transport.host(to.host())?;
        let body = match size {
            0 => Body::Bytes(&[]),
            len => Body::Content { content, offset: 0, len: *len },
        };
        let request = Request::new(Method::PUT, url).header("content-type", "application/octet-stream").body(body);
        let shown = request.shown.clone();
        let mut response = self.transport.send(&host, &Scope::push(to.path()), request)?;
        if !matches!(response.status, 200 | 201 | 204) {
            return Err(response.failure(&shown));
        }
        agrees(&response, digest, &shown)?;
        response.drain();
        Ok(())
    }

    fn location(&self, to: &Repository, from: &Url, response: &Response) -> Result<Option<Url>> {
        let host = self.transport.host(to.host())?;
        let Some(location) = response.header("location") else { return Ok(None) };
        let permitted = super::transport::origin(&host).follow(Purpose::Upload, from, location)?;
        Ok(Some(permitted.url))
    }
}
