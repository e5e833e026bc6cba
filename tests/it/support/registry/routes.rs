//! Which request means what, and all answers but those to uploads.

use std::io::{self, Read};

use serde_json::{Value, json};

use super::Shared;
use super::auth::Scope;
use super::http::{Body, Response};
use super::log::Request;
use super::store::{Stored, descriptors, digest_like, is_digest};
use super::uploads;

const MAX_MANIFEST: u64 = 4 * 1024 * 1024;

/// What a path addresses.
#[derive(Debug, PartialEq, Eq)]
pub enum Route {
    Base,
    Catalog,
    Token,
    Blob(String, String),
    Uploads(String),
    Session(String, String),
    Manifest(String, String),
    Tags(String),
    Referrers(String, String),
    Unknown,
}

impl Route {
    pub fn of(path: &str) -> Self {
        let Some(rest) = path.strip_prefix("/v2/") else {
            return if path == "/token" { Self::Token } else { Self::Unknown };
        };
        if rest.is_empty() {
            return Self::Base;
        }
        if rest == "_catalog" {
            return Self::Catalog;
        }
        if let Some((repo, id)) = rest.rsplit_once("/blobs/uploads/") {
            return if id.is_empty() { Self::Uploads(repo.into()) } else { Self::Session(repo.into(), id.into()) };
        }
        if let Some(repo) = rest.strip_suffix("/tags/list") {
            return Self::Tags(repo.into());
        }
        let Some((front, last)) = rest.rsplit_once('/') else { return Self::Unknown };
        let Some((repo, kind)) = front.rsplit_once('/') else { return Self::Unknown };
        let (repo, last) = (repo.to_owned(), last.to_owned());
        match kind {
            "blobs" => Self::Blob(repo, last),
            "manifests" => Self::Manifest(repo, last),
            "referrers" => Self::Referrers(repo, last),
            _ => Self::Unknown,
        }
    }

    /// What a token must allow, as distribution asks for it.
    pub fn scopes(&self, request: &Request) -> Vec<Scope> {
        let (Self::Blob(repo, _)
        | Self::Uploads(repo)
        | Self::Session(repo, _)
        | Self::Manifest(repo, _)
        | Self::Tags(repo)
        | Self::Referrers(repo, _)) = self
        else {
            return Vec::new();
        };
        let actions: &[&str] = match request.method.as_str() {
            "GET" | "HEAD" => &["pull"],
            "DELETE" => &["delete"],
            _ => &["pull", "push"],
        };
        let mut scopes = vec![Scope::repository(repo, actions)];
        if matches!(self, Self::Uploads(_)) {
            scopes.extend(request.query_values("from").iter().map(|from| Scope::repository(from, &["pull"])));
        }
        scopes
    }
}

/// Carries out a request. `mounts` is whether blobs may be mounted.
pub fn answer(shared: &Shared, request: &Request, body: &mut Body, mounts: bool) -> io::Result<Response> {
    let reads = matches!(request.method.as_str(), "GET" | "HEAD");
    let response = match (Route::of(&request.path), request.method.as_str()) {
        (Route::Base, _) if reads => Response::json(200, &json!({})),
        (Route::Catalog, _) if reads => {
            let store = shared.store.lock().expect("store");
            let names: Vec<&String> = store.repositories.keys().collect();
            Response::json(200, &json!({"repositories": names}))
        }
        (Route::Blob(repo, digest), _) if reads => blob(shared, request, &repo, &digest),
        (Route::Uploads(repo), "POST") => return uploads::start(shared, request, &repo, body, mounts),
        (Route::Session(repo, id), _) => return uploads::go_on(shared, request, &repo, &id, body),
        (Route::Manifest(repo, reference), _) if reads => manifest(shared, request, &repo, &reference),
        (Route::Manifest(repo, reference), "PUT") => return put_manifest(shared, request, &repo, &reference, body),
        (Route::Tags(repo), _) if reads => tags(shared, request, &repo),
        (Route::Referrers(repo, digest), _) if reads && shared.options.referrers => {
            referrers(shared, request, &repo, &digest)
        }
        (Route::Unknown | Route::Token | Route::Referrers(..), _) => {
            Response::new(404).content("text/plain; charset=utf-8", b"404 page not found\n".to_vec().into())
        }
        _ => Response::error(405, "UNSUPPORTED", "the operation is unsupported"),
    };
    Ok(response)
}

