//! The file with a signature: base64, as cosign writes it.

use std::path::{Path, PathBuf};

use data_encoding::BASE64;

use super::key_file;
use crate::error::{Error, Kind, Result};

/// Far more than the longest of these signatures, in bytes.
const MAX_SIG: u64 = 4 << 10;

/// A file that is beside a bundle, or was named.
#[derive(Debug)]
pub(super) struct SigFile {
    pub(super) path: PathBuf,
    /// The signature, or what the file is instead.
    pub(super) signature: Result<Vec<u8>, String>,
}

/// Where the signature of a bundle is.
pub(crate) fn beside(bundle: &Path) -> PathBuf {
    // Of a directory with `/` at the end, too: beside it and not in it.
    let mut path = bundle.components().as_path().as_os_str().to_owned();
    path.push(".sig");
    path.into()
}

/// What is written into such a file: to the byte what `cosign sign-blob` writes.
pub(crate) fn written(signature: &[u8]) -> String {
    BASE64.encode(signature)
}

impl SigFile {
    /// Reads one.
    ///
    /// # Errors
    /// It is not there, or cannot be read.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let (_, bytes) = key_file::read(path, MAX_SIG)?;
        let signature = match bytes {
            Some(bytes) => decoded(&bytes),
            None => Err(format!("it has more than {MAX_SIG} bytes")),
        };
        Ok(Self { path: path.to_owned(), signature })
    }

    /// The same, where it need not be there.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn read_if_there(path: &Path) -> Result<Option<Self>> {
        match Self::read(path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == Kind::Usage && path.symlink_metadata().is_err() => Ok(None),
            Err(Error::Usage { message, .. }) => Ok(Some(Self {
                path: path.to_owned(),
                signature: Err(message.replace(&format!("{}: ", path.display()), "")),
            })),
            Err(error) => Err(error),
        }
    }
}

fn decoded(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let text: Vec<u8> = bytes.iter().copied().filter(|byte| !b" \t\r\n".contains(byte)).collect();
    let what = match BASE64.decode(&text) {
        Ok(signature) if !signature.is_empty() => return Ok(signature),
        _ if text.is_empty() => "it is empty",
        _ if text.starts_with(b"-----BEGIN") => "it is a PEM: a key, perhaps",
        _ if text.starts_with(b"{") => "it is a document of Sigstore",
        _ => "it is not base64",
    };
    Err(what.into())
}
