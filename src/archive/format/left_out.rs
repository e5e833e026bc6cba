//! What a bundle says about content that it does not hold, and how its identity covers that
//! (`docs/format.md`, "bundle.json" and "Identity").

use serde::{Deserialize, Serialize};

use super::paths::BUNDLE_JSON;
use crate::error::{Error, Result};
use crate::oci::{Descriptor, Digest};
use crate::store::{Contents, LayerDelta, Reason};

/// The difference that an entry of the bundle is. Fields stand in the order of their keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct AbsentDelta {
    digest: Digest,
    from: Digest,
    from_size: u64,
    size: u64,
}

/// Content that belongs to an image and is not in the bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Absent {
    /// What is there in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) delta: Option<AbsentDelta>,
    /// Which.
    pub(crate) digest: Digest,
    /// Why, as a word.
    pub(crate) reason: String,
    /// Its length in bytes.
    pub(crate) size: u64,
}

/// All that these contents leave out, by digest.
pub(crate) fn absent(contents: &Contents) -> Vec<Absent> {
    let with_delta = |(descriptor, reason): (&Descriptor, Reason)| {
        let node = contents.node(&descriptor.digest).filter(|node| node.is_delta());
        let delta = node.and_then(|node| node.delta.as_ref()).map(AbsentDelta::from);
        Absent { delta, ..one((descriptor, reason)) }
    };
    contents.left_out().into_iter().map(with_delta).collect()
}

impl Absent {
    /// What is there in its place, if that is a difference.
    pub(crate) fn layer_delta(&self) -> Option<LayerDelta> {
        let AbsentDelta { digest, from, from_size, size } = self.delta.clone()?;
        (self.reason == Reason::Delta.as_str()).then_some(LayerDelta { digest, size, from, from_size })
    }
}

impl From<&LayerDelta> for AbsentDelta {
    fn from(delta: &LayerDelta) -> Self {
        let LayerDelta { digest, size, from, from_size } = delta.clone();
        Self { digest, from, from_size, size }
    }
}

fn one((descriptor, reason): (&Descriptor, Reason)) -> Absent {
    Absent { delta: None, digest: descriptor.digest.clone(), reason: reason.as_str().into(), size: descriptor.size }
}

/// The digest of the list of what is left out for good; `None` where nothing is.
///
/// # Errors
/// When it cannot be written, which does not happen.
pub(crate) fn commitment(contents: &Contents) -> Result<Option<Digest>> {
    let for_good = contents.left_out().into_iter().filter(|(_, reason)| reason.is_for_good());
    let list: Vec<Absent> = for_good.map(one).collect();
    if list.is_empty() {
        return Ok(None);
    }
    let bytes = serde_json::to_vec(&list).map_err(|e| Error::content(format!("{BUNDLE_JSON}: {e}")))?;
    Ok(Some(Digest::sha256(&bytes)))
}
