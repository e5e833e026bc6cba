//! A layer that is carried as its difference to an older one (`docs/format.md`, "Layer deltas").

use crate::oci::{Descriptor, Digest, MediaType};

/// What is known of the difference before it is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LayerDelta {
    /// sha256 of the bytes of the difference.
    pub(crate) digest: Digest,
    /// Their number.
    pub(crate) size: u64,
    /// The layer that it rests on.
    pub(crate) from: Digest,
    /// The length of that in bytes.
    pub(crate) from_size: u64,
}

impl LayerDelta {
    /// The difference as content by itself.
    pub(crate) fn descriptor(&self) -> Descriptor {
        Descriptor::new(plain(), self.digest.clone(), self.size)
    }

    /// The old layer.
    pub(crate) fn old(&self) -> Descriptor {
        Descriptor::new(plain(), self.from.clone(), self.from_size)
    }
}

/// Neither is looked into by its type.
fn plain() -> MediaType {
    MediaType::OCI_LAYER.into()
}
