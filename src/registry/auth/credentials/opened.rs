//! Opens files with credentials, and says who else has a hand in them.
//!
//! Only a plain file holds credentials: a pipe under its name would keep the command waiting for whoever
//! may write into it. `/dev/null` stands for no credentials.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

/// More than any such file needs, in bytes.
const MAX_FILE: u64 = 4 << 20;

/// What a file holds, and the file; `None` when it does not exist.
///
/// # Errors
/// It cannot be read, is no plain file, or is too large for one with credentials.
pub(super) fn read(path: &Path) -> io::Result<Option<(Vec<u8>, File)>> {
    let mut options = OpenOptions::new();
    options.read(true);
    // Opening a pipe would wait for somebody at its other end.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    let file = match options.open(path) {
        Ok(file) => file,
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(None),
        Err(e) => return Err(e),
    };
    let kind = file.metadata()?.file_type();
    if is_null(path, &file) {
        return Ok(Some((Vec::new(), file)));
    }
    if !kind.is_file() {
        let what = if kind.is_dir() { "a directory" } else { "a pipe or device" };
        return Err(io::Error::other(format!("credentials are read from plain files only, and this is {what}")));
    }
    let mut text = Vec::new();
    (&file).take(MAX_FILE + 1).read_to_end(&mut text)?;
    if text.len() as u64 > MAX_FILE {
        return Err(io::Error::other("too large for a file with credentials"));
    }
    Ok(Some((text, file)))
}

/// Who else can do what with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Exposure {
    /// Others can read it.
    Read(String),
    /// Others can change it, or put another in its place.
    Change(String),
}

#[cfg(unix)]
fn is_null(_: &Path, file: &File) -> bool {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};

    let null = std::fs::metadata("/dev/null").map(|null| null.rdev());
    file.metadata().is_ok_and(|here| here.file_type().is_char_device() && null.is_ok_and(|null| null == here.rdev()))
}

#[cfg(not(unix))]
fn is_null(_: &Path, _: &File) -> bool {
    false
}

/// Who else has a hand in a file with credentials.
#[cfg(unix)]
pub(super) fn exposure(path: &Path, file: &File, has_secrets: bool) -> Option<Exposure> {
    use std::os::unix::fs::MetadataExt;

    let metadata = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
    let own = rustix::process::geteuid().as_raw();
    let is_ours = |uid: u32| uid == own || uid == 0;
    let mode = metadata.mode() & 0o777;
    if !is_ours(metadata.uid()) {
        let text = format!("this file with credentials belongs to another user (uid {})", metadata.uid());
        return Some(Exposure::Change(text));
    }
    if mode & 0o022 != 0 {
        let text = format!("credentials can be changed by other users (mode {mode:04o}); set it to 0600");
        return Some(Exposure::Change(text));
    }
    // Whoever may write into a directory may put another file in the place of this one, unless it is
    // sticky.
    let folder = path.canonicalize().ok().and_then(|path| path.parent()?.metadata().ok());
    if let Some(folder) = folder {
        let mode = folder.mode() & 0o7777;
        if !is_ours(folder.uid()) {
            let text = format!("the directory of these credentials belongs to another user (uid {})", folder.uid());
            return Some(Exposure::Change(text));
        }
        if mode & 0o002 != 0 && mode & 0o1000 == 0 {
            let text = format!("credentials can be replaced by other users (mode of the directory {mode:04o})");
            return Some(Exposure::Change(text));
        }
    }
    let readable = mode & 0o044 != 0 && has_secrets;
    readable
        .then(|| Exposure::Read(format!("credentials can be read by other users (mode {mode:04o}); set it to 0600")))
}

#[cfg(not(unix))]
pub(super) fn exposure(_: &Path, _: &File, _: bool) -> Option<Exposure> {
    None
}
