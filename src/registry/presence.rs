//! Whether a registry has some content: asked by HEAD where that means something, otherwise by GET.
//!
//! An answer to HEAD is a hint (RFC 9110 §9.3.2): its length may be wrong or absent, proxies refuse
//! it, and a link into storage may be signed for GET alone. What GET brings is hashed before anything
//! there is called damaged.

use std::io::Read;

use super::auth::scope::Scope;
use super::capabilities::Feature;
use super::range::checked;
use super::registries::Registries;
use super::wire::exchange::{Method, Response};
use crate::error::{Error, Kind, Result};
use crate::oci::{Algorithm, Descriptor, Digest, Repository, VerifyReader};
use crate::store::{Endpoint, Settling};

/// How often a body that broke off is asked for.
const MOST_BODIES: u32 = 3;
/// Read at once where content is only read to be checked, in bytes.
const BUFFER: usize = 64 << 10;

impl Registries {
    /// Whether content is there in its full length. Whoever `has_leave` for an upload asks without
    /// waiting for more.
    pub(super) fn holds(
        &self,
        at: &Repository,
        by: Endpoint,
        descriptor: &Descriptor,
        scope: &Scope,
        has_leave: bool,
    ) -> Result<bool> {
        let peer = self.transport.peer(at.host())?;
        let ask = |method| self.ask(method, at, by, &descriptor.digest, scope, has_leave);
        if !peer.takes(Feature::Head) {
            let (response, shown) = ask(Method::GET)?;
            return self.weigh(response, &shown, at, by, descriptor);
        }
        let (refused, reason) = match ask(Method::HEAD) {
            Ok((mut response, shown)) => match response.status {
                200 if !peer.takes(Feature::HeadLength) => return Ok(true),
                200 if response.length().is_none_or(|length| length == descriptor.size) => return Ok(true),
                // A registry that lost content may still know its name; or HEAD tells no lengths.
                200 => (false, format!("HEAD says {} bytes", response.length().unwrap_or_default())),
                // What may lie elsewhere is left out only after the registry itself has said so.
                404 if descriptor.urls.is_empty() => return Ok(false),
                404 => (true, "HEAD says 404".to_owned()),
                401 if response.is_registry => return Err(response.failure(&shown)),
                408 | 429 => return Err(response.failure(&shown)),
                status => {
                    response.drain();
                    (true, format!("HEAD is answered {status}"))
                }
            },
            Err(e) if e.status().is_some_and(|status| !matches!(status, 408 | 429 | 503)) => (true, e.to_string()),
            Err(e) => return Err(e),
        };
        let (response, shown) = ask(Method::GET)?;
        let (status, length) = (response.status, response.length());
        let there = self.weigh(response, &shown, at, by, descriptor)?;
        let feature = if refused { Feature::Head } else { Feature::HeadLength };
        // A HEAD that was refused where GET says something, or that is wrong about what GET brings.
        if (refused && (there || status == 404) && reason != "HEAD says 404") || (there && !refused) {
            let shows = refused || length == Some(descriptor.size);
            if shows {
                peer.lacks(feature, &reason, self.transport.watch.as_ref());
            }
        }
        Ok(there)
    }

    /// Whether a manifest is there, for whoever only reads.
    ///
    /// # Errors
    /// When the registry does not say.
    pub(crate) fn has_manifest(&self, at: &Repository, descriptor: &Descriptor) -> Result<bool> {
        self.holds(at, Endpoint::Manifests, descriptor, &Scope::pull(at.path()), false)
    }

