//! Volumes that are finished already, and what of them is in the way.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Take};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::filled::{self, Filled};
use super::partial::parent;
use super::resume::look_at;
use crate::archive::file_system::{self, AtName, FileSystem, Folder};
use crate::archive::format::header::END;
use crate::archive::format::layout::{Extent, Layout};
use crate::archive::format::volume_names::of_output;
use crate::error::{Error, Result};
use crate::store::Watch;

/// What stands at the place of a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AtPlace {
    Nothing,
    /// A file that begins as the volume does, and is as long.
    Volume,
    Other,
}

/// What stands at a path where this layout belongs. Its content is not looked at.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn at_place(path: &Path, layout: &Layout) -> Result<AtPlace> {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return Ok(AtPlace::Other) };
    let failed = || Error::disk("look up", path);
    let directory = Folder::open(parent(path)).map_err(Error::typed("open directory", parent(path)))?;
    match directory.at_name(name).map_err(failed())? {
        AtName::Nothing => return Ok(AtPlace::Nothing),
        AtName::File => {}
        _ => return Ok(AtPlace::Other),
    }
    let Some(file) = directory.open_existing(name).map_err(failed())? else { return Ok(AtPlace::Nothing) };
    let len = file.metadata().map_err(failed())?.len();
    let is_ours = len == layout.bytes() && filled::begins_with(&file, layout.head());
    Ok(if is_ours { AtPlace::Volume } else { AtPlace::Other })
}

/// Whether the file at this path is this layout with all its content: all of it is read, from the drive.
///
/// # Errors
/// When somebody asks to stop.
pub(crate) fn is_whole(path: &Path, layout: &Layout, jobs: usize, watch: &dyn Watch) -> Result<bool> {
    if at_place(path, layout)? != AtPlace::Volume {
        return Ok(false);
    }
    let Ok(file) = File::open(path) else { return Ok(false) };
    let _ = file_system::drop_cache(&file);
    let found = look_at(&file, layout.regions().to_vec(), jobs, watch)?;
    let whole = found.iter().filter(|(_, filled)| *filled == Filled::Whole).count();
    let mut end = [1; END as usize];
    let ends = file.read_exact_at(&mut end, layout.bytes() - END).is_ok() && end.iter().all(|b| *b == 0);
    Ok(whole == layout.regions().len() && ends)
}

/// Parts of a blob in volumes that are finished, one after the other. One file at a time is open.
#[derive(Debug, Default)]
pub(crate) struct PartsBefore {
    left: VecDeque<(PathBuf, Extent)>,
    open: Option<Take<File>>,
}

impl PartsBefore {
    /// The next of them is there.
    pub(crate) fn add(&mut self, path: PathBuf, extent: Extent) {
        self.left.push_back((path, extent));
    }
}

impl Read for PartsBefore {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(part) = &mut self.open {
                let got = part.read(buffer)?;
                if got > 0 || buffer.is_empty() {
                    return Ok(got);
                }
            }
            let Some((path, extent)) = self.left.pop_front() else { return Ok(0) };
            let mut file = File::open(path)?;
            file.seek(SeekFrom::Start(extent.offset))?;
            self.open = Some(file.take(extent.size));
        }
    }
}

/// What lies beside `path` of volumes of another division: so many, and not this many.
///
/// # Errors
/// When the directory cannot be read.
pub(crate) fn others_beside(path: &Path, count: u32) -> Result<Vec<String>> {
    let entries = std::fs::read_dir(parent(path)).map_err(Error::disk("list", parent(path)))?;
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let is_other = |name: &String| of_output(path, name).is_some_and(|(_, of)| of != count);
    let mut others: Vec<String> = names.filter(is_other).collect();
    others.sort();
    Ok(others)
}

/// Checks that so many bytes more fit beside `path`.
///
/// # Errors
/// Not enough room, or a failing drive.
pub(crate) fn check_room_beside(path: &Path, needed: u64) -> Result<()> {
    let directory = Folder::open(parent(path)).map_err(Error::typed("open directory", parent(path)))?;
    let system = FileSystem::of(directory.file()).map_err(Error::disk("look at the file system of", path))?;
    if needed > system.free {
        return Err(Error::NoSpace { path: path.to_owned(), needed, free: system.free });
    }
    Ok(())
}

/// Removes a volume that turned out bad.
pub(crate) fn remove(path: &Path) {
    // Best effort: what stays is looked at before it is believed.
    let _ = std::fs::remove_file(path);
}
