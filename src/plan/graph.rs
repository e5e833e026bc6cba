//! The graph of a walk as far as it is known: each piece of content once, and everywhere it may be.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::error::{Error, Result};
use crate::oci::{Descriptor, Digest, Manifest, Role};
use crate::store::{Contents, Node, Place, Presence, Reason, Root};

/// More content than any bundle has, few enough to hold.
pub(super) const MAX_NODES: usize = 1_000_000;
/// More bytes than any drive holds, an exbibyte: what adds up sizes stays a number.
const MAX_BYTES: u64 = 1 << 60;
/// As many places as are compared one by one.
const FEW_PLACES: usize = 32;

/// What is known so far.
#[derive(Default)]
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    /// Where in the nodes a digest stands.
    pub(super) at: HashMap<Digest, usize>,
    pub(super) failed: BTreeMap<usize, Error>,
    /// Documents that one descriptor says to be an index and another an image.
    two_kinds: Vec<(usize, Error)>,
    /// Content that two documents give two sizes.
    two_sizes: BTreeSet<usize>,
    /// Manifests found at one more place after they were looked at.
    pub(super) again: BTreeSet<usize>,
    /// Manifests of platforms that nobody has wanted yet.
    unwanted: BTreeSet<usize>,
    /// The sizes of all of it.
    bytes: u64,
}

impl Graph {
    /// Takes note of a use of some content; `Some` if that makes it something to look at.
    pub(super) fn note(&mut self, descriptor: &Descriptor, role: Role, places: &[Place]) -> Result<Option<usize>> {
        let Some(&at) = self.at.get(&descriptor.digest) else {
            return self.add(Node::new(descriptor.clone(), role, places.to_vec())).map(Some);
        };
        let node = &mut self.nodes[at];
        if node.descriptor.size != descriptor.size {
            return Ok(self.note_another_size(at, descriptor, places));
        }
        let known = node.places.len();
        if places.len() + known > FEW_PLACES {
            let there: HashSet<Place> = node.places.iter().copied().collect();
            node.places.extend(places.iter().filter(|place| !there.contains(place)));
        } else {
            for place in places {
                if !node.places.contains(place) {
                    node.places.push(*place);
                }
            }
        }
        let elsewhere_too = node.places.len() > known;
        if elsewhere_too && node.manifest.is_some() {
            self.again.insert(at);
        }
        node.is_config |= role == Role::Config;
        if node.descriptor.data.is_none() {
            node.descriptor.data.clone_from(&descriptor.data);
        }
        let gains_urls = node.descriptor.urls.is_empty() && !descriptor.urls.is_empty();
        if gains_urls {
            node.descriptor.urls.clone_from(&descriptor.urls);
        }
        let (one, other) = (&node.descriptor.media_type, &descriptor.media_type);
        if role == Role::Manifest && node.is_manifest() && one.is_index() != other.is_index() {
            self.two_kinds.push((at, Error::content(format!("is said to be of type {one} and of type {other}"))));
        }
        let rises = role < node.role;
        if rises {
            // Used as a layer first and now as a manifest: worth another look.
            node.role = role;
            node.descriptor.media_type.clone_from(&descriptor.media_type);
        }
        // What one place does not have, or not whole, another may.
        Ok((rises || gains_urls || (elsewhere_too && self.is_wanting(at))).then_some(at))
    }

    /// Takes note of a use of some content that is of a platform which is not wanted; `Some` as for [`Graph::note`].
    pub(super) fn note_unwanted(
        &mut self,
        descriptor: &Descriptor,
        role: Role,
        places: &[Place],
    ) -> Result<Option<usize>> {
        let is_new = !self.at.contains_key(&descriptor.digest);
        let noted = self.note(descriptor, role, places)?;
        if let Some(at) = noted.filter(|_| is_new) {
            self.nodes[at].presence = Presence::LeftOut(Reason::Platform);
            self.unwanted.insert(at);
        }
        // What something else wants may be worth another look all the same.
        Ok(noted.filter(|at| !self.unwanted.contains(at)))
    }

