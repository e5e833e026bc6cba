//! The order of the format (`docs/format.md`, "Entries and their order" and "index.json"), in which
//! everything is held, moved and shown.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::node::{Node, Root, RootName};
use crate::oci::{Digest, Manifest, Role};

/// Images by name, artifacts by name, tags, then what has no name by digest. containerd 1.6 stops
/// unpacking at the first named artifact.
pub(super) fn sort_roots(roots: &mut [Root], nodes: &HashMap<&Digest, &Node>) {
    let is_artifact = |digest: &Digest| {
        let manifest = nodes.get(digest).and_then(|node| node.manifest.as_ref());
        manifest.is_some_and(|manifest| !manifest.is_image())
    };
    roots.sort_by_cached_key(|Root { name, digest }| match name {
        RootName::Full(reference) => (0, is_artifact(digest), reference.name(), digest.clone()),
        RootName::Tag(tag) => (1, false, tag.clone(), digest.clone()),
        RootName::None => (2, false, String::new(), digest.clone()),
    });
}

/// Manifests breadth-first from the roots, configs by digest, then the rest by falling size and
/// digest.
pub(super) fn sort_nodes(nodes: Vec<Node>, roots: &[Root]) -> Vec<Node> {
    let ranks = breadth_first(&nodes, roots);
    let rank = |(node, rank): &(Node, usize)| {
        let (digest, size) = (&node.descriptor.digest, node.descriptor.size);
        match node {
            node if node.is_manifest() => (0, *rank, Reverse(0), None),
            node if node.is_config => (1, 0, Reverse(0), Some(digest.clone())),
            _ => (2, 0, Reverse(size), Some(digest.clone())),
        }
    };
    let mut ranked: Vec<(Node, usize)> = nodes.into_iter().zip(ranks).collect();
    ranked.sort_by_cached_key(rank);
    ranked.into_iter().map(|(node, _)| node).collect()
}

/// When each node is met by whoever goes from the roots from manifest to manifest.
fn breadth_first(nodes: &[Node], roots: &[Root]) -> Vec<usize> {
    let mut ranks = vec![usize::MAX; nodes.len()];
    let at: HashMap<&Digest, usize> =
        nodes.iter().enumerate().map(|(at, node)| (&node.descriptor.digest, at)).collect();
    let mut met: Vec<usize> = Vec::new();
    let mut meet = |digest: &Digest, met: &mut Vec<usize>| {
        if let Some(&at) = at.get(digest).filter(|at| ranks[**at] == usize::MAX) {
            ranks[at] = met.len();
            met.push(at);
        }
    };
    roots.iter().for_each(|root| meet(&root.digest, &mut met));
    let mut next = 0;
    while let Some(&at) = met.get(next) {
        next += 1;
        let successors = nodes[at].manifest.iter().flat_map(Manifest::successors);
        for successor in successors.filter(|s| s.role == Role::Manifest) {
            meet(&successor.descriptor.digest, &mut met);
        }
    }
    ranks
}
