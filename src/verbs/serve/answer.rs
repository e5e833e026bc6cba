//! From a request to its answer.

use std::sync::Arc;

use hyper::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderName, HeaderValue};
use hyper::header::{CONTENT_SECURITY_POLICY, HOST, X_CONTENT_TYPE_OPTIONS};
use hyper::{HeaderMap, Method, Response, StatusCode, Uri};

use super::blob;
use super::body::Outgoing;
use super::conditions::{self, Wanted};
use super::listing;
use super::page;
use super::refusal::Refusal;
use super::route::{Query, Route};
use super::stock::Stock;
use crate::error::Error;
use crate::oci::{Digest, Host, Reference};
use crate::store::{Event, Node, Presence, Reason, Watch};
use crate::verbs::page::Page;

const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");
const BYTES: &str = "application/octet-stream";

/// What is asked, and of what.
pub(super) struct Question<'a> {
    pub(super) stock: &'a Arc<Stock>,
    pub(super) method: &'a Method,
    pub(super) uri: &'a Uri,
    pub(super) headers: &'a HeaderMap,
    pub(super) watch: &'a dyn Watch,
}

impl Question<'_> {
    /// Answers it. The answer to HEAD is that to GET without its body.
    pub(super) async fn answer(&self, route: &Route) -> Response<Outgoing> {
        let mut response = match self.found(route).await {
            Ok(response) => response,
            Err(refusal) => refusal.answer(),
        };
        let length = hyper::body::Body::size_hint(response.body()).exact();
        if *self.method == Method::HEAD {
            *response.body_mut() = Outgoing::empty();
        }
        let status = response.status();
        let headers = response.headers_mut();
        if let Some(length) = length.filter(|_| status != StatusCode::NOT_MODIFIED) {
            headers.entry(CONTENT_LENGTH).or_insert(length.into());
        }
        headers.insert(API_VERSION, HeaderValue::from_static("registry/2.0"));
        // What lies in a bundle is nobody's web page.
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response
    }

    async fn found(&self, route: &Route) -> Result<Response<Outgoing>, Refusal> {
        if !matches!(*self.method, Method::GET | Method::HEAD) {
            return Err(Refusal::read_only());
        }
        let query = Query::of(self.uri.query());
        let (path, catalogue) = (self.uri.path(), &self.stock.catalogue);
        match route {
            Route::Base => Ok(plain("{}", "application/json")),
            Route::Blob { repository, digest } => {
                let digest: Digest = digest.parse().map_err(|e| Refusal::no_digest(format!("{e}")))?;
                let shelf = self.shelf(repository, &query)?;
                let node = self.stock.contents.node(&digest).filter(|_| shelf.holds(&digest));
                self.blob(node.ok_or_else(|| Refusal::no_such_blob(format!("no image here has {digest}")))?).await
            }
            Route::Catalog => listing::catalog(catalogue.names(), path, &query),
            Route::Health => Ok(match self.stock.bundles.check_lengths() {
                Ok(()) => plain("ok\n", "text/plain"),
                Err(error) => {
                    let mut response = plain(format!("{error}\n"), "text/plain; charset=utf-8");
                    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                    response
                }
            }),
            Route::Manifest { repository, reference } => self.manifest(repository, reference, &query),
            Route::Metrics => {
                let text = self.stock.lasting.metrics.text(catalogue.images().len());
                Ok(plain(text, "text/plain; version=0.0.4; charset=utf-8"))
            }
            Route::Page => {
                let host = self.headers.get(HOST).and_then(|host| host.to_str().ok());
                let mut response = plain(page::html(self.stock, host), "text/html; charset=utf-8");
                let policy = format!("{}; frame-ancestors 'none'", Page::policy());
                if let Ok(policy) = HeaderValue::try_from(policy) {
                    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
                }
                Ok(response)
            }
            Route::Referrers { repository, subject } => {
                let subject: Digest = subject.parse().map_err(|e| Refusal::no_digest(format!("{e}")))?;
                let shelf = self.shelf(repository, &query)?;
                listing::referrers(catalogue.referrers(&self.stock.contents, shelf, &subject), path, &query)
            }
            Route::Tags { repository } => {
                listing::tags(repository, self.shelf(repository, &query)?.tags(), path, &query)
            }
            Route::Unknown => Err(Refusal::no_such_endpoint()),
            Route::Upload => Err(Refusal::read_only()),
        }
    }

    fn shelf(&self, repository: &str, query: &Query) -> Result<&super::catalogue::Shelf, Refusal> {
        let unknown = || Refusal::no_such_repository(repository);
        let meant = match query.ns.as_deref().filter(|ns| !ns.is_empty()) {
            None => None,
            Some(ns) => Some(host(ns).ok_or_else(unknown)?),
        };
        self.stock.catalogue.shelf(repository, meant.as_ref()).ok_or_else(unknown)
    }

    fn manifest(&self, repository: &str, reference: &str, query: &Query) -> Result<Response<Outgoing>, Refusal> {
        let unknown = || Refusal::no_such_manifest(reference);
        let shelf = self.shelf(repository, query)?;
        let digest = match reference.contains(':') {
            true => reference.parse().map_err(|e| Refusal::no_digest(format!("{e}")))?,
            false => shelf.tag(reference).ok_or_else(unknown)?.clone(),
        };
        let node = self.stock.contents.node(&digest).filter(|_| shelf.holds(&digest)).ok_or_else(unknown)?;
        let manifest = node.manifest.as_ref().ok_or_else(unknown)?;
        if conditions::is_known(self.headers, &digest) {
            return Ok(unchanged(&digest));
        }
        let bytes = bytes::Bytes::from_owner(manifest.bytes().clone());
        let mut response = Response::new(Outgoing::memory(bytes));
        let headers = response.headers_mut();
        if let Ok(kind) = HeaderValue::from_str(manifest.media_type().as_str()) {
            headers.insert(CONTENT_TYPE, kind);
        }
        name(headers, &digest);
        Ok(response)
    }

    async fn blob(&self, node: &Node) -> Result<Response<Outgoing>, Refusal> {
        let (digest, size) = (&node.descriptor.digest, node.descriptor.size);
        let document = node.manifest.as_ref().map(|manifest| manifest.bytes()).or(node.descriptor.data.as_ref());
        let document = document.map(|bytes| bytes::Bytes::from_owner(bytes.clone()));
        if document.is_none() && (!node.is_carried() || node.places.is_empty()) {
            return Err(Refusal::no_such_blob(absence(node)));
        }
        if conditions::is_known(self.headers, digest) {
            return Ok(unchanged(digest));
        }
        let wanted = conditions::part(self.headers, digest, size);
        let part = match &wanted {
            Wanted::All => 0..size,
            Wanted::Part(part) => part.clone(),
            Wanted::NoSuchPart => {
                let mut response = Response::new(Outgoing::empty());
                *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
                response.headers_mut().insert(CONTENT_RANGE, header(format!("bytes */{size}")));
                return Ok(response);
            }
        };
        let length = part.end - part.start;
        let body = match document {
            Some(bytes) => Outgoing::memory(within(&bytes, &part)),
            None if *self.method == Method::HEAD => {
                blob::look(self.stock, node).await.map_err(|e| self.damaged(digest, &e))?;
                Outgoing::empty()
            }
            None => {
                let begun = blob::begin(self.stock, node, part.clone()).await;
                let (reader, first) = begun.map_err(|e| self.damaged(digest, &e))?;
                Outgoing::files(reader, first)
            }
        };
        let mut response = Response::new(body);
        let headers = response.headers_mut();
        headers.insert(CONTENT_LENGTH, length.into());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(BYTES));
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        name(headers, digest);
        if let Wanted::Part(part) = wanted {
            headers.insert(CONTENT_RANGE, header(format!("bytes {}-{}/{size}", part.start, part.end - 1)));
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        }
        Ok(response)
    }

    /// The one who runs the server learns what is wrong, and which file it is in.
    fn damaged(&self, digest: &Digest, error: &Error) -> Refusal {
        self.watch.on(Event::Warning { message: &error.to_string() });
        Refusal::damaged(format!("{digest} is damaged or cannot be read here; the log of the server says more"))
    }
}

