//! Where the old layers come from that differences of layers rest on, if not from a file.

use std::io::Read;

use crate::error::Result;
use crate::oci::Digest;

/// Has old layers.
pub(crate) trait OldLayers: Send + Sync {
    /// Whether it has this one.
    fn has(&self, old: &Digest) -> bool;

    /// The bytes of this one.
    ///
    /// # Errors
    /// It does not have it.
    fn open(&self, old: &Digest) -> Result<Box<dyn Read + Send + '_>>;
}
