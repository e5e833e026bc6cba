//! What a delta rests on: earlier bundles, layouts, and inventories, each as far as it is believed.
//!
//! Of a file, manifests are hashed and other content counts in its full length; of an inventory, its word.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::opened::Opened;
use crate::archive::{Bundle, InventoryJson, MAX_INVENTORY, Spooling, Whereabouts};
use crate::error::{Error, NextStep, Result};
use crate::oci::{Descriptor, Digest, Host, MediaType, Reference, Repository, has_mark};
use crate::plan::Naming;
use crate::store::{Contents, Node, Reason, Watch};

/// A file begins with this if it is a JSON document; white space before it is allowed.
const DOCUMENT: u8 = b'{';

/// All bases together.
#[derive(Default)]
pub(super) struct Bases {
    /// By digest and length, where it is.
    held: BTreeMap<(Digest, u64), Whereabouts>,
    /// How repositories are called at the registries that inventories were made of.
    targets: BTreeSet<String>,
    /// Those that are files, as far as they are kept.
    files: Vec<Opened>,
    /// By the names of images in inventories, their digests.
    listed: BTreeMap<String, Digest>,
    /// Old layers are taken from them.
    keeps: bool,
}

impl Bases {
    /// Opens each of them. They are kept where old layers are to be taken from them.
    ///
    /// # Errors
    /// One cannot be read, or is not sound.
    pub(super) fn open(paths: &[PathBuf], keeps: bool, max_manifests: u64, watch: &dyn Watch) -> Result<Self> {
        let mut bases = Self { keeps, ..Self::default() };
        for path in paths {
            match inventory_at(path)? {
                Some(inventory) => bases.believe(inventory),
                None => bases.look_into(path, max_manifests, watch)?,
            }
        }
        Ok(bases)
    }

    fn believe(&mut self, inventory: InventoryJson) {
        let InventoryJson { held, target, images, .. } = inventory;
        self.listed.extend(images);
        self.targets.extend(target);
        for (digest, (size, whereabouts)) in held {
            self.add((digest, size), whereabouts);
        }
    }

    /// Takes what a bundle, or a layout of another tool, holds of its images.
    fn look_into(&mut self, path: &Path, max_manifests: u64, watch: &dyn Watch) -> Result<()> {
        let spooling = Spooling { tmpdir: None, most: None, watch };
        let advised = |e: Error| {
            let is_damaged = e.kind() == crate::error::Kind::Content;
            let e = e.at("--base");
            if is_damaged { e.or_else_do(NextStep::TakeInventory { path: path.to_owned() }) } else { e }
        };
        let bundle = Bundle::open(path, spooling).map_err(advised)?;
        let mut opened = Opened::new(vec![bundle], None, 1, max_manifests, watch).map_err(advised)?;
        opened.check().map_err(advised)?;
        for (digest, size, whereabouts) in whereabouts(&opened.contents) {
            self.add((digest, size), whereabouts);
        }
        self.files.extend(self.keeps.then_some(opened));
        Ok(())
    }

    /// Those that are files.
    pub(super) fn files(&self) -> impl Iterator<Item = &Opened> {
        self.files.iter()
    }

    /// One of those.
    pub(super) fn file(&self, number: usize) -> Option<&Opened> {
        self.files.get(number)
    }

    /// The images of a repository that inventories list, the last by name first, as Descriptors without a type.
    pub(super) fn listed(&self, repository: &Repository) -> Vec<(String, Descriptor)> {
        let names = self.names_of(repository).unwrap_or_default();
        let of = |(name, digest): (&String, &Digest)| {
            let reference: Reference = name.parse().ok()?;
            let size = self.held.range((digest.clone(), 0)..=(digest.clone(), u64::MAX)).next()?.0.1;
            let media_type = MediaType::OCI_MANIFEST.into();
            let descriptor = Descriptor::new(media_type, digest.clone(), size);
            names.contains(&reference.repository).then(|| (name.clone(), descriptor))
        };
        self.listed.iter().rev().filter_map(of).collect()
    }

    /// Whether some content is believed to be where images of this repository go.
    pub(super) fn has(&self, repository: &Repository, descriptor: &Descriptor) -> bool {
        match self.held.get(&(descriptor.digest.clone(), descriptor.size)) {
            Some(Whereabouts::Anywhere) => true,
            Some(Whereabouts::In(known)) => {
                let names = self.names_of(repository).unwrap_or_default();
                names.iter().any(|name| known.contains(name))
            }
            None => false,
        }
    }

    fn add(&mut self, content: (Digest, u64), more: Whereabouts) {
        use Whereabouts::{Anywhere, In};
        match (self.held.entry(content), more) {
            (Entry::Vacant(place), more) => {
                place.insert(more);
            }
            (Entry::Occupied(mut known), more) => match (known.get_mut(), more) {
                (Anywhere, _) => {}
                (In(known), In(more)) if *known == more => {}
                (In(known), In(more)) => Arc::make_mut(known).extend(more.iter().cloned()),
                (known, Anywhere) => *known = Anywhere,
            },
        }
    }

