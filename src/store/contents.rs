//! `Contents`: what there is to move. The plan makes it, the archive lays it out, a registry gets it
//! pushed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};

use crate::error::{Error, Result};
use crate::oci::{Descriptor, Digest, Manifest, Platform, Repository, Role};

/// A named entry point into the graph.
#[derive(Clone, Debug)]
pub struct Root {
    /// The image's name in a bundle; `None` for one that is only there by digest.
    pub name: Option<String>,
    /// Which node.
    pub digest: Digest,
}

impl Root {
    /// What to call it in a message.
    pub fn label(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.digest.to_string())
    }
}

/// One piece of content, whichever way and however often it is referred to.
#[derive(Clone, Debug)]
pub struct Node {
    /// Type, digest and size.
    pub descriptor: Descriptor,
    /// How it is used. Of several uses the first in the order of [`Role`].
    pub role: Role,
    /// The document itself, for indexes and manifests.
    pub manifest: Option<Manifest>,
    /// Every repository it is known to be in.
    pub repositories: Vec<Repository>,
}

impl Node {
    /// Manifests, then configs by digest, then the rest by falling size and digest.
    fn rank(&self) -> (u8, Reverse<u64>, Option<Digest>) {
        let Descriptor { digest, size, .. } = &self.descriptor;
        match (&self.manifest, self.role) {
            (Some(_), _) => (0, Reverse(0), None),
            (None, Role::Config) => (1, Reverse(0), Some(digest.clone())),
            (None, _) => (2, Reverse(*size), Some(digest.clone())),
        }
    }
}

/// The whole closure of some roots: every node once, in the order of the archive.
///
/// Indexes and manifests come first, breadth-first from the roots, so parents stand before their
/// children; then configs by digest; then layers, largest first, then by digest.
#[derive(Clone, Debug, Default)]
pub struct Contents {
    /// The nodes in order.
    pub nodes: Vec<Node>,
    /// The entry points, named ones by name, then the others by digest. Of these, one that refers to
    /// other content here belongs to that.
    pub roots: Vec<Root>,
    /// Non-distributable layers that the source does not have, and whose `urls` nobody fetches.
    pub absent: Vec<Descriptor>,
    places: HashMap<Digest, usize>,
    /// By place, the places of what the node refers to, each once, in document order.
    pub(super) children: Vec<Vec<usize>>,
    /// By place, the places of what refers to the node.
    parents: Vec<Vec<usize>>,
    /// By place, the roots that name the node.
    named: HashMap<usize, Vec<usize>>,
    /// By the place of a root without a name, the place of what it refers to.
    pub(super) subjects: BTreeMap<usize, usize>,
    /// The same the other way round, each list by digest.
    pub(super) referrers: HashMap<usize, Vec<usize>>,
}

/// More than fifty pieces of content for each of a hundred thousand images.
const MAX_SPREAD: usize = 5_000_000;
/// As many names as a person would look through, for all damage taken together.
const MOST_NAMES: usize = 100_000;

impl Contents {
    /// Puts nodes into the order of the archive. Manifests keep the order they are given in.
    pub fn new(mut nodes: Vec<Node>, roots: Vec<Root>, mut absent: Vec<Descriptor>) -> Self {
        nodes.sort_by_cached_key(Node::rank);
        absent.sort_by(|a, b| a.digest.cmp(&b.digest));
        let places: HashMap<Digest, usize> =
            nodes.iter().enumerate().map(|(place, n)| (n.descriptor.digest.clone(), place)).collect();
        let mut parents = vec![Vec::new(); nodes.len()];
        let children = |(place, node): (usize, &Node)| {
            let mut children: Vec<usize> = Vec::new();
            let mut seen = HashSet::new();
            for successor in node.manifest.iter().flat_map(Manifest::successors) {
                if let Some(&child) = places.get(&successor.descriptor.digest).filter(|child| seen.insert(**child)) {
                    children.push(child);
                    parents[child].push(place);
                }
            }
            children
        };
        let children = nodes.iter().enumerate().map(children).collect();
        let mut named: HashMap<usize, Vec<usize>> = HashMap::new();
        for (number, root) in roots.iter().enumerate() {
            if let Some(place) = places.get(&root.digest) {
                named.entry(*place).or_default().push(number);
            }
        }
        let subject = |root: &Root| {
            let place = places.get(&root.digest).filter(|_| root.name.is_none())?;
            let subject = nodes[*place].manifest.as_ref()?.subject()?;
            Some((*place, *places.get(&subject.digest)?))
        };
        let subjects: BTreeMap<usize, usize> = roots.iter().filter_map(subject).collect();
        let mut contents =
            Self { nodes, roots, absent, places, children, parents, named, subjects, referrers: HashMap::new() };
        contents.attach();
        contents
    }

    /// The manifests, parents before children.
    pub fn manifests(&self) -> impl Iterator<Item = (&Node, &Manifest)> {
        self.nodes.iter().filter_map(|n| n.manifest.as_ref().map(|m| (n, m)))
    }

    pub(super) fn place(&self, digest: &Digest) -> Option<usize> {
        self.places.get(digest).copied()
    }

