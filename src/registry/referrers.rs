//! Referrers at a registry that does not keep track of them itself: the index under the tag that is
//! made from the subject's digest.
//!
//! distribution-spec v1.1 "Pushing Manifests with Subject" and "Referrers Tag Schema".

use std::collections::{BTreeMap, HashSet};
use std::sync::PoisonError;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::auth::scope::Scope;
use super::registries::Registries;
use super::wire::exchange::{Body, Method, Request};
use crate::error::{Error, NextStep, Result};
use crate::oci::{Digest, Manifest, MediaType, Repository, Tag, digest_tag};
use crate::store::Settling;

/// How often another writer may come in between.
const MOST_RACES: u32 = 5;

/// The parts of the index that matter here; what else is in it stays.
#[derive(Clone, Default, PartialEq, Deserialize, Serialize)]
struct Index {
    /// Go writes an empty list as `null`.
    #[serde(default, deserialize_with = "list_or_null")]
    manifests: Vec<Value>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl Index {
    /// `None` for a document of another kind.
    fn read(bytes: &[u8]) -> Option<Self> {
        let document: Map<String, Value> = serde_json::from_slice(bytes).ok()?;
        let is_index = document.get("mediaType").is_none_or(|stated| stated == MediaType::OCI_INDEX);
        let is_other = ["config", "layers", "blobs", "fsLayers"].iter().any(|key| document.contains_key(*key));
        if !is_index || is_other || !document.contains_key("manifests") {
            return None;
        }
        serde_json::from_value(Value::Object(document)).ok()
    }

    fn lists(&self, manifest: &Manifest) -> bool {
        self.digests().any(|digest| digest == manifest.digest().as_str())
    }

    fn digests(&self) -> impl Iterator<Item = &str> {
        self.manifests.iter().filter_map(digest_of)
    }
}

fn digest_of(line: &Value) -> Option<&str> {
    line.get("digest").and_then(Value::as_str)
}

fn list_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Value>, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    media_type: &'a MediaType,
    digest: &'a Digest,
    size: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

impl Registries {
    /// Enters a manifest among the referrers of its subject.
    pub(crate) fn enter_referrer(&self, to: &Repository, manifest: &Manifest, subject: &Digest) -> Result<()> {
        // One at a time from here; other machines are told by reading back.
        let _alone = self.referrers.lock().unwrap_or_else(PoisonError::into_inner);
        let tag = digest_tag(subject);
        let mut index = self.referrers_index(to, &tag)?.unwrap_or_default();
        for _ in 0..MOST_RACES {
            if index.lists(manifest) {
                return Ok(());
            }
            let before = index.clone();
            let line = Line {
                media_type: manifest.media_type(),
                digest: manifest.digest(),
                size: manifest.bytes().len(),
                artifact_type: manifest.listed_type(),
                annotations: manifest.annotations(),
            };
            let unwritable = |e: serde_json::Error| Error::content(format!("{tag}: {e}"));
            index.manifests.push(serde_json::to_value(&line).map_err(unwritable)?);
            index.rest.insert("schemaVersion".into(), 2.into());
            index.rest.insert("mediaType".into(), MediaType::OCI_INDEX.into());
            let bytes = serde_json::to_vec(&index).map_err(unwritable)?;
            self.put_referrers_index(to, &tag, &bytes)?;
            // What is shown as it was before was not written by another: it does not show yet.
            // Nor is it gone, for the same reason.
            let settled =
                |shown: &Option<Index>| shown.as_ref().is_some_and(|shown| shown.lists(manifest) || *shown != before);
            let shown = Settling::look(self.transport.watch.as_ref(), settled, || self.referrers_index(to, &tag))?;
            index = shown.unwrap_or(before);
        }
        if index.lists(manifest) {
            return Ok(());
        }
        Err(Error::Network {
            request: format!("PUT /v2/{}/manifests/{tag}", to.path()),
            reason: "others keep changing it".into(),
        })
    }

