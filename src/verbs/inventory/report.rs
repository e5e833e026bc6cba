//! What came of an inventory.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use crate::archive::InventoryJson;
use crate::oci::Digest;

/// What of a file is not as it should be.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DamagedContent {
    /// Where.
    pub bundle: String,
    /// Which content; absent where it is the file as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// What is wrong, in one line.
    pub message: String,
}

/// What came of an inventory.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Inventoried {
    /// The file.
    pub inventory: PathBuf,
    /// `files` or `registry`: on whose word it says so.
    pub source: &'static str,
    /// Images that it names.
    pub images: u64,
    /// Manifests, configs, layers and others that are there whole.
    pub held: u64,
    /// Their length in bytes.
    pub bytes: u64,
    /// What of the files is damaged or not there.
    pub damaged: Vec<DamagedContent>,
    /// What was asked for and is not there.
    pub absent: Vec<String>,
    /// The drive said that it has everything.
    #[serde(skip)]
    pub synced: bool,
}

/// What was found.
pub(super) struct Taken {
    pub(super) inventory: InventoryJson,
    pub(super) damaged: Vec<DamagedContent>,
    pub(super) absent: Vec<String>,
}
