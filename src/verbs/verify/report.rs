//! What came of verifying a bundle.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use crate::archive::Bundle;
use crate::error::{Error, Kind, NextStep};
use crate::oci::Digest;
use crate::verbs::report::{DeltaReport, LeftOut, VolumeReport};

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum FindingKind {
    /// A layer does not unpack to what the image's configuration says.
    DiffIdMismatch,
    /// Its bytes are not those that its digest names.
    DigestMismatch,
    /// The file is not the one that its content must have.
    Form,
    /// It is no manifest, or not of the type stated.
    Malformed,
    /// An image needs it, and it is not there.
    Missing,
    /// It is longer or shorter than stated.
    SizeMismatch,
    /// The drive failed to read it.
    Unreadable,
}

impl FindingKind {
    /// This kind for content that is bad; a drive that fails says nothing about the content.
    pub(super) fn or_unreadable(self, error: &Error) -> Self {
        if error.kind() == Kind::Content { self } else { Self::Unreadable }
    }

    /// The word for it in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DiffIdMismatch => "diffIdMismatch",
            Self::DigestMismatch => "digestMismatch",
            Self::Form => "form",
            Self::Malformed => "malformed",
            Self::Missing => "missing",
            Self::SizeMismatch => "sizeMismatch",
            Self::Unreadable => "unreadable",
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Finding {
    /// What kind of thing.
    pub kind: FindingKind,
    /// The content; absent where it is the file as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Where that stands in the layout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The names of the images that need it.
    pub images: Vec<String>,
    /// One line for a person.
    pub message: String,
    /// What to do about it, in the words of whoever shows the report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The same as types: any of these.
    #[serde(skip)]
    pub next_steps: Vec<NextStep>,
}

/// Blob entries of a bundle.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct VerifiedBlobs {
    /// How many were read.
    pub count: u64,
    /// Their length in bytes.
    pub bytes: u64,
    /// Those that nothing refers to; harmless in a layout of another tool.
    pub unused: u64,
}

/// A layer that others are rebuilt from.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct OldLayer {
    /// Which.
    pub digest: Digest,
    /// Its length in bytes.
    pub bytes: u64,
    /// How many are rebuilt from it.
    pub layers: u64,
}

impl OldLayer {
    /// Those that the layers of a bundle are rebuilt from, by digest.
    pub(super) fn of(bundle: &Bundle) -> Vec<Self> {
        let mut found: BTreeMap<Digest, Self> = BTreeMap::new();
        for (_, delta) in bundle.layer_deltas() {
            let (digest, bytes) = (delta.from.clone(), delta.from_size);
            found.entry(delta.from).or_insert(Self { digest, bytes, layers: 0 }).layers += 1;
        }
        found.into_values().collect()
    }
}

/// What was found in one bundle.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Verified {
    /// Where it is.
    pub bundle: PathBuf,
    /// sha256 of `index.json`.
    pub digest: Digest,
    /// Which volume of the bundle it is, where that has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume: Option<VolumeReport>,
    /// The numbers of the volumes that were not looked at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_volumes: Vec<u32>,
    /// Whether it is what was expected, if anything was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<bool>,
    /// Nothing is wrong with it.
    pub intact: bool,
    /// How many images it holds.
    pub images: u64,
    /// What was read.
    pub blobs: VerifiedBlobs,
    /// Of a delta: what it carries, and what it rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delta: Option<DeltaReport>,
    /// Old layers that layers of the bundle are rebuilt from, and that none of the files has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub old_layers: Vec<OldLayer>,
    /// Content that the bundle does not hold, and need not.
    pub left_out: Vec<LeftOut>,
    /// What is unusual and harmless, a line each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Everything that is wrong.
    pub findings: Vec<Finding>,
    /// It is the very bundle that was expected, by its digest.
    #[serde(skip)]
    pub pinned: bool,
    /// What rests on a base.
    #[serde(skip)]
    pub(super) rests_on: Vec<Digest>,
    /// What is there and right, where there are other bundles that may rest on it.
    #[serde(skip)]
    pub(super) whole: HashSet<Digest>,
    #[serde(skip)]
    pub(super) unexpected: Option<Arc<Error>>,
}

impl Verified {
    /// How the bundle is not what was expected, if it is not.
    pub fn unexpected(&self) -> Option<&Error> {
        self.unexpected.as_deref()
    }

    /// The kind that decides the exit status; `None` for an intact bundle that was expected.
    pub fn kind(&self) -> Option<Kind> {
        let kinds = self.findings.iter().map(|f| match f.kind {
            FindingKind::Unreadable => Kind::Failed,
            _ => Kind::Content,
        });
        kinds.chain(self.unexpected().map(Error::kind)).reduce(Kind::graver)
    }
}
