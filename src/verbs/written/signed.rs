//! The signature beside a bundle that was written.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::archive::DocumentPlace;
use crate::error::{Error, NextStep, Result};
use crate::signature::{PrivateKey, beside, written};

/// Who signs what is written.
#[derive(Clone, Debug)]
pub(in crate::verbs) struct Signer(pub(in crate::verbs) Arc<PrivateKey>);

impl Signer {
    /// That no signature is in the way, before anything is fetched.
    ///
    /// # Errors
    /// One is.
    pub(super) fn check_place(&self, bundle: &Path) -> Result<()> {
        let path = beside(bundle);
        match path.symlink_metadata() {
            Ok(_) => {
                let message = format!("{}: the file exists", path.display());
                Err(Error::Usage { message, next: Some(NextStep::AllowReplacing) })
            }
            Err(_) => Ok(()),
        }
    }

    /// Signs, and writes the signature beside the bundle.
    ///
    /// # Errors
    /// The drive takes no more, or a file is in the way.
    pub(super) fn sign(&self, bundle: &Path, index_json: &[u8], force: bool) -> Result<PathBuf> {
        let path = beside(bundle);
        let signature = self.0.sign(index_json)?;
        DocumentPlace::open(&path, force)?.write(written(&signature).as_bytes())?;
        Ok(path)
    }
}
