//! Where blobs are put down side by side: a bundle in the making.

use std::io::Read;

use super::source::Content;
use crate::error::Result;
use crate::oci::Digest;

/// What a [`Sink`] has of a blob from an earlier attempt.
pub(crate) enum Held<'a> {
    /// Nothing.
    Nothing,
    /// Its first `len` bytes, as far as can be told: only the digest of the whole decides.
    Start {
        /// How many bytes.
        len: u64,
        /// The bytes.
        bytes: Box<dyn Read + Send + 'a>,
    },
    /// All of it, checked.
    Whole,
}

/// Takes blobs.
pub(crate) trait Sink: Sync {
    /// What there is of a blob already.
    fn held(&self, digest: &Digest) -> Held<'_>;

    /// Takes a whole blob, what is held of it included.
    ///
    /// # Errors
    /// When reading or writing fails.
    fn take(&self, digest: &Digest, content: &mut dyn Content) -> Result<()>;
}
