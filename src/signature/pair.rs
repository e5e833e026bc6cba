//! Writes a new pair of keys.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::key_file::check_private;
use super::private_key::PrivateKey;
use crate::error::{Error, Result};

/// For its owner alone.
const PRIVATE: u32 = 0o600;
/// For everybody, to read.
const PUBLIC: u32 = 0o644;

/// Writes both, or none. What is there stays.
///
/// # Errors
/// A file is in the way, the drive takes no more, or it cannot keep a file from others.
pub(crate) fn write_pair(key: &PrivateKey, password: Option<&str>, private: &Path, public: &Path) -> Result<()> {
    let pem = key.to_pem(password)?;
    let file = create(private, PRIVATE)?;
    // A drive without modes shows every file to everybody: seen before the key is on it.
    let write_private = || check_private(private, &file).and_then(|()| write(&file, private, pem.as_bytes()));
    let write_public = || {
        let file = create(public, PUBLIC)?;
        write(&file, public, key.public_key().to_pem().as_bytes()).inspect_err(|_| remove(public))
    };
    write_private().and_then(|()| write_public()).inspect_err(|_| remove(private))
}

fn create(path: &Path, mode: u32) -> Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(Error::disk("make", path))
}

fn write(mut file: &File, path: &Path, bytes: &[u8]) -> Result<()> {
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(Error::disk("write", path))
}

fn remove(path: &Path) {
    // The error at hand says more.
    let _ = std::fs::remove_file(path);
}
