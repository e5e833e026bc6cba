//! `BaseStep`: the part of the catalogue of next steps that is about what rests on something else.

/// One thing to do about content that rests on a base or on an older layer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)]
pub enum BaseStep {
    /// Take the old layer from elsewhere, carry layers whole, or rest on what the target really has.
    ExportWholeLayers,
    /// Give the base of a delta along, or fetch the images whole.
    GiveBase {
        /// Their names, with digests.
        images: Vec<String>,
        /// There are others.
        more: bool,
    },
    /// Name a base for layers to be carried as differences to.
    NameBase,
    /// Leave out what does not go together with differences of layers.
    WriteOneFile,
}
