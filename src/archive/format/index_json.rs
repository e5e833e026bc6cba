//! `index.json`: the names of the images, and the one file whose digest pins everything below it.
//!
//! image-spec v1.1.1 `image-layout.md` and `annotations.md`. Written compact with sorted keys (the
//! fields below stand in that order), so the same images give the same bytes.

use std::collections::{BTreeMap, HashMap};

use oci_spec::image::ANNOTATION_REF_NAME;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::oci::{Descriptor, Digest, MediaType, Reference, refuse_ambiguous_keys};
use crate::store::Contents;

/// What containerd and docker name an image by.
const CONTAINERD_NAME: &str = "io.containerd.image.name";
/// More than the names of a hundred thousand images.
pub(crate) const MAX_INDEX: u64 = 64 << 20;

/// One line of the index.
#[derive(Clone, Debug)]
pub struct IndexEntry {
    /// The image's full name, if it has one.
    pub name: Option<String>,
    /// Where there is no full name, the text it is named by: for most tools a tag, and nothing
    /// says of which repository.
    pub tag: Option<String>,
    /// What it names.
    pub descriptor: Descriptor,
}

/// The parsed index.
#[derive(Clone, Debug)]
pub struct IndexJson {
    /// The entries in file order.
    pub entries: Vec<IndexEntry>,
    /// sha256 of the file: the identity of the bundle.
    pub digest: Digest,
}

#[derive(Serialize)]
struct Document<'a> {
    manifests: Vec<Line<'a>>,
    #[serde(rename = "mediaType")]
    media_type: &'a str,
    #[serde(rename = "schemaVersion")]
    schema_version: u32,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<&'a str, &'a str>,
    #[serde(rename = "artifactType", skip_serializing_if = "Option::is_none")]
    artifact_type: Option<&'a str>,
    digest: &'a Digest,
    #[serde(rename = "mediaType")]
    media_type: &'a MediaType,
    size: u64,
}

#[derive(Deserialize)]
struct Read {
    manifests: Vec<Descriptor>,
}

/// The bytes of `index.json` for these roots, in their order.
pub(crate) fn to_bytes(contents: &Contents) -> Result<Vec<u8>> {
    let mut manifests = Vec::with_capacity(contents.roots.len());
    for root in &contents.roots {
        let node = contents.node(&root.digest).and_then(|n| n.manifest.as_ref().map(|m| (m, &n.descriptor)));
        let Some((manifest, descriptor)) = node else {
            return Err(Error::content(format!("{}: no manifest for this root", root.digest)));
        };
        let name = root.name.as_deref();
        manifests.push(Line {
            annotations: name.iter().flat_map(|n| [(CONTAINERD_NAME, *n), (ANNOTATION_REF_NAME, *n)]).collect(),
            // Referrers carry no name, only what they are.
            artifact_type: manifest.listed_type().filter(|_| name.is_none()),
            digest: &root.digest,
            media_type: manifest.media_type(),
            size: descriptor.size,
        });
    }
    let document = Document { manifests, media_type: MediaType::OCI_INDEX, schema_version: 2 };
    serde_json::to_vec(&document).map_err(|e| Error::content(format!("{}: {e}", super::paths::INDEX_JSON)))
}

impl IndexJson {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self> {
        refuse_ambiguous_keys(bytes)?;
        let read: Read = serde_json::from_slice(bytes).map_err(|e| Error::content(e.to_string()))?;
        let mut entries = Vec::with_capacity(read.manifests.len());
        let mut named: HashMap<String, Digest> = HashMap::new();
        for descriptor in read.manifests {
            let (name, tag) = names_of(&descriptor)?;
            if let Some(name) = &name {
                let digest = &descriptor.digest;
                let other = named.entry(name.clone()).or_insert_with(|| digest.clone());
                if other != digest {
                    return Err(Error::content(format!("`{name}` names both {other} and {digest}")));
                }
            }
            entries.push(IndexEntry { name, tag, descriptor });
        }
        Ok(Self { entries, digest: Digest::sha256(bytes) })
    }
}

/// A full name, or failing that a tag: containerd's annotation where it has a registry host, else
/// the standard's. A text without a host is never completed to one of docker.io: most tools write
/// the bare tag there.
fn names_of(descriptor: &Descriptor) -> Result<(Option<String>, Option<String>)> {
    let [containerd, standard] = [CONTAINERD_NAME, ANNOTATION_REF_NAME]
        .map(|key| descriptor.annotations.get(key).map(String::as_str).filter(|text| !text.is_empty()));
    let has_host =
        |n: &&str| n.split_once('/').is_some_and(|(host, _)| host.contains(['.', ':']) || host == "localhost");
    let Some(full) = containerd.filter(has_host).or(standard.filter(has_host)) else {
        return Ok((None, standard.map(str::to_owned)));
    };
    let reference: Reference = full.parse()?;
    if let Some(digest) = reference.digest.as_ref().filter(|d| **d != descriptor.digest) {
        return Err(Error::content(format!("`{reference}` names {}, not {digest}", descriptor.digest)));
    }
    Ok((Some(reference.name()), None))
}
