//! What reports of several verbs have in common. A report serialises itself to the JSON that
//! `docs/cli.md` describes, and derives its schema.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use crate::archive::Bundle;
use crate::error::{Error, Kind};
use crate::oci::{Descriptor, Digest, Platform};
use crate::store::{Contents, Node, Reason, Referrer};

pub use super::report_place::ReportPlace;

/// Why something failed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Failure {
    /// What it means for whoever has to go on from it.
    pub kind: Kind,
    /// One line.
    pub message: String,
    /// What to do about it, in the words of whoever shows the report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    #[serde(skip)]
    error: Arc<Error>,
}

impl Failure {
    pub(super) fn new(error: Arc<Error>) -> Self {
        Self { kind: error.kind(), message: error.to_string(), hint: None, error }
    }

    /// The error itself.
    pub fn error(&self) -> &Error {
        &self.error
    }
}

/// What something that refers to an image is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ReferrerKind {
    /// A signature.
    Signature,
    /// How it was made, or what was found out about it, said by somebody.
    Attestation,
    /// What it is made of.
    Sbom,
    /// A Sigstore bundle, which holds one or the other: its type does not say which.
    SignatureOrAttestation,
    /// Something else.
    Other,
}

impl ReferrerKind {
    /// As its artifact type says: those of cosign, Notary Project, in-toto, SPDX, CycloneDX and Syft.
    fn of(artifact_type: Option<&str>) -> Self {
        let text = artifact_type.unwrap_or_default().to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
        if has(&["sbom", "spdx", "cyclonedx", "vnd.syft"]) {
            Self::Sbom
        } else if has(&["attestation", "in-toto", "vnd.dsse"]) {
            Self::Attestation
        } else if has(&["cosign signature", "cosign.artifact.sig.", "cncf.notary.signature", "simplesigning"]) {
            Self::Signature
        } else if has(&["sigstore.bundle"]) {
            Self::SignatureOrAttestation
        } else {
            Self::Other
        }
    }

    /// In the words of a person.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::Attestation => "attestation",
            Self::Sbom => "SBOM",
            Self::SignatureOrAttestation => "signature or attestation",
            Self::Other => "other referrer",
        }
    }
}

/// One manifest that refers to a part of an image, or to another one that does.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ReferrerReport {
    /// The manifest.
    pub digest: Digest,
    /// What it is good for.
    pub kind: ReferrerKind,
    /// What kind of artifact it is, as far as it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// What it refers to.
    pub subject: Digest,
    /// All its content in bytes.
    pub bytes: u64,
    /// The tag that it is found by, where it has one: cosign's signatures have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

/// As many lines about referrers as a report has before images that are one content share them.
pub(super) const MANY_REFERRERS: usize = 100_000;

impl ReferrerReport {
    /// What refers to each of these images. Where that is very much, only the first of several that are one content
    /// has it.
    pub(super) fn of_each(contents: &Contents, images: &[&Digest]) -> Vec<Option<Vec<Self>>> {
        let mut each: HashMap<&Digest, Vec<Self>> = HashMap::new();
        let mut lines = 0;
        for image in images {
            let list = || contents.referrers(image).into_iter().map(Into::into).collect();
            lines += each.entry(image).or_insert_with(list).len();
        }
        let is_much = lines > MANY_REFERRERS;
        images.iter().map(|image| if is_much { each.remove(*image) } else { each.get(*image).cloned() }).collect()
    }
}

impl From<Referrer> for ReferrerReport {
    fn from(referrer: Referrer) -> Self {
        let Referrer { digest, artifact_type, subject, bytes, tag } = referrer;
        Self { digest, kind: ReferrerKind::of(artifact_type.as_deref()), artifact_type, subject, bytes, tag }
    }
}

/// An entry of a layout of another tool that cannot be used.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DamagedEntry {
    /// Its name, its digest, or which one it is.
    pub entry: String,
    /// Why.
    pub error: Failure,
}

impl DamagedEntry {
    pub(super) fn new(label: String, error: Error) -> Self {
        let error = error.at(&label);
        Self { entry: label, error: Failure::new(Arc::new(error)) }
    }
}