/// The registry that `ns` names.
fn host(ns: &str) -> Option<Host> {
    // Read as in an image's name, so that the other names of Docker Hub are the one.
    format!("{ns}/a/a").parse::<Reference>().ok().map(|name| name.repository.host().clone()).or_else(|| ns.parse().ok())
}

/// Why content that an image names is not there.
fn absence(node: &Node) -> String {
    let digest = &node.descriptor.digest;
    match node.presence {
        Presence::LeftOut(Reason::Base) => format!("{digest} is left to a base, which is not served along"),
        Presence::LeftOut(Reason::Delta) => {
            format!("{digest} is carried as what changed since an older layer, which is not served along")
        }
        Presence::LeftOut(Reason::Volume(number)) => {
            format!("{digest} is in volume {number}, which is not served along")
        }
        Presence::LeftOut(reason) => format!("{digest} was left out of the bundle ({})", reason.as_str()),
        Presence::Carried | Presence::Missing => format!("{digest} is not in the bundle"),
    }
}

fn within(bytes: &bytes::Bytes, part: &std::ops::Range<u64>) -> bytes::Bytes {
    let at = |byte: u64| usize::try_from(byte).map_or(bytes.len(), |byte| byte.min(bytes.len()));
    bytes.slice(at(part.start)..at(part.end))
}

fn plain(body: impl Into<bytes::Bytes>, kind: &'static str) -> Response<Outgoing> {
    let mut response = Response::new(Outgoing::memory(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn unchanged(digest: &Digest) -> Response<Outgoing> {
    let mut response = Response::new(Outgoing::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    name(response.headers_mut(), digest);
    response
}

fn name(headers: &mut HeaderMap, digest: &Digest) {
    headers.insert(CONTENT_DIGEST, header(digest.to_string()));
    headers.insert(ETAG, header(conditions::etag(digest)));
}

/// Of text that is plain by its making.
fn header(text: String) -> HeaderValue {
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}
