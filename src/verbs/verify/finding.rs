//! What `verify` finds wrong, one finding per piece of content.

use std::collections::{HashMap, HashSet};

use crate::error::{Error, Kind};
use crate::oci::Digest;
use crate::store::Contents;

/// What is wrong with a piece of content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FindingKind {
    /// A layer does not unpack to what the image's configuration says.
    DiffIdMismatch,
    /// Its bytes are not those that its digest names.
    DigestMismatch,
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
            Self::Malformed => "malformed",
            Self::Missing => "missing",
            Self::SizeMismatch => "sizeMismatch",
            Self::Unreadable => "unreadable",
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What kind of thing.
    pub kind: FindingKind,
    /// The content.
    pub digest: Digest,
    /// The names of the images that need it.
    pub images: Vec<String>,
    /// One line for a person.
    pub message: String,
}

/// Findings, one per piece of content.
#[derive(Default)]
pub(super) struct Findings {
    list: Vec<Finding>,
    places: HashMap<Digest, usize>,
}

impl Findings {
    /// Takes note of something wrong. Found later means found closer to the cause: wrong bytes
    /// explain why a manifest made no sense.
    pub(super) fn add(&mut self, kind: FindingKind, digest: &Digest, image: Option<&String>, error: &Error) {
        let place = *self.places.entry(digest.clone()).or_insert_with(|| {
            self.list.push(Finding { kind, digest: digest.clone(), images: Vec::new(), message: String::new() });
            self.list.len() - 1
        });
        let finding = &mut self.list[place];
        finding.kind = kind;
        finding.message = error.to_string();
        finding.images.extend(image.filter(|name| !finding.images.contains(name)).cloned());
    }

    /// Whether something is wrong with this content.
    pub(super) fn has(&self, digest: &Digest) -> bool {
        self.places.contains_key(digest)
    }

    /// Adds the names of the images that need the content.
    pub(super) fn named(mut self, contents: &Contents) -> Vec<Finding> {
        let images = contents.images_with_each(self.list.iter().map(|f| &f.digest));
        for (finding, images) in self.list.iter_mut().zip(images) {
            let known: HashSet<String> = finding.images.iter().cloned().collect();
            finding.images.extend(images.into_iter().filter(|name| !known.contains(name)));
        }
        self.list
    }
}
