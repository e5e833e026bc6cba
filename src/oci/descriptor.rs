//! `Descriptor`: type, digest and size of a piece of content.
//!
//! image-spec v1.1.1 `descriptor.md`. Read strictly where a wrong value would lead astray (digest,
//! size), leniently elsewhere; never written back into somebody else's document.

use std::collections::BTreeMap;
use std::sync::Arc;

use data_encoding::BASE64;
use serde::{Deserialize, Deserializer, Serialize};

use super::json::Object;
use super::{Digest, Invalid, MediaType, Platform, sparing};

/// The largest size that every JSON reader understands alike: 2^53 bytes.
const MAX_SIZE: u64 = 1 << 53;

/// What a document says about content it refers to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "Object<Written>")]
pub(crate) struct Descriptor {
    /// The kind of content.
    pub(crate) media_type: MediaType,
    /// The content's name.
    pub(crate) digest: Digest,
    /// The content's length in bytes.
    pub(crate) size: u64,
    /// The content itself, where the document holds it. It has the digest and the size.
    #[serde(skip_serializing)]
    pub(crate) data: Option<Arc<[u8]>>,
    /// Other places of a non-distributable layer: the first [`Descriptor::MOST_URLS`]. Never fetched on import, verify or serve, and on
    /// export only where that is asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) urls: Vec<String>,
    /// Of the free texts, those that name an image: in `index.json` there are some.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) annotations: BTreeMap<String, String>,
    /// The manifest of the same index that this one is about, on attestations of buildx.
    #[serde(skip_serializing)]
    pub(crate) describes: Option<Digest>,
    /// What an artifact is, on descriptors of referrers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) artifact_type: Option<String>,
    /// Where an image of an index runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) platform: Option<Platform>,
}

/// A descriptor as it is written, nothing compared yet.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    media_type: MediaType,
    digest: Digest,
    #[serde(deserialize_with = "size")]
    size: u64,
    data: Option<String>,
    #[serde(default, deserialize_with = "sparing::first::<{ Descriptor::MOST_URLS }, _>")]
    urls: Vec<String>,
    #[serde(default, deserialize_with = "sparing::names")]
    annotations: BTreeMap<String, String>,
    artifact_type: Option<String>,
    platform: Option<Object<Platform>>,
}

impl TryFrom<Object<Written>> for Descriptor {
    type Error = Invalid;

    fn try_from(Object(written): Object<Written>) -> Result<Self, Invalid> {
        let Written { media_type, digest, size, data, urls, mut annotations, artifact_type, platform } = written;
        let describes = annotations.remove(sparing::DESCRIBED).and_then(|text| text.parse().ok());
        let platform = platform.map(|Object(platform)| platform);
        media_type.refuse_unclear()?;
        let data = data.map(|text| embedded(&text, &digest, size)).transpose()?;
        Ok(Self { media_type, digest, size, data, urls, annotations, describes, artifact_type, platform })
    }
}

/// Content in a document: RFC 4648 §4, and "identical to the referenced content".
fn embedded(text: &str, digest: &Digest, size: u64) -> Result<Arc<[u8]>, Invalid> {
    let bad = |what: String| Invalid::new(format!("data of {digest} {what}"));
    let bytes = BASE64.decode(text.as_bytes()).map_err(|e| bad(format!("is not base64: {e}")))?;
    if bytes.len() as u64 != size {
        return Err(bad(format!("is {} bytes long, not {size}", bytes.len())));
    }
    let actual = Digest::of(digest.algorithm(), &bytes);
    if actual != *digest {
        return Err(bad(format!("hashes to {actual}")));
    }
    Ok(bytes.into())
}

impl Descriptor {
    /// As many of the `urls` as are worth trying.
    pub(crate) const MOST_URLS: usize = 10;

    /// A descriptor with the three fields that every one has.
    pub(crate) fn new(media_type: MediaType, digest: Digest, size: u64) -> Self {
        Self {
            media_type,
            digest,
            size,
            data: None,
            urls: Vec::new(),
            annotations: BTreeMap::new(),
            describes: None,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(data: &str) -> Result<Descriptor, String> {
        // Of the five bytes `bytes`.
        let digest = Digest::sha256(b"bytes");
        let text = format!(r#"{{"mediaType":"text/plain","digest":"{digest}","size":5,"data":{data}}}"#);
        serde_json::from_str(&text).map_err(|e| e.to_string())
    }

    #[test]
    fn data_is_the_content_or_nothing() {
        assert_eq!(read("null").map(|d| d.data), Ok(None));
        for same in [r#""Ynl0ZXM=""#, r#""\u0059nl0ZXM\u003d""#] {
            assert_eq!(read(same).map(|d| d.data), Ok(Some(Arc::from(*b"bytes"))), "{same}");
        }
        let digest = Digest::sha256(b"bytes").to_string();
        for other in
            ["", "Ynl0ZXM", "Ynl0ZXN=", "Ynl0ZXM=\\n", "Ynl0ZXM= ", "Ynl0ZX==", "Ynl0", "Ynl0ZXQ=", "Ynl0ZXMh", "*"]
        {
            let error = read(&format!("\"{other}\"")).expect_err(other);
            assert!(error.contains(&digest), "{other}: {error}");
        }
        assert!(read("5").is_err() && read("[]").is_err());
    }
}
