//! Reading from registries: manifests by tag and digest, blobs from any byte on.
//!
//! distribution-spec v1.1 "Pulling manifests", "Pulling blobs". The bytes and their hash decide;
//! headers are only compared. What a descriptor holds itself (image-spec v1.1.1 `descriptor.md`
//! `data`) is not asked for.

use std::io::Read;
use std::ops::Range;
use std::sync::Arc;

use super::auth::scope::Scope;
use super::registries::Registries;
use super::wire::exchange::{Method, Request, Response};
use crate::error::{Error, Kind, Result};
use crate::oci::{Algorithm, Descriptor, Digest, Manifest, MediaType, Reference, Repository, Said};
use crate::store::{Copies, Endpoint, Event, Place, Source};

/// distribution-spec v1.1 asks registries to take 4 MiB; larger ones will be refused by many.
const USUAL_MANIFEST: u64 = 4 << 20;
/// More is refused, in bytes.
const MAX_MANIFEST: u64 = 32 << 20;
/// How often a body that broke off or came wrong is asked for.
const MOST_BODIES: u32 = 3;

impl Registries {
    /// The manifest at a tag or digest, as it is served. The request itself was repeated as often as
    /// it may be; a body that breaks or does not hash right is asked for a few times more.
    fn get_manifest(
        &self,
        repository: &Repository,
        reference: &str,
        digest: Option<&Digest>,
        described: Option<&MediaType>,
    ) -> Result<Manifest> {
        let mut left = MOST_BODIES;
        loop {
            left -= 1;
            let scope = Scope::pull(repository.path());
            let (mut response, shown) = self.request_manifest(Method::GET, repository, reference, &scope)?;
            if response.status != 200 {
                return Err(response.failure(&shown));
            }
            match self.read_manifest(response, &shown, repository, digest, described) {
                Err(e) if left > 0 && matches!(e.kind(), Kind::Transient | Kind::Content) => {}
                answer => return answer,
            }
        }
    }

    fn read_manifest(
        &self,
        mut response: Response,
        shown: &str,
        repository: &Repository,
        digest: Option<&Digest>,
        described: Option<&MediaType>,
    ) -> Result<Manifest> {
        let served = MediaType::stated(response.header("content-type").unwrap_or_default());
        let named = response.header("docker-content-digest").and_then(|d| d.parse::<Digest>().ok());
        let bytes: Arc<[u8]> = response.body(MAX_MANIFEST)?.into();
        let algorithm = digest.map_or(Algorithm::Sha256, Digest::algorithm);
        let actual = Digest::of(algorithm, &bytes);
        if let Some(expected) = digest.filter(|d| **d != actual) {
            return Err(Error::content(format!("{shown}: content of {expected} hashes to {actual}")));
        }
        if let Some(named) = named.filter(|n| n.algorithm() == algorithm && *n != actual) {
            return Err(Error::content(format!("{shown}: the registry calls it {named}, but it hashes to {actual}")));
        }
        if bytes.len() as u64 > USUAL_MANIFEST {
            let message =
                format!("{repository}@{actual}: a manifest of {} bytes, which many registries refuse", bytes.len());
            self.transport.watch.on(Event::Warning { message: &message });
        }
        let said = Said { described, served: served.as_ref() };
        Manifest::parse(bytes, actual, said).map_err(|e| Error::from(e).at(shown))
    }

    /// A request for a manifest that accepts all four types, and how to call it in a message.
    pub(crate) fn request_manifest(
        &self,
        method: Method,
        repository: &Repository,
        reference: &str,
        scope: &Scope,
    ) -> Result<(Response, String)> {
        let peer = self.transport.peer(repository.host())?;
        let url = self.transport.url(&peer, &format!("v2/{}/manifests/{reference}", repository.path()));
        let is_head = method == Method::HEAD;
        let mut request = Request::new(method, url);
        // One header each: an old Harbor reads only the first of a list.
        for accepted in MediaType::MANIFESTS {
            request = request.header("accept", accepted);
        }
        let shown = request.shown.clone();
        Ok((told_apart(self.transport.send(&peer, scope, request)?, is_head)?, shown))
    }

    /// The bytes at a tag or digest, whatever they are; `None` if there is nothing.
    pub(crate) fn manifest_bytes(
        &self,
        repository: &Repository,
        reference: &str,
        scope: &Scope,
    ) -> Result<Option<Vec<u8>>> {
        let mut left = MOST_BODIES;
        loop {
            left -= 1;
            let (mut response, shown) = self.request_manifest(Method::GET, repository, reference, scope)?;
            match response.status {
                404 => return Ok(None),
                200 => match response.body(MAX_MANIFEST) {
                    // A broken body: once more may do.
                    Err(e) if left > 0 && e.kind() == Kind::Transient => {}
                    answer => return answer.map(Some),
                },
                _ => return Err(response.failure(&shown)),
            }
        }
    }

    /// A request for a whole blob, and how to call it in a message.
    pub(crate) fn request_blob(
        &self,
        method: Method,
        repository: &Repository,
        digest: &Digest,
        scope: &Scope,
        has_leave: bool,
    ) -> Result<(Response, String)> {
        let peer = self.transport.peer(repository.host())?;
        let url = self.transport.url(&peer, &format!("v2/{}/blobs/{digest}", repository.path()));
        let is_head = method == Method::HEAD;
        let mut request = Request::new(method, url);
        request.has_leave = has_leave;
        let shown = request.shown.clone();
        Ok((told_apart(self.transport.send(&peer, scope, request)?, is_head)?, shown))
    }
}

