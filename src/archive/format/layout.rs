//! Where every byte of a bundle goes, known before the first layer is fetched.
//!
//! Order: `oci-layout`, `index.json`, `bundle.json`, the blob directories, manifests, configs,
//! layers. Everything up to the last manifest is small and known: the *head*. So the start of a
//! file on a slow drive names all that is in it.

use std::collections::HashMap;
use std::ops::Range;

use super::entries::{Entry, delta_folders, entries};
use super::header::{self, BLOCK, END};
use super::paths::{INDEX_JSON, blob_path, delta_path, part_path};
use super::table::{Part, Piece, Table, Volumes, pieces};
use crate::error::{Error, Result};
use crate::oci::{Descriptor, Digest};
use crate::store::Contents;

/// Where the data of one blob goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// First byte of the data in the file.
    pub(crate) offset: u64,
    /// Length of the data in bytes.
    pub(crate) size: u64,
}

impl Extent {
    /// First byte after the data and its padding.
    pub(crate) fn end(self) -> u64 {
        self.offset + self.size + header::padding(self.size)
    }
}

/// All that belongs to one config or layer in the file: its header, its data and the padding; after a part of
/// one, the checksum of that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Region {
    pub(crate) digest: Digest,
    /// First byte of the header.
    pub(crate) start: u64,
    pub(crate) extent: Extent,
    /// It is not the whole blob.
    pub(crate) part: Option<Part>,
    /// What it is, where it is no blob.
    delta: Option<DeltaEntry>,
    /// First byte after all of it.
    end: u64,
}

/// An entry that is the difference which stands for a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeltaEntry {
    /// The layer.
    layer: Digest,
    /// The directories that stand before it.
    folders: Vec<String>,
}

impl Region {
    /// Both are of one kind: what fills the one fills the other, and has the same headers before it.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.extent.size == other.extent.size && self.part == other.part && self.delta == other.delta
    }

    /// The header blocks.
    pub(crate) fn header(&self) -> Result<Vec<u8>> {
        let mut blocks = Vec::new();
        let path = match (&self.part, &self.delta) {
            (None, None) => blob_path(&self.digest),
            (Some(part), _) => part_path(&self.digest, part.number),
            (None, Some(DeltaEntry { layer, folders })) => {
                for folder in folders {
                    blocks.extend(header::of_directory(folder)?);
                }
                delta_path(layer)
            }
        };
        blocks.extend(header::of_file(&path, self.extent.size)?);
        Ok(blocks)
    }

    /// First byte after the padding, and after the checksum of a part.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }
}

/// The regions of these contents, front to back, the first of them at `start`; of one volume, where the table says
/// what is in it.
pub(crate) fn regions(contents: &Contents, cut: Option<(&Table, u32)>, start: u64) -> Result<Vec<Region>> {
    let mut at = start;
    let mut region = |digest: &Digest, size: u64, part: Option<Part>, delta: Option<DeltaEntry>| {
        let extent = Extent { offset: at, size };
        let mut region = Region { digest: digest.clone(), start: at, extent, part, delta, end: at };
        region.extent.offset += region.header()?.len() as u64;
        region.end = region.extent.end() + part.map_or(0, |part| part.sum_len(digest));
        at = region.end;
        Ok::<Region, Error>(region)
    };
    let mut regions = Vec::new();
    for Piece { node, part } in pieces(contents, cut) {
        let Descriptor { digest, size, .. } = &node.descriptor;
        regions.push(region(digest, part.map_or(*size, |part| part.bytes), part, None)?);
    }
    let mut folders = delta_folders(contents);
    for (node, delta) in contents.deltas() {
        let entry = DeltaEntry { layer: node.descriptor.digest.clone(), folders: std::mem::take(&mut folders) };
        regions.push(region(&delta.digest, delta.size, None, Some(entry))?);
    }
    Ok(regions)
}

/// The plan of a file.
#[derive(Debug)]
pub(crate) struct Layout {
    head: Vec<u8>,
    regions: Vec<Region>,
    by_digest: HashMap<Digest, usize>,
    digest: Digest,
    /// Where `index.json` is in the head.
    index: Range<usize>,
    bytes: u64,
}

impl Layout {
    /// Lays out these contents.
    ///
    /// # Errors
    /// When a root has no manifest.
    pub(crate) fn new(contents: &Contents) -> Result<Self> {
        Self::of(contents, None)
    }

    /// Lays out one volume of them.
    ///
    /// # Errors
    /// When a root has no manifest.
    pub(crate) fn volume(contents: &Contents, volumes: &Volumes, number: u32) -> Result<Self> {
        Self::of(contents, Some((volumes, number)).filter(|_| volumes.count > 1))
    }

    fn of(contents: &Contents, cut: Option<(&Volumes, u32)>) -> Result<Self> {
        let (entries, digest) = entries(contents, cut)?;
        let (mut head, mut index) = (Vec::new(), 0..0);
        for entry in &entries {
            match entry {
                Entry::Root(path, bytes) => {
                    append(&mut head, path, bytes)?;
                    if *path == INDEX_JSON {
                        let end = head.len() - header::padding(bytes.len() as u64) as usize;
                        index = end - bytes.len()..end;
                    }
                }
                Entry::Directory(path) => head.extend(header::of_directory(path)?),
                Entry::Manifest(manifest) => append(&mut head, &entry.path(), manifest.bytes())?,
                _ => break,
            }
        }
        let regions = regions(contents, cut.map(|(volumes, number)| (&volumes.table, number)), head.len() as u64)?;
        let bytes = regions.last().map_or(head.len() as u64, Region::end) + END;
        let by_digest = regions.iter().enumerate().map(|(n, r)| (r.digest.clone(), n)).collect();
        Ok(Self { head, regions, by_digest, digest, index, bytes })
    }

    /// sha256 of `index.json`: the identity of the bundle.
    pub(crate) fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The bytes of `index.json`, which are signed.
    pub(crate) fn index_json(&self) -> &[u8] {
        &self.head[self.index.clone()]
    }

    /// The length of the whole file in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Everything up to the header of the first config or layer.
    pub(crate) fn head(&self) -> &[u8] {
        &self.head
    }

    /// Configs and layers, front to back.
    pub(crate) fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// Where a config or layer goes.
    pub(crate) fn region(&self, digest: &Digest) -> Option<&Region> {
        self.by_digest.get(digest).map(|n| &self.regions[*n])
    }
}

fn append(file: &mut Vec<u8>, path: &str, bytes: &[u8]) -> Result<()> {
    file.extend(header::of_file(path, bytes.len() as u64)?);
    file.extend_from_slice(bytes);
    file.resize(file.len().next_multiple_of(BLOCK as usize), 0);
    Ok(())
}
