//! An old layer that a new one is compared with.

use crate::oci::Descriptor;
use crate::store::Place;

/// An old layer that may be like a new one.
#[derive(Clone, Debug)]
pub(super) struct Partner {
    /// The layer.
    pub(super) old: Descriptor,
    /// Which of the bases that are files has it, and where there; in a repository, if none.
    pub(super) base: Option<usize>,
    pub(super) place: Place,
}
