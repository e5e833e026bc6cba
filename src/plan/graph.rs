//! The graph of a walk as far as it is known: each piece of content once, and where it was found.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::error::{Error, Result};
use crate::oci::{Descriptor, Digest, Manifest, Repository, Role};
use crate::store::{Contents, Node, Root};

/// More content than any bundle has, few enough to hold.
pub(super) const MAX_NODES: usize = 1_000_000;
/// More bytes than any drive holds, an exbibyte: what adds up sizes stays a number.
const MAX_BYTES: u64 = 1 << 60;

/// What is known so far.
#[derive(Default)]
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) places: HashMap<Digest, usize>,
    pub(super) failed: BTreeMap<usize, Error>,
    pub(super) absent: HashSet<usize>,
    /// Nodes found in one more repository after they were looked at.
    pub(super) again: Vec<usize>,
    /// The sizes of all of it.
    bytes: u64,
}

impl Graph {
    /// Takes note of a use of some content; `Some` if that makes it something new to look at.
    pub(super) fn note(
        &mut self,
        descriptor: &Descriptor,
        role: Role,
        repository: &Repository,
    ) -> Result<Option<usize>> {
        let Some(&place) = self.places.get(&descriptor.digest) else {
            if self.nodes.len() == MAX_NODES {
                return Err(Error::content(format!("more than {MAX_NODES} pieces of content")));
            }
            self.bytes = self.bytes.saturating_add(descriptor.size);
            if self.bytes > MAX_BYTES {
                return Err(Error::content(format!("more than {MAX_BYTES} bytes of content")));
            }
            let place = self.nodes.len();
            self.places.insert(descriptor.digest.clone(), place);
            let descriptor = descriptor.clone();
            self.nodes.push(Node { descriptor, role, manifest: None, repositories: vec![repository.clone()] });
            return Ok(Some(place));
        };
        let node = &mut self.nodes[place];
        if node.descriptor.size != descriptor.size {
            let (digest, one, other) = (&descriptor.digest, node.descriptor.size, descriptor.size);
            return Err(Error::content(format!("{digest} is said to be {one} and {other} bytes long")));
        }
        if !node.repositories.contains(repository) {
            node.repositories.push(repository.clone());
            if node.manifest.is_some() {
                self.again.push(place);
            }
        }
        let data = node.descriptor.data.take().or_else(|| descriptor.data.clone());
        if role >= node.role {
            node.descriptor.data = data;
            return Ok(None);
        }
        // Used as a layer first and now as a manifest: worth another look.
        node.role = role;
        node.descriptor = Descriptor { data, ..descriptor.clone() };
        Ok(Some(place))
    }

    /// The contents with these roots, and what of them could not be had.
    pub(super) fn finish(mut self, roots: Vec<Root>) -> (Contents, Vec<(Digest, Error)>) {
        let mut whole = Vec::with_capacity(self.nodes.len());
        let mut left_out = Vec::new();
        let mut failures = Vec::new();
        for (place, node) in self.nodes.into_iter().enumerate() {
            if let Some(error) = self.failed.remove(&place) {
                failures.push((node.descriptor.digest.clone(), error));
            }
            if self.absent.contains(&place) { left_out.push(node.descriptor) } else { whole.push(node) }
        }
        (Contents::new(breadth_first(whole, &roots), roots, left_out), failures)
    }
}

/// Puts manifests into the order of the archive: breadth-first from the roots, of which some may
/// have been found last.
fn breadth_first(nodes: Vec<Node>, roots: &[Root]) -> Vec<Node> {
    let mut ranks = vec![usize::MAX; nodes.len()];
    let places: HashMap<&Digest, usize> =
        nodes.iter().enumerate().map(|(place, node)| (&node.descriptor.digest, place)).collect();
    let mut found: Vec<usize> = Vec::new();
    let mut meet = |digest: &Digest, found: &mut Vec<usize>| {
        if let Some(&place) = places.get(digest).filter(|place| ranks[**place] == usize::MAX) {
            ranks[place] = found.len();
            found.push(place);
        }
    };
    roots.iter().for_each(|root| meet(&root.digest, &mut found));
    let mut next = 0;
    while let Some(&place) = found.get(next) {
        next += 1;
        let successors = nodes[place].manifest.iter().flat_map(Manifest::successors);
        for successor in successors.filter(|s| s.role <= Role::Unknown) {
            meet(&successor.descriptor.digest, &mut found);
        }
    }
    let mut ranked: Vec<(usize, Node)> = ranks.into_iter().zip(nodes).collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, node)| node).collect()
}
