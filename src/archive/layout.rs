//! Where every byte of a bundle goes, known before the first layer is fetched.
//!
//! Order: `oci-layout`, `index.json`, `bundle.json`, the blob directories, manifests, configs,
//! layers. Everything up to the last manifest is small and known: the *head*. So the start of a
//! file on a slow drive names all that is in it.

use std::collections::{BTreeSet, HashMap};

use super::bundle_json::{Absent, BundleJson};
use super::header::{self, BLOCK, END};
use super::{BUNDLE_JSON, INDEX_JSON, OCI_LAYOUT, index_json};
use crate::error::Result;
use crate::oci::Digest;
use crate::store::Contents;

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

/// The plan of a file.
#[derive(Debug)]
pub struct Layout {
    head: Vec<u8>,
    headers: Vec<(u64, Vec<u8>)>,
    places: HashMap<Digest, Place>,
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
        let mut places = HashMap::new();
        for (_, manifest) in contents.manifests() {
            let size = manifest.bytes().len() as u64;
            append(&mut head, &blob_path(manifest.digest()), manifest.bytes())?;
            let offset = head.len() as u64 - header::padding(size) - size;
            places.insert(manifest.digest().clone(), Place { offset, size });
        }

        let mut len = head.len() as u64;
        let mut headers = Vec::new();
        for node in contents.blobs() {
            let blocks = header::of_file(&blob_path(&node.descriptor.digest), node.descriptor.size)?;
            let place = Place { offset: len + blocks.len() as u64, size: node.descriptor.size };
            headers.push((len, blocks));
            len = place.end();
            places.insert(node.descriptor.digest.clone(), place);
        }
        Ok(Self { head, headers, places, digest, len: len + END })
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
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// The headers of configs and layers with their offsets, front to back.
    pub(super) fn headers(&self) -> &[(u64, Vec<u8>)] {
        &self.headers
    }

    /// Where a blob goes.
    pub fn place(&self, digest: &Digest) -> Option<Place> {
        self.places.get(digest).copied()
    }
}

/// The name of a blob in a layout (image-spec v1.1.1 `image-layout.md`).
pub(super) fn blob_path(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm().as_str(), digest.hex())
}

fn append(file: &mut Vec<u8>, path: &str, bytes: &[u8]) -> Result<()> {
    file.extend(header::of_file(path, bytes.len() as u64)?);
    file.extend_from_slice(bytes);
    file.resize(file.len().next_multiple_of(BLOCK as usize), 0);
    Ok(())
}