    /// Brings a whole index of referrers to its tag. What others entered there stays; where nobody has
    /// anything else there, it stands there byte for byte.
    pub(super) fn merge_referrers(&self, to: &Repository, list: &Manifest, tag: &Tag) -> Result<bool> {
        let _alone = self.referrers.lock().unwrap_or_else(PoisonError::into_inner);
        let tag = tag.as_str();
        let unreadable = |e: serde_json::Error| Error::content(format!("{tag}: {e}"));
        let ours: Index = serde_json::from_slice(list.bytes()).map_err(unreadable)?;
        for writes in 0..=MOST_RACES {
            let served = self.manifest_bytes(to, tag, &Scope::push(to.path()))?;
            if served.as_deref().is_some_and(|bytes| *bytes == **list.bytes()) {
                return Ok(writes > 0);
            }
            let mut index = self.referrers_index(to, tag)?.unwrap_or_default();
            let there: HashSet<String> = index.digests().map(str::to_owned).collect();
            let known: HashSet<&str> = ours.digests().collect();
            let is_missing = |line: &&Value| digest_of(line).is_none_or(|digest| !there.contains(digest));
            let missing: Vec<Value> = ours.manifests.iter().filter(is_missing).cloned().collect();
            let has_others = there.iter().any(|digest| !known.contains(digest.as_str()));
            if served.is_some() && has_others && missing.is_empty() {
                return Ok(writes > 0);
            }
            if writes == MOST_RACES {
                break;
            }
            if has_others {
                index.manifests.extend(missing);
                self.put_referrers_index(to, tag, &serde_json::to_vec(&index).map_err(unreadable)?)?;
            } else {
                self.put_referrers_index(to, tag, list.bytes())?;
            }
        }
        Err(Error::Network {
            request: format!("PUT /v2/{}/manifests/{tag}", to.path()),
            reason: "others keep changing it".into(),
        })
    }

    /// Whether a manifest is entered there.
    pub(crate) fn is_entered(&self, to: &Repository, manifest: &Manifest, subject: &Digest) -> Result<bool> {
        Ok(self.referrers_index(to, &digest_tag(subject))?.is_some_and(|index| index.lists(manifest)))
    }

    fn referrers_index(&self, to: &Repository, tag: &str) -> Result<Option<Index>> {
        let Some(bytes) = self.manifest_bytes(to, tag, &Scope::push(to.path()))? else { return Ok(None) };
        // Whatever else stands there belongs to somebody, and stays.
        Index::read(&bytes)
            .map(Some)
            .ok_or_else(|| Error::refused(format!("{to}:{tag}: not an index of referrers"), NextStep::FindOtherWriter))
    }

    fn put_referrers_index(&self, to: &Repository, tag: &str, bytes: &[u8]) -> Result<()> {
        let peer = self.transport.peer(to.host())?;
        let url = self.transport.url(&peer, &format!("v2/{}/manifests/{tag}", to.path()));
        let request =
            Request::new(Method::PUT, url).header("content-type", MediaType::OCI_INDEX).body(Body::Bytes(bytes));
        let shown = request.shown.clone();
        let mut response = self.transport.send(&peer, &Scope::push(to.path()), request)?;
        if !matches!(response.status, 200..=202) {
            return Err(response.failure(&shown));
        }
        response.drain();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_index_of_referrers_is_taken_for_one() {
        for (text, lines) in [
            (r#"{"manifests":[]}"#, Some(0)),
            (r#"{"schemaVersion":2,"manifests":null,"annotations":{}}"#, Some(0)),
            (r#"{"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"digest":"x"}]}"#, Some(1)),
            ("{}", None),
            ("[]", None),
            ("null", None),
            (r#"{"manifests":{}}"#, None),
            (r#"{"manifests":[],"layers":[]}"#, None),
            (r#"{"manifests":[],"config":{}}"#, None),
            (r#"{"config":{},"layers":[]}"#, None),
            (r#"{"mediaType":"application/vnd.oci.image.manifest.v1+json","manifests":[]}"#, None),
            (r#"{"mediaType":null,"manifests":[]}"#, None),
        ] {
            assert_eq!(Index::read(text.as_bytes()).map(|index| index.manifests.len()), lines, "{text}");
        }
    }
}
