//! What came of writing a bundle.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use crate::oci::{Digest, MediaType, Reference};
use crate::store::Contents;
use crate::verbs::announced::{carried, measured, named};
use crate::verbs::report::{LeftOut, ReferrerReport, texts};

/// One image of an export.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ExportedImage {
    /// Its name in the bundle.
    pub name: String,
    /// What the name stood for.
    pub digest: Digest,
    /// The type of its manifest.
    pub media_type: MediaType,
    /// The platforms that its indexes name and that come along; empty for a single manifest.
    pub platforms: Vec<String>,
    /// Those that were not asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_platforms: Vec<String>,
    /// What refers to it, or to a part of it. Absent where that is very much in all, and an image before this
    /// one is the same content and has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referrers: Option<Vec<ReferrerReport>>,
    /// Bytes of the blobs that it and what refers to it take alone; what images share counts for each.
    pub bytes: u64,
    /// `exported` or `packed`, or `planned` after a dry run.
    pub status: &'static str,
}

/// The blobs of an export. A layer of several images counts once.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ExportedBlobs {
    /// Configs, layers and other blobs.
    pub count: u64,
    /// Their length in bytes.
    pub bytes: u64,
    /// Blobs of which this run fetched all or the rest.
    pub fetched: u64,
    /// Blobs that an earlier run had left whole.
    pub resumed: u64,
    /// Blobs that are left out because a base has them.
    pub in_base: u64,
    /// Their length in bytes.
    pub bytes_in_base: u64,
    /// Layers that are carried as the difference to an older one.
    pub deltas: u64,
    /// The length of those differences in bytes.
    pub bytes_in_deltas: u64,
    /// The length of the layers that they stand for.
    pub bytes_of_deltas: u64,
}

/// What came of an export.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Exported {
    /// The bundle; `None` after a dry run, like the next two, and where there are volumes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle: Option<PathBuf>,
    /// sha256 of its `index.json`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Its length in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The signature beside it, where it was signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<PathBuf>,
    /// The files, where the bundle is divided into volumes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<ExportedVolume>,
    /// The file with what the names stood for, where one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock: Option<PathBuf>,
    /// The images in the order of the bundle.
    pub images: Vec<ExportedImage>,
    /// What there is besides manifests.
    pub blobs: ExportedBlobs,
    /// Content that the bundle does not hold.
    pub left_out: Vec<LeftOut>,
    /// The drive said that it has everything. False where its file system has no way to say so.
    #[serde(skip)]
    pub synced: bool,
}

/// A volume that is finished.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ExportedVolume {
    /// Where it is, or was before it was handed on.
    pub bundle: PathBuf,
    /// The signature beside it, where it was signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<PathBuf>,
    /// Its number, from 1.
    pub number: u32,
    /// How many there are.
    pub count: u32,
    /// Its length in bytes.
    pub bytes: u64,
}

/// What there is to write.
pub(super) fn report(contents: &Contents) -> Exported {
    let digests: Vec<&Digest> = named(contents).map(|(_, digest)| digest).collect();
    let referrers = ReferrerReport::of_each(contents, &digests);
    let each: BTreeSet<&Digest> = digests.iter().copied().collect();
    let sizes: BTreeMap<&Digest, u64> = each.into_iter().map(|digest| (digest, measured(contents, digest).1)).collect();
    let image = |((name, digest), referrers): ((&Reference, &Digest), _)| {
        let manifest = contents.node(digest)?.manifest.as_ref()?;
        Some(ExportedImage {
            name: name.name(),
            digest: digest.clone(),
            media_type: manifest.media_type().clone(),
            platforms: texts(&contents.platforms(digest)),
            other_platforms: texts(&contents.other_platforms(digest)),
            referrers,
            bytes: sizes.get(digest).copied().unwrap_or_default(),
            status: "planned",
        })
    };
    let (count, bytes) = carried(contents);
    let in_base = contents.blobs().filter(|node| node.rests_on_base()).map(|node| node.descriptor.size);
    let (in_base, bytes_in_base) = in_base.fold((0, 0), |(count, bytes), size| (count + 1, bytes + size));
    let (mut deltas, mut bytes_in_deltas, mut bytes_of_deltas) = (0, 0, 0);
    for (node, delta) in contents.deltas() {
        deltas += 1;
        bytes_in_deltas += delta.size;
        bytes_of_deltas += node.descriptor.size;
    }
    let in_deltas = ExportedBlobs { deltas, bytes_in_deltas, bytes_of_deltas, ..ExportedBlobs::default() };
    let blobs = ExportedBlobs { count, bytes, in_base, bytes_in_base, ..in_deltas };
    Exported {
        bundle: None,
        digest: None,
        bytes: None,
        signature: None,
        volumes: Vec::new(),
        lock: None,
        images: named(contents).zip(referrers).filter_map(image).collect(),
        blobs,
        left_out: LeftOut::of(contents),
        synced: false,
    }
}
