//! What a walk asks, and what it is told.

use std::sync::Arc;

use super::attached::{Candidate, Subject};
use crate::error::Result;
use crate::oci::{Descriptor, Manifest, Reference};
use crate::store::Node;

pub(super) enum Question {
    Candidate(Box<Candidate>),
    Content(usize, Box<Node>),
    Subject(Subject),
}

pub(super) enum Answer {
    Candidate(Box<Candidate>, Result<Box<Manifest>>),
    Content(usize, Result<There>),
    Subject(Subject, Result<Listed>),
}

/// What a place has that refers to a manifest: by its subject, and by a tag.
pub(super) type Listed = (Vec<Descriptor>, Vec<(Reference, Manifest)>);

/// What some content turned out to be.
pub(super) enum There {
    Absent,
    Blob,
    /// A blob that came with the answer.
    Bytes(Arc<[u8]>),
    Manifest(Box<Manifest>),
}
