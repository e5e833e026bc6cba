//! What the files of volumes are called: `NAME-1of3.tar` and so on, which is a name on FAT and exFAT too.

use std::path::{Path, PathBuf};

const ENDING: &str = ".tar";

/// The file of one volume of a bundle that would be at `path` otherwise.
pub(crate) fn volume_path(path: &Path, number: u32, count: u32) -> PathBuf {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let stem = name.strip_suffix(ENDING).unwrap_or(name);
    path.with_file_name(format!("{stem}-{number}of{count}{ENDING}"))
}

/// Which volume, of how many, a file beside that bundle would be by its name, finished or not.
pub(crate) fn of_output(path: &Path, name: &str) -> Option<(u32, u32)> {
    let own = path.file_name()?.to_str()?;
    let stem = own.strip_suffix(ENDING).unwrap_or(own);
    let unfinished = || name.strip_prefix('.')?.strip_suffix(".partial");
    let numbers = unfinished().unwrap_or(name).strip_prefix(stem)?.strip_prefix('-')?.strip_suffix(ENDING)?;
    let (number, count) = numbers.split_once("of")?;
    Some((number.parse().ok()?, count.parse().ok()?))
}

/// The file of another volume, beside the one at `path`, which has the number `own`; nothing where that has a name
/// of another form.
pub(crate) fn sibling(path: &Path, own: u32, count: u32, number: u32) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let at = name.rfind(&format!("-{own}of{count}."))?;
    let ending = &name[at + format!("-{own}of{count}").len()..];
    Some(path.with_file_name(format!("{}-{number}of{count}{ending}", &name[..at])))
}

/// The path that the names of volumes are made from, for the one at `path`, which has the number `own`.
pub(crate) fn undivided(path: &Path, own: u32, count: u32) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let part = format!("-{own}of{count}.");
    let at = name.rfind(&part)?;
    Some(path.with_file_name(format!("{}.{}", &name[..at], &name[at + part.len()..])))
}

/// The number that the name of a file says, where it has that form.
pub(crate) fn number_in(path: &Path, count: u32) -> Option<u32> {
    let name = path.file_name()?.to_str()?;
    let (before, _) = name.rsplit_once(&format!("of{count}."))?;
    before.rsplit_once('-')?.1.parse().ok()
}
