//! From roots to the whole closure: every node once, parents before children, with sizes.
//!
//! Level by level, the manifests of a level side by side; what comes out depends on the content
//! alone, never on which answer came first.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::error::{Error, Result};
use crate::oci::{Descriptor, Digest, Manifest, Repository, Role};
use crate::store::{Contents, Node, Root, Source, Watch, side_by_side};

/// More levels than any image has (design limit; an image has two or three).
const MAX_DEPTH: usize = 16;
/// More content than any bundle has, few enough to hold.
const MAX_NODES: usize = 1_000_000;
/// More bytes than any drive holds, an exbibyte: what adds up sizes stays a number.
const MAX_BYTES: u64 = 1 << 60;

/// A root whose own manifest is known.
#[derive(Clone, Debug)]
pub struct Found {
    /// The image's name, if it has one.
    pub name: Option<String>,
    /// Where it was found.
    pub repository: Repository,
    /// What was found.
    pub manifest: Manifest,
}

/// Content that could not be had, and whom that concerns.
#[derive(Debug)]
pub struct Failure {
    /// Which content.
    pub digest: Digest,
    /// The names of the images that need it.
    pub images: Vec<String>,
    /// Why.
    pub error: Error,
}

/// Walks everything below the roots.
///
/// What is found of images that are not whole is part of the contents all the same.
///
/// # Errors
/// When two documents contradict each other about one digest, or the graph is absurd.
pub fn walk(
    source: &dyn Source,
    mut roots: Vec<Found>,
    jobs: usize,
    watch: &dyn Watch,
) -> Result<(Contents, Vec<Failure>)> {
    // The order of `index.json`: containerd 1.6 stops unpacking at the first named artifact.
    roots.sort_by_cached_key(|r| {
        (r.name.is_none(), !r.manifest.is_image(), r.name.clone(), r.manifest.digest().clone())
    });
    let mut walk = Walk::default();
    let mut level = Vec::new();
    let named: Vec<_> =
        roots.iter().map(|r| Root { name: r.name.clone(), digest: r.manifest.digest().clone() }).collect();
    for Found { repository, manifest, .. } in roots {
        let descriptor = manifest.descriptor();
        if let Some(place) = walk.note(&descriptor, Role::Manifest, &repository)? {
            walk.nodes[place].manifest = Some(manifest);
            level.push(place);
        }
    }
    for _ in 0..MAX_DEPTH {
        let wanted = walk.children(&level)?;
        if wanted.is_empty() {
            return Ok(walk.finish(named));
        }
        let fetched = side_by_side(wanted, jobs, |(place, node)| {
            let answer = if watch.stopped().is_some() { Ok(Answer::Blob) } else { ask(source, &node) };
            (place, answer)
        });
        if let Some(signal) = watch.stopped() {
            return Err(Error::Interrupted { signal });
        }
        level.clear();
        for (place, answer) in fetched {
            match answer {
                Ok(Answer::Manifest(manifest)) => {
                    walk.nodes[place].manifest = Some(*manifest);
                    level.push(place);
                }
                Ok(Answer::Blob) => {}
                Ok(Answer::Absent) => {
                    walk.absent.insert(place);
                }
                Err(error) => {
                    walk.failed.insert(place, error);
                }
            }
        }
    }
    let deepest = level.first().map(|place| walk.nodes[*place].descriptor.digest.clone());
    let (contents, _) = walk.finish(named);
    let images = deepest.map(|digest| contents.images_with(&digest)).unwrap_or_default();
    Err(Error::content(format!("indexes are nested more than {MAX_DEPTH} deep")).at(images.join(", ")))
}

#[derive(Default)]
struct Walk {
    nodes: Vec<Node>,
    places: HashMap<Digest, usize>,
    failed: BTreeMap<usize, Error>,
    absent: HashSet<usize>,
    bytes: u64,
}

enum Answer {
    Absent,
    Blob,
    Manifest(Box<Manifest>),
}

impl Walk {
    /// Takes note of a use of some content; `Some` if that makes it something new to look at.
    fn note(&mut self, descriptor: &Descriptor, role: Role, repository: &Repository) -> Result<Option<usize>> {
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
        }
        if role >= node.role {
            return Ok(None);
        }
        // Used as a layer first and now as a manifest: worth another look.
        node.role = role;
        node.descriptor = descriptor.clone();
        Ok(Some(place))
    }

    /// The new nodes below these, as far as somebody has to be asked about them.
    fn children(&mut self, level: &[usize]) -> Result<Vec<(usize, Node)>> {
        let mut wanted = Vec::new();
        for &parent in level {
            let Some(manifest) = self.nodes[parent].manifest.clone() else { continue };
            let repositories = self.nodes[parent].repositories.clone();
            for successor in manifest.successors() {
                for repository in &repositories {
                    let place = self
                        .note(successor.descriptor, successor.role, repository)
                        .map_err(|e| e.at(manifest.digest()))?;
                    let asks = successor.role <= Role::Unknown || !successor.descriptor.urls.is_empty();
                    wanted.extend(place.filter(|_| asks));
                }
            }
        }
        Ok(wanted.into_iter().map(|place| (place, self.nodes[place].clone())).collect())
    }

    fn finish(self, roots: Vec<Root>) -> (Contents, Vec<Failure>) {
        let Self { nodes, mut failed, absent, .. } = self;
        let mut whole = Vec::with_capacity(nodes.len());
        let mut left_out = Vec::new();
        let mut failures = Vec::new();
        for (place, node) in nodes.into_iter().enumerate() {
            if let Some(error) = failed.remove(&place) {
                failures.push((node.descriptor.digest.clone(), error));
            }
            if absent.contains(&place) { left_out.push(node.descriptor) } else { whole.push(node) }
        }
        let contents = Contents::new(whole, roots, left_out);
        let images = contents.images_with_each(failures.iter().map(|(digest, _)| digest));
        let failures = failures.into_iter().zip(images);
        let failures = failures.map(|((digest, error), images)| Failure { digest, images, error }).collect();
        (contents, failures)
    }
}

/// Asks for a manifest in every repository it is known to be in, until one has it.
fn ask(source: &dyn Source, node: &Node) -> Result<Answer> {
    let mut last = None;
    for repository in &node.repositories {
        match ask_at(source, repository, node) {
            Ok(answer) => return Ok(answer),
            Err(e) => last = Some(e.at(format!("{repository}@{}", node.descriptor.digest))),
        }
    }
    Err(last.unwrap_or_else(|| Error::content(format!("{} is nowhere", node.descriptor.digest))))
}

fn ask_at(source: &dyn Source, repository: &Repository, node: &Node) -> Result<Answer> {
    let descriptor = &node.descriptor;
    let manifest = || source.manifest(repository, descriptor).map(|m| Answer::Manifest(Box::new(m)));
    match node.role {
        Role::Manifest => manifest(),
        Role::Unknown if source.has_blob(repository, descriptor)? => Ok(Answer::Blob),
        Role::Unknown => manifest(),
        // A non-distributable layer: it may be missing, and travels where the registry has it.
        _ if source.has_blob(repository, descriptor)? => Ok(Answer::Blob),
        _ => Ok(Answer::Absent),
    }
}
