//! Why content is left out.

/// Why content of an image does not travel with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Reason {
    /// A base of the bundle has it.
    Base,
    /// It is carried as its difference to an older layer.
    Delta,
    /// It has `urls`, and the registry did not have it.
    Nondistributable,
    /// It is of a platform that was not asked for.
    Platform,
    /// This volume of the bundle has it, or a part of it.
    Volume(u32),
}

impl Reason {
    /// The word for it in `bundle.json`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Delta => "delta",
            Self::Nondistributable => "nondistributable",
            Self::Platform => "platform",
            Self::Volume(_) => "volume",
        }
    }

    /// The reason of this word.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        [Self::Base, Self::Delta, Self::Nondistributable, Self::Platform]
            .into_iter()
            .find(|reason| reason.as_str() == word)
    }

    /// No other file and no registry has it because of us: an image counts as whole without it.
    pub(crate) fn is_for_good(self) -> bool {
        match self {
            Self::Nondistributable | Self::Platform => true,
            Self::Base | Self::Delta | Self::Volume(_) => false,
        }
    }
}
