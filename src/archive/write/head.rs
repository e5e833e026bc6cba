//! What a partial file says about itself. Its head pins the digests, and the place of every config
//! and layer follows from them: the file is its own journal.
//!
//! Nothing found here is believed: what lies at a place counts only if it hashes right.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use tar::{EntryType, Header};

use crate::archive::format::bundle_json::{BundleJson, MAX_BUNDLE_JSON};
use crate::archive::format::header::{self, BLOCK};
use crate::archive::format::index_json::{IndexJson, MAX_INDEX};
use crate::archive::format::layout::{Extent, Region, regions};
use crate::archive::format::paths::{BUNDLE_JSON, INDEX_JSON, MANIFEST_JSON, OCI_LAYOUT, digest_of};
use crate::oci::{Digest, Manifest, MediaType, Role, Said};
use crate::store::{Contents, LayerDelta, Node, Presence, Reason};

/// Larger manifests are accepted by no registry that we know of.
const MAX_MANIFEST: u64 = 32 << 20;
/// A name of ours: `blobs/sha512/` and 128 digits, with room to spare.
const MAX_NAME: u64 = 512;

/// The largest size of anything (2^53 bytes), so that sums stay far from overflowing.
const MAX_SIZE: u64 = 1 << 53;

/// The head of a bundle that was begun, and the places that follow from it.
pub(crate) struct Head {
    pub(crate) bytes: Vec<u8>,
    pub(crate) regions: Vec<Region>,
}

/// Reads the head that begins at byte `at`; `None` if that is not one of ours, to the last byte.
pub(crate) fn read(file: &File, at: u64) -> Option<Head> {
    let mut next = at;
    let marker = load(file, &mut next, OCI_LAYOUT.0, 1 << 10)?;
    let index = load(file, &mut next, INDEX_JSON, MAX_INDEX)?;
    let about = load(file, &mut next, BUNDLE_JSON, MAX_BUNDLE_JSON)?;
    load(file, &mut next, MANIFEST_JSON, MAX_BUNDLE_JSON);
    let index = IndexJson::strict(&index).ok()?;
    let about = BundleJson::parse(&about).ok()?;
    if marker != OCI_LAYOUT.1 || about.index != index.digest {
        return None;
    }
    while let Some(entry) = Entry::at(file, next).filter(|e| e.path.ends_with('/')) {
        next = entry.extent.end();
    }
    // Manifests follow, breadth-first: each of them was named by one before it.
    let mut expected: HashMap<Digest, MediaType> = HashMap::new();
    for entry in index.entries {
        expected.entry(entry.descriptor.digest).or_insert(entry.descriptor.media_type);
    }
    let mut nodes = Vec::new();
    while let Some((manifest, end)) = manifest_at(file, next, &expected) {
        next = end;
        for successor in manifest.successors().filter(|s| s.role == Role::Manifest) {
            let descriptor = successor.descriptor;
            expected.entry(descriptor.digest.clone()).or_insert_with(|| descriptor.media_type.clone());
        }
        nodes.push(Node {
            manifest: Some(manifest.clone()),
            ..Node::new(manifest.descriptor(), Role::Manifest, Vec::new())
        });
    }
    let cut = (about.volume.count > 1).then_some((&about.table, about.volume.number));
    let left_out = about.absent.into_iter().map(|a| (a.digest.clone(), a.layer_delta())).collect();
    let contents = Contents::new(with_blobs(nodes, left_out), Vec::new());
    let mut bytes = vec![0; usize::try_from(next - at).ok()?];
    file.read_exact_at(&mut bytes, at).ok()?;
    let regions = regions(&contents, cut, bytes.len() as u64).ok()?;
    Some(Head { bytes, regions })
}

/// All heads that stand one after the other.
pub(crate) fn read_all(file: &File) -> Vec<Head> {
    let mut at = 0;
    std::iter::from_fn(|| {
        let head = read(file, at)?;
        at += head.bytes.len() as u64;
        Some(head)
    })
    .collect()
}

