//! What `list` reports: plain values that serialise themselves.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use crate::archive::{Bundle, Bundles};
use crate::error::Kind;
use crate::oci::{Digest, MediaType};
use crate::verbs::report::{DamagedEntry, DeltaReport, LeftOut, ReferrerReport, VolumeReport};

/// One config or layer of an image, as often as it is used.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ListedPiece {
    /// Which.
    pub digest: Digest,
    /// What its manifest says that it is.
    pub media_type: MediaType,
    /// Its length in bytes.
    pub bytes: u64,
    /// It is the config of the image.
    pub is_config: bool,
    /// How many images of the bundle have it.
    pub images: usize,
    /// Why it is not in these files, where it is not: a reason as in [`Absent`].
    pub absent: Option<String>,
}

/// One platform of an image.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ListedPlatform {
    /// Where it runs, where something says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Its manifest.
    pub digest: Digest,
    /// Its content in bytes.
    pub bytes: u64,
    /// Its config and layers, in the order of the manifest: no part of the JSON, in which one manifest with many of them
    /// would stand as often as there are images that share it.
    #[serde(skip)]
    pub pieces: Arc<[ListedPiece]>,
}

/// A platform of an image that the bundle does not hold, since it was not asked for.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct OtherPlatform {
    /// Where it would run, where an index says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Its manifest.
    pub digest: Digest,
}

/// What an image consists of and these files do not have, for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Absent {
    /// `base`, `missing`, `nondistributable`, or `volume` with its number.
    pub reason: String,
    /// Pieces of content.
    pub count: u64,
    /// Their length.
    pub bytes: u64,
}

impl Absent {
    /// The volume that has it, where one has.
    pub fn volume(&self) -> Option<u32> {
        self.reason.strip_prefix("volume ")?.parse().ok()
    }
}

/// One image.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ListedImage {
    /// Its full name, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The tag it has where nothing says of which repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Its manifest or index.
    pub digest: Digest,
    /// The type of that.
    pub media_type: MediaType,
    /// All its content in bytes.
    pub bytes: u64,
    /// The part of it that no other image has.
    pub own_bytes: u64,
    /// The part of it that other images have too.
    pub shared_bytes: u64,
    /// Its platforms, in the order of its indexes.
    pub platforms: Vec<ListedPlatform>,
    /// The platforms that were not asked for, in the same order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_platforms: Vec<OtherPlatform>,
    /// What refers to it, or to a part of it: subjects first. Absent where that is very much in all, and an
    /// image before this one is the same content and has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referrers: Option<Vec<ReferrerReport>>,
    /// Pieces of content that it needs and that are not in the bundle.
    pub missing: u64,
    /// What of it these files do not have, by reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<Absent>,
    /// The numbers of the volumes that its layers and configs are in, where the bundle has several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<u32>,
}

/// All content of the images and of what refers to them, each piece counted once. Lengths are in bytes.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ContentReport {
    /// Pieces: manifests, configs, layers and others.
    pub count: u64,
    /// Their length.
    pub bytes: u64,
    /// The part of that which several images have.
    pub shared_bytes: u64,
    /// The part of that which no image consists of: it refers to one.
    pub referrer_bytes: u64,
}

/// One volume that is here.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct VolumeHere {
    /// Its number, from 1.
    pub number: u32,
    /// Where it is.
    pub bundle: PathBuf,
    /// The length of the file in bytes.
    pub bytes: u64,
}

/// One volume that is not here.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct VolumeMissing {
    /// Its number, from 1.
    pub number: u32,
    /// What its file would be called beside the others.
    pub bundle: String,
}

/// The volumes of one bundle.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct VolumesReport {
    /// How many there are.
    pub count: u32,
    /// The length that each may have, in bytes.
    pub size: u64,
    /// Those that were given, by number.
    pub here: Vec<VolumeHere>,
    /// Those that were not.
    pub missing: Vec<VolumeMissing>,
}

impl VolumesReport {
    /// Of bundles that are volumes of one.
    pub(super) fn of(bundles: &Bundles) -> Option<Self> {
        let (set, (_, numbers)) = bundles.sets().into_iter().next()?;
        let mut here: BTreeMap<u32, VolumeHere> = BTreeMap::new();
        for bundle in bundles.iter() {
            if let Some((_, number)) = bundle.volume() {
                let (path, bytes) = (bundle.path().to_owned(), bundle.bytes());
                here.entry(number).or_insert(VolumeHere { number, bundle: path, bytes });
            }
        }
        let missing = (1..=set.1).filter(|number| !numbers.contains(number));
        let missing = missing.map(|number| VolumeMissing { number, bundle: bundles.volume_file(set, number) });
        Some(Self { count: set.1, size: set.2, here: here.into_values().collect(), missing: missing.collect() })
    }
}

/// A bundle of which there is no list.
#[derive(Clone, Debug)]
pub(in crate::verbs) struct Unlisted {
    /// Where it is; of several volumes, the first that was given.
    pub(in crate::verbs) bundle: PathBuf,
    /// Why.
    pub(in crate::verbs) reason: String,
}

/// What a bundle holds.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Listed {
    /// Where it is; of several volumes, the first that was given.
    pub bundle: PathBuf,
    /// sha256 of `index.json`.
    pub digest: Digest,
    /// The length of the file in bytes; of several volumes, of all that are here.
    pub bytes: u64,
    /// Which volume of the bundle it is, where that has several and one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume: Option<VolumeReport>,
    /// Where the bundle has several volumes: which are here, and which are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volumes: Option<VolumesReport>,
    /// It is what was expected; absent where nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<bool>,
    /// The images in the order of the bundle.
    pub images: Vec<ListedImage>,
    /// What they and their referrers consist of.
    pub content: ContentReport,
    /// Of a delta: what it carries, and what it rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delta: Option<DeltaReport>,
    /// Content that the bundle does not hold, and need not.
    pub left_out: Vec<LeftOut>,
    /// What of a layout of another tool is damaged or not there: it concerns no other image.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub damaged: Vec<DamagedEntry>,
}

impl Listed {
    /// The kind that decides the exit status; `None` if nothing is wrong.
    pub fn kind(&self) -> Option<Kind> {
        self.damaged.iter().map(|one| one.error.kind).reduce(Kind::graver)
    }

    /// Of the only file, if it is one volume of several.
    pub(super) fn volume(bundles: &Bundles) -> Option<VolumeReport> {
        bundles.only().and_then(|bundle: &Bundle| VolumeReport::of(bundle))
    }
}
