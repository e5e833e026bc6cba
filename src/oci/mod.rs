//! The vocabulary: digests, references, descriptors, manifests. No I/O.
//!
//! Everything that comes from outside is parsed here once, into types that cannot hold a bad value;
//! the other rooms never look at a raw string again.

mod descriptor;
mod digest;
mod digest_tag;
mod host;
mod json;
mod manifest;
mod media_type;
mod misleading;
mod platform;
mod reference;
mod sparing;
mod verify_reader;

use std::fmt;

pub(crate) use descriptor::Descriptor;
pub(crate) use digest::Hasher;
pub use digest::{Algorithm, Digest};
pub(crate) use digest_tag::{Attached, digest_tag, parse_digest_tag};
pub use host::Host;
pub(crate) use json::{Object, has_mark, parse as parse_json};
pub(crate) use manifest::{Manifest, Role, Said};
pub use media_type::MediaType;
pub use misleading::is_misleading;
pub use platform::Platform;
pub use reference::{Reference, Repository, Tag};
pub(crate) use sparing::NAMES;
pub(crate) use verify_reader::{BadContent, Checkpoint, VerifyReader};

/// A text from outside that is not what it claims to be; the message says what and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid(String);

impl Invalid {
    /// An invalid value, described in one lower-case line.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Invalid {}
