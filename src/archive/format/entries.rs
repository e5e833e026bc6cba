//! The entries of a bundle in their order (`docs/format.md`, "Entries and their order"): the one place
//! that both the writer and the reader go by.

use std::collections::BTreeSet;

use super::bundle_json::BundleJson;
use super::paths::{BUNDLE_JSON, INDEX_JSON, OCI_LAYOUT, blob_path};
use super::{index_json, left_out};
use crate::error::Result;
use crate::oci::{Descriptor, Digest, Manifest};
use crate::store::Contents;

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
}

impl Entry<'_> {
    /// Its path in the layout.
    pub(crate) fn path(&self) -> String {
        match self {
            Self::Root(name, _) => (*name).into(),
            Self::Directory(path) => path.clone(),
            Self::Manifest(manifest) => blob_path(manifest.digest()),
            Self::Blob(descriptor) => blob_path(&descriptor.digest),
        }
    }
}

/// All entries of the bundle that these contents are, and its identity: the sha256 of `index.json`.
///
/// # Errors
/// When a root has no manifest.
pub(crate) fn entries(contents: &Contents) -> Result<(Vec<Entry<'_>>, Digest)> {
    let index = index_json::to_bytes(contents)?;
    let digest = Digest::sha256(&index);
    let about = BundleJson::new(digest.clone(), left_out::absent(contents)).to_bytes()?;
    let mut entries = vec![
        Entry::Root(OCI_LAYOUT.0, OCI_LAYOUT.1.to_vec()),
        Entry::Root(INDEX_JSON, index),
        Entry::Root(BUNDLE_JSON, about),
        Entry::Directory("blobs/".into()),
    ];
    let algorithms: BTreeSet<_> = contents.nodes.iter().map(|n| n.descriptor.digest.algorithm()).collect();
    entries.extend(algorithms.into_iter().map(|a| Entry::Directory(format!("blobs/{}/", a.as_str()))));
    entries.extend(contents.manifests().map(|(_, manifest)| Entry::Manifest(manifest)));
    entries.extend(contents.carried_blobs().map(|node| Entry::Blob(&node.descriptor)));
    Ok((entries, digest))
}
