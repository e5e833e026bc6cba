//! `bundle.json`: what the image layout has no place for. Every other reader ignores it.
//!
//! It repeats the digest of `index.json`, so that damage there shows without a pin, and says which
//! content was left out and why. Compact, keys sorted: it is read back only in exactly this form.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::left_out::Absent;
use super::paths::BUNDLE_JSON;
use super::rooms::MOST_VOLUMES;
use super::table::{Stands, Table};
use crate::error::{Error, Result};
use crate::oci::{Digest, parse_json};
use crate::store::{LayerDelta, Reason};

/// The version of the format that this library writes, and the only one it reads.
pub(crate) const FORMAT_VERSION: u32 = 1;
/// As much as a million left-out blobs need, each with a sha512 digest, in bytes.
pub(crate) const MAX_BUNDLE_JSON: u64 = 256 << 20;

/// The parsed file. Fields stand in the order of their keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct BundleJson {
    /// Left-out content by digest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) absent: Vec<Absent>,
    /// By the names of images, the manifests on the list for Docker.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) docker: BTreeMap<String, Digest>,
    /// [`FORMAT_VERSION`].
    pub(crate) format_version: u32,
    /// sha256 of `index.json`.
    pub(crate) index: Digest,
    /// Which blob is in which volume, where there are several.
    #[serde(default, skip_serializing_if = "Table::is_empty")]
    pub(crate) table: Table,
    /// Which volume this file is.
    pub(crate) volume: Volume,
}

/// `number` of `count`, both from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Volume {
    /// How many volumes the bundle has.
    pub(crate) count: u32,
    /// Which one this is.
    pub(crate) number: u32,
    /// The length that each of them may have, in bytes, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) size: Option<u64>,
}

impl BundleJson {
    /// The file for a bundle in one volume.
    pub(crate) fn new(index: Digest, absent: Vec<Absent>) -> Self {
        let volume = Volume { count: 1, number: 1, size: None };
        let (docker, table) = (BTreeMap::new(), Table::new());
        Self { absent, docker, format_version: FORMAT_VERSION, index, table, volume }
    }

    /// That numbers of volumes are ones: what else is wrong with the table shows when the form is worked out.
    fn check_volume(&self) -> Result<()> {
        let Volume { count, number, size } = self.volume;
        let is_one = count == 1 && number == 1 && size.is_none() && self.table.is_empty();
        let is_several = (2..=MOST_VOLUMES).contains(&count) && (1..=count).contains(&number) && size.is_some();
        if !is_one && !is_several {
            return Err(Error::content(format!("volume {number} of {count}: there is no such volume")));
        }
        if count > 1 && self.absent.iter().any(|absent| absent.delta.is_some()) {
            return Err(Error::content("layer deltas in a bundle of several volumes: there are no such bundles"));
        }
        for (digest, stands) in &self.table {
            let are_volumes = stands.volumes().iter().all(|number| (1..=count).contains(number));
            let is_cut = |stands: &Stands| match stands {
                Stands::Whole(_) => true,
                Stands::Cut(cut) => cut.bytes > 0 && cut.volumes.len() > 1,
            };
            if !are_volumes || !is_cut(stands) {
                return Err(Error::content(format!("table: {digest} cannot be in such volumes")));
            }
        }
        Ok(())
    }

    /// Why this content is not in the file, if it is said to be left out. The list is by digest, or the file is no bundle.
    pub(crate) fn reason(&self, digest: &Digest) -> Option<Reason> {
        let found = self.absent.binary_search_by(|one| one.digest.cmp(digest)).ok()?;
        Reason::parse(&self.absent[found].reason)
    }

    /// What is in the file in the place of this layer, if that is a difference. The list is by digest, or the file is no
    /// bundle.
    pub(crate) fn layer_delta(&self, digest: &Digest) -> Option<LayerDelta> {
        let found = self.absent.binary_search_by(|one| one.digest.cmp(digest)).ok()?;
        self.absent[found].layer_delta()
    }

    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|e| Error::content(format!("{}: {e}", BUNDLE_JSON)))
    }

    /// Reads it back, and refuses every other way to write the same.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Version {
            format_version: u32,
        }
        let Version { format_version } = parse_json(bytes)?;
        if format_version != FORMAT_VERSION {
            return Err(Error::content(format!(
                "format version {format_version} is not known to this release, which reads version {FORMAT_VERSION}"
            )));
        }
        let parsed: Self = parse_json(bytes)?;
        if parsed.to_bytes()? != bytes {
            return Err(Error::content("not written as the format asks: it was changed or damaged"));
        }
        parsed.check_volume()?;
        Ok(parsed)
    }
}
