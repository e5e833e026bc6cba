//! What is good of a tar whose structure is damaged: cut off, or with headers that cannot be read. All of it is read,
//! and only what hashes right counts.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use tar::{EntryType, Header};

use super::bundle::{Bundle, drain};
use super::slice::Slice;
use super::tarball::Tarball;
use crate::archive::format::bundle_json::{BundleJson, MAX_BUNDLE_JSON};
use crate::archive::format::header::BLOCK;
use crate::archive::format::index_json::{IndexJson, MAX_INDEX};
use crate::archive::format::layout::Extent;
use crate::archive::format::paths::{BUNDLE_JSON, INDEX_JSON, digest_of};
use crate::error::{Error, Result};
use crate::oci::{Digest, VerifyReader};
use crate::store::{Event, Watch};

/// Read at once while a header is looked for, in bytes.
const AHEAD: usize = 256 << 10;
/// So many times the length of the file may be read for nothing.
const MOST_WASTE: u64 = 4;
/// A name that is longer names nothing in a layout, in bytes.
const MAX_NAME: u64 = 512;

/// What is good of it.
struct Salvaged {
    /// Content that hashes right, in file order.
    blobs: Vec<(Digest, Extent)>,
    /// What it names, where that is beyond doubt.
    index: Option<IndexJson>,
    /// The same as it stands, of a bundle.
    bytes: Option<Vec<u8>>,
}

/// An entry as its header says.
struct Found {
    path: String,
    is_file: bool,
    extent: Extent,
}

impl Bundle {
    /// What is good of the tar at this path, which cannot be opened otherwise. `None` if that is nothing.
    ///
    /// # Errors
    /// It cannot be read, or somebody asks to stop.
    pub(crate) fn salvage(path: &Path, watch: &dyn Watch) -> Result<Option<Self>> {
        if !path.metadata().map_err(Error::typed("open", path))?.is_file() {
            return Ok(None);
        }
        let file = File::open(path).map_err(Error::disk("open", path))?;
        let bytes = file.metadata().map_err(Error::disk("open", path))?.len();
        let looked = Looked { path, file: Arc::new(file), bytes, buffer: Vec::new(), start: 0 };
        let file = looked.file.clone();
        let Salvaged { blobs, index, bytes: document } = looked.salvage(watch)?;
        if blobs.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self::salvaged(path, Tarball::of_blobs(path, file, bytes, blobs), index, document)))
    }
}

/// What it names: of a bundle where its other document confirms it, of another layout as it stands.
fn index(roots: &HashMap<&str, Vec<u8>>) -> Option<IndexJson> {
    let index = roots.get(INDEX_JSON)?;
    match roots.get(BUNDLE_JSON) {
        Some(about) => {
            let about = BundleJson::parse(about).ok()?;
            IndexJson::strict(index).ok().filter(|index| about.index == index.digest)
        }
        None => IndexJson::lenient(index, None).ok(),
    }
}

/// A file in which headers are looked for.
struct Looked<'a> {
    path: &'a Path,
    file: Arc<File>,
    bytes: u64,
    buffer: Vec<u8>,
    /// Where the buffer stands in the file.
    start: u64,
}

