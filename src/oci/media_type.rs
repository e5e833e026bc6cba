//! `MediaType`: what a manifest says it is. The names themselves come from `oci-spec`.
//!
//! image-spec v1.1.1 `media-types.md`; distribution `manifest-v2-2.md` for the Docker types.

use std::fmt;

use oci_spec::image::MediaType as Known;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Invalid;

/// Why schema 1 is refused.
pub(super) const SCHEMA_1: &str =
    "a Docker schema 1 image: it has no digests that could be carried; pull and push it with a current docker";

/// A media type without its parameters. Unknown types are carried as they are.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct MediaType(String);

impl MediaType {
    /// The configuration of a Docker image.
    pub(crate) const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
    /// The configuration of an OCI image.
    pub(crate) const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
    /// The Docker manifest list.
    pub(crate) const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
    /// The Docker image manifest, version 2 schema 2.
    pub(crate) const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
    /// The OCI image index.
    pub(crate) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
    /// A layer, in gzip.
    pub(crate) const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
    /// The OCI image manifest.
    pub(crate) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

    /// What a manifest request accepts: all four, so that no registry converts or refuses.
    pub(crate) const MANIFESTS: [&str; 4] =
        [Self::OCI_INDEX, Self::OCI_MANIFEST, Self::DOCKER_LIST, Self::DOCKER_MANIFEST];

    /// A type as stated by a header. `None` where nothing is stated: an empty text, or one of the
    /// types that servers send for want of a better one.
    pub(crate) fn stated(text: &str) -> Option<Self> {
        let bare = bare(text);
        match bare.as_str() {
            "" | "application/json" | "application/octet-stream" | "text/plain" => None,
            _ => Some(Self(bare)),
        }
    }

    /// That nobody can take this, in a descriptor, for a manifest type which it is not: in a document
    /// a type is written exactly. And that it is none of schema 1, which cannot be carried.
    ///
    /// # Errors
    /// When somebody could, or it is, or it is empty.
    pub(super) fn refuse_unclear(&self) -> Result<(), Invalid> {
        if self.0.is_empty() {
            return Err(Invalid::new("a descriptor without a media type"));
        }
        if self.is_schema1() {
            return Err(Invalid::new(SCHEMA_1));
        }
        let exact = Self(bare(&self.0));
        if exact.is_manifest() && exact != *self {
            return Err(Invalid::new(format!("the type `{}` is not written as `{exact}`", self.0.escape_debug())));
        }
        Ok(())
    }

    /// The type's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// An OCI index or a Docker manifest list.
    pub(crate) fn is_index(&self) -> bool {
        self.0 == Self::DOCKER_LIST || matches!(self.known(), Known::ImageIndex)
    }

    /// An index or an image manifest of one of the four kinds whose content can be followed.
    pub(crate) fn is_manifest(&self) -> bool {
        self.is_index() || self.0 == Self::DOCKER_MANIFEST || matches!(self.known(), Known::ImageManifest)
    }

    /// Docker schema 1, signed or not: it has no digests that could be carried.
    pub(crate) fn is_schema1(&self) -> bool {
        self.0.starts_with("application/vnd.docker.distribution.manifest.v1+")
    }

    fn known(&self) -> Known {
        Known::from(self.0.as_str())
    }
}

/// A type without parameters, white space and upper case.
fn bare(text: &str) -> String {
    text.split(';').next().unwrap_or_default().trim().to_lowercase()
}

impl From<&str> for MediaType {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
