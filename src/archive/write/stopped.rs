//! Why a bundle was not written, and what is left of it.

use std::path::PathBuf;

use crate::error::Error;

/// What a failed export leaves for the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leftover {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// How many bytes of how many of the content; `None` as long as nobody has looked.
    pub(crate) bytes: Option<(u64, u64)>,
}

/// Why a bundle was not written.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub(crate) struct Stopped {
    /// What went wrong.
    #[source]
    pub(crate) error: Box<Error>,
    /// What the next export can go on from.
    pub(crate) leftover: Option<Leftover>,
}

impl Stopped {
    pub(crate) fn new(error: Error, leftover: Option<Leftover>) -> Self {
        Self { error: Box::new(error), leftover }
    }
}
