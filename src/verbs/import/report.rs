//! What came of an import.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::lacking::LackingContent;
use crate::archive::Bundles;
use crate::error::Kind;
use crate::oci::{Digest, Host};
use crate::verbs::entries::Unusable;
use crate::verbs::pushed::Arrival;
use crate::verbs::pushed::report::{Arrived, PushedBlobs, PushedImage, ReadBackReport, gravest};
use crate::verbs::report::{DamagedEntry, Failure, LeftOut, ReadBundle};

/// What came of an import.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Imported {
    /// The registry.
    pub registry: Host,
    /// The bundle, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The bundles, where there were several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bundles: Vec<ReadBundle>,
    /// A line for every image.
    pub images: Vec<PushedImage>,
    /// Entries of layouts of other tools that cannot be used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub damaged: Vec<DamagedEntry>,
    /// What became of the blobs.
    pub blobs: PushedBlobs,
    /// Content that a base should have, and that is neither in the bundles nor at the registry.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lacking: Vec<LackingContent>,
    /// Content that the bundles leave out and the registry does not have.
    pub left_out: Vec<LeftOut>,
    /// What was read back, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_back: Option<ReadBackReport>,
    /// The numbers of the volumes that images wait for: what is in them is neither here nor at the registry.
    pub missing_volumes: Vec<u32>,
}

impl Imported {
    pub(super) fn new(
        registry: Host,
        bundles: &Bundles,
        arrival: Arrival,
        unusable: Vec<Unusable>,
        (lacking, missing_volumes): (Vec<LackingContent>, BTreeSet<u32>),
    ) -> Self {
        let named = bundles.iter().filter(|bundle| !bundle.is_salvaged() || bundle.names_something());
        let several = named.map(|b| ReadBundle::new(b.path().to_owned(), b.index().digest.clone()));
        let Arrived { images, blobs, left_out, read_back } = arrival.into();
        Self {
            registry,
            digest: bundles.identity().cloned(),
            bundles: if bundles.only().is_some() { Vec::new() } else { several.collect() },
            images,
            damaged: unusable.into_iter().map(|one| DamagedEntry::new(one.label, one.error)).collect(),
            blobs,
            lacking,
            left_out,
            read_back,
            missing_volumes: missing_volumes.into_iter().collect(),
        }
    }

    /// The kind that decides the exit status; `None` if every image is there.
    pub fn kind(&self) -> Option<Kind> {
        let damaged = self.damaged.iter().map(|one| one.error.kind);
        damaged.chain(gravest(&self.images)).reduce(Kind::graver)
    }

    /// Why images failed, to be told what to do about it.
    pub fn failures(&mut self) -> impl Iterator<Item = &mut Failure> {
        let damaged = self.damaged.iter_mut().map(|one| &mut one.error);
        self.images.iter_mut().filter_map(|image| image.error.as_mut()).chain(damaged)
    }
}
