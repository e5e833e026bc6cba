//! Taking a blob over from another repository of the same registry, without sending it.
//!
//! distribution-spec v1.1 "Mounting a blob from another repository" (end-11). Registries refuse that
//! in many ways, and take the blob all the same.

use super::auth::scope::Scope;
use super::capabilities::Feature;
use super::registries::Registries;
use super::session::location;
use super::wire::exchange::{Body, Method, Request};
use crate::error::{Error, Kind, Result};
use crate::oci::{Descriptor, Digest, Repository};
use crate::store::{Endpoint, Settling};

/// What a registry answered to a mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mount {
    /// The blob is in the repository.
    Done,
    /// It has to be sent, and a session is open for that.
    Session,
    /// Neither.
    Refused,
}

impl Registries {
    /// Takes a blob over that `from` has. What this run has just brought there may not show yet: that
    /// is waited for, before it is sent again.
    pub(super) fn mount_when_shown(&self, to: &Repository, from: &Repository, blob: &Descriptor) -> Result<Mount> {
        let mount = self.mount(to, from, &blob.digest)?;
        if mount != Mount::Session {
            return Ok(mount);
        }
        let shows = || match self.holds(from, Endpoint::Blobs, blob, &Scope::push(from.path()), false) {
            Err(e) if matches!(e.kind(), Kind::Interrupted(_)) => Err(e),
            // Where it will not say, there is nothing to wait for.
            answer => Ok(answer.ok()),
        };
        if shows()? != Some(false) {
            return Ok(mount);
        }
        match Settling::look(self.transport.watch.as_ref(), |shown| *shown != Some(false), shows)? {
            Some(true) => self.mount(to, from, &blob.digest),
            _ => Ok(mount),
        }
    }

    /// Asks for a mount, unless the host is known to take none.
    pub(super) fn mount(&self, to: &Repository, from: &Repository, digest: &Digest) -> Result<Mount> {
        let peer = self.transport.peer(to.host())?;
        let feature = if from == to { Feature::MountWithin } else { Feature::Mount };
        if !peer.takes(feature) {
            return Ok(Mount::Refused);
        }
        let mut url = self.transport.url(&peer, &format!("v2/{}/blobs/uploads/", to.path()));
        url.query_pairs_mut().append_pair("mount", digest.as_str()).append_pair("from", from.path());
        let request = Request::new(Method::POST, url.clone()).body(Body::Bytes(&[]));
        let shown = request.shown.clone();
        let scope = if from == to { Scope::push(to.path()) } else { Scope::mount(to.path(), from.path()) };
        let mut response = match self.transport.send(&peer, &scope, request) {
            Ok(response) => response,
            // Not now, or not these two: that says nothing about the next.
            Err(e) if matches!(e.kind(), Kind::Transient | Kind::Act) => return Ok(Mount::Refused),
            Err(e) => return Err(e),
        };
        match response.status {
            201 => {
                response.drain();
                Ok(Mount::Done)
            }
            202 => {
                let session = location(&peer, &url, &response)?;
                self.sessions().entry(to.clone()).or_default().extend(session);
                response.drain();
                Ok(Mount::Session)
            }
            _ => {
                let failure = response.failure(&shown);
                if is_for_good(&failure) {
                    peer.lacks(feature, &failure.to_string(), self.transport.watch.as_ref());
                }
                Ok(Mount::Refused)
            }
        }
    }
}

/// The host refuses mounts as such, not this one: no right to the other repository, or that it is not
/// there, is said with a code of the registry's own.
fn is_for_good(refusal: &Error) -> bool {
    matches!(
        (refusal.status(), refusal.code()),
        (_, Some("UNSUPPORTED")) | (Some(405 | 501), _) | (Some(400 | 404), None)
    )
}