/// Content that belongs to an image and does not travel with it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct LeftOut {
    /// Which.
    pub digest: Digest,
    /// Its length in bytes.
    pub bytes: u64,
    /// Why: `base`, `delta`, `nondistributable` or `platform`.
    pub reason: String,
    /// Where it would run, for a manifest of a platform that was not asked for; absent where no index says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    #[serde(skip)]
    is_for_good: bool,
}

impl LeftOut {
    /// All that these contents leave out, by digest.
    pub(super) fn of(contents: &Contents) -> Vec<Self> {
        Self::each(contents, contents.left_out())
    }

    /// Some of it.
    pub(super) fn each(contents: &Contents, left_out: Vec<(&Descriptor, Reason)>) -> Vec<Self> {
        let platforms = contents.platforms_of_left_out();
        let one = |(descriptor, reason): (&Descriptor, Reason)| Self {
            digest: descriptor.digest.clone(),
            bytes: descriptor.size,
            reason: reason.as_str().into(),
            platform: platforms.get(&descriptor.digest).map(ToString::to_string),
            is_for_good: reason.is_for_good(),
        };
        left_out.into_iter().map(one).collect()
    }

    /// No other file has it because of us, and an image counts as whole without it.
    pub fn is_for_good(&self) -> bool {
        self.is_for_good
    }
}

/// What a delta is, beside its images. Lengths are in bytes.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DeltaReport {
    /// Blobs that it carries: configs, layers and others.
    pub carried: u64,
    /// Their length.
    pub bytes_carried: u64,
    /// Blobs that a base has.
    pub in_base: u64,
    /// Their length.
    pub bytes_in_base: u64,
    /// Those of them that the other files of the same command hold whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<u64>,
    /// Layers that it carries as the difference to an older one.
    pub deltas: u64,
    /// The length of those differences.
    pub bytes_in_deltas: u64,
    /// The length of the layers that they stand for.
    pub bytes_of_deltas: u64,
    /// Those of them that were rebuilt from the other files of the same command, and are right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rebuilt: Option<u64>,
}

impl DeltaReport {
    /// Of these contents, if they are a delta.
    pub(super) fn of(contents: &Contents) -> Option<Self> {
        let sum = |is_meant: fn(&Node) -> bool| {
            let sizes = contents.blobs().filter(|node| is_meant(node)).map(|node| node.descriptor.size);
            sizes.fold((0, 0), |(count, bytes), size| (count + 1, bytes + size))
        };
        let ((carried, bytes_carried), (in_base, bytes_in_base)) = (sum(Node::is_carried), sum(Node::rests_on_base));
        let (mut deltas, mut bytes_in_deltas, mut bytes_of_deltas) = (0, 0, 0);
        for (node, delta) in contents.deltas() {
            deltas += 1;
            bytes_in_deltas += delta.size;
            bytes_of_deltas += node.descriptor.size;
        }
        let (found, rebuilt) = (None, None);
        (in_base + deltas > 0).then_some(Self {
            carried,
            bytes_carried,
            in_base,
            bytes_in_base,
            found,
            deltas,
            bytes_in_deltas,
            bytes_of_deltas,
            rebuilt,
        })
    }
}

/// Which volume of a bundle a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct VolumeReport {
    /// How many there are.
    pub count: u32,
    /// Its number, from 1.
    pub number: u32,
    /// The length that each may have, in bytes.
    pub size: u64,
}

impl VolumeReport {
    pub(super) fn of(bundle: &Bundle) -> Option<Self> {
        let ((_, count, size), number) = bundle.volume()?;
        Some(Self { count, number, size })
    }
}

/// A bundle that was read.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ReadBundle {
    /// Where it is.
    pub bundle: PathBuf,
    /// sha256 of its `index.json`.
    pub digest: Digest,
}

impl ReadBundle {
    pub(super) fn new(bundle: PathBuf, digest: Digest) -> Self {
        Self { bundle, digest }
    }
}

/// As many files as a message names.
const MOST_FILES: usize = 20;

/// The first of many files.
pub(super) fn few(files: &[String]) -> String {
    match files.len().checked_sub(MOST_FILES) {
        Some(more @ 1..) => format!("{} and {more} more", files[..MOST_FILES].join(", ")),
        _ => files.join(", "),
    }
}

/// Platforms as text.
pub(super) fn texts(platforms: &[Platform]) -> Vec<String> {
    platforms.iter().map(ToString::to_string).collect()
}