    /// Some content is wanted; true if it was not before.
    pub(super) fn is_wanted(&mut self, at: usize) -> bool {
        let is_new = self.unwanted.remove(&at);
        if is_new {
            self.nodes[at].presence = Presence::Carried;
        }
        is_new
    }

    /// One digest with two sizes: the one that is somewhere stands, and in the end it shows whose word was
    /// wrong.
    fn note_another_size(&mut self, at: usize, descriptor: &Descriptor, places: &[Place]) -> Option<usize> {
        self.two_sizes.insert(at);
        let node = &mut self.nodes[at];
        if !node.places.is_empty() || places.is_empty() {
            return None;
        }
        node.descriptor.size = descriptor.size;
        node.places = places.to_vec();
        Some(at)
    }

    /// The manifests that give some content a size which it has not.
    fn blame_for_sizes(&mut self) {
        let sizes: HashMap<&Digest, u64> = std::mem::take(&mut self.two_sizes)
            .into_iter()
            .map(|at| (&self.nodes[at].descriptor.digest, self.nodes[at].descriptor.size))
            .collect();
        let mut wrong = Vec::new();
        for (at, node) in self.nodes.iter().enumerate().filter(|_| !sizes.is_empty()) {
            for successor in node.manifest.iter().flat_map(Manifest::successors) {
                let Descriptor { digest, size, .. } = successor.descriptor;
                if let Some(other) = sizes.get(digest).filter(|other| *other != size) {
                    let reason = format!("{digest} is said to be {size} and {other} bytes long");
                    wrong.push((at, Error::content(reason).at(&node.descriptor.digest)));
                }
            }
        }
        for (at, error) in wrong {
            self.failed.entry(at).or_insert(error);
        }
    }

    /// Whether nobody has found the content whole yet.
    pub(super) fn is_wanting(&self, at: usize) -> bool {
        self.failed.contains_key(&at) || !self.nodes[at].is_carried()
    }

    fn add(&mut self, node: Node) -> Result<usize> {
        if self.nodes.len() == MAX_NODES {
            return Err(Error::content(format!("more than {MAX_NODES} pieces of content")));
        }
        self.bytes = self.bytes.saturating_add(node.descriptor.size);
        if self.bytes > MAX_BYTES {
            return Err(Error::content(format!("more than {MAX_BYTES} bytes of content")));
        }
        let at = self.nodes.len();
        self.at.insert(node.descriptor.digest.clone(), at);
        self.nodes.push(node);
        Ok(at)
    }

    /// The manifest of this digest, where it is in hand.
    pub(super) fn manifest(&self, digest: &Digest) -> Option<&Manifest> {
        self.at.get(digest).and_then(|at| self.nodes[*at].manifest.as_ref())
    }

    /// The content is at none of its places; why, where the source says.
    pub(super) fn is_absent(&mut self, at: usize, reason: Option<Reason>) {
        let node = &mut self.nodes[at];
        let has_urls = !node.descriptor.urls.is_empty();
        node.presence = match reason {
            Some(Reason::Platform) if node.is_manifest() => Presence::LeftOut(Reason::Platform),
            _ if !node.is_manifest() && has_urls => Presence::LeftOut(Reason::Nondistributable),
            _ => Presence::Missing,
        };
        self.failed.remove(&at);
    }

    /// The content is there.
    pub(super) fn is_there(&mut self, at: usize) {
        self.nodes[at].presence = Presence::Carried;
        self.failed.remove(&at);
    }

    /// The contents with these roots, and what of them could not be had.
    pub(super) fn finish(mut self, roots: Vec<Root>) -> (Contents, Vec<(Digest, Error)>) {
        for (at, error) in std::mem::take(&mut self.two_kinds) {
            let error = error.at(&self.nodes[at].descriptor.digest);
            self.failed.entry(at).or_insert(error);
        }
        self.blame_for_sizes();
        let digest = |(at, error): (usize, _)| (self.nodes[at].descriptor.digest.clone(), error);
        let failures = std::mem::take(&mut self.failed).into_iter().map(digest).collect();
        (Contents::new(self.nodes, roots), failures)
    }
}
