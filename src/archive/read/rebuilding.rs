//! Which layers can be rebuilt of open bundles, and what for.

use std::fmt;
use std::fs::File;
use std::sync::{Arc, Mutex, Weak};

use crate::oci::Descriptor;
use crate::store::{LayerDelta, OldLayers, Place, Scratch};

/// What is needed to rebuild layers.
#[derive(Default)]
pub(super) struct Rebuilding {
    pub(super) list: Vec<Rebuilt>,
    /// Where old layers come from that are in none of the files.
    pub(super) elsewhere: Option<Box<dyn OldLayers>>,
    pub(super) scratch: Option<Scratch>,
    /// What was rebuilt is kept, not only as long as somebody reads it.
    pub(super) keeps: bool,
    /// Held by whoever rebuilds: one takes two processors, and the memory that there is for it.
    pub(super) gate: Mutex<()>,
}

impl fmt::Debug for Rebuilding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rebuilding").field("list", &self.list).finish_non_exhaustive()
    }
}

/// A layer that can be rebuilt.
#[derive(Debug)]
pub(super) struct Rebuilt {
    pub(super) layer: Descriptor,
    /// Which of the bundles has the difference.
    pub(super) bundle: usize,
    pub(super) delta: LayerDelta,
    /// Where the old layer is; elsewhere, if in none of the files.
    pub(super) old: Option<Place>,
    pub(super) file: Mutex<Kept>,
}

#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) in_use: Weak<File>,
    pub(super) kept: Option<Arc<File>>,
}
