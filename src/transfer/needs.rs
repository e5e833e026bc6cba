//! What every repository of the target needs for the images that go there.

use std::collections::{BTreeMap, HashMap};

use crate::oci::{Digest, Reference, Repository, Role};
use crate::store::{Contents, Node};

/// An image and its place at the target.
#[derive(Clone, Debug)]
pub struct Image {
    /// Its name in the bundle.
    pub name: String,
    /// Its manifest.
    pub digest: Digest,
    /// Where it goes.
    pub target: Reference,
    /// What refers to it and goes into the same repository, by digest: subjects first.
    pub referrers: Vec<Digest>,
}

impl Image {
    /// Its manifest, and those that refer to it.
    pub(super) fn roots(&self) -> impl Iterator<Item = &Digest> {
        std::iter::once(&self.digest).chain(&self.referrers)
    }
}

/// A piece of content that has to be in a repository.
#[derive(Clone, Copy, Debug)]
pub struct Need<'a> {
    /// The content.
    pub node: &'a Node,
    /// As what: as a manifest, or as a blob.
    pub role: Role,
}

/// Per repository, what has to be there: blobs in file order, then manifests, children first.
pub type Needs<'a> = BTreeMap<Repository, Vec<Need<'a>>>;

/// Collects the needs of these images.
pub(super) fn collect<'a>(contents: &'a Contents, images: &[Image]) -> Needs<'a> {
    // Rank in the archive: blobs come in its order, manifests in the reverse of it, so children
    // stand before their parents whatever their depth.
    let rank: HashMap<&Digest, usize> =
        contents.nodes.iter().enumerate().map(|(i, n)| (&n.descriptor.digest, i)).collect();
    let mut needs: BTreeMap<Repository, HashMap<(&Digest, bool), Need<'a>>> = BTreeMap::new();
    for image in images {
        let wanted = needs.entry(image.target.repository.clone()).or_default();
        for (root, node) in image.roots().flat_map(|root| contents.closure(root).into_iter().map(move |n| (root, n))) {
            if node.descriptor.digest == *root {
                wanted.insert((&node.descriptor.digest, true), Need { node, role: Role::Manifest });
            }
            for successor in node.manifest.iter().flat_map(|m| m.successors()) {
                let Some(child) = contents.node(&successor.descriptor.digest) else { continue };
                let as_manifest = successor.role <= Role::Unknown && child.manifest.is_some();
                let role = if as_manifest { Role::Manifest } else { Role::Layer };
                wanted.insert((&child.descriptor.digest, as_manifest), Need { node: child, role });
            }
        }
    }
    let in_order = |wanted: HashMap<_, Need<'a>>| {
        let mut list: Vec<Need<'a>> = wanted.into_values().collect();
        list.sort_by_key(|need| {
            let rank = rank.get(&need.node.descriptor.digest).copied().unwrap_or(usize::MAX);
            if need.role == Role::Manifest { (1, usize::MAX - rank) } else { (0, rank) }
        });
        list
    };
    needs.into_iter().map(|(repository, wanted)| (repository, in_order(wanted))).collect()
}
