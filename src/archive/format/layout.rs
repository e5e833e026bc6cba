//! Where every byte of a bundle goes, known before the first layer is fetched.
//!
//! Order: `oci-layout`, `index.json`, `bundle.json`, the blob directories, manifests, configs,
//! layers. Everything up to the last manifest is small and known: the *head*. So the start of a
//! file on a slow drive names all that is in it.

use std::collections::{BTreeSet, HashMap};

use super::bundle_json::{Absent, BundleJson};
use super::header::{self, BLOCK, END};
use super::index_json;
use super::paths::{BUNDLE_JSON, INDEX_JSON, OCI_LAYOUT, blob_path};
use crate::error::Result;
use crate::oci::{Descriptor, Digest};
use crate::store::{Contents, Node};

/// Where the data of one blob goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// First byte of the data in the file.
    pub offset: u64,
    /// Length of the data in bytes.
    pub size: u64,
}

impl Place {
    /// First byte after the data and its padding.
    pub fn end(self) -> u64 {
        self.offset + self.size + header::padding(self.size)
    }
}

/// All that belongs to one config or layer in the file: its header, its data and the padding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Region {
    pub(crate) digest: Digest,
    /// First byte of the header.
    pub(crate) start: u64,
    pub(crate) place: Place,
}

impl Region {
    /// The header blocks.
    pub(crate) fn header(&self) -> Result<Vec<u8>> {
        header::of_file(&blob_path(&self.digest), self.place.size)
    }

    /// First byte after the padding.
    pub(crate) fn end(&self) -> u64 {
        self.place.end()
    }
}

/// The regions of these contents, front to back, the first of them at `start`.
pub(crate) fn regions(contents: &Contents, start: u64) -> Result<Vec<Region>> {
    let mut at = start;
    let region = |node: &Node| {
        let Descriptor { digest, size, .. } = &node.descriptor;
        let blocks = header::of_file(&blob_path(digest), *size)?.len() as u64;
        let place = Place { offset: at + blocks, size: *size };
        let region = Region { digest: digest.clone(), start: at, place };
        at = place.end();
        Ok(region)
    };
    contents.blobs().map(region).collect()
}

/// The plan of a file.
#[derive(Debug)]
pub struct Layout {
    head: Vec<u8>,
    regions: Vec<Region>,
    by_digest: HashMap<Digest, usize>,
    digest: Digest,
    len: u64,
}

impl Layout {
    /// Lays out these contents.
    ///
    /// # Errors
    /// When a root has no manifest.
    pub fn new(contents: &Contents) -> Result<Self> {
        let index = index_json::to_bytes(contents)?;
        let digest = Digest::sha256(&index);
        let absent = contents.absent.iter().map(|d| Absent {
            digest: d.digest.clone(),
            reason: "nondistributable".into(),
            size: d.size,
        });
        let about = BundleJson::new(digest.clone(), absent.collect()).to_bytes()?;

        let mut head = Vec::new();
        for (path, bytes) in [OCI_LAYOUT, (INDEX_JSON, &index), (BUNDLE_JSON, &about)] {
            append(&mut head, path, bytes)?;
        }
        head.extend(header::of_directory("blobs/")?);
        let algorithms: BTreeSet<_> = contents.nodes.iter().map(|n| n.descriptor.digest.algorithm()).collect();
        for algorithm in algorithms {
            head.extend(header::of_directory(&format!("blobs/{}/", algorithm.as_str()))?);
        }
        for (_, manifest) in contents.manifests() {
            append(&mut head, &blob_path(manifest.digest()), manifest.bytes())?;
        }
        let regions = regions(contents, head.len() as u64)?;
        let len = regions.last().map_or(head.len() as u64, Region::end) + END;
        let by_digest = regions.iter().enumerate().map(|(n, r)| (r.digest.clone(), n)).collect();
        Ok(Self { head, regions, by_digest, digest, len })
    }

    /// sha256 of `index.json`: the identity of the bundle.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The length of the whole file in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Never: a bundle has a head.
    pub fn is_empty(&self) -> bool {
        self.len == 0
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
