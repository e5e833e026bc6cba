//! `index.json`: the names of the images, and the one file whose digest pins everything below it.
//!
//! image-spec v1.1.1 `image-layout.md` and `annotations.md`. Written compact with sorted keys (the
//! fields below stand in that order), so the same images give the same bytes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::left_out;
use super::paths::{HAULER_INDEX, INDEX_JSON};
use crate::error::{Error, NextStep, Result};
use crate::oci::{Descriptor, Digest, Invalid, MediaType, NAMES, Reference, digest_tag, parse_json};
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

/// One line of the index of another tool that stands for nothing.
#[derive(Debug)]
pub(crate) struct BadEntry {
    /// What to call it: its name, its digest, or which one it is.
    pub(crate) label: String,
    /// What is wrong with it.
    pub(crate) error: Error,
}

/// The parsed index.
#[derive(Debug)]
pub(crate) struct IndexJson {
    /// The entries in file order.
    pub(crate) entries: Vec<IndexEntry>,
    /// Entries that cannot be used: none in a bundle.
    pub(crate) bad: Vec<BadEntry>,
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
    manifests: Option<Vec<ReadLine>>,
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
    let is_short = contents.short_names && contents.is_of_one_repository();
    for root in &contents.roots {
        let node = contents.node(&root.digest).and_then(|n| n.manifest.as_ref().map(|m| (m, &n.descriptor)));
        let Some((manifest, descriptor)) = node else {
            return Err(Error::content(format!("{}: no manifest for this root", root.digest)));
        };
        let name = root.name.full();
        let shown = |name: &Reference| match &name.tag {
            Some(tag) if is_short => tag.to_string(),
            _ => name.name(),
        };
        let [of_containerd, standard] = NAMES;
        let annotations = name.iter().flat_map(|name| [(of_containerd, name.name()), (standard, shown(name))]);
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
    /// Its names stand as tags alone in the annotation of the standard. Whether all do shows in the form.
    pub(crate) fn has_short_names(&self) -> bool {
        let named = self.entries.iter().find(|entry| entry.name.full().is_some());
        let [of_containerd, standard] = NAMES.map(|key| named.and_then(|entry| entry.descriptor.annotations.get(key)));
        of_containerd != standard
    }

    /// Of a bundle: one bad entry, or none at all, makes all of it bad.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn strict(bytes: &[u8]) -> Result<Self> {
        let mut parsed = Self::lenient(bytes, None)?;
        if !parsed.bad.is_empty() {
            let BadEntry { label, error } = parsed.bad.swap_remove(0);
            return Err(error.at(label));
        }
        if parsed.entries.is_empty() {
            return Err(Error::content("it names no image"));
        }
        Ok(parsed)
    }

    /// Of a layout that another tool made, perhaps with a second list: what is wrong with one entry
    /// concerns no other.
    ///
    /// # Errors
    /// When it is no index at all.
    pub(crate) fn lenient(bytes: &[u8], more: Option<&[u8]>) -> Result<Self> {
        let mut parsed = Self { entries: Vec::new(), bad: Vec::new(), digest: Digest::sha256(bytes) };
        let mut kinds = Vec::new();
        parsed.read(bytes, &mut kinds)?;
        if let Some(more) = more {
            parsed.read(more, &mut kinds).map_err(|e| e.at(HAULER_INDEX))?;
        }
        by_kind(&mut parsed.entries, &kinds);
        parsed.set_aside_ambiguous();
        Ok(parsed)
    }

    fn read(&mut self, bytes: &[u8], kinds: &mut Vec<Option<Kind>>) -> Result<()> {
        let read: Read = parse_json(bytes)?;
        if let Some(other) = read.media_type.filter(|t| !t.is_empty() && t != MediaType::OCI_INDEX) {
            return Err(Error::content(format!("of type `{}`, not {}", other.escape_debug(), MediaType::OCI_INDEX)));
        }
        for (number, ReadLine { label, entry, kind }) in read.manifests.unwrap_or_default().into_iter().enumerate() {
            match entry {
                // Each tool would see another image under the one entry: that is no damage, and no file to go on with.
                Err(Bad { error, is_forged: true }) => return Err(error),
                Ok(entry) => {
                    kinds.push(kind);
                    self.entries.push(entry);
                }
                Err(Bad { error, .. }) => {
                    let label = label.unwrap_or_else(|| format!("entry {}", number + 1));
                    self.bad.push(BadEntry { label, error });
                }
            }
        }
        Ok(())
    }

    /// One name for two contents stands for neither.
    fn set_aside_ambiguous(&mut self) {
        let mut named: BTreeMap<String, Vec<Digest>> = BTreeMap::new();
        for entry in &self.entries {
            let Some(name) = entry.name.full().map(Reference::name) else { continue };
            let digests = named.entry(name).or_default();
            if !digests.contains(&entry.descriptor.digest) {
                digests.push(entry.descriptor.digest.clone());
            }
        }
        named.retain(|_, digests| digests.len() > 1);
        if named.is_empty() {
            return;
        }
        let is_ambiguous = |entry: &IndexEntry| entry.name.full().is_some_and(|name| named.contains_key(&name.name()));
        self.entries.retain(|entry| !is_ambiguous(entry));
        for (name, digests) in named {
            let digests: Vec<String> = digests.iter().map(ToString::to_string).collect();
            let reason = format!("`{name}` names both {}", digests.join(" and "));
            let error = Error::content(reason).or_else_do(NextStep::SaveUnderTwoNames);
            self.bad.push(BadEntry { label: name, error });
        }
    }
}

/// A line that may be anything. Only what is made of it is kept.
struct ReadLine {
    /// What to call it where it is bad.
    label: Option<String>,
    entry: Result<IndexEntry, Bad>,
    kind: Option<Kind>,
}

