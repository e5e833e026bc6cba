//! `bundle.json`: what the image layout has no place for. Every other reader ignores it.
//!
//! It repeats the digest of `index.json`, so that damage there shows without a pin, and says which
//! content was left out and why. Compact, keys sorted: it is read back only in exactly this form.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::oci::Digest;

/// The version of the format that this library writes, and the only one it reads.
pub const FORMAT_VERSION: u32 = 1;
/// Far beyond what a bundle with a million left-out blobs would need.
pub(crate) const MAX_BUNDLE_JSON: u64 = 64 << 20;

/// Content that belongs to an image and is not in the bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Absent {
    /// Which.
    pub digest: Digest,
    /// Why: `nondistributable`.
    pub reason: String,
    /// Its length in bytes.
    pub size: u64,
}

/// The parsed file. Fields stand in the order of their keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct BundleJson {
    /// Left-out content by digest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<Absent>,
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// sha256 of `index.json`.
    pub index: Digest,
    /// Which volume this file is.
    pub volume: Volume,
}

/// `number` of `count`, both from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Volume {
    /// How many volumes the bundle has.
    pub count: u32,
    /// Which one this is.
    pub number: u32,
}

impl BundleJson {
    /// The file for a bundle in one volume.
    pub(crate) fn new(index: Digest, absent: Vec<Absent>) -> Self {
        Self { absent, format_version: FORMAT_VERSION, index, volume: Volume { count: 1, number: 1 } }
    }

    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|e| Error::content(format!("{}: {e}", super::paths::BUNDLE_JSON)))
    }

    /// Reads it back, and refuses every other way to write the same.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Version {
            format_version: u32,
        }
        let bad = |e: serde_json::Error| Error::content(e.to_string());
        let Version { format_version } = serde_json::from_slice(bytes).map_err(bad)?;
        if format_version != FORMAT_VERSION {
            return Err(Error::content(format!(
                "format version {format_version} is not known to this release, which reads version {FORMAT_VERSION}"
            )));
        }
        let parsed: Self = serde_json::from_slice(bytes).map_err(bad)?;
        if parsed.to_bytes()? != bytes {
            return Err(Error::content("not written as the format asks: it was changed or damaged"));
        }
        if parsed.volume != (Volume { count: 1, number: 1 }) {
            let Volume { count, number } = parsed.volume;
            return Err(Error::content(format!(
                "volume {number} of {count}: this release reads bundles of one volume"
            )));
        }
        Ok(parsed)
    }
}