fn blob(shared: &Shared, request: &Request, repo: &str, digest: &str) -> Response {
    let store = shared.store.lock().expect("store");
    let found = store.blob(repo, digest).filter(|_| store.shows(repo, digest)).cloned();
    drop(store);
    let Some(content) = found else {
        return Response::error(404, "BLOB_UNKNOWN", "blob unknown to registry");
    };
    if matches!(content, super::Content::Discarded(_)) && request.method == "GET" {
        return Response::error(500, "UNKNOWN", "this test registry keeps only the digest of large blobs");
    }
    let total = content.len();
    let mut response = Response::new(200)
        .content("application/octet-stream", content)
        .with("Docker-Content-Digest", digest)
        .with("Accept-Ranges", "bytes");
    match request.header("Range").map(|range| parse_range(range, total)) {
        None | Some(None) => {}
        Some(Some((start, end))) if start <= end && start < total => {
            let end = end.min(total - 1);
            response.status = 206;
            response.set("Content-Range", format!("bytes {start}-{end}/{total}"));
            (response.offset, response.length) = (start, end - start + 1);
        }
        Some(Some(_)) => {
            response = Response::error(416, "RANGE_INVALID", "invalid content range")
                .with("Content-Range", format!("bytes */{total}"));
        }
    }
    response
}

/// The first and the last byte asked for. Nothing where the header is to be ignored.
fn parse_range(text: &str, total: u64) -> Option<(u64, u64)> {
    let (start, end) = text.strip_prefix("bytes=")?.split_once('-')?;
    match (start, end) {
        ("", last) => Some((total.saturating_sub(last.parse().ok()?), total.saturating_sub(1))),
        (start, "") => Some((start.parse().ok()?, u64::MAX)),
        (start, end) => Some((start.parse().ok()?, end.parse().ok()?)),
    }
}

fn manifest(shared: &Shared, request: &Request, repo: &str, reference: &str) -> Response {
    let found = shared.store.lock().expect("store").shown_manifest(repo, reference);
    let Some((digest, stored)) = found else {
        return Response::error(404, "MANIFEST_UNKNOWN", "manifest unknown");
    };
    let mut accepts = request.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case("accept")).peekable();
    let accepted = accepts.peek().is_none()
        || accepts.flat_map(|(_, value)| value.split(',')).any(|kind| {
            let kind = kind.split(';').next().unwrap_or_default().trim();
            kind == "*/*" || kind == "application/*" || kind == stored.media_type
        });
    if !accepted {
        return Response::error(404, "MANIFEST_UNKNOWN", "the stored media type is not among those accepted");
    }
    Response::new(200)
        .content(&stored.media_type, super::Content::Bytes(stored.bytes))
        .with("Docker-Content-Digest", digest)
}

