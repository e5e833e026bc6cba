//! Why a bundle was not written.

use std::path::PathBuf;

use crate::archive::{Leftover, Stopped};
use crate::error::{Error, Kind, NextStep};
use crate::oci::Digest;
use crate::store::Contents;
use crate::verbs::announced::with_images;

/// Everything that kept an export from being written.
#[derive(Debug, thiserror::Error)]
#[error("{}", errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
#[non_exhaustive]
pub struct ExportFailed {
    /// What went wrong, in the order it was asked for.
    pub errors: Vec<Error>,
    /// The partial file that the same command can go on from.
    pub leftover: Option<PathBuf>,
    /// How many bytes of how many of the content are in it, where that is known.
    pub leftover_bytes: Option<(u64, u64)>,
}

impl ExportFailed {
    pub(in crate::verbs) fn new(errors: Vec<Error>, leftover: Option<Leftover>) -> Self {
        let leftover_bytes = leftover.as_ref().and_then(|leftover| leftover.bytes);
        Self { errors, leftover: leftover.map(|leftover| leftover.path), leftover_bytes }
    }

    /// The kind that decides the exit status.
    pub fn kind(&self) -> Kind {
        self.errors.iter().map(Error::kind).reduce(Kind::graver).unwrap_or(Kind::Failed)
    }
}

impl From<Error> for ExportFailed {
    fn from(error: Error) -> Self {
        Self::new(vec![error], None)
    }
}

impl From<Vec<Error>> for ExportFailed {
    fn from(errors: Vec<Error>) -> Self {
        Self::new(errors, None)
    }
}

impl From<Stopped> for ExportFailed {
    fn from(stopped: Stopped) -> Self {
        Self::new(vec![*stopped.error], stopped.leftover)
    }
}

/// What could not be fetched: of the blobs that the sources do not have, one line for each image.
pub(in crate::verbs) fn failures(contents: &Contents, failed: Vec<(Digest, Error)>) -> Vec<Error> {
    let mut gone: Vec<(Vec<String>, Error, u64)> = Vec::new();
    let mut errors = Vec::new();
    for (digest, error) in failed {
        let images = contents.images_with(&digest);
        match gone.iter_mut().find(|(others, ..)| error.status() == Some(404) && *others == images) {
            Some((.., count)) => *count += 1,
            None if error.status() == Some(404) => gone.push((images, error, 1)),
            None => errors.push(with_images(error, &images)),
        }
    }
    let lacks = gone.into_iter().map(|(images, error, count)| {
        let error =
            if count > 1 { error.at(format!("the source lacks {count} blobs, the first of them")) } else { error };
        with_images(error.advised([NextStep::PushToSourceAgain]), &images)
    });
    lacks.chain(errors).collect()
}