    /// The digest of what stands at a tag or digest; `None` if nothing does. No manifest is fetched where HEAD tells.
    ///
    /// # Errors
    /// When the registry does not say.
    pub(crate) fn digest_at(&self, at: &Repository, reference: &str) -> Result<Option<Digest>> {
        let peer = self.transport.peer(at.host())?;
        let scope = Scope::pull(at.path());
        let mut refused = None;
        if peer.takes(Feature::Head) {
            match self.request_manifest(Method::HEAD, at, reference, &scope) {
                Ok((mut response, shown)) => {
                    let named = response.header("docker-content-digest").and_then(|text| text.parse().ok());
                    match (response.status, named) {
                        (200, Some(digest)) => return Ok(Some(digest)),
                        // Not every registry says it in an answer without a body.
                        (200, None) => response.drain(),
                        (404, _) => return Ok(None),
                        (401, _) if response.is_registry => return Err(response.failure(&shown)),
                        (408 | 429, _) => return Err(response.failure(&shown)),
                        (status, _) => {
                            response.drain();
                            refused = Some(format!("HEAD is answered {status}"));
                        }
                    }
                }
                Err(e) if e.status().is_some_and(|status| !matches!(status, 408 | 429 | 503)) => {
                    refused = Some(e.to_string());
                }
                Err(e) => return Err(e),
            }
        }
        let bytes = self.manifest_bytes(at, reference, &scope)?;
        if let Some(reason) = refused {
            peer.lacks(Feature::Head, &reason, self.transport.watch.as_ref());
        }
        let algorithm = reference.parse::<Digest>().map_or(Algorithm::Sha256, |digest| digest.algorithm());
        Ok(bytes.map(|bytes| Digest::of(algorithm, &bytes)))
    }

    fn ask(
        &self,
        method: Method,
        at: &Repository,
        by: Endpoint,
        digest: &Digest,
        scope: &Scope,
        has_leave: bool,
    ) -> Result<(Response, String)> {
        match by {
            Endpoint::Manifests => self.request_manifest(method, at, digest.as_str(), scope),
            Endpoint::Blobs => self.request_blob(method, at, digest, scope, has_leave),
        }
    }

    /// What the answer to a GET says about it.
    fn weigh(
        &self,
        mut response: Response,
        shown: &str,
        at: &Repository,
        by: Endpoint,
        descriptor: &Descriptor,
    ) -> Result<bool> {
        let digest = &descriptor.digest;
        match (response.status, response.length()) {
            (200, _) if by == Endpoint::Manifests => {
                let bytes = response.body(descriptor.size)?;
                Ok(Digest::of(digest.algorithm(), &bytes) == *digest)
            }
            // The body is not read.
            (200, Some(length)) if length == descriptor.size => Ok(true),
            (200, Some(_)) => {
                self.suspects().insert((at.clone(), digest.clone()));
                Ok(false)
            }
            (200, None) => match hashes_right(response, shown, descriptor) {
                Err(e) if e.kind() == Kind::Content => {
                    self.suspects().insert((at.clone(), digest.clone()));
                    Ok(false)
                }
                answer => answer.map(|()| true),
            },
            (404, _) => {
                response.drain();
                Ok(false)
            }
            _ => Err(response.failure(shown)),
        }
    }

    /// Reads a blob that was just written and hashes it; false if it is another. What does not show yet
    /// is waited for.
    pub(super) fn is_whole(&self, at: &Repository, descriptor: &Descriptor) -> Result<bool> {
        let (mut settling, mut bodies) = (Settling::default(), 0);
        loop {
            let scope = Scope::push(at.path());
            let (response, shown) = self.request_blob(Method::GET, at, &descriptor.digest, &scope, false)?;
            let gone = response.status == 404;
            bodies += u32::from(!gone);
            match hashes_right(response, &shown, descriptor) {
                Ok(()) => return Ok(true),
                Err(_) if gone && settling.wait(self.transport.watch.as_ref())? => {}
                Err(e) if e.kind() == Kind::Content => return Ok(false),
                Err(e) if e.kind() == Kind::Transient && bodies < MOST_BODIES => {}
                Err(e) => return Err(e),
            }
        }
    }
}

/// Reads an answer to its end.
fn hashes_right(response: Response, shown: &str, descriptor: &Descriptor) -> Result<()> {
    let mut reader = VerifyReader::new(checked(response, shown, descriptor, 0)?, &descriptor.digest, descriptor.size);
    let mut buffer = vec![0; BUFFER];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(e) => return Err(Error::from_read(e)),
        }
    }
}
