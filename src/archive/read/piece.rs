//! Content read piece by piece over hours, by somebody who does not own the files: with each piece comes what tells
//! that they are still what they were.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::time::{SystemTime, UNIX_EPOCH};

use super::bundle::Body;
use super::bundles::Bundles;
use crate::error::{Error, Result};
use crate::oci::Descriptor;
use crate::store::Place;

/// A change within this time of the one before may leave the same time of change: FAT counts in steps of two seconds.
const SETTLING: u64 = 4;

/// What the files are that some content stands in: it is another one after anybody wrote to one of them, or put
/// another in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stamp(Vec<FileStamp>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileStamp {
    device: u64,
    inode: u64,
    size: u64,
    /// When it was changed last: seconds and nanoseconds, by the clock of its file system.
    changed: (i64, i64),
}

impl Stamp {
    /// The last change is long enough ago that the next one shows. Until then it says nothing.
    pub(crate) fn is_settled(&self) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let is_old = |changed: i64| u64::try_from(changed).is_ok_and(|changed| changed.saturating_add(SETTLING) < now);
        self.0.iter().all(|file| is_old(file.changed.0))
    }
}

impl FileStamp {
    fn of(file: &File) -> std::io::Result<Self> {
        let data = file.metadata()?;
        let changed = (data.ctime(), data.ctime_nsec());
        Ok(Self { device: data.dev(), inode: data.ino(), size: data.size(), changed })
    }
}

impl Bundles {
    /// Fills the buffer with this content from byte `offset` on. Not checked. What is given back is what the files are
    /// after that: where it is the same as before, so is what was read.
    ///
    /// # Errors
    /// Not there, of another length, shorter than it was, or a failing drive.
    pub(crate) fn read_piece(
        &self,
        place: Place,
        descriptor: &Descriptor,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<Stamp> {
        let failed = |e| Error::disk("look at", self.label())(e);
        if let Some(joined) = self.joined(place) {
            let digest = &descriptor.digest;
            joined.open(&self.list, digest, offset).read_exact(buffer).map_err(Error::from_read)?;
            let all = joined.open(&self.list, digest, 0);
            let stamps = all.slices().map(|slice| FileStamp::of(slice.file())).collect::<std::io::Result<_>>();
            return stamps.map(Stamp).map_err(failed);
        }
        let slice = match self.open_rebuilt(place)? {
            Some(rebuilt) => rebuilt,
            None => self.at(place)?.content(descriptor)?,
        };
        let mut slice = slice.skip(offset);
        slice.read_exact(buffer).map_err(Error::from_read)?;
        Ok(Stamp(vec![FileStamp::of(slice.file()).map_err(failed)?]))
    }

    /// That each file is as long as it was when it was opened.
    ///
    /// # Errors
    /// One that is not, or cannot be looked at.
    pub(crate) fn check_lengths(&self) -> Result<()> {
        for bundle in self.iter() {
            let Body::Tar(tar) = bundle.body() else { continue };
            let bytes = tar.file().metadata().map_err(Error::disk("look at", bundle.path()))?.len();
            if bytes < tar.bytes() {
                let reason = format!("{bytes} bytes long, and {} when it was opened", tar.bytes());
                return Err(Error::content(reason).at(bundle.path().display()));
            }
        }
        Ok(())
    }
}
