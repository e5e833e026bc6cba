//! The entries of a bundle in their order (`docs/format.md`, "Entries and their order"): the one place
//! that both the writer and the reader go by.

use std::collections::BTreeSet;

use super::bundle_json::{BundleJson, Volume};
use super::header::{self, BLOCK};
use super::paths::{
    BUNDLE_JSON, INDEX_JSON, MANIFEST_JSON, OCI_LAYOUT, blob_path, delta_path, part_path, part_sum_path,
};
use super::table::{Part, Piece, Volumes, pieces};
use super::{docker_list, index_json, left_out};
use crate::error::Result;
use crate::oci::{Descriptor, Digest, Manifest};
use crate::store::{Contents, LayerDelta};

/// One entry of a bundle.
pub(crate) enum Entry<'a> {
    /// A file at the root of the layout.
    Root(&'static str, Vec<u8>),
    /// A directory; its path ends with a slash.
    Directory(String),
    /// An index or manifest.
    Manifest(&'a Manifest),
    /// A config, layer or other blob.
    Blob(&'a Descriptor),
    /// A directory of differences.
    DeltaFolder(String),
    /// The difference that stands for a layer.
    Delta(&'a Descriptor, &'a LayerDelta),
    /// A part of one.
    Part(&'a Descriptor, Part),
    /// The checksum of that part.
    Sum(&'a Descriptor, Part),
}

impl Entry<'_> {
    /// Its path in the layout.
    pub(crate) fn path(&self) -> String {
        match self {
            Self::Root(name, _) => (*name).into(),
            Self::Directory(path) | Self::DeltaFolder(path) => path.clone(),
            Self::Delta(layer, _) => delta_path(&layer.digest),
            Self::Manifest(manifest) => blob_path(manifest.digest()),
            Self::Blob(descriptor) => blob_path(&descriptor.digest),
            Self::Part(descriptor, part) => part_path(&descriptor.digest, part.number),
            Self::Sum(descriptor, part) => part_sum_path(&descriptor.digest, part.number),
        }
    }
}

/// All entries of the bundle that these contents are, or of one volume of it, and its identity: the sha256 of
/// `index.json`.
///
/// # Errors
/// When a root has no manifest.
pub(crate) fn entries<'a>(contents: &'a Contents, cut: Option<(&Volumes, u32)>) -> Result<(Vec<Entry<'a>>, Digest)> {
    let index = index_json::to_bytes(contents)?;
    let digest = Digest::sha256(&index);
    let mut about = BundleJson::new(digest.clone(), left_out::absent(contents));
    let cut = cut.filter(|(volumes, _)| volumes.count > 1);
    let mut docker = None;
    if cut.is_none() {
        about.docker.clone_from(contents.docker());
        docker = docker_list::to_bytes(contents)?;
    }
    if let Some((volumes, number)) = cut {
        about.volume = Volume { count: volumes.count, number, size: Some(volumes.size) };
        about.table.clone_from(&volumes.table);
    }
    let mut entries = vec![
        Entry::Root(OCI_LAYOUT.0, OCI_LAYOUT.1.to_vec()),
        Entry::Root(INDEX_JSON, index),
        Entry::Root(BUNDLE_JSON, about.to_bytes()?),
    ];
    entries.extend(docker.map(|bytes| Entry::Root(MANIFEST_JSON, bytes)));
    entries.push(Entry::Directory("blobs/".into()));
    let algorithms: BTreeSet<_> = contents.nodes.iter().map(|n| n.descriptor.digest.algorithm()).collect();
    entries.extend(algorithms.into_iter().map(|a| Entry::Directory(format!("blobs/{}/", a.as_str()))));
    entries.extend(contents.manifests().map(|(_, manifest)| Entry::Manifest(manifest)));
    for Piece { node, part } in pieces(contents, cut.map(|(volumes, number)| (&volumes.table, number))) {
        match part {
            None => entries.push(Entry::Blob(&node.descriptor)),
            Some(part) => entries.extend([Entry::Part(&node.descriptor, part), Entry::Sum(&node.descriptor, part)]),
        }
    }
    entries.extend(delta_folders(contents).into_iter().map(Entry::DeltaFolder));
    entries.extend(contents.deltas().map(|(node, delta)| Entry::Delta(&node.descriptor, delta)));
    Ok((entries, digest))
}

/// The directories of what is carried as differences; none where nothing is.
pub(crate) fn delta_folders(contents: &Contents) -> Vec<String> {
    let algorithms: BTreeSet<_> = contents.deltas().map(|(node, _)| node.descriptor.digest.algorithm()).collect();
    let all = (!algorithms.is_empty()).then(|| "deltas/".to_owned());
    all.into_iter().chain(algorithms.into_iter().map(|a| format!("deltas/{}/", a.as_str()))).collect()
}

/// The identity of the bundle that these contents are, and the length of its head without `bundle.json`, in bytes.
///
/// # Errors
/// When a root has no manifest.
pub(crate) fn head_len(contents: &Contents) -> Result<(Digest, u64)> {
    let (entries, digest) = entries(contents, None)?;
    let mut len = 0;
    for entry in &entries {
        len += match entry {
            Entry::Root(name, _) if *name == BUNDLE_JSON => 0,
            Entry::Root(name, bytes) => header::cost(name, bytes.len() as u64),
            Entry::Directory(_) => BLOCK,
            Entry::Manifest(manifest) => header::cost(&entry.path(), manifest.bytes().len() as u64),
            _ => break,
        };
    }
    Ok((digest, len))
}