    /// Every node reachable from this one, itself included, each once, parents before children.
    pub fn closure(&self, root: &Digest) -> Vec<&Node> {
        let mut found: Vec<usize> = self.places.get(root).copied().into_iter().collect();
        // As large as what is found, not as all there is: this is asked for every image.
        let mut seen: HashSet<usize> = found.iter().copied().collect();
        let mut next = 0;
        while let Some(place) = found.get(next) {
            next += 1;
            found.extend(self.children[*place].iter().filter(|child| seen.insert(**child)));
        }
        found.into_iter().map(|place| &self.nodes[place]).collect()
    }

    /// Everything below these nodes, themselves left out unless they are below another.
    pub fn below<'a>(&'a self, roots: impl IntoIterator<Item = &'a Digest>) -> HashSet<&'a Digest> {
        let mut seen = vec![false; self.nodes.len()];
        let mut next: Vec<usize> = roots.into_iter().filter_map(|root| self.places.get(root).copied()).collect();
        let mut found = HashSet::new();
        while let Some(place) = next.pop() {
            for &child in &self.children[place] {
                if !std::mem::replace(&mut seen[child], true) {
                    found.insert(&self.nodes[child].descriptor.digest);
                    next.push(child);
                }
            }
        }
        found
    }

    /// That the images, each counted with everything below it, are not absurdly many pieces of
    /// content. A few megabytes of indexes that share their children can stand for billions.
    ///
    /// # Errors
    /// When they are.
    pub fn check_spread(&self) -> Result<()> {
        let mut spread = 0;
        for root in &self.roots {
            spread += self.closure(&root.digest).len();
            if spread > MAX_SPREAD {
                return Err(Error::content("the images share content in an absurd way: it is a graph made to exhaust"));
            }
        }
        Ok(())
    }

    /// What a root without a name refers to, if that is here too: it belongs to that, then.
    pub fn subject(&self, root: &Root) -> Option<&Digest> {
        let place = self.places.get(&root.digest).filter(|_| root.name.is_none())?;
        self.subjects.get(place).map(|subject| &self.nodes[*subject].descriptor.digest)
    }

    /// The node of this digest.
    pub fn node(&self, digest: &Digest) -> Option<&Node> {
        self.places.get(digest).map(|place| &self.nodes[*place])
    }

    /// The platforms that an image's indexes name, in their order; none for a single manifest.
    pub fn platforms(&self, root: &Digest) -> Vec<Platform> {
        let mut found: Vec<Platform> = Vec::new();
        for node in self.closure(root) {
            for successor in node.manifest.iter().flat_map(Manifest::successors) {
                match &successor.descriptor.platform {
                    Some(platform) if platform.is_known() && !found.contains(platform) => found.push(platform.clone()),
                    _ => {}
                }
            }
        }
        found
    }

    /// The names of the images that this content is part of. What refers to an image is part of it.
    pub fn images_with(&self, digest: &Digest) -> Vec<String> {
        let mut above: Vec<usize> = self.places.get(digest).copied().into_iter().collect();
        let mut seen: HashSet<usize> = above.iter().copied().collect();
        let mut numbers: Vec<usize> = Vec::new();
        let mut next = 0;
        while let Some(&place) = above.get(next) {
            next += 1;
            numbers.extend(self.named.get(&place).into_iter().flatten());
            let subject = self.subjects.get(&place);
            above.extend(self.parents[place].iter().chain(subject).filter(|parent| seen.insert(**parent)));
        }
        let is_own = |number: &usize| self.subject(&self.roots[*number]).is_none();
        if numbers.iter().any(is_own) {
            numbers.retain(is_own);
        }
        numbers.sort_unstable();
        numbers.into_iter().map(|number| self.roots[number].label()).collect()
    }

    /// The same for several pieces of content. Where that would be more names than anyone reads,
    /// the later pieces get one name each.
    pub fn images_with_each<'a>(&self, content: impl IntoIterator<Item = &'a Digest>) -> Vec<Vec<String>> {
        let mut given = 0;
        let names = |digest| {
            let few = given < MOST_NAMES;
            let names = if few { self.images_with(digest) } else { self.image_with(digest).into_iter().collect() };
            given += names.len();
            names
        };
        content.into_iter().map(names).collect()
    }

    /// One of the images that this content is part of: the way up along first parents ends at one.
    fn image_with(&self, digest: &Digest) -> Option<String> {
        let mut place = *self.places.get(digest)?;
        let mut label = None;
        // No way up is longer, unless digests were not checked.
        for _ in 0..self.nodes.len() {
            let number = self.named.get(&place).and_then(|numbers| numbers.first());
            label = number.map(|number| self.roots[*number].label()).or(label);
            place = match self.subjects.get(&place).or_else(|| self.parents[place].first()) {
                Some(up) if number.is_none() || self.subjects.contains_key(&place) => *up,
                _ => break,
            };
        }
        label
    }

    /// Everything that is not a manifest, in file order.
    pub fn blobs(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|n| n.manifest.is_none() && n.role != Role::Manifest)
    }
}
