//! What came of bringing images to a registry.

use schemars::JsonSchema;
use serde::Serialize;

use super::Arrival;
use super::about::About;
use crate::error::Kind;
use crate::oci::{Attached, Digest};
use crate::transfer::{Damaged, Outcome, Pushed, ReadBack, Status};
use crate::verbs::report::{Failure, LeftOut, ReferrerReport};

/// How an image ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ImageStatus {
    /// It is not there, or not whole.
    Failed,
    /// What is here of it is there; the rest is in other volumes, and so nothing names it yet.
    Incomplete,
    /// In a dry run: it would be pushed.
    Planned,
    /// Everything was there before.
    Present,
    /// It is there now.
    Pushed,
    /// Its tag names another image, and stays.
    Skipped,
}

/// One image that was to be brought to a registry.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PushedImage {
    /// Its name at the source.
    pub name: String,
    /// Its name at the target.
    pub target: String,
    /// Its digest.
    pub digest: Digest,
    /// The platforms that its indexes name and that come along; empty for a single manifest.
    pub platforms: Vec<String>,
    /// Bytes of the blobs that it and what refers to it take alone; what images share counts for each.
    pub bytes: u64,
    /// What refers to it, or to a part of it: signatures, attestations, SBOMs and others. Absent where that is very much
    /// in all, and an image before this one is the same content and has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referrers: Option<Vec<ReferrerReport>>,
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
pub struct PushedBlobs {
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

impl PushedImage {
    /// Its tag named something else before.
    pub fn moves_tag(&self) -> bool {
        self.previous_digest.as_ref().is_some_and(|previous| *previous != self.digest)
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

/// What a report says of an arrival.
pub(in crate::verbs) struct Arrived {
    /// The images by their names at the target, whichever was done first.
    pub(in crate::verbs) images: Vec<PushedImage>,
    pub(in crate::verbs) blobs: PushedBlobs,
    pub(in crate::verbs) left_out: Vec<LeftOut>,
    pub(in crate::verbs) read_back: Option<ReadBackReport>,
}

impl From<Arrival> for Arrived {
    fn from(arrival: Arrival) -> Self {
        let Arrival { outcome, read_back, left_out, to_send, mut about } = arrival;
        let status = |status| match status {
            Status::Failed => ImageStatus::Failed,
            Status::Incomplete => ImageStatus::Incomplete,
            Status::Present => ImageStatus::Present,
            Status::Pushed if to_send.is_some() => ImageStatus::Planned,
            Status::Pushed => ImageStatus::Pushed,
            Status::Skipped => ImageStatus::Skipped,
        };
        let Outcome { mut images, before, mounted, present, sent, bytes_sent } = outcome;
        images.sort_by_cached_key(|pushed| pushed.image.target.to_string());
        let image = |pushed: Pushed| {
            let About { platforms, bytes, referrers } = about.next(&pushed.image.digest);
            PushedImage {
                previous_digest: before.of(&pushed.image).cloned(),
                platforms,
                bytes,
                referrers,
                name: pushed.image.name.name(),
                target: pushed.image.target.to_string(),
                digest: pushed.image.digest,
                attached: pushed.image.attached.map(Attached::as_str),
                status: status(pushed.status),
                error: pushed.error.map(Failure::new),
            }
        };
        let images: Vec<PushedImage> = images.into_iter().map(image).collect();
        let (to_send, bytes_to_send) = to_send.unwrap_or_default();
        let blobs = PushedBlobs { sent, mounted, present, bytes_sent, to_send, bytes_to_send };
        Self { images, blobs, left_out, read_back: read_back.map(ReadBackReport::from) }
    }
}

/// The gravest of what images failed with.
pub(in crate::verbs) fn gravest(images: &[PushedImage]) -> Option<Kind> {
    let is_undone = |status| matches!(status, ImageStatus::Failed | ImageStatus::Incomplete);
    let failed = images.iter().filter(|image| is_undone(image.status));
    failed.map(|image| image.error.as_ref().map_or(Kind::Failed, |error| error.kind)).reduce(Kind::graver)
}