impl Registries {
    /// The manifest that a reference names now, and the place that it was found at. With a source, it is fetched
    /// there, under its own name.
    ///
    /// # Errors
    /// Not found, refused, not a manifest, or not the digest asked for.
    pub(crate) fn resolve(&self, named: &Reference, source: Option<&Reference>) -> Result<(Place, Manifest)> {
        let asked = source.unwrap_or(named);
        let digest = named.digest.as_ref().or(asked.digest.as_ref());
        let name = match (digest, &asked.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, Some(tag)) => tag.to_string(),
            (None, None) => return Err(Error::usage(format!("{asked}: neither a tag nor a digest"))),
        };
        let found = self.get_manifest(&asked.repository, &name, digest, None);
        let manifest = found.map_err(|e| match source {
            Some(source) if source != named => e.at(format!("{named} (from {source})")),
            _ => e.at(named),
        })?;
        Ok((self.place_for(&named.repository, &asked.repository), manifest))
    }

    /// The content of a blob as a repository, or where it sends us, has it from byte `offset` on.
    fn get_blob(&self, from: &Repository, descriptor: &Descriptor, offset: u64) -> Result<Box<dyn Read + Send + '_>> {
        let peer = self.transport.peer(from.host())?;
        let url = self.transport.url(&peer, &format!("v2/{}/blobs/{}", from.path(), descriptor.digest));
        let scope = Scope::pull(from.path());
        let shown = format!("GET {}", url.path());
        let send = |request: Request<'static>| self.transport.send(&peer, &scope, request);
        match self.transport.open_at(&peer, (&url, &shown), descriptor, offset, &send) {
            Err(e) if e.status() == Some(404) && self.layer_urls.is_some() && !descriptor.urls.is_empty() => {
                Ok(Box::new(self.open_layer_urls(from, descriptor, offset)?))
            }
            answer => Ok(Box::new(answer?)),
        }
    }
}

impl Source for Registries {
    fn places(&self, _: &Descriptor, near: Place) -> Vec<Place> {
        vec![near]
    }

    fn name(&self, place: Place, digest: &Digest) -> String {
        let repository = self.located(place).map_or_else(|e| e.to_string(), |located| located.to_string());
        match self.layer_urls_read(digest) {
            Some(urls) => format!("{repository} ({urls})"),
            None => repository,
        }
    }

    fn blame(&self, place: Place, digest: &Digest, error: Error) -> Error {
        error.at(format!("{}@{digest}", self.name(place, digest)))
    }

    fn manifest(&self, at: Place, descriptor: &Descriptor) -> Result<Manifest> {
        let Descriptor { digest, size, media_type, .. } = descriptor;
        let described = Some(media_type).filter(|described| described.is_manifest());
        let manifest = match &descriptor.data {
            Some(data) => Manifest::parse(data.clone(), digest.clone(), Said { described, served: None })?,
            None => self.get_manifest(&self.repository(at)?, digest.as_str(), Some(digest), described)?,
        };
        let length = manifest.bytes().len() as u64;
        if length != *size {
            return Err(Error::content(format!("{length} bytes long, but its index says {size}")));
        }
        Ok(manifest)
    }

    fn has_blob(&self, at: Place, descriptor: &Descriptor) -> Result<bool> {
        let from = self.repository(at)?;
        self.holds(&from, Endpoint::Blobs, descriptor, &Scope::pull(from.path()), false)
    }

    fn document(&self, at: Place, descriptor: &Descriptor) -> Result<Option<Arc<[u8]>>> {
        let Descriptor { digest, size, .. } = descriptor;
        if *size > MAX_MANIFEST {
            return Ok(None);
        }
        let from = self.repository(at)?;
        let bytes = self.manifest_bytes(&from, digest.as_str(), &Scope::pull(from.path()))?;
        let same = |bytes: &Vec<u8>| Digest::of(digest.algorithm(), bytes) == *digest;
        match bytes {
            Some(bytes) if !same(&bytes) => Err(Error::content("not the content that the digest names")),
            bytes => Ok(bytes.map(Arc::from)),
        }
    }

    fn is_far(&self) -> bool {
        true
    }

    fn beside(&self, place: Place) -> Option<Repository> {
        let (host, target) = self.target.as_ref()?;
        let from = self.repository(place).ok()?;
        // However the two are written: what counts is where they are.
        let peer = self.transport.peer(from.host()).ok()?;
        peer.origin().is_same(target).then(|| Repository::new(host.clone(), from.path()).ok()).flatten()
    }

    fn open(&self, at: Place, descriptor: &Descriptor, offset: u64) -> Result<Box<dyn Read + Send + '_>> {
        self.get_blob(&self.repository(at)?, descriptor, offset)
    }

    fn open_part(&self, at: Place, descriptor: &Descriptor, part: Range<u64>) -> Option<Box<dyn Read + Send + '_>> {
        let from = self.repository(at).ok()?;
        let peer = self.transport.peer(from.host()).ok()?;
        let url = self.transport.url(&peer, &format!("v2/{}/blobs/{}", from.path(), descriptor.digest));
        let response = self.transport.part(&peer, &Scope::pull(from.path()), url, descriptor.size, part)?;
        Some(Box::new(response))
    }

    fn fetches_urls(&self) -> bool {
        self.layer_urls.is_some()
    }
}

impl Copies for Registries {
    fn place_of(&self, repository: &Repository) -> Place {
        self.place(repository)
    }
}

/// The answer, unless it is the page of whoever answers in the registry's place. A body tells by itself.
fn told_apart(mut response: Response, is_head: bool) -> Result<Response> {
    if is_head {
        response.is_no_page()?;
    }
    Ok(response)
}
