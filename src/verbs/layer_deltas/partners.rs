//! Which old layer a new one is most likely like: of the same image and platform the one in the same place, else one
//! of about its length. A guess costs time and nothing else: what is made of it is measured.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::partner::Partner;
use crate::oci::{Descriptor, Digest, Manifest, Reference, Repository, Role};
use crate::registry::Registries;
use crate::store::{Contents, Node, Place, Root, Source, Watch};
use crate::verbs::bases::Bases;

/// As many old layers are tried for a new one.
const MOST_TRIES: usize = 2;
/// As many old images are looked at for a new one.
const MOST_IMAGES: usize = 4;

/// Where in which images a new layer is.
pub(super) struct Partners<'a> {
    bases: &'a Bases,
    of: HashMap<Digest, Vec<Partner>>,
    watch: &'a dyn Watch,
}

/// The layers of one platform of an image, front to back.
struct Layers<'a> {
    /// Where it runs, as the index says; nothing for an image that is in none.
    platform: Option<String>,
    layers: Vec<&'a Descriptor>,
}

/// An image that a base has.
struct Old {
    name: String,
    /// Which of the bases that are files has it.
    base: Option<usize>,
    manifests: Vec<Manifest>,
    place: Place,
}

impl<'a> Partners<'a> {
    /// Looks at all images.
    pub(super) fn new(bases: &'a Bases, registries: &Registries, contents: &Contents, watch: &'a dyn Watch) -> Self {
        let mut partners = Self { bases, of: HashMap::new(), watch };
        let mut repositories: BTreeMap<Repository, Vec<&Root>> = BTreeMap::new();
        for root in contents.images() {
            if let Some(name) = root.name.full() {
                repositories.entry(name.repository.clone()).or_default().push(root);
            }
        }
        for (repository, roots) in &repositories {
            let Some(place) = roots.iter().find_map(|root| contents.node(&root.digest)?.places.first()) else {
                continue;
            };
            let olds = partners.olds(repository, *place, registries);
            for root in roots {
                partners.look_at(repository, root, contents, &olds);
            }
        }
        partners
    }

    /// The partners of a layer, best first.
    pub(super) fn of(&self, node: &Node) -> Vec<Partner> {
        self.of.get(&node.descriptor.digest).cloned().unwrap_or_default()
    }

    /// What the bases have of a repository; manifests that no file has come from the registry, as far as it still has
    /// them.
    fn olds(&self, repository: &Repository, place: Place, registries: &Registries) -> Vec<Old> {
        let mut olds = Vec::new();
        for (number, opened) in self.bases.files().enumerate() {
            for root in opened.contents.images() {
                let Some(name) = root.name.full().filter(|name| name.repository == *repository) else { continue };
                let below = opened.contents.closure(&root.digest);
                let manifests = below.into_iter().filter_map(|node| node.manifest.clone()).collect();
                olds.push(Old { name: name.name(), base: Some(number), manifests, place });
            }
        }
        for (name, descriptor) in self.bases.listed(repository) {
            if olds.len() >= MOST_IMAGES || self.watch.stopped().is_some() {
                break;
            }
            let Ok(manifest) = registries.manifest(place, &descriptor) else { continue };
            let below = manifest.successors().filter(|successor| successor.role == Role::Manifest);
            let below = below.filter_map(|successor| registries.manifest(place, successor.descriptor).ok());
            let manifests: Vec<Manifest> = below.collect();
            olds.push(Old { name, base: None, manifests: std::iter::once(manifest).chain(manifests).collect(), place });
        }
        olds
    }

    fn look_at(&mut self, repository: &Repository, root: &Root, contents: &Contents, olds: &[Old]) {
        let own: Vec<&Manifest> =
            contents.closure(&root.digest).into_iter().filter_map(|node| node.manifest.as_ref()).collect();
        let name = root.name.full().map(Reference::name).unwrap_or_default();
        // The same name first, then what comes last by name: most likely the latest.
        let mut olds: Vec<&Old> = olds.iter().collect();
        olds.sort_by(|one, other| (one.name != name).cmp(&(other.name != name)).then(other.name.cmp(&one.name)));
        olds.truncate(MOST_IMAGES);
        for new in layers(&own) {
            let here: HashSet<&Digest> = new.layers.iter().map(|layer| &layer.digest).collect();
            for (at, layer) in new.layers.iter().enumerate() {
                let mut tries: Vec<Partner> = Vec::new();
                for old in &olds {
                    let manifests: Vec<&Manifest> = old.manifests.iter().collect();
                    let same = |layers: &Layers<'_>| {
                        layers.platform.is_none() || new.platform.is_none() || layers.platform == new.platform
                    };
                    for before in layers(&manifests).iter().filter(|layers| same(layers)) {
                        let may_be = |descriptor: &&Descriptor| !here.contains(&descriptor.digest);
                        let partner = |descriptor: &Descriptor| self.partner(repository, old, descriptor);
                        let ordered = in_order(&before.layers, (at, new.layers.len()), layer.size);
                        tries.extend(ordered.into_iter().filter(may_be).filter_map(partner));
                    }
                }
                let known = self.of.entry(layer.digest.clone()).or_default();
                for one in tries {
                    let is_known = known.iter().any(|other| other.old.digest == one.old.digest);
                    if known.len() < MOST_TRIES && !is_known {
                        known.push(one);
                    }
                }
            }
        }
    }

    /// An old layer, if the base is believed to have it where the new one goes, and its bytes can be had.
    fn partner(&self, repository: &Repository, old: &Old, descriptor: &Descriptor) -> Option<Partner> {
        let is_gzip = descriptor.media_type.as_str().contains("gzip") && descriptor.urls.is_empty();
        if !is_gzip || !self.bases.has(repository, descriptor) {
            return None;
        }
        let place = match old.base {
            Some(number) => *self.bases.file(number)?.bundles.holding(descriptor).first()?,
            None => old.place,
        };
        Some(Partner { old: descriptor.clone(), base: old.base, place })
    }
}

/// The layers of each platform of an image; of these manifests the first leads to the others.
fn layers<'a>(manifests: &[&'a Manifest]) -> Vec<Layers<'a>> {
    let named = manifests.iter().flat_map(|manifest| manifest.successors());
    let platforms: HashMap<&Digest, String> = named
        .filter_map(|successor| {
            Some((&successor.descriptor.digest, successor.descriptor.platform.as_ref()?.to_string()))
        })
        .collect();
    let images = manifests.iter().filter(|manifest| manifest.is_image() && !manifest.media_type().is_index());
    let of = |manifest: &&'a Manifest| {
        let layers = manifest.successors().filter(|successor| successor.role == Role::Layer);
        let layers = layers.map(|successor| successor.descriptor).collect();
        Layers { platform: platforms.get(manifest.digest()).cloned(), layers }
    };
    images.map(of).collect()
}

/// The layer in the same place, counted from the front and from the end; then the others, of nearly the same length
/// first.
fn in_order<'a>(olds: &[&'a Descriptor], (at, of): (usize, usize), size: u64) -> Vec<&'a Descriptor> {
    let from_end = (olds.len() + at).checked_sub(of);
    let placed = [Some(at), from_end].into_iter().flatten().filter_map(|at| olds.get(at).copied());
    let mut placed: Vec<&Descriptor> = placed.collect();
    let mut others: Vec<&Descriptor> = olds.to_vec();
    others.sort_by_key(|old| (old.size.abs_diff(size), old.digest.clone()));
    placed.extend(others);
    placed
}
