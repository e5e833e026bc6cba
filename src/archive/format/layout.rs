//! Where every byte of a bundle goes, known before the first layer is fetched.
//!
//! Order: `oci-layout`, `index.json`, `bundle.json`, the blob directories, manifests, configs,
//! layers. Everything up to the last manifest is small and known: the *head*. So the start of a
//! file on a slow drive names all that is in it.

use std::collections::HashMap;
use std::ops::Range;

use super::entries::{Entry, entries};
use super::header::{self, BLOCK, END};
use super::paths::{INDEX_JSON, blob_path, part_path};
use super::table::{Part, Piece, Table, Volumes, pieces};
use crate::error::Result;
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
    /// First byte after all of it.
    end: u64,
}

impl Region {
    /// The header blocks.
    pub(crate) fn header(&self) -> Result<Vec<u8>> {
        let path = match self.part {
            None => blob_path(&self.digest),
            Some(part) => part_path(&self.digest, part.number),
        };
        header::of_file(&path, self.extent.size)
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
    let region = |Piece { node, part }: Piece<'_>| {
        let Descriptor { digest, size, .. } = &node.descriptor;
        let size = part.map_or(*size, |part| part.bytes);
        let mut region =
            Region { digest: digest.clone(), start: at, extent: Extent { offset: at, size }, part, end: at };
        region.extent.offset += region.header()?.len() as u64;
        region.end = region.extent.end() + part.map_or(0, |part| part.sum_len(digest));
        at = region.end;
        Ok(region)
    };
    pieces(contents, cut).into_iter().map(region).collect()
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
                Entry::Blob(_) | Entry::Part(..) | Entry::Sum(..) => break,
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
