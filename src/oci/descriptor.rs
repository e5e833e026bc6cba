//! `Descriptor`: type, digest and size of a piece of content.
//!
//! image-spec v1.1.1 `descriptor.md`. Read strictly where a wrong value would lead astray (digest,
//! size), leniently elsewhere; never written back into somebody else's document.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use super::{Digest, MediaType, Platform};

/// The largest size that every JSON reader understands alike: 2^53 bytes.
const MAX_SIZE: u64 = 1 << 53;

/// What a document says about content it refers to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// The kind of content.
    pub media_type: MediaType,
    /// The content's name.
    pub digest: Digest,
    /// The content's length in bytes.
    #[serde(deserialize_with = "size")]
    pub size: u64,
    /// Other places of a non-distributable layer. Never fetched on import, verify or serve.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// Free texts; in `index.json` the image's name is among them.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// What an artifact is, on descriptors of referrers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// Where an image of an index runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
}

impl Descriptor {
    /// A descriptor with the three fields that every one has.
    pub fn new(media_type: MediaType, digest: Digest, size: u64) -> Self {
        Self {
            media_type,
            digest,
            size,
            urls: Vec::new(),
            annotations: BTreeMap::new(),
            artifact_type: None,
            platform: None,
        }
    }
}

fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let size = u64::deserialize(deserializer)?;
    if size > MAX_SIZE {
        return Err(serde::de::Error::custom(format!("size {size} is over {MAX_SIZE} bytes")));
    }
    Ok(size)
}

/// Go writes an empty list or map as `null`.
pub(super) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