/// Why a line stands for nothing.
struct Bad {
    error: Error,
    /// Two readers would take it for two images.
    is_forged: bool,
}

impl From<Error> for Bad {
    fn from(error: Error) -> Self {
        Self { error, is_forged: false }
    }
}

impl<'de> Deserialize<'de> for ReadLine {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let line = Value::deserialize(deserializer)?;
        let entry = entry(&line);
        let label = if entry.is_err() { label(&line) } else { None };
        Ok(Self { label, entry, kind: Kind::of(&line) })
    }
}

fn label(line: &Value) -> Option<String> {
    let annotation = |key: &str| line.get("annotations")?.get(key)?.as_str().filter(|text| !text.is_empty());
    let [of_containerd, standard] = NAMES.map(annotation);
    let digest = || line.get("digest")?.as_str();
    of_containerd.or(standard).or_else(digest).map(str::to_owned)
}

fn entry(line: &Value) -> Result<IndexEntry, Bad> {
    let descriptor = Descriptor::deserialize(line).map_err(|e| Error::content(e.to_string()))?;
    if !descriptor.media_type.is_manifest() {
        let reason = format!("type {} is not known: its content cannot be followed", descriptor.media_type);
        return Err(Error::content(reason).into());
    }
    Ok(IndexEntry { name: name_of(&descriptor)?, descriptor })
}

/// What an entry is of the image that it shares its name with, where a tool says so: cosign (`save`) and
/// hauler call an image and what is attached to it alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Content that cosign keeps under a tag with this ending.
    Attached(&'static str),
    Image,
    /// A manifest with a subject, which says itself what it belongs to.
    Referrer,
}

impl Kind {
    fn of(line: &Value) -> Option<Self> {
        let (maker, kind) = line.get("annotations")?.get("kind")?.as_str()?.split_once('/')?;
        if !matches!(maker, "dev.cosignproject.cosign" | "dev.hauler") {
            return None;
        }
        match kind {
            "atts" => Some(Self::Attached("att")),
            "image" | "imageIndex" => Some(Self::Image),
            "sboms" => Some(Self::Attached("sbom")),
            "sigs" => Some(Self::Attached("sig")),
            other => other.starts_with("referrers").then_some(Self::Referrer),
        }
    }
}

/// Gives what is attached to an image the tag that cosign would look for.
fn by_kind(entries: &mut [IndexEntry], kinds: &[Option<Kind>]) {
    let is_image = |kind: &Option<Kind>| matches!(kind, None | Some(Kind::Image));
    let images = entries.iter().zip(kinds).filter(|(_, kind)| is_image(kind));
    let images: Vec<(RootName, Digest)> =
        images.map(|(entry, _)| (entry.name.clone(), entry.descriptor.digest.clone())).collect();
    for (entry, kind) in entries.iter_mut().zip(kinds) {
        match kind {
            Some(Kind::Referrer) => entry.name = RootName::None,
            Some(Kind::Attached(ending)) => {
                let of_name: Vec<&Digest> =
                    images.iter().filter(|(name, _)| *name == entry.name).map(|(_, digest)| digest).collect();
                let [subject] = of_name.as_slice() else { continue };
                let tag = format!("{}.{ending}", digest_tag(subject));
                entry.name = match &entry.name {
                    RootName::Full(Reference { repository, .. }) => match tag.parse() {
                        Ok(tag) => {
                            RootName::Full(Reference { repository: repository.clone(), tag: Some(tag), digest: None })
                        }
                        Err(_) => continue,
                    },
                    RootName::Tag(_) | RootName::None => RootName::Tag(tag),
                };
            }
            Some(Kind::Image) | None => {}
        }
    }
}

/// A full name, or failing that a tag: containerd's annotation where it has a registry host, else
/// the standard's. A text without a host is never completed to one of docker.io: most tools write
/// the bare tag there.
fn name_of(descriptor: &Descriptor) -> Result<RootName, Bad> {
    let text = |key: &str| descriptor.annotations.get(key).map(String::as_str).filter(|text| !text.is_empty());
    let has_host =
        |n: &&str| n.split_once('/').is_some_and(|(host, _)| host.contains(['.', ':']) || host == "localhost");
    let [of_containerd, standard] = NAMES.map(text);
    let full = [of_containerd, standard].map(|name| name.filter(has_host));
    let mut references = Vec::new();
    for name in full.into_iter().flatten() {
        let reference: Reference = name.parse().map_err(|e: Invalid| Error::from(e))?;
        if let Some(digest) = reference.digest.as_ref().filter(|d| **d != descriptor.digest) {
            return Err(Error::content(format!("`{reference}` names {}, not {digest}", descriptor.digest)).into());
        }
        references.push(reference);
    }
    match references.as_slice() {
        [one, other] if one.name() != other.name() => {
            let (one, other, digest) = (one.name(), other.name(), &descriptor.digest);
            let reason = format!("{digest} is called `{one}` for containerd and `{other}` for others");
            Err(Bad { error: Error::content(reason), is_forged: true })
        }
        // Of a name with tag and digest, the digest is what the entry says anyway.
        [one, ..] => {
            Ok(RootName::Full(Reference { digest: one.digest.clone().filter(|_| one.tag.is_none()), ..one.clone() }))
        }
        // CRI's third name of an image is its ID, which names nothing that could be pulled.
        [] => {
            let tag = standard.filter(|tag| tag.trim_start_matches('@').parse::<Digest>().is_err());
            Ok(tag.map_or(RootName::None, |tag| RootName::Tag(tag.to_owned())))
        }
    }
}
