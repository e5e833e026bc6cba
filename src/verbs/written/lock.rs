//! The lock of an export: its images by name, with the digests that the names stood for. Read as a list, it wants
//! exactly those.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::archive::DocumentPlace;
use crate::error::{Error, Result};
use crate::oci::Digest;

/// The version that is written, and read as a list.
const VERSION: u64 = 1;

/// Where a lock will be.
pub(in crate::verbs) struct LockPlace {
    path: PathBuf,
    place: DocumentPlace,
}

#[derive(Serialize)]
struct LockJson<'a> {
    #[serde(rename = "bundleLock")]
    version: u64,
    images: Vec<LockedImage<'a>>,
}

#[derive(Serialize)]
struct LockedImage<'a> {
    digest: &'a Digest,
    name: &'a str,
}

impl LockPlace {
    /// Makes ready to write it.
    ///
    /// # Errors
    /// There is a file already (without `force`), it is the bundle, or it cannot be written there.
    pub(in crate::verbs) fn open(path: &Path, force: bool, bundle: &Path) -> Result<Self> {
        if path == bundle {
            return Err(Error::usage(format!("{}: the lock and the bundle are two files", path.display())));
        }
        Ok(Self { path: path.to_owned(), place: DocumentPlace::open(path, force)? })
    }

    /// Goes away without a file.
    pub(in crate::verbs) fn give_up(self) {
        self.place.give_up();
    }

    /// Writes what was exported, one image a line: it is compared, and kept where versions of files are kept.
    ///
    /// # Errors
    /// The drive takes no more.
    pub(in crate::verbs) fn write<'a>(self, images: impl Iterator<Item = (&'a str, &'a Digest)>) -> Result<PathBuf> {
        let images = images.map(|(name, digest)| LockedImage { digest, name }).collect();
        let document = LockJson { version: VERSION, images };
        let mut bytes = serde_json::to_vec_pretty(&document).map_err(|e| Error::content(e.to_string()))?;
        bytes.push(b'\n');
        self.place.write(&bytes)?;
        Ok(self.path)
    }
}
