//! What a bundle says about content that it does not hold, and how its identity covers that
//! (`docs/format.md`, "bundle.json" and "Identity").

use serde::{Deserialize, Serialize};

use super::paths::BUNDLE_JSON;
use crate::error::{Error, Result};
use crate::oci::{Descriptor, Digest};
use crate::store::{Contents, Reason};

/// Content that belongs to an image and is not in the bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Absent {
    /// Which.
    pub(crate) digest: Digest,
    /// Why, as a word.
    pub(crate) reason: String,
    /// Its length in bytes.
    pub(crate) size: u64,
}

/// All that these contents leave out, by digest.
pub(crate) fn absent(contents: &Contents) -> Vec<Absent> {
    contents.left_out().into_iter().map(one).collect()
}

fn one((descriptor, reason): (&Descriptor, Reason)) -> Absent {
    Absent { digest: descriptor.digest.clone(), reason: reason.as_str().into(), size: descriptor.size }
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