/// The manifests, and everything they name that is none and was not left out.
fn with_blobs(manifests: Vec<Node>, left_out: HashMap<Digest, Option<LayerDelta>>) -> Vec<Node> {
    let mut seen: HashMap<Digest, usize> = HashMap::new();
    let mut nodes = manifests.clone();
    seen.extend(manifests.iter().enumerate().map(|(n, m)| (m.descriptor.digest.clone(), n)));
    for successor in manifests.iter().flat_map(|n| &n.manifest).flat_map(Manifest::successors) {
        let digest = &successor.descriptor.digest;
        match seen.get(digest) {
            Some(n) => {
                nodes[*n].is_config |= successor.role == Role::Config;
                nodes[*n].role = nodes[*n].role.min(successor.role);
            }
            None if left_out.get(digest).is_some_and(Option::is_none) => {}
            None => {
                seen.insert(digest.clone(), nodes.len());
                let mut node = Node::new(successor.descriptor.clone(), successor.role, Vec::new());
                if let Some(Some(delta)) = left_out.get(digest) {
                    (node.presence, node.delta) = (Presence::LeftOut(Reason::Delta), Some(delta.clone()));
                }
                nodes.push(node);
            }
        }
    }
    nodes
}

fn manifest_at(file: &File, at: u64, expected: &HashMap<Digest, MediaType>) -> Option<(Manifest, u64)> {
    let entry = Entry::at(file, at)?;
    let digest = digest_of(&entry.path)?;
    let media_type = expected.get(&digest)?;
    let bytes = entry.load(file, MAX_MANIFEST)?;
    let actual = Digest::of(digest.algorithm(), &bytes);
    if actual != digest {
        return None;
    }
    let said = Said { described: Some(media_type), served: None };
    let manifest = Manifest::parse(Arc::from(bytes), actual, said).ok()?;
    Some((manifest, entry.extent.end()))
}

fn load(file: &File, at: &mut u64, name: &str, most: u64) -> Option<Vec<u8>> {
    let entry = Entry::at(file, *at).filter(|e| e.path == name)?;
    *at = entry.extent.end();
    entry.load(file, most)
}

/// One entry, its header exactly as we write it.
struct Entry {
    path: String,
    extent: Extent,
}

impl Entry {
    fn at(file: &File, at: u64) -> Option<Self> {
        let mut first = Header::new_old();
        file.read_exact_at(first.as_mut_bytes(), at).ok()?;
        let (path, own) = if first.entry_type() == EntryType::GNULongName {
            let size = first.entry_size().ok().filter(|size| *size <= MAX_NAME)?;
            let mut name = vec![0; usize::try_from(size).ok()?];
            file.read_exact_at(&mut name, at + BLOCK).ok()?;
            name.pop();
            (name, at + BLOCK + size + header::padding(size))
        } else {
            (first.path_bytes().into_owned(), at)
        };
        let mut header = Header::new_old();
        file.read_exact_at(header.as_mut_bytes(), own).ok()?;
        let path = String::from_utf8(path).ok()?;
        let size = header.entry_size().ok().filter(|size| *size <= MAX_SIZE)?;
        let blocks = if path.ends_with('/') { header::of_directory(&path) } else { header::of_file(&path, size) };
        let blocks = blocks.ok()?;
        let mut found = vec![0; blocks.len()];
        file.read_exact_at(&mut found, at).ok()?;
        (found == blocks).then(|| Self { path, extent: Extent { offset: at + found.len() as u64, size } })
    }

    fn load(&self, file: &File, most: u64) -> Option<Vec<u8>> {
        let size = usize::try_from(self.extent.size).ok().filter(|_| self.extent.size <= most)?;
        let mut bytes = vec![0; size];
        file.read_exact_at(&mut bytes, self.extent.offset).ok()?;
        Some(bytes)
    }
}
