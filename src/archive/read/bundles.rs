//! `Bundles`: several bundles read as one. Content is found by digest in each of them that has it, so
//! that what is damaged in one is taken from the next.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;

use super::bundle::{Bundle, placed};
use super::cut_blobs::Joined;
use super::rebuilding::Rebuilding;
use crate::error::{Error, Result};
use crate::oci::{Descriptor, Digest, Manifest};
use crate::store::{Place, Reason, Source};

/// Open bundles that are used together.
#[derive(Debug)]
pub(crate) struct Bundles {
    pub(super) list: Vec<Bundle>,
    /// Cut blobs whose parts are all here; their places come after those of the bundles.
    pub(super) joined: Vec<Joined>,
    /// Where in that list a blob is.
    pub(super) joined_at: HashMap<Digest, Vec<usize>>,
    /// The volume that is brought, where others are left to somebody else.
    pub(super) sends: Option<u32>,
    /// Layers that are put together from an older one; their places come last.
    pub(super) rebuilding: Rebuilding,
}

impl Bundles {
    /// These, in this order.
    pub(crate) fn new(bundles: Vec<Bundle>) -> Self {
        let mut all: Vec<(Digest, Vec<Joined>)> = Joined::all(&bundles).into_iter().collect();
        all.sort_by(|one, other| one.0.cmp(&other.0));
        let (mut joined, mut joined_at) = (Vec::new(), HashMap::new());
        for (digest, variants) in all {
            joined_at.insert(digest, (joined.len()..joined.len() + variants.len()).collect());
            joined.extend(variants);
        }
        let rebuilding = Rebuilding::default();
        Self { list: bundles, joined, joined_at, sends: None, rebuilding }
    }

    /// Each of them, to be used otherwise.
    pub(crate) fn into_inner(self) -> Vec<Bundle> {
        self.list
    }

    /// Each of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Bundle> {
        self.list.iter()
    }

    /// The only one, where there is one.
    pub(crate) fn only(&self) -> Option<&Bundle> {
        self.list.first().filter(|_| self.list.len() == 1)
    }

    /// What their lists for Docker name: by the names of images, manifests. Of two for one name the first counts.
    pub(crate) fn docker(&self) -> BTreeMap<String, Digest> {
        let lists = self.list.iter().rev().filter_map(Bundle::bundle_json).flat_map(|about| &about.docker);
        lists.map(|(name, digest)| (name.clone(), digest.clone())).collect()
    }

    /// All those that hold some content in its full length.
    pub(crate) fn holding(&self, descriptor: &Descriptor) -> Vec<Place> {
        let holding = self.list.iter().enumerate().filter(|(_, bundle)| bundle.holds(descriptor));
        let joined = self.joined_at.get(&descriptor.digest).into_iter().flatten();
        let joined = joined.filter(|at| self.joined[**at].bytes() == descriptor.size).map(|at| at + self.list.len());
        holding.map(|(number, _)| number).chain(joined).map(Place::new).collect()
    }

    /// The paths of all, for messages.
    pub(crate) fn label(&self) -> String {
        self.list.iter().map(|b| b.path().display().to_string()).collect::<Vec<_>>().join(", ")
    }

    /// What is wrong with content that none of them holds.
    pub(crate) fn lack(&self, descriptor: &Descriptor) -> Error {
        let with_a_piece = self.list.iter().find(|bundle| bundle.size_of(&descriptor.digest).is_some());
        if let Some((set, number)) = self.absent_volumes(&descriptor.digest).first() {
            return Error::content(format!("{} is in {}", descriptor.digest, self.volume_file(*set, *number)));
        }
        match (with_a_piece, self.only()) {
            (Some(bundle), _) | (None, Some(bundle)) => placed(bundle.lack(descriptor), bundle.path()),
            (None, None) => Error::content(format!("{} is in none of the bundles", descriptor.digest)).at(self.label()),
        }
    }

    pub(super) fn at(&self, place: Place) -> Result<&Bundle> {
        // Nobody else gives out places of ours.
        self.list.get(place.number()).ok_or_else(|| Error::content("no such bundle"))
    }

    pub(super) fn joined(&self, place: Place) -> Option<&Joined> {
        self.joined.get(place.number().checked_sub(self.list.len())?)
    }
}

impl Source for Bundles {
    fn places(&self, descriptor: &Descriptor, _: Place) -> Vec<Place> {
        self.holding(descriptor)
    }

    fn name(&self, place: Place, _: &Digest) -> String {
        match (self.at(place), self.joined(place)) {
            (_, Some(joined)) => self.parts_of(joined),
            (Ok(bundle), None) => bundle.path().display().to_string(),
            (Err(_), None) => {
                self.rebuilt_in(place).map_or_else(|| self.label(), |bundle| bundle.path().display().to_string())
            }
        }
    }

    fn blame(&self, place: Place, _: &Digest, error: Error) -> Error {
        match (self.at(place), self.joined(place)) {
            (_, Some(joined)) => error.at(self.parts_of(joined)),
            (Ok(bundle), None) => placed(error, bundle.path()),
            (Err(_), None) => match self.rebuilt_in(place) {
                Some(bundle) => placed(error, bundle.path()),
                None => error,
            },
        }
    }

    fn manifest(&self, at: Place, descriptor: &Descriptor) -> Result<Manifest> {
        self.at(at)?.manifest(descriptor)
    }

    fn has_blob(&self, at: Place, descriptor: &Descriptor) -> Result<bool> {
        match self.joined(at) {
            Some(joined) => Ok(joined.bytes() == descriptor.size),
            None if self.has_rebuilt(at, descriptor) => Ok(true),
            None => Ok(self.at(at)?.holds(descriptor)),
        }
    }

    fn leaves_out(&self, digest: &Digest) -> Option<Reason> {
        self.list.iter().find_map(|bundle| bundle.bundle_json()?.reason(digest))
    }

    fn open(&self, at: Place, descriptor: &Descriptor, offset: u64) -> Result<Box<dyn Read + Send + '_>> {
        match self.joined(at) {
            Some(joined) => Ok(Box::new(joined.open(&self.list, &descriptor.digest, offset))),
            None => match self.open_rebuilt(at)? {
                Some(rebuilt) => Ok(Box::new(rebuilt.skip(offset))),
                None => Ok(Box::new(self.at(at)?.content(descriptor)?.skip(offset))),
            },
        }
    }
}