    /// Leaves out what they have wherever these contents need it.
    ///
    /// # Errors
    /// A target in an inventory under which a repository would have no name.
    pub(super) fn relieve(&self, contents: &mut Contents) -> Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        let mut needed: HashSet<Digest> = HashSet::new();
        let mut found: HashSet<Digest> = HashSet::new();
        for (repository, inside) in contents.by_repository() {
            let names = self.names_of(repository)?;
            for digest in inside {
                let Some(node) = contents.node(digest).filter(|node| !node.is_manifest()) else { continue };
                let is_there = match self.held.get(&(digest.clone(), node.descriptor.size)) {
                    Some(Whereabouts::Anywhere) => true,
                    Some(Whereabouts::In(known)) => names.iter().any(|name| known.contains(name)),
                    None => false,
                };
                if is_there {
                    found.insert(digest.clone())
                } else {
                    needed.insert(digest.clone())
                };
            }
        }
        let is_theirs = |node: &Node| {
            let digest = &node.descriptor.digest;
            node.is_carried() && found.contains(digest) && !needed.contains(digest)
        };
        contents.leave_out(Reason::Base, is_theirs);
        Ok(())
    }

    /// What a repository is called here and at the registries that inventories were made of.
    fn names_of(&self, repository: &Repository) -> Result<Vec<Repository>> {
        let mut names = vec![repository.clone()];
        for target in &self.targets {
            let (host, namespace) = target.split_once('/').unwrap_or((target, ""));
            let host: Host = host.parse()?;
            // Where nobody says what is in front, imports put `library` there.
            let namespaces = if namespace.is_empty() { vec!["", "library"] } else { vec![namespace] };
            let named = |namespace| Naming::new(host.clone(), namespace, Vec::new()).repository(repository).ok();
            names.extend(namespaces.into_iter().filter_map(named));
        }
        Ok(names)
    }
}

/// What some contents hold, with its length, and where: by the names of the images that have it.
pub(super) fn whereabouts(contents: &Contents) -> Vec<(Digest, u64, Whereabouts)> {
    let mut places: BTreeMap<&Digest, BTreeSet<Repository>> = BTreeMap::new();
    for (repository, inside) in contents.by_repository() {
        for digest in inside {
            places.entry(digest).or_default().insert(repository.clone());
        }
    }
    // A layout of another tool may not say what its images are called.
    let nameless = contents.images().filter(|root| root.name.full().is_none()).map(|root| &root.digest);
    let anywhere = contents.digests_below(nameless);
    // What belongs to no image goes nowhere.
    let held = contents.nodes.iter().filter(|node| node.is_carried());
    let mut sets: HashSet<Arc<BTreeSet<Repository>>> = HashSet::new();
    let line = |node: &Node| {
        let digest = &node.descriptor.digest;
        let whereabouts = match places.get(digest) {
            _ if anywhere.contains(digest) => Whereabouts::Anywhere,
            Some(repositories) => Whereabouts::In(match sets.get(repositories) {
                Some(known) => known.clone(),
                None => {
                    let new = Arc::new(repositories.clone());
                    sets.insert(new.clone());
                    new
                }
            }),
            None => return None,
        };
        Some((digest.clone(), node.descriptor.size, whereabouts))
    };
    held.filter_map(line).collect()
}

/// The inventory in this file, if it is a JSON document.
///
/// # Errors
/// It is one and no inventory, or cannot be read.
pub(super) fn inventory_at(path: &Path) -> Result<Option<InventoryJson>> {
    let kind = path.metadata().map_err(Error::typed("open", path))?;
    if !kind.is_file() {
        return Ok(None);
    }
    let file = File::open(path).map_err(Error::disk("open", path))?;
    let mut bytes = Vec::new();
    // No tar begins with such a mark, and nothing that one is packed in.
    let mut mark = [0; 3];
    let is_marked = file.read_at(&mut mark, 0).map(|got| has_mark(&mark[..got]));
    let is_marked = is_marked.map_err(Error::disk("read", path))?;
    let mut start = file.take(MAX_INVENTORY + 1);
    if is_marked {
        start.read_to_end(&mut bytes).map_err(Error::disk("read", path))?;
        let read = InventoryJson::parse(&bytes).map(Some);
        return read.map_err(|e| e.at(path.display()).advised([NextStep::SaveWithoutMark]));
    }
    let mut first = [0; 1];
    loop {
        match start.read(&mut first).map_err(Error::disk("read", path))? {
            0 => return Ok(None),
            _ if first[0].is_ascii_whitespace() && bytes.len() < 64 => bytes.push(first[0]),
            _ if first[0] == DOCUMENT => break,
            _ => return Ok(None),
        }
    }
    bytes.push(DOCUMENT);
    start.read_to_end(&mut bytes).map_err(Error::disk("read", path))?;
    InventoryJson::parse(&bytes).map(Some).map_err(|e| e.at(path.display()))
}
