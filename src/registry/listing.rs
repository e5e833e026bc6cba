//! What refers to a manifest, as a registry lists it: by the referrers API or, where there is none,
//! in the index under the tag that is made from the subject's digest.
//!
//! distribution-spec v1.1 "Listing Referrers" and "Referrers Tag Schema". distribution 2.8 and 3 have
//! no such API, nor has Docker Hub; so one question is asked for each host, and where many digests
//! are looked for, one list of tags tells which of them have such an index.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError};

use serde_json::{Map, Value};

use super::auth::scope::Scope;
use super::capabilities::Feature;
use super::pages::{MOST_PAGES, Pages};
use super::peer::Peer;
use super::registries::{DigestTags, Located, Registries};
use super::wire::exchange::Method;
use crate::error::{Error, Kind, Result};
use crate::oci::{
    Attached, Descriptor, Digest, Manifest, MediaType, Reference, Repository, Tag, digest_tag, parse_json,
};
use crate::store::{Place, ReferrerSource};

/// Longer lists of tags cost more than they save.
const MOST_TAG_PAGES: usize = 4;

/// What came of a question by the API.
enum Answer {
    Listed(Vec<Descriptor>),
    NoApi,
    /// There is an API, and it knows nothing of this manifest.
    NotKnown,
}

impl Answer {
    fn listed(self) -> Option<Vec<Descriptor>> {
        match self {
            Self::Listed(listed) => Some(listed),
            Self::NoApi | Self::NotKnown => None,
        }
    }
}

impl ReferrerSource for Registries {
    fn referrers(&self, at: Place, subject: &Digest) -> Result<Vec<Descriptor>> {
        let at = self.repository(at)?;
        match self.referrers_by_api(&at, subject, &Scope::pull(at.path()))? {
            Some(listed) => Ok(listed),
            None => self.referrers_by_tag(&at, subject),
        }
    }

    fn tagged(&self, at: Place, subject: &Digest) -> Result<Vec<(Reference, Manifest)>> {
        let Located { named, asked: at } = self.located(at)?;
        let tags = self.digest_tags(&at);
        let listed = tags.get_or_init(|| self.list_digest_tags(&at).ok());
        let start = digest_tag(subject);
        let mut found = Vec::new();
        for attached in Attached::BY_COSIGN {
            let tag = format!("{start}{}", attached.ending());
            let may_be = match listed {
                Some(tags) => tags.contains(&tag),
                None => self.has_tag(&at, &tag)?,
            };
            if !may_be {
                continue;
            }
            let tag: Tag = tag.parse()?;
            let source = Reference { repository: at.clone(), tag: Some(tag), digest: None };
            let reference = Reference { repository: named.clone(), ..source.clone() };
            match self.resolve(&reference, Some(&source)) {
                Ok((_, manifest)) => found.push((reference, manifest)),
                // Listed a moment ago, and gone.
                Err(e) if e.status() == Some(404) => {}
                Err(e) => return Err(e),
            }
        }
        Ok(found)
    }

    fn neighbourhood(&self, place: Place) -> usize {
        // Any repository of the host stands for all: the first of them.
        self.first_of_host(place).number()
    }
}

impl Registries {
    /// What the referrers API lists; `None` where there is none, or none for this manifest.
    pub(crate) fn referrers_by_api(
        &self,
        at: &Repository,
        subject: &Digest,
        scope: &Scope,
    ) -> Result<Option<Vec<Descriptor>>> {
        let peer = self.transport.peer(at.host())?;
        let mut known = peer.capabilities.referrers.lock().unwrap_or_else(PoisonError::into_inner);
        match &*known {
            Some(Ok(false)) => return Ok(None),
            Some(Ok(true)) => drop(known),
            Some(Err(e)) => return Err(Error::Shared(e.clone())),
            // The first question. Others wait for what comes of it: it decides for the whole host.
            None => match self.ask_api(&peer, at, subject, scope) {
                Ok(answer) => {
                    let has_api = !matches!(answer, Answer::NoApi);
                    if !has_api {
                        peer.lacks(Feature::Referrers, "asked for once", self.transport.watch.as_ref());
                    }
                    *known = Some(Ok(has_api));
                    return Ok(answer.listed());
                }
                // It was repeated as often as it may be, and will not be for each of those who wait.
                Err(e) if e.kind() == Kind::Transient => {
                    let e = Arc::new(e);
                    *known = Some(Err(e.clone()));
                    return Err(Error::Shared(e));
                }
                Err(e) => return Err(e),
            },
        }
        self.ask_api(&peer, at, subject, scope).map(Answer::listed)
    }