impl Looked<'_> {
    /// Looks through all of it.
    fn salvage(mut self, watch: &dyn Watch) -> Result<Salvaged> {
        let bytes = self.bytes;
        let mut roots: HashMap<&str, Vec<u8>> = HashMap::new();
        let mut blobs: Vec<(Digest, Extent)> = Vec::new();
        let (mut at, mut in_sequence, mut wasted) = (0, true, 0_u64);
        watch.on(Event::Phase { name: "salvaging", items: 0, bytes });
        // More than that is a file made to be read again and again.
        while at < bytes && wasted <= bytes.saturating_mul(MOST_WASTE) {
            if let Some(signal) = watch.stopped() {
                return Err(Error::Interrupted { signal });
            }
            let Some(Found { path, is_file, extent }) = self.entry(at) else {
                (at, in_sequence) = (at + BLOCK, false);
                continue;
            };
            let is_within = extent.offset.checked_add(extent.size).is_some_and(|end| end <= bytes);
            let next = if is_within { extent.end() } else { bytes };
            let root = [INDEX_JSON, BUNDLE_JSON].into_iter().find(|name| *name == path);
            let is_taken = match (digest_of(&path).filter(|_| is_file && is_within), root) {
                (Some(digest), _) => {
                    let is_whole = self.is_whole(&digest, extent, watch);
                    if is_whole {
                        blobs.push((digest, extent));
                    } else {
                        wasted = wasted.saturating_add(extent.size).saturating_add(BLOCK);
                    }
                    is_whole
                }
                // After the first blob there is none of ours: what looks so is within one.
                (None, Some(name)) if is_file && is_within && blobs.is_empty() => {
                    let most = if name == INDEX_JSON { MAX_INDEX } else { MAX_BUNDLE_JSON };
                    let document = (extent.size <= most).then(|| self.slice(extent).read_whole().ok()).flatten();
                    document.is_some_and(|document| roots.insert(name, document).is_none())
                }
                _ => false,
            };
            // A header in its place says where the next one is. What was found within something else may be a part
            // of that, as in a layer that holds such a file.
            (at, in_sequence) = if is_taken || in_sequence { (next, true) } else { (at + BLOCK, false) };
        }
        watch.on(Event::Phase { name: "", items: 0, bytes: 0 });
        let index = index(&roots);
        let is_ours = index.is_some() && roots.contains_key(BUNDLE_JSON);
        Ok(Salvaged { blobs, index, bytes: roots.remove(INDEX_JSON).filter(|_| is_ours) })
    }

    fn is_whole(&self, digest: &Digest, extent: Extent, watch: &dyn Watch) -> bool {
        watch.on(Event::BlobStarted { digest, size: extent.size, of: "" });
        let mut reader = VerifyReader::new(self.slice(extent), digest, extent.size);
        let whole = drain(&mut reader, &|bytes| watch.on(Event::Advanced { digest, bytes })).is_ok();
        watch.on(Event::BlobEnded { digest });
        whole
    }

    fn slice(&self, extent: Extent) -> Slice<'_> {
        Slice::new(self.file.clone(), self.path, extent.offset, extent.size)
    }

    /// The entry whose header stands here, if one does.
    fn entry(&mut self, at: u64) -> Option<Found> {
        let first = self.header(at)?;
        if first.entry_type() != EntryType::GNULongName {
            return found(&first, None, at);
        }
        let size = first.entry_size().ok().filter(|size| (1..=MAX_NAME).contains(size))?;
        let extent = Extent { offset: at + BLOCK, size };
        let name = self.slice(extent).read_whole().ok()?;
        let name = String::from_utf8(name).ok()?.trim_end_matches('\0').to_owned();
        found(&self.header(extent.end())?, Some(name), extent.end())
    }

    /// A header whose checksum is right.
    fn header(&mut self, at: u64) -> Option<Header> {
        let block = usize::try_from(BLOCK).ok()?;
        if at.checked_add(BLOCK).is_none_or(|end| end > self.bytes) {
            return None;
        }
        let within = at.checked_sub(self.start).and_then(|at| usize::try_from(at).ok());
        let within = match within.filter(|within| within + block <= self.buffer.len()) {
            Some(within) => within,
            None => {
                let ahead = usize::try_from(self.bytes - at).unwrap_or(AHEAD).min(AHEAD);
                self.buffer.resize(ahead, 0);
                self.start = at;
                let read = self.file.read_exact_at(&mut self.buffer, at);
                // What the drive does not give away is no header.
                if read.or_else(|_: io::Error| self.file.read_exact_at(&mut self.buffer[..block], at)).is_err() {
                    self.buffer.clear();
                    return None;
                }
                0
            }
        };
        let bytes = &self.buffer[within..within + block];
        if bytes[0] == 0 {
            return None;
        }
        let mut header = Header::new_old();
        header.as_mut_bytes().copy_from_slice(bytes);
        let sum: u32 = bytes
            .iter()
            .enumerate()
            .map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u32::from(*byte) })
            .sum();
        (header.cksum().ok() == Some(sum)).then_some(header)
    }
}

fn found(header: &Header, name: Option<String>, at: u64) -> Option<Found> {
    let path = match name {
        Some(name) => name,
        None => String::from_utf8(header.path_bytes().into_owned()).ok()?,
    };
    let path = path.strip_prefix("./").unwrap_or(&path).to_owned();
    let size = header.entry_size().ok().filter(|size| *size <= u64::MAX / 2)?;
    let is_file = matches!(header.entry_type(), EntryType::Regular);
    Some(Found { path, is_file, extent: Extent { offset: at + BLOCK, size } })
}
