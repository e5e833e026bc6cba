//! Which images are to be had under which names.
//!
//! A name is the source's own with its host in front, the one that an import gives, or both. A node that uses a mirror
//! says besides which registry it means (`?ns=HOST`, as containerd does): then only what comes from there answers.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::error::Result;
use crate::oci::{Digest, Host, Manifest, Reference, Repository};
use crate::plan::{Naming, assign};
use crate::store::Contents;

/// Under which names images are served.
#[derive(Clone, Debug)]
pub(super) struct Names {
    /// Under those of the source, with its host.
    pub(super) source: bool,
    /// Under those that an import with these rules gives.
    pub(super) import: Option<Naming>,
}

/// One repository as it is served.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    tags: BTreeMap<String, Digest>,
    holds: HashSet<Digest>,
    /// Images that are in it already, with all that belongs to them.
    whole: HashSet<Digest>,
}

impl Shelf {
    /// What a tag stands for.
    pub(super) fn tag(&self, tag: &str) -> Option<&Digest> {
        self.tags.get(tag)
    }

    /// All tags, in order.
    pub(super) fn tags(&self) -> impl Iterator<Item = &str> {
        self.tags.keys().map(String::as_str)
    }

    /// Whether some content belongs to an image of this repository.
    pub(super) fn holds(&self, digest: &Digest) -> bool {
        self.holds.contains(digest)
    }

    fn add(&mut self, contents: &Contents, name: &Reference, digest: &Digest) {
        if let Some(tag) = &name.tag {
            self.tags.insert(tag.to_string(), digest.clone());
        }
        if !self.whole.insert(digest.clone()) {
            return;
        }
        let referrers = contents.referrer_digests(digest);
        for root in std::iter::once(digest).chain(&referrers) {
            self.holds.extend(contents.closure(root).into_iter().map(|node| node.descriptor.digest.clone()));
        }
    }
}

/// By the registry that is meant, where somebody says which, and by the path.
type Shelves = HashMap<(Option<Host>, String), Shelf>;

/// All repositories.
#[derive(Debug)]
pub(super) struct Catalogue {
    /// By the names that are given out.
    named: Shelves,
    /// By the source's host and the path there.
    sources: Shelves,
    /// The names that are given out, in order.
    names: Vec<String>,
    /// By subject, what refers to it.
    referrers: HashMap<Digest, Vec<Digest>>,
    /// Each image, and the names that it is given out under.
    images: Vec<(Reference, Digest, Vec<String>)>,
}

impl Catalogue {
    /// Sorts these images by the names that they are served under.
    ///
    /// # Errors
    /// Two images for one name.
    pub(super) fn new(contents: &Contents, images: Vec<(Reference, Digest)>, rules: &Names) -> Result<Self> {
        let (mut named, mut sources) = (Shelves::new(), Shelves::new());
        let mut own: BTreeMap<&Host, Vec<(Reference, Digest)>> = BTreeMap::new();
        for (name, digest) in &images {
            own.entry(name.repository.host()).or_default().push((name.clone(), digest.clone()));
        }
        // The rule of an import, with nothing in front and each source by itself: a name is that of one image.
        for (host, images) in own {
            assign(images, &Naming::new(host.clone(), "", Vec::new()))?;
        }
        let mut listed = Vec::new();
        let targets = rules.import.as_ref().map(|naming| assign(images.iter().cloned(), naming)).transpose()?;
        let targets: HashMap<&Reference, &Repository> =
            targets.iter().flatten().map(|a| (&a.name, &a.target.repository)).collect();
        for (name, digest) in &images {
            let host = name.repository.host();
            let mut paths: Vec<String> = Vec::new();
            paths.extend(with_host(&name.repository).filter(|_| rules.source));
            if let Some(naming) = &rules.import {
                // Of two names for one place and one content, the first has an assignment.
                let target = targets.get(name).map(|target| Ok((*target).clone()));
                paths.push(target.unwrap_or_else(|| naming.target(name).map(|t| t.repository))?.path().to_owned());
            }
            for path in &paths {
                for meant in [None, Some(host.clone())] {
                    named.entry((meant, path.clone())).or_default().add(contents, name, digest);
                }
            }
            let path = name.repository.path().to_owned();
            sources.entry((Some(host.clone()), path)).or_default().add(contents, name, digest);
            listed.push((name.clone(), digest.clone(), paths));
        }
        let mut names: Vec<String> =
            named.keys().filter(|(meant, _)| meant.is_none()).map(|(_, path)| path.clone()).collect();
        names.sort();
        let mut referrers: HashMap<Digest, Vec<Digest>> = HashMap::new();
        for (_, manifest) in contents.manifests() {
            if let Some(subject) = manifest.subject() {
                referrers.entry(subject.digest.clone()).or_default().push(manifest.digest().clone());
            }
        }
        referrers.values_mut().for_each(|list| list.sort());
        Ok(Self { named, sources, names, referrers, images: listed })
    }

    /// The repository of this path; `meant` is the registry that whoever asks has in mind.
    pub(super) fn shelf(&self, path: &str, meant: Option<&Host>) -> Option<&Shelf> {
        let key = (meant.cloned(), path.to_owned());
        if let Some(shelf) = self.named.get(&key) {
            return Some(shelf);
        }
        // As it stands in a name of an image, with the colon of a port, which no path has.
        if path.contains(':') {
            return self.named.get(&(key.0, path.replacen(':', PORT, 1)));
        }
        meant.and_then(|_| self.sources.get(&key))
    }

    /// The names of all repositories, in order.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// Each image, and the repositories that it is given out in.
    pub(super) fn images(&self) -> &[(Reference, Digest, Vec<String>)] {
        &self.images
    }

    /// What of a repository refers to this, by digest.
    pub(super) fn referrers<'a>(
        &'a self,
        contents: &'a Contents,
        shelf: &'a Shelf,
        subject: &Digest,
    ) -> impl Iterator<Item = &'a Manifest> {
        let all = self.referrers.get(subject).into_iter().flatten().filter(|digest| shelf.holds(digest));
        all.filter_map(|digest| contents.node(digest)?.manifest.as_ref())
    }
}

/// Stands for the colon before a port, as in the directories of containerd.
const PORT: &str = "_";

/// A source's name as a path: what a repository of ours may be called. An IPv6 address cannot be part of one.
fn with_host(repository: &Repository) -> Option<String> {
    let path = format!("{}/{}", repository.host().as_str().replacen(':', PORT, 1), repository.path());
    Repository::new(repository.host().clone(), &path).ok().map(|_| path)
}
