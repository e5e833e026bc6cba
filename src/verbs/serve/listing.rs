//! Lists, page by page: tags, repositories, referrers (distribution-spec v1.1 "Content Discovery").

use hyper::Response;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, LINK};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::body::Outgoing;
use super::refusal::Refusal;
use super::route::Query;
use crate::oci::{Manifest, MediaType};

/// As many entries as a page has where nobody says, or says more.
const MOST_ENTRIES: usize = 10_000;
/// Bytes of annotations and the like on one page of referrers: the most that clients read (distribution-spec v1.1).
const MOST_BYTES: usize = 3 << 20;

const FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");

/// A page of some names in order, and the last of it if there are more.
fn page<'a>(all: impl Iterator<Item = &'a str>, query: &Query) -> Result<(Vec<&'a str>, Option<&'a str>), Refusal> {
    let most = match &query.n {
        None => MOST_ENTRIES,
        Some(text) => text.parse::<usize>().map_err(|_| Refusal::no_number(text))?.min(MOST_ENTRIES),
    };
    let mut rest = all.filter(|name| query.last.as_deref().is_none_or(|last| *name > last));
    let entries: Vec<&str> = rest.by_ref().take(most).collect();
    let last = entries.last().copied().filter(|_| rest.next().is_some());
    Ok((entries, last))
}

/// `tags/list` of a repository.
pub(super) fn tags<'a>(
    name: &str,
    tags: impl Iterator<Item = &'a str>,
    path: &str,
    query: &Query,
) -> Result<Response<Outgoing>, Refusal> {
    let (tags, last) = page(tags, query)?;
    Ok(answer(&json!({"name": name, "tags": tags}), "application/json", path, query, last))
}

/// `_catalog`.
pub(super) fn catalog(names: &[String], path: &str, query: &Query) -> Result<Response<Outgoing>, Refusal> {
    let (names, last) = page(names.iter().map(String::as_str), query)?;
    Ok(answer(&json!({"repositories": names}), "application/json", path, query, last))
}

/// What refers to something, of one kind where one is asked for.
pub(super) fn referrers<'a>(
    all: impl Iterator<Item = &'a Manifest>,
    path: &str,
    query: &Query,
) -> Result<Response<Outgoing>, Refusal> {
    let kind = query.artifact_type.as_deref();
    let is_wanted = |manifest: &&Manifest| kind.is_none_or(|kind| manifest.listed_type() == Some(kind));
    let is_after = |manifest: &&Manifest| query.last.as_deref().is_none_or(|last| manifest.digest().as_str() > last);
    let (mut list, mut bytes, mut last) = (Vec::new(), 0, None);
    for manifest in all.filter(is_wanted).filter(is_after) {
        let descriptor = listed(manifest);
        bytes += descriptor.to_string().len();
        if bytes > MOST_BYTES && !list.is_empty() {
            last = list.last().and_then(|descriptor: &Value| descriptor["digest"].as_str()).map(str::to_owned);
            break;
        }
        list.push(descriptor);
    }
    let index = json!({"schemaVersion": 2, "mediaType": MediaType::OCI_INDEX, "manifests": list});
    let mut response = answer(&index, MediaType::OCI_INDEX, path, query, last.as_deref());
    if kind.is_some() {
        response.headers_mut().insert(FILTERS_APPLIED, HeaderValue::from_static("artifactType"));
    }
    Ok(response)
}

/// A referrer as it is listed: with its kind and its own annotations.
fn listed(manifest: &Manifest) -> Value {
    let mut descriptor = Map::new();
    descriptor.insert("mediaType".into(), manifest.media_type().as_str().into());
    descriptor.insert("digest".into(), manifest.digest().as_str().into());
    descriptor.insert("size".into(), manifest.bytes().len().into());
    if let Some(kind) = manifest.listed_type() {
        descriptor.insert("artifactType".into(), kind.into());
    }
    let annotations = manifest.annotations();
    if !annotations.is_empty() {
        descriptor.insert("annotations".into(), json!(annotations));
    }
    descriptor.into()
}

fn answer(
    document: &impl Serialize,
    kind: &'static str,
    path: &str,
    query: &Query,
    last: Option<&str>,
) -> Response<Outgoing> {
    // Maps with text for keys, which JSON has.
    let body = serde_json::to_vec(document).unwrap_or_default();
    let mut response = Response::new(Outgoing::memory(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    let link = last.map(|last| format!("<{path}?{}>; rel=\"next\"", query.after(last)));
    if let Some(link) = link.and_then(|link| HeaderValue::from_str(&link).ok()) {
        response.headers_mut().insert(LINK, link);
    }
    response
}
