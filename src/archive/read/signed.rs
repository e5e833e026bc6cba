//! What of a bundle is signed.

use super::bundle::Bundle;
use crate::archive::format::index_json::MAX_INDEX;
use crate::archive::format::paths::INDEX_JSON;
use crate::error::{Error, Result};
use crate::oci::Digest;

impl Bundle {
    /// The bytes of `index.json`; `None` of a layout of another tool, which may have names in other files too.
    ///
    /// # Errors
    /// A failing drive, or a file that changed since it was opened.
    pub(crate) fn signed_bytes(&self) -> Result<Option<Vec<u8>>> {
        let bytes = match self.salvaged_index() {
            Some(bytes) => Some(bytes.to_vec()),
            None if self.is_ours() => self.body().root_file(INDEX_JSON, MAX_INDEX)?,
            None => return Ok(None),
        };
        // What is checked is what was read when it was opened.
        match bytes.filter(|bytes| Digest::sha256(bytes) == self.index().digest) {
            Some(bytes) => Ok(Some(bytes)),
            None => Err(Error::content("index.json is another than it was a moment ago").at(self.path().display())),
        }
    }
}
