//! `Manifest`: the bytes a registry served, and a parsed view that is only looked at.
//!
//! image-spec v1.1.1 `manifest.md`, `image-index.md`; distribution `manifest-v2-2.md`. The bytes are
//! never serialised again. [`Manifest::successors`] is the only place that knows the graph.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::json::{self, null_as_default};
use super::media_type::SCHEMA_1;
use super::{Descriptor, Digest, Invalid, MediaType, sparing};

/// What a document uses some content for. It decides the endpoint the content is read from and
/// written to, whatever its media type says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub(crate) enum Role {
    /// A child of an index whose type is a known manifest type.
    Manifest,
    /// A child of an index of any other type: a blob, and nothing below it is followed.
    Unknown,
    /// The configuration of an image or artifact.
    Config,
    /// Anything else: a layer, a file of an artifact.
    Layer,
}

/// One edge of the graph.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Successor<'a> {
    /// What the content is used for.
    pub(crate) role: Role,
    /// The content.
    pub(crate) descriptor: &'a Descriptor,
}

/// An index or image manifest, kept as the bytes that its digest names. Copies share everything.
#[derive(Clone, Debug)]
pub(crate) struct Manifest {
    bytes: Arc<[u8]>,
    digest: Digest,
    media_type: MediaType,
    view: Arc<View>,
}

/// What others say about the type of a document.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Said<'a> {
    /// The descriptor that leads to it.
    pub(crate) described: Option<&'a MediaType>,
    /// The header it was served with.
    pub(crate) served: Option<&'a MediaType>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct View {
    schema_version: Option<u64>,
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    #[serde(default, deserialize_with = "null_as_default")]
    blobs: Vec<Descriptor>,
    manifests: Option<Vec<Descriptor>>,
    subject: Option<Descriptor>,
    /// Read again by whoever wants them.
    #[serde(default, rename = "annotations", deserialize_with = "sparing::nothing")]
    _annotations: (),
    fs_layers: Option<serde::de::IgnoredAny>,
}

impl Manifest {
    /// Looks into these bytes, which are said to be of certain types; `digest` is what they hash to,
    /// which the caller has checked.
    ///
    /// # Errors
    /// Not JSON, ambiguous, schema 1, of no followable type, or of a type that contradicts what was
    /// said or what the document looks like.
    pub(crate) fn parse(bytes: Arc<[u8]>, digest: Digest, said: Said<'_>) -> Result<Self, Invalid> {
        let view: View = json::parse(&bytes).map_err(|e| Invalid::new(format!("not a manifest: {e}")))?;
        let media_type = view.agree(said)?;
        Ok(Self { bytes, digest, media_type, view: Arc::new(view) })
    }

    /// The served bytes.
    pub(crate) fn bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }

    /// What the bytes hash to.
    pub(crate) fn digest(&self) -> &Digest {
        &self.digest
    }

    /// One of the four manifest types.
    pub(crate) fn media_type(&self) -> &MediaType {
        &self.media_type
    }

    /// Type, digest and size of this document.
    pub(crate) fn descriptor(&self) -> Descriptor {
        Descriptor::new(self.media_type.clone(), self.digest.clone(), self.bytes.len() as u64)
    }

    /// An index of images or an image, as opposed to an artifact that only travels like one.
    pub(crate) fn is_image(&self) -> bool {
        let has_image_config = self
            .view
            .config
            .as_ref()
            .is_some_and(|c| matches!(c.media_type.as_str(), MediaType::OCI_CONFIG | MediaType::DOCKER_CONFIG));
        self.artifact_type().is_none() && (self.media_type.is_index() || has_image_config)
    }

    /// What the artifact is, where the document says so.
    pub(crate) fn artifact_type(&self) -> Option<&str> {
        self.view.artifact_type.as_deref().filter(|kind| !kind.is_empty())
    }

    /// The artifact type that a list of referrers gives it: its own, else the type of its config
    /// (distribution-spec v1.1 "Listing Referrers").
    pub(crate) fn listed_type(&self) -> Option<&str> {
        self.artifact_type().or(self.config().map(|config| config.media_type.as_str()))
    }

    /// What this document is attached to. Not a successor: content travels without it.
    pub(crate) fn subject(&self) -> Option<&Descriptor> {
        self.view.subject.as_ref()
    }

    /// The document's own annotations.
    pub(crate) fn annotations(&self) -> BTreeMap<String, String> {
        #[derive(Deserialize)]
        struct Only {
            annotations: Option<BTreeMap<String, String>>,
        }
        // It was read before, so it can be.
        serde_json::from_slice(&self.bytes).ok().and_then(|Only { annotations }| annotations).unwrap_or_default()
    }

    /// What it takes to hold it, in bytes: the document, and its descriptors as they were read.
    pub(crate) fn held(&self) -> u64 {
        let view = self.successors().count() * size_of::<Descriptor>();
        (self.bytes.len() + view) as u64
    }

    /// The image configuration, for manifests that have one.
    pub(crate) fn config(&self) -> Option<&Descriptor> {
        self.view.config.as_ref()
    }

    /// Its `layers`, in document order.
    pub(crate) fn layers(&self) -> impl Iterator<Item = &Descriptor> {
        self.view.layers.iter().flatten()
    }

    /// Everything this document refers to and cannot be whole without, in document order.
    pub(crate) fn successors(&self) -> impl Iterator<Item = Successor<'_>> {
        let children = self.view.manifests.iter().flatten().map(|descriptor| {
            let known = descriptor.media_type.is_manifest();
            Successor { role: if known { Role::Manifest } else { Role::Unknown }, descriptor }
        });
        let config = self.view.config.iter().map(|descriptor| Successor { role: Role::Config, descriptor });
        let layers = self.view.layers.iter().flatten().chain(&self.view.blobs);
        children.chain(config).chain(layers.map(|descriptor| Successor { role: Role::Layer, descriptor }))
    }
}

impl View {
    /// The one type that everything said about the document agrees on. Its own word decides within
    /// a kind: layouts exist that describe a Docker manifest as an OCI one.
    fn agree(&self, Said { described, served }: Said<'_>) -> Result<MediaType, Invalid> {
        let own = self.media_type.as_deref().filter(|text| !text.is_empty()).map(MediaType::from);
        let said = || own.iter().chain(described).chain(served);
        if self.schema_version == Some(1) || self.fs_layers.is_some() || said().any(MediaType::is_schema1) {
            return Err(Invalid::new(SCHEMA_1));
        }
        if let Some(unknown) = said().find(|said| !said.is_manifest()) {
            return Err(Invalid::new(format!("type {unknown} is not known: its content cannot be followed")));
        }
        let is_index = match (self.manifests.is_some(), self.layers.is_some() || self.config.is_some()) {
            (true, true) => return Err(Invalid::new("both an index and an image manifest")),
            (false, false) => return Err(Invalid::new("neither an index nor an image manifest")),
            (is_index, _) => is_index,
        };
        if let Some(other) = said().find(|said| said.is_index() != is_index) {
            return Err(Invalid::new(format!("type stated as {other}, but it does not look like one")));
        }
        let first = own.as_ref().or(described);
        match (first, served) {
            (Some(first), Some(served)) if first != served => {
                Err(Invalid::new(format!("type stated as {first} and as {served}")))
            }
            (Some(stated), _) | (None, Some(stated)) => Ok(stated.clone()),
            (None, None) if is_index => Ok(MediaType::OCI_INDEX.into()),
            (None, None) => Ok(MediaType::OCI_MANIFEST.into()),
        }
    }
}
