//! What came of an import.

use schemars::JsonSchema;
use serde::Serialize;

use crate::archive::Bundles;
use crate::error::Kind;
use crate::oci::{Attached, Digest, Host};
use crate::transfer::{Damaged, Outcome, Pushed, ReadBack, Status};
use crate::verbs::entries::Unusable;
use crate::verbs::report::{DamagedEntry, Failure, LeftOut, ReadBundle};

/// How an image ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ImageStatus {
    /// It is not there, or not whole.
    Failed,
    /// In a dry run: it would be pushed.
    Planned,
    /// Everything was there before.
    Present,
    /// It is there now.
    Pushed,
    /// Its tag names another image, and stays.
    Skipped,
}

/// One image of an import.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ImportedImage {
    /// Its name in the bundle.
    pub name: String,
    /// Its name at the target.
    pub target: String,
    /// Its digest.
    pub digest: Digest,
    /// What its tag named at the target before, if it was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_digest: Option<Digest>,
    /// How it ended.
    pub status: ImageStatus,
    /// What it is, where it is attached to an image by its tag: `cosign signature`, `cosign
    /// attestation`, `cosign SBOM`, `list of referrers`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attached: Option<&'static str>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
}

/// Blobs, counted once for each repository; lengths in bytes.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ImportedBlobs {
    /// Blobs sent.
    pub sent: u64,
    /// Blobs taken over from another repository of the registry.
    pub mounted: u64,
    /// Blobs that were there.
    pub present: u64,
    /// The length of those sent.
    pub bytes_sent: u64,
    /// Blobs that a dry run found missing.
    pub to_send: u64,
    /// Their length.
    pub bytes_to_send: u64,
}

/// What was read back; counted once for each repository.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ReadBackReport {
    /// Blobs that are right.
    pub blobs: u64,
    /// Manifests that are right.
    pub manifests: u64,
    /// Tags that lead to what they should.
    pub tags: u64,
    /// The length of all these, in bytes.
    pub bytes: u64,
    /// What is wrong or gone.
    pub damaged: Vec<DamagedCopy>,
}

/// Content that the target does not serve as it was pushed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DamagedCopy {
    /// Where.
    pub repository: String,
    /// Which content.
    pub digest: Digest,
    /// What is wrong, in one line.
    pub message: String,
}

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
    pub images: Vec<ImportedImage>,
    /// Entries of layouts of other tools that cannot be used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub damaged: Vec<DamagedEntry>,
    /// What became of the blobs.
    pub blobs: ImportedBlobs,
    /// Content that the bundles leave out and the registry does not have.
    pub left_out: Vec<LeftOut>,
    /// What was read back, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_back: Option<ReadBackReport>,
    /// The numbers of volumes that are missing.
    pub missing_volumes: Vec<u32>,
}

impl ImportedImage {
    /// Its tag named something else before.
    pub fn moves_tag(&self) -> bool {
        self.previous_digest.as_ref().is_some_and(|previous| *previous != self.digest)
    }
}

/// What was found before anything was done.
pub(super) struct Found {
    /// What is neither carried nor at the target, and need not be.
    pub(super) left_out: Vec<LeftOut>,
    /// Entries of layouts of other tools that cannot be used.
    pub(super) unusable: Vec<Unusable>,
    /// What a dry run found missing: blobs, and their length in bytes.
    pub(super) to_send: Option<(u64, u64)>,
}

impl Imported {
    /// The images by their names at the target, whichever was done first.
    pub(super) fn new(
        registry: Host,
        bundles: &Bundles,
        outcome: Outcome,
        read_back: Option<ReadBack>,
        found: Found,
    ) -> Self {
        let Found { left_out, unusable, to_send } = found;
        let several = bundles.iter().map(|b| ReadBundle::new(b.path().to_owned(), b.index().digest.clone()));
        let status = |status| match status {
            Status::Failed => ImageStatus::Failed,
            Status::Present => ImageStatus::Present,
            Status::Pushed if to_send.is_some() => ImageStatus::Planned,
            Status::Pushed => ImageStatus::Pushed,
            Status::Skipped => ImageStatus::Skipped,
        };
        let Outcome { images, before, mounted, present, sent, bytes_sent } = outcome;
        let image = |pushed: Pushed| ImportedImage {
            previous_digest: before.of(&pushed.image).cloned(),
            name: pushed.image.name.name(),
            target: pushed.image.target.to_string(),
            digest: pushed.image.digest,
            attached: pushed.image.attached.map(Attached::as_str),
            status: status(pushed.status),
            error: pushed.error.map(Failure::new),
        };
        let (to_send, bytes_to_send) = to_send.unwrap_or_default();
        let mut images: Vec<ImportedImage> = images.into_iter().map(image).collect();
        images.sort_by(|one, other| one.target.cmp(&other.target));
        Self {
            registry,
            digest: bundles.only().map(|bundle| bundle.index().digest.clone()),
            bundles: if bundles.only().is_some() { Vec::new() } else { several.collect() },
            images,
            damaged: unusable.into_iter().map(|one| DamagedEntry::new(one.label, one.error)).collect(),
            blobs: ImportedBlobs { sent, mounted, present, bytes_sent, to_send, bytes_to_send },
            left_out,
            read_back: read_back.map(ReadBackReport::from),
            missing_volumes: Vec::new(),
        }
    }

    /// The kind that decides the exit status; `None` if every image is there.
    pub fn kind(&self) -> Option<Kind> {
        let failed = self.images.iter().filter(|i| i.status == ImageStatus::Failed);
        let failed = failed.map(|i| i.error.as_ref().map_or(Kind::Failed, |e| e.kind));
        failed.chain(self.damaged.iter().map(|one| one.error.kind)).reduce(Kind::graver)
    }

    /// Why images failed, to be told what to do about it.
    pub fn failures(&mut self) -> impl Iterator<Item = &mut Failure> {
        let damaged = self.damaged.iter_mut().map(|one| &mut one.error);
        self.images.iter_mut().filter_map(|image| image.error.as_mut()).chain(damaged)
    }
}

impl From<ReadBack> for ReadBackReport {
    fn from(back: ReadBack) -> Self {
        let ReadBack { blobs, manifests, tags, bytes, damaged } = back;
        let damaged = damaged.into_iter().map(|Damaged { repository, digest, message }| DamagedCopy {
            repository: repository.to_string(),
            digest,
            message,
        });
        Self { blobs, manifests, tags, bytes, damaged: damaged.collect() }
    }
}
