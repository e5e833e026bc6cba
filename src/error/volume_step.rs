//! `VolumeStep`: the part of the catalogue of next steps that is about the volumes of a bundle.

/// One thing to do about volumes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)]
pub enum VolumeStep {
    /// Give a volume as the file that it was.
    GiveAsFile,
    /// Give the volumes that are missing.
    GiveMissing {
        /// Their files.
        volumes: Vec<String>,
    },
    /// Be at a terminal, or give the work to a command.
    GiveScript,
    /// Import the volumes that are missing.
    ImportMissing {
        /// Their files.
        volumes: Vec<String>,
    },
    /// Give volumes together that have parts of one blob.
    ImportTogether {
        /// Their files.
        volumes: Vec<String>,
    },
    /// Allow longer volumes.
    Larger {
        /// As long as is enough, in bytes.
        bytes: u64,
    },
    /// See what a command made of a finished volume, and run the same again.
    MendScript,
}
