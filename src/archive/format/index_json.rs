//! `index.json`: the names of the images, and the one file whose digest pins everything below it.
//!
//! image-spec v1.1.1 `image-layout.md` and `annotations.md`. Written compact with sorted keys (the
//! fields below stand in that order), so the same images give the same bytes.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::left_out;
use super::paths::INDEX_JSON;
use crate::error::{Error, Result};
use crate::oci::{Descriptor, Digest, MediaType, NAMES, Reference, parse_json};
use crate::store::{Contents, RootName};

/// The digest of the list of what was left out for good.
pub(crate) const LEFT_OUT: &str = "io.oci-bundle.left-out";
/// More than the names of a hundred thousand images, in bytes.
pub(crate) const MAX_INDEX: u64 = 64 << 20;

/// One line of the index.
#[derive(Clone, Debug)]
pub(crate) struct IndexEntry {
    /// What it is called.
    pub(crate) name: RootName,
    /// What it names.
    pub(crate) descriptor: Descriptor,
}

/// The parsed index.
#[derive(Clone, Debug)]
pub(crate) struct IndexJson {
    /// The entries in file order.
    pub(crate) entries: Vec<IndexEntry>,
    /// sha256 of the file: the identity of the bundle.
    pub(crate) digest: Digest,
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<&'a str, Digest>,
    manifests: Vec<Line<'a>>,
    #[serde(rename = "mediaType")]
    media_type: &'a str,
    #[serde(rename = "schemaVersion")]
    schema_version: u32,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<&'a str, String>,
    #[serde(rename = "artifactType", skip_serializing_if = "Option::is_none")]
    artifact_type: Option<&'a str>,
    digest: &'a Digest,
    #[serde(rename = "mediaType")]
    media_type: &'a MediaType,
    size: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Read {
    manifests: Option<Vec<Descriptor>>,
    media_type: Option<String>,
    #[serde(rename = "schemaVersion")]
    _schema_version: Option<u64>,
    #[serde(rename = "annotations")]
    _annotations: Option<BTreeMap<String, String>>,
}

/// The bytes of `index.json` for the roots of these contents.
///
/// # Errors
/// When a root has no manifest.
pub(crate) fn to_bytes(contents: &Contents) -> Result<Vec<u8>> {
    let mut manifests = Vec::with_capacity(contents.roots.len());
    for root in &contents.roots {
        let node = contents.node(&root.digest).and_then(|n| n.manifest.as_ref().map(|m| (m, &n.descriptor)));
        let Some((manifest, descriptor)) = node else {
            return Err(Error::content(format!("{}: no manifest for this root", root.digest)));
        };
        let name = root.name.full().map(Reference::name);
        let annotations = name.iter().flat_map(|n| NAMES.map(|key| (key, n.clone())));
        manifests.push(Line {
            annotations: annotations.collect(),
            // Referrers carry no name, only what they are.
            artifact_type: manifest.listed_type().filter(|_| name.is_none()),
            digest: &root.digest,
            media_type: manifest.media_type(),
            size: descriptor.size,
        });
    }
    let annotations = left_out::commitment(contents)?.map(|digest| (LEFT_OUT, digest)).into_iter().collect();
    let document = Document { annotations, manifests, media_type: MediaType::OCI_INDEX, schema_version: 2 };
    serde_json::to_vec(&document).map_err(|e| Error::content(format!("{INDEX_JSON}: {e}")))
}

impl IndexJson {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self> {
        let read: Read = parse_json(bytes)?;
        if let Some(other) = read.media_type.filter(|t| !t.is_empty() && t != MediaType::OCI_INDEX) {
            return Err(Error::content(format!("of type `{}`, not {}", other.escape_debug(), MediaType::OCI_INDEX)));
        }
        let manifests = read.manifests.unwrap_or_default();
        if manifests.is_empty() {
            return Err(Error::content("it names no image"));
        }
        let mut entries = Vec::with_capacity(manifests.len());
        let mut named: HashMap<String, Digest> = HashMap::new();
        for descriptor in manifests {
            if !descriptor.media_type.is_manifest() {
                let Descriptor { media_type, digest, .. } = &descriptor;
                let reason = format!("{digest}: type {media_type} is not known: its content cannot be followed");
                return Err(Error::content(reason));
            }
            let name = name_of(&descriptor)?;
            if let Some(name) = name.full().map(Reference::name) {
                let digest = &descriptor.digest;
                let other = named.entry(name.clone()).or_insert_with(|| digest.clone());
                if other != digest {
                    return Err(Error::content(format!("`{name}` names both {other} and {digest}")));
                }
            }
            entries.push(IndexEntry { name, descriptor });
        }
        Ok(Self { entries, digest: Digest::sha256(bytes) })
    }
}

/// A full name, or failing that a tag: containerd's annotation where it has a registry host, else
/// the standard's. A text without a host is never completed to one of docker.io: most tools write
/// the bare tag there.
fn name_of(descriptor: &Descriptor) -> Result<RootName> {
    let text = |key: &str| descriptor.annotations.get(key).map(String::as_str).filter(|text| !text.is_empty());
    let has_host =
        |n: &&str| n.split_once('/').is_some_and(|(host, _)| host.contains(['.', ':']) || host == "localhost");
    let [of_containerd, standard] = NAMES.map(text);
    let full = [of_containerd, standard].map(|name| name.filter(has_host));
    let mut references = Vec::new();
    for name in full.into_iter().flatten() {
        let reference: Reference = name.parse()?;
        if let Some(digest) = reference.digest.as_ref().filter(|d| **d != descriptor.digest) {
            return Err(Error::content(format!("`{reference}` names {}, not {digest}", descriptor.digest)));
        }
        references.push(reference);
    }
    match references.as_slice() {
        [one, other] if one.name() != other.name() => {
            let (one, other, digest) = (one.name(), other.name(), &descriptor.digest);
            Err(Error::content(format!("{digest} is called `{one}` for containerd and `{other}` for others")))
        }
        // Of a name with tag and digest, the digest is what the entry says anyway.
        [one, ..] => {
            Ok(RootName::Full(Reference { digest: one.digest.clone().filter(|_| one.tag.is_none()), ..one.clone() }))
        }
        [] => Ok(standard.map_or(RootName::None, |tag| RootName::Tag(tag.to_owned()))),
    }
}
