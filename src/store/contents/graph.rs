//! The whole closure of some roots, and what leads where in it.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::layer_delta::LayerDelta;
use super::node::{Node, Presence, Root};
use super::order::{sort_nodes, sort_roots};
use crate::error::{Error, Result};
use crate::oci::{Descriptor, Digest, Manifest, Repository};
use crate::store::reason::Reason;
use crate::store::source::Place;

/// More than fifty pieces of content for each of a hundred thousand images.
const MAX_SPREAD: usize = 5_000_000;
/// Steps from a root to its deepest manifest (design limit; an image has one or two).
const MAX_STEPS: usize = 15;
/// More than five referrers for each image of a hundred thousand, counted in each repository: all of them go there.
const MAX_ATTACHED: usize = 500_000;

/// Every node once, in the order of the format: so parents stand before their children.
#[derive(Clone, Debug, Default)]
pub(crate) struct Contents {
    /// The nodes in order.
    pub(crate) nodes: Vec<Node>,
    /// The entry points in order. Of these, one that refers to other content here belongs to that.
    pub(crate) roots: Vec<Root>,
    /// Names stand as tags alone where a bundle shows them to other tools, if they can.
    pub(crate) short_names: bool,
    /// By the names of images, the manifests that a list for Docker has; there is no list without any.
    pub(super) docker: BTreeMap<String, Digest>,
    /// Where in `nodes` a digest stands.
    at: HashMap<Digest, usize>,
    /// By node, what it refers to, each once, in document order.
    pub(super) children: Vec<Vec<usize>>,
    /// By node, what refers to it.
    pub(super) parents: Vec<Vec<usize>>,
    /// By node, the roots that name it.
    pub(super) named: HashMap<usize, Vec<usize>>,
    /// By the node of a root without a name, what it refers to.
    pub(super) subjects: BTreeMap<usize, usize>,
    /// The same the other way round, each list by digest.
    pub(super) referrers: HashMap<usize, Vec<usize>>,
    /// By root, the node that its tag is made from the digest of.
    pub(super) tagged: BTreeMap<usize, usize>,
    /// The same the other way round.
    pub(super) tags_of: HashMap<usize, Vec<usize>>,
}

impl Contents {
    /// Puts nodes and roots into the order of the format, and finds out what leads where.
    pub(crate) fn new(nodes: Vec<Node>, mut roots: Vec<Root>) -> Self {
        sort_roots(&mut roots, &nodes.iter().map(|node| (&node.descriptor.digest, node)).collect());
        roots.dedup_by(|one, other| one.name == other.name && one.digest == other.digest);
        let nodes = sort_nodes(nodes, &roots);
        let at: HashMap<Digest, usize> =
            nodes.iter().enumerate().map(|(at, n)| (n.descriptor.digest.clone(), at)).collect();
        let mut parents = vec![Vec::new(); nodes.len()];
        let children = |(parent, node): (usize, &Node)| {
            let mut children: Vec<usize> = Vec::new();
            let mut seen = HashSet::new();
            for successor in node.manifest.iter().flat_map(Manifest::successors) {
                if let Some(&child) = at.get(&successor.descriptor.digest).filter(|child| seen.insert(**child)) {
                    children.push(child);
                    parents[child].push(parent);
                }
            }
            children
        };
        let children = nodes.iter().enumerate().map(children).collect();
        let mut named: HashMap<usize, Vec<usize>> = HashMap::new();
        for (number, root) in roots.iter().enumerate() {
            if let Some(node) = at.get(&root.digest) {
                named.entry(*node).or_default().push(number);
            }
        }
        let mut contents = Self { nodes, roots, at, children, parents, named, ..Self::default() };
        contents.attach_tagged();
        contents.attach();
        contents
    }

    /// Where in the nodes a digest stands.
    pub(super) fn at(&self, digest: &Digest) -> Option<usize> {
        self.at.get(digest).copied()
    }

    /// The node of this digest.
    pub(crate) fn node(&self, digest: &Digest) -> Option<&Node> {
        self.at(digest).map(|at| &self.nodes[at])
    }

    /// The manifests that are in hand, parents before children.
    pub(crate) fn manifests(&self) -> impl Iterator<Item = (&Node, &Manifest)> {
        self.nodes.iter().filter_map(|n| n.manifest.as_ref().map(|m| (n, m)))
    }

