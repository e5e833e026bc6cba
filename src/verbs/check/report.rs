//! What came of a check.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use crate::error::{Error, Kind};
use crate::oci::{Digest, Host, Reference};
use crate::plan::{Origin, Wanted};
use crate::verbs::report::{Failure, ReadBundle};

/// What one place has of an image.
#[derive(Clone, Debug)]
pub(super) enum There {
    Present { digest: Digest },
    Incomplete { digest: Digest, lacks: Vec<String> },
    Different { digest: Digest, pinned: Digest },
    Missing,
}

impl There {
    /// The nearer one to what is wanted.
    pub(super) fn or(self, other: Self) -> Self {
        if other.distance() < self.distance() { other } else { self }
    }

    fn distance(&self) -> u8 {
        match self {
            Self::Present { .. } => 0,
            Self::Incomplete { .. } => 1,
            Self::Different { .. } => 2,
            Self::Missing => 3,
        }
    }
}

/// How an image was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum CheckStatus {
    /// Another digest stands under its name than the one that is asked for.
    Different,
    /// Nobody knows: the registry does not say.
    Failed,
    /// It is there, and some of what is asked for of it is not.
    Incomplete,
    /// It is not there.
    Missing,
    /// It is there.
    Present,
}

/// One image.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CheckedImage {
    /// Its name, as it is asked for.
    pub name: String,
    /// Its name at the registry, where one is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// How it was found.
    pub status: CheckStatus,
    /// The digest that stands under its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The digest that is asked for, where one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<Digest>,
    /// What is not there of it: platforms that are asked for, and the like.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lacks: Vec<String>,
    /// The files and lines that want it: `FILE:LINE`.
    pub wanted_by: Vec<String>,
    /// Why nobody knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
    #[serde(skip)]
    pub(super) reference: Reference,
}

/// How many images were found in which way.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CheckedCounts {
    /// Another digest.
    pub different: u64,
    /// Nobody knows.
    pub failed: u64,
    /// Not all of it.
    pub incomplete: u64,
    /// Not there.
    pub missing: u64,
    /// There.
    pub present: u64,
}

/// What came of a check.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Checked {
    /// The bundles that were looked into.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bundles: Vec<ReadBundle>,
    /// The registry that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry: Option<Host>,
    /// A line for every image, by name.
    pub images: Vec<CheckedImage>,
    /// How many there are of each kind.
    pub counts: CheckedCounts,
}

impl CheckedImage {
    pub(super) fn new(wanted: &Wanted, target: Option<&Reference>, found: Result<There, Error>) -> Self {
        let Wanted { reference, origins, .. } = wanted;
        let in_lists = origins.iter().filter(|origin| **origin != Origin::Argument);
        let mut image = Self {
            name: reference.name(),
            target: target.map(ToString::to_string),
            status: CheckStatus::Missing,
            digest: None,
            expected: reference.digest.clone(),
            lacks: Vec::new(),
            wanted_by: in_lists.map(ToString::to_string).collect(),
            error: None,
            reference: reference.clone(),
        };
        match found {
            Ok(There::Present { digest }) => (image.status, image.digest) = (CheckStatus::Present, Some(digest)),
            Ok(There::Incomplete { digest, lacks }) => {
                (image.status, image.digest, image.lacks) = (CheckStatus::Incomplete, Some(digest), lacks);
            }
            Ok(There::Different { digest, pinned }) => {
                (image.status, image.digest) = (CheckStatus::Different, Some(digest));
                image.expected = Some(pinned);
            }
            Ok(There::Missing) => {}
            Err(e) => {
                image.status = CheckStatus::Failed;
                image.error = Some(Failure::new(Arc::new(e.at(reference.name()))));
            }
        }
        image
    }

    /// It has to be brought.
    fn is_wanting(&self) -> bool {
        matches!(self.status, CheckStatus::Different | CheckStatus::Incomplete | CheckStatus::Missing)
    }
}

impl Checked {
    pub(super) fn new(bundles: Vec<ReadBundle>, registry: Option<Host>, images: Vec<CheckedImage>) -> Self {
        let mut counts = CheckedCounts::default();
        for image in &images {
            let count = match image.status {
                CheckStatus::Different => &mut counts.different,
                CheckStatus::Failed => &mut counts.failed,
                CheckStatus::Incomplete => &mut counts.incomplete,
                CheckStatus::Missing => &mut counts.missing,
                CheckStatus::Present => &mut counts.present,
            };
            *count += 1;
        }
        Self { bundles, registry, images, counts }
    }

    /// The kind that decides the exit status; `None` if everything is there.
    pub fn kind(&self) -> Option<Kind> {
        let wanting = self.images.iter().filter(|image| image.is_wanting()).map(|_| Kind::Act);
        let failed = self.images.iter().filter_map(|image| Some(image.error.as_ref()?.kind));
        wanting.chain(failed).reduce(Kind::graver)
    }

    /// Why nobody knows of some images, to be told what to do about it.
    pub fn failures(&mut self) -> impl Iterator<Item = &mut Failure> {
        self.images.iter_mut().filter_map(|image| image.error.as_mut())
    }

    /// What has to be brought, as a list that an export takes: one name a line, as it was asked for.
    pub(super) fn missing_list(&self) -> String {
        let wanting = self.images.iter().filter(|image| image.is_wanting());
        wanting.map(|image| format!("{}\n", image.reference)).collect()
    }
}