fn put_manifest(
    shared: &Shared,
    request: &Request,
    repo: &str,
    reference: &str,
    body: &mut Body,
) -> io::Result<Response> {
    let mut bytes = Vec::new();
    Read::take(&mut *body, MAX_MANIFEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_MANIFEST {
        return Ok(Response::error(413, "MANIFEST_INVALID", "manifest larger than 4 MiB"));
    }
    let digest = digest_like(reference, &bytes);
    if reference.contains(':') && digest != reference {
        return Ok(Response::error(400, "DIGEST_INVALID", "provided digest did not match uploaded content"));
    }
    let Ok(document) = serde_json::from_slice::<Value>(&bytes) else {
        return Ok(Response::error(400, "MANIFEST_INVALID", "manifest is not JSON"));
    };
    let media_type = request.header("Content-Type").unwrap_or_default().to_owned();
    if document["mediaType"].as_str().is_some_and(|stated| stated != media_type) {
        return Ok(Response::error(400, "MANIFEST_INVALID", "mediaType differs from Content-Type"));
    }
    let mut store = shared.store.lock().expect("store");
    let mut missing = store.missing(repo, &bytes, shared.options.accepting);
    if !shared.options.accepting {
        let below = descriptors(&document).into_iter().filter_map(|(_, d)| d["digest"].as_str());
        missing.extend(below.filter(|digest| !store.shows(repo, digest)).map(str::to_owned));
    }
    if shared.options.accepting {
        let lines = missing.iter().map(|lacking| format!("{repo} took {reference} without {lacking}"));
        store.violations.extend(lines);
    } else if !missing.is_empty() {
        let errors: Vec<Value> = missing
            .iter()
            .map(|lacking| json!({"code": "MANIFEST_BLOB_UNKNOWN", "message": "blob unknown to registry", "detail": {"digest": lacking}}))
            .collect();
        return Ok(Response::json(400, &json!({ "errors": errors })));
    }
    let tag = (!reference.contains(':')).then_some(reference);
    let is_new = store.manifest(repo, &digest).is_none();
    if is_new {
        store.delay(repo, &digest, shared.options.lag);
    }
    if let Some(tag) = tag {
        store.delay(repo, tag, shared.options.lag);
    }
    store.put_manifest(repo, &digest, tag, Stored { media_type, bytes: bytes.into() });
    let mut response = Response::new(201)
        .with("Location", shared.location(request, &format!("/v2/{repo}/manifests/{digest}")))
        .with("Docker-Content-Digest", digest);
    if let (Some(subject), true) = (document["subject"]["digest"].as_str(), shared.options.referrers) {
        response.set("OCI-Subject", subject);
    }
    Ok(response)
}

fn tags(shared: &Shared, request: &Request, repo: &str) -> Response {
    let store = shared.store.lock().expect("store");
    let Some(repository) = store.repositories.get(repo) else {
        return Response::error(404, "NAME_UNKNOWN", "repository name not known to registry");
    };
    let last = request.query_values("last").into_iter().next().unwrap_or_default();
    let asked = request.query_values("n").first().and_then(|n| n.parse().ok());
    let n = asked.unwrap_or(usize::MAX).min(shared.options.page);
    let rest: Vec<&String> = repository.tags.keys().filter(|tag| **tag > last).collect();
    let page = &rest[..n.min(rest.len())];
    let mut response = Response::json(200, &json!({"name": repo, "tags": page}));
    if let (true, Some(last)) = (page.len() < rest.len(), page.last()) {
        response.set("Link", format!("</v2/{repo}/tags/list?n={n}&last={last}>; rel=\"next\""));
    }
    response
}

fn referrers(shared: &Shared, request: &Request, repo: &str, digest: &str) -> Response {
    if !is_digest(digest) {
        return Response::error(400, "DIGEST_INVALID", "not a digest");
    }
    let mut found = shared.store.lock().expect("store").referrers(repo, digest);
    let mut response = Response::new(200);
    if let Some(kind) = request.query_values("artifactType").first() {
        found.retain(|descriptor| descriptor["artifactType"] == kind.as_str());
        response.set("OCI-Filters-Applied", "artifactType");
    }
    let last = request.query_values("last").into_iter().next().unwrap_or_default();
    found.retain(|descriptor| descriptor["digest"].as_str() > Some(last.as_str()));
    if found.len() > shared.options.page {
        found.truncate(shared.options.page);
        let last = found.last().and_then(|descriptor| descriptor["digest"].as_str()).unwrap_or_default();
        response.set("Link", format!("</v2/{repo}/referrers/{digest}?last={last}>; rel=\"next\""));
    }
    let media_type = "application/vnd.oci.image.index.v1+json";
    let index = json!({"schemaVersion": 2, "mediaType": media_type, "manifests": found});
    response.content(media_type, index.to_string().into_bytes().into())
}