    /// Everything that is no manifest, in file order.
    pub(crate) fn blobs(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| !node.is_manifest())
    }

    /// The blobs that are there to be moved, in file order.
    pub(crate) fn carried_blobs(&self) -> impl Iterator<Item = &Node> {
        self.blobs().filter(|node| node.is_carried())
    }

    /// Says in which volume what is not here stands, where that is known.
    pub(crate) fn stand_in_volumes(&mut self, volume_of: impl Fn(&Digest) -> Option<u32>) {
        for node in self.nodes.iter_mut().filter(|node| !node.is_manifest() && !node.is_carried()) {
            if let Some(number) = volume_of(&node.descriptor.digest) {
                node.presence = Presence::LeftOut(Reason::Volume(number));
            }
        }
    }

    /// Leaves to other volumes what they have, where that is known, though it is here too.
    pub(crate) fn leave_to_volumes(&mut self, volume_of: impl Fn(&Digest) -> Option<u32>) {
        let may_be = |node: &&mut Node| !node.is_manifest() && node.is_carried() && node.descriptor.data.is_none();
        for node in self.nodes.iter_mut().filter(may_be) {
            if let Some(number) = volume_of(&node.descriptor.digest) {
                node.presence = Presence::LeftOut(Reason::Volume(number));
            }
        }
    }

    /// Leaves blobs out for this reason. A document that is in a Descriptor is there all the same.
    pub(crate) fn leave_out(&mut self, reason: Reason, is_meant: impl Fn(&Node) -> bool) {
        let may_be = |node: &&mut Node| !node.is_manifest() && node.descriptor.data.is_none();
        for node in self.nodes.iter_mut().filter(may_be) {
            if is_meant(node) {
                node.presence = Presence::LeftOut(reason);
            }
        }
    }

    /// What is carried as a difference, with that, in file order.
    pub(crate) fn deltas(&self) -> impl Iterator<Item = (&Node, &LayerDelta)> {
        self.nodes.iter().filter(|node| node.is_delta()).filter_map(|node| Some((node, node.delta.as_ref()?)))
    }

    /// Layers that are not here are carried as a difference, where there is one.
    pub(crate) fn carry_deltas(&mut self, delta_of: impl Fn(&Node) -> Option<LayerDelta>) {
        let may_be = |node: &&mut Node| !node.is_manifest() && !node.is_config && node.descriptor.data.is_none();
        for node in self.nodes.iter_mut().filter(may_be) {
            if let Some(delta) = delta_of(node) {
                (node.presence, node.delta) = (Presence::LeftOut(Reason::Delta), Some(delta));
            }
        }
    }

    /// Layers that are carried as a difference, and can be had whole at a place.
    pub(crate) fn rebuild(&mut self, mut place_of: impl FnMut(&Node, &LayerDelta) -> Option<Place>) {
        for node in self.nodes.iter_mut().filter(|node| node.is_delta()) {
            if let Some(place) = node.delta.as_ref().and_then(|delta| place_of(node, delta)) {
                (node.presence, node.places) = (Presence::Carried, vec![place]);
            }
        }
    }

    /// These nodes in the order of the format.
    pub(crate) fn in_order<'a>(&self, mut nodes: Vec<&'a Node>) -> Vec<&'a Node> {
        nodes.sort_by_key(|node| self.at(&node.descriptor.digest));
        nodes
    }

    /// The repositories that each piece of content goes to, by the names of its images: what refers to an image
    /// goes where that goes.
    pub(crate) fn by_repository(&self) -> BTreeMap<&Repository, HashSet<&Digest>> {
        let mut found: BTreeMap<&Repository, HashSet<&Digest>> = BTreeMap::new();
        let mut done = HashSet::new();
        for root in &self.roots {
            let Some(name) = root.name.full() else { continue };
            if !done.insert((&name.repository, &root.digest)) {
                continue;
            }
            let inside = found.entry(&name.repository).or_default();
            let below = self.closure(&root.digest).into_iter();
            inside.extend(below.map(|node| &node.descriptor.digest));
            for referrer in self.referrer_digests(&root.digest) {
                inside.extend(self.closure(&referrer).into_iter().map(|node| &node.descriptor.digest));
            }
        }
        found
    }

    /// What the bundle leaves out, whichever of its volumes is here, by digest.
    pub(crate) fn left_out(&self) -> Vec<(&Descriptor, Reason)> {
        let reason = |node: &'_ Node| match node.presence {
            Presence::Carried | Presence::Missing | Presence::LeftOut(Reason::Volume(_)) => None,
            Presence::LeftOut(reason) => Some(reason),
        };
        let mut list: Vec<_> = self.nodes.iter().filter_map(|n| Some((&n.descriptor, reason(n)?))).collect();
        list.sort_by_key(|(descriptor, _)| &descriptor.digest);
        list
    }

    /// Every node reachable from this one, itself included, each once, parents before children.
    pub(crate) fn closure(&self, root: &Digest) -> Vec<&Node> {
        let mut found: Vec<usize> = self.at(root).into_iter().collect();
        // As large as what is found, not as all there is: this is asked for every image.
        let mut seen: HashSet<usize> = found.iter().copied().collect();
        let mut next = 0;
        while let Some(at) = found.get(next) {
            next += 1;
            found.extend(self.children[*at].iter().filter(|child| seen.insert(**child)));
        }
        found.into_iter().map(|at| &self.nodes[at]).collect()
    }

    /// Everything below these nodes, themselves left out unless they are below another.
    pub(super) fn below<'a>(&self, roots: impl IntoIterator<Item = &'a Digest>) -> HashSet<usize> {
        let mut next: Vec<usize> = roots.into_iter().filter_map(|root| self.at(root)).collect();
        let mut found = HashSet::new();
        while let Some(at) = next.pop() {
            next.extend(self.children[at].iter().filter(|child| found.insert(**child)));
        }
        found
    }

    /// These roots and everything below them, by digest.
    pub(crate) fn digests_below<'a>(&'a self, roots: impl IntoIterator<Item = &'a Digest>) -> HashSet<&'a Digest> {
        let roots: Vec<&Digest> = roots.into_iter().collect();
        let below = self.below(roots.iter().copied()).into_iter().map(|at| &self.nodes[at].descriptor.digest);
        below.chain(roots.iter().copied()).collect()
    }

    /// That the graph is not made to exhaust whoever walks it: a few megabytes of indexes that share
    /// their children can stand for billions.
    ///
    /// # Errors
    /// When its roots, each counted with everything below it, are absurdly many
    /// pieces of content.
    pub(crate) fn check_shape(&self) -> Result<()> {
        let mut spread = 0;
        for root in &self.roots {
            spread += self.closure(&root.digest).len();
            if spread > MAX_SPREAD {
                return Err(Error::content("the images share content in an absurd way: it is a graph made to exhaust"));
            }
        }
        self.check_attached()
    }

    /// Names of one image in one repository share what refers to it.
    fn check_attached(&self) -> Result<()> {
        let mut counts: HashMap<&Digest, usize> = HashMap::new();
        let mut seen = HashSet::new();
        let mut attached = 0;
        for root in self.images() {
            if seen.insert((root.name.full().map(|name| &name.repository), &root.digest)) {
                attached += *counts.entry(&root.digest).or_insert_with(|| self.attached_to(&root.digest).len());
            }
            if attached > MAX_ATTACHED {
                let reason = format!("the images have more than {MAX_ATTACHED} referrers, an absurd number");
                return Err(Error::content(reason));
            }
        }
        Ok(())
    }

    /// That what is written can be read again: a reader goes no deeper than so many manifests.
    ///
    /// # Errors
    /// An image whose indexes lead further.
    pub(crate) fn check_depth(&self) -> Result<()> {
        let mut level: Vec<usize> = self.roots.iter().filter_map(|root| self.at(&root.digest)).collect();
        let mut seen: HashSet<usize> = level.iter().copied().collect();
        for _ in 0..=MAX_STEPS {
            let mut next = Vec::new();
            for at in level {
                let children = self.children[at].iter().filter(|child| self.nodes[**child].is_manifest());
                next.extend(children.filter(|child| seen.insert(**child)));
            }
            level = next;
        }
        match level.first() {
            Some(deepest) => {
                let digest = &self.nodes[*deepest].descriptor.digest;
                let error = Error::content(format!("indexes are nested more than {} deep", MAX_STEPS + 1));
                Err(error.at(self.images_with(digest).join(", ")))
            }
            None => Ok(()),
        }
    }
}
