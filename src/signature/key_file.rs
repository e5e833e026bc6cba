//! Reads small files that belong to signing, and tells what is in them by the label of the PEM.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use crate::error::{Error, NextStep, Result, SigningStep};

/// No key of these kinds, however encrypted, is longer, in bytes.
const MAX_KEY: u64 = 64 << 10;
/// Permission of the group, or of everybody, for anything.
const OTHERS: u32 = 0o077;

/// Reads a file of at most so many bytes; `None` where there is more. Only a plain file: a pipe would keep us waiting
/// for whoever may write into it.
///
/// # Errors
/// It is not there, is no plain file, or cannot be read.
pub(super) fn read(path: &Path, most: u64) -> Result<(File, Option<Vec<u8>>)> {
    let nonblock = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(nonblock).open(path).map_err(Error::typed("open", path))?;
    if !file.metadata().map_err(Error::disk("open", path))?.is_file() {
        let message = format!("{}: not a plain file", path.display());
        return Err(Error::Usage { message, next: Some(NextStep::CheckPath) });
    }
    let mut bytes = Vec::new();
    (&file).take(most + 1).read_to_end(&mut bytes).map_err(Error::disk("read", path))?;
    Ok((file, Some(bytes).filter(|bytes| bytes.len() as u64 <= most)))
}

/// A PEM as text.
///
/// # Errors
/// It cannot be read, or is none.
pub(super) fn pem(path: &Path) -> Result<(File, String)> {
    let (file, bytes) = read(path, MAX_KEY)?;
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).filter(|text| label(text).is_some());
    Ok((file, text.ok_or_else(|| not_a_key(path, "no key in PEM"))?))
}

/// The label of the first block, as in `PUBLIC KEY`.
pub(super) fn label(pem: &str) -> Option<&str> {
    pem.lines().find_map(|line| line.trim_end().strip_prefix("-----BEGIN ")?.strip_suffix("-----"))
}

/// The first block of a PEM: `openssl ecparam -genkey` puts parameters in front, and others text.
pub(super) fn block<'a>(pem: &'a str, label: &str) -> Option<&'a str> {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let from = pem.find(&begin)?;
    let to = from + pem[from..].find(&end)? + end.len();
    Some(&pem[from..to])
}

/// That nobody else can read a private key.
///
/// # Errors
/// Others can.
pub(super) fn check_private(path: &Path, file: &File) -> Result<()> {
    let mode = file.metadata().map_err(Error::disk("look at", path))?.mode() & 0o777;
    if mode & OTHERS == 0 {
        return Ok(());
    }
    let reason = format!("{}: a private key that others may use: its mode is {mode:04o}", path.display());
    Err(Error::refused(reason, SigningStep::RestrictKey { file: path.to_owned() }.into()))
}

/// A file that is not the key that is wanted.
pub(super) fn not_a_key(path: &Path, what: &str) -> Error {
    let message = format!("{}: {what}", path.display());
    Error::Usage { message, next: Some(SigningStep::MakeKey.into()) }
}
