//! `manifest.json`, which docker with a store of its own and podman go by (`docs/format.md`, "The list for Docker").

use serde::Serialize;

use super::paths::{MANIFEST_JSON, blob_path};
use crate::error::{Error, Result};
use crate::store::Contents;

/// One image of it. Fields stand in the order of their keys.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    config: String,
    layers: Vec<String>,
    repo_tags: Vec<String>,
}

/// The file, where these contents have such a list.
///
/// # Errors
/// When it cannot be written, which does not happen.
pub(crate) fn to_bytes(contents: &Contents) -> Result<Option<Vec<u8>>> {
    let mut list = Vec::new();
    for (manifest, names) in contents.docker_list() {
        let Some(config) = manifest.config() else { continue };
        list.push(Listed {
            config: blob_path(&config.digest),
            layers: manifest.layers().map(|layer| blob_path(&layer.digest)).collect(),
            repo_tags: names.iter().filter(|name| name.tag.is_some()).map(|name| name.name()).collect(),
        });
    }
    if list.is_empty() {
        return Ok(None);
    }
    serde_json::to_vec(&list).map(Some).map_err(|e| Error::content(format!("{MANIFEST_JSON}: {e}")))
}