    /// Whether this host keeps track of referrers by itself. A registry that does not know the subject
    /// may well have the API all the same.
    pub(super) fn has_referrers_api(&self, at: &Repository, subject: &Digest) -> Result<bool> {
        let peer = self.transport.peer(at.host())?;
        let known = || match &*peer.capabilities.referrers.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(Ok(known)) => Some(*known),
            _ => None,
        };
        if let Some(known) = known() {
            return Ok(known);
        }
        let listed = self.referrers_by_api(at, subject, &Scope::push(at.path()))?;
        Ok(known().unwrap_or(listed.is_some()))
    }

    fn ask_api(&self, peer: &Arc<Peer>, at: &Repository, subject: &Digest, scope: &Scope) -> Result<Answer> {
        let path = format!("v2/{}/referrers/{subject}", at.path());
        let place = (path.as_str(), None);
        let mut pages =
            Pages::new(&self.transport, peer.clone(), scope.clone(), place, MediaType::OCI_INDEX, MOST_PAGES)
                .optional();
        let read = |content_type: &str, bytes: &[u8]| {
            let stated = content_type.split(';').next().unwrap_or_default().trim();
            if stated.eq_ignore_ascii_case(MediaType::OCI_INDEX) { descriptors(bytes) } else { Ok(None) }
        };
        let mut found = match pages.next(read) {
            Ok(Some(Some(first))) => first,
            Ok(_) => return Ok(Answer::NoApi),
            // distribution-spec v1.1 wants an empty list there. Of others it may well have one.
            Err(e) if e.code() == Some("MANIFEST_UNKNOWN") => return Ok(Answer::NotKnown),
            Err(e) if is_absent(&e) => return Ok(Answer::NoApi),
            Err(e) => return Err(e),
        };
        while let Some(page) = pages.next(read)? {
            let page = page.ok_or_else(|| Error::content(format!("/{path}: a page that is no index of referrers")))?;
            found.extend(page);
        }
        Ok(Answer::Listed(found))
    }

    fn referrers_by_tag(&self, at: &Repository, subject: &Digest) -> Result<Vec<Descriptor>> {
        let tag = digest_tag(subject);
        let tags = self.digest_tags(at);
        let listed = tags.get_or_init(|| self.list_digest_tags(at).ok());
        if listed.as_ref().is_some_and(|tags| !tags.contains(&tag)) {
            return Ok(Vec::new());
        }
        let Some(bytes) = self.manifest_bytes(at, &tag, &Scope::pull(at.path()))? else { return Ok(Vec::new()) };
        let place = |e: Error| e.at(format!("{at}:{tag}"));
        descriptors(&bytes).map_err(place)?.ok_or_else(|| place(Error::content("not an index of referrers")))
    }

    /// Asked where tags cannot be listed; a question for the head alone is not counted as a pull.
    fn has_tag(&self, at: &Repository, tag: &str) -> Result<bool> {
        let (mut response, shown) = self.request_manifest(Method::HEAD, at, tag, &Scope::pull(at.path()))?;
        match response.status {
            200 => Ok(true),
            404 => Ok(false),
            _ => Err(response.failure(&shown)),
        }
    }

    fn digest_tags(&self, at: &Repository) -> DigestTags {
        let mut known = self.digest_tags.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(at.clone()).or_default().clone()
    }

    fn list_digest_tags(&self, at: &Repository) -> Result<HashSet<String>> {
        let is_made = |tag: &String| tag.starts_with("sha256-") || tag.starts_with("sha512-");
        let mut tags = HashSet::new();
        self.each_tag_page(at, MOST_TAG_PAGES, |page| tags.extend(page.into_iter().filter(is_made)))?;
        Ok(tags)
    }
}

/// Says that there is no such API, as opposed to that something is wrong: distribution answers with
/// a page of text. A repository that is missing is another matter.
fn is_absent(error: &Error) -> bool {
    match error.status() {
        Some(404) => error.code() != Some("NAME_UNKNOWN"),
        Some(400 | 405 | 501) => true,
        _ => false,
    }
}

/// The entries of an index of referrers, of which only type, digest and size matter here; `None` for
/// a document of another kind.
fn descriptors(bytes: &[u8]) -> Result<Option<Vec<Descriptor>>> {
    let unreadable = |e: String| Error::content(format!("not an index of referrers: {e}"));
    if serde_json::from_slice::<Value>(bytes).is_ok_and(|document| !document.is_object()) {
        return Ok(None);
    }
    let mut document: Map<String, Value> = parse_json(bytes).map_err(|e| unreadable(e.to_string()))?;
    let other_type = document.get("mediaType").is_some_and(|t| t != MediaType::OCI_INDEX);
    let Some(manifests) = document.remove("manifests").filter(|_| !other_type) else { return Ok(None) };
    let listed: Option<Vec<Descriptor>> = serde_json::from_value(manifests).map_err(|e| unreadable(e.to_string()))?;
    let bare = |d: Descriptor| Descriptor::new(d.media_type, d.digest, d.size);
    Ok(Some(listed.unwrap_or_default().into_iter().map(bare).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_of_referrers_is_read_leniently_and_its_digests_strictly() {
        let count = |text: &str| descriptors(text.as_bytes()).map(|listed| listed.map(|l| l.len()));
        let line = format!(r#"{{"mediaType":"x/y","digest":"sha256:{}","size":2}}"#, "a".repeat(64));
        assert_eq!(count(&format!(r#"{{"manifests":[{line}],"other":1}}"#)).expect("one"), Some(1));
        assert_eq!(count(r#"{"schemaVersion":2,"manifests":null}"#).expect("as Go writes an empty list"), Some(0));
        for other in ["{}", "[]", r#"{"layers":[]}"#, r#"{"mediaType":"x/y","manifests":[]}"#] {
            assert_eq!(count(other).expect("another document"), None, "{other}");
        }
        for bad in ["", "<html>", r#"{"manifests":[],"Manifests":[]}"#, r#"{"manifests":[{"digest":"sha256:.."}]}"#] {
            assert!(count(bad).is_err(), "{bad}");
        }
    }
}
