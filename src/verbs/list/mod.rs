//! `list`: what a bundle holds, from its headers and manifests alone, so any size opens at once.

mod listed;
mod platforms;
mod sizes;

use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread::available_parallelism;

pub(super) use listed::Unlisted;
pub use listed::{
    Absent, ContentReport, Listed, ListedImage, ListedPiece, ListedPlatform, OtherPlatform, VolumeHere, VolumeMissing,
    VolumesReport,
};
use platforms::{Platforms, others};
use sizes::{Uses, absent, sum};

use super::opened::{Input, Opened, reads_bundles};
use super::report::{DamagedEntry, DeltaReport, LeftOut, ReferrerReport};
use crate::archive::{Bundle, Bundles, Expectation};
use crate::error::{Error, Result};
use crate::oci::{Digest, Reference};
use crate::store::{Node, Presence, Root, RootName, Watch};

/// What to list.
#[derive(Clone, Debug)]
pub struct List {
    input: Input,
}

impl List {
    /// These bundles: tars, gzips of them, layout directories, or `-` for standard input.
    pub fn new(bundles: impl IntoIterator<Item = PathBuf>) -> Self {
        Self { input: Input::new(bundles) }
    }

    reads_bundles!();

    /// Lists, one bundle after the other; volumes of one bundle are listed as that. What is wrong with one does not
    /// hide the others.
    pub fn run(self, watch: &dyn Watch) -> Vec<Result<Listed>> {
        let opened = self.input.open(watch);
        // Images that are pinned may be in any of them; where one is in none, nothing is as expected.
        if let Err(e) = self.input.check_together(opened.iter().flatten()) {
            return opened.into_iter().filter_map(Result::err).chain([e]).map(Err).collect();
        }
        let checked = opened.into_iter().map(|bundle| {
            let bundle = bundle?;
            self.input.check(&bundle)?;
            Ok(bundle)
        });
        together(checked).into_iter().map(|bundles| list(bundles?, &self.input, watch)).collect()
    }
}

/// Volumes of one bundle together, at the place of the first; everything else by itself.
pub(super) fn together(bundles: impl Iterator<Item = Result<Bundle>>) -> Vec<Result<Vec<Bundle>>> {
    let mut groups: Vec<Result<Vec<Bundle>>> = Vec::new();
    let mut sets: HashMap<(Digest, u32, u64), usize> = HashMap::new();
    for bundle in bundles {
        let set = bundle
            .as_ref()
            .ok()
            .and_then(Bundle::volume)
            .map(|((digest, count, size), _)| (digest.clone(), count, size));
        let at = set.map(|set| *sets.entry(set).or_insert(groups.len())).unwrap_or(groups.len());
        match (groups.get_mut(at), bundle) {
            (Some(Ok(group)), Ok(bundle)) => group.push(bundle),
            (_, bundle) => groups.push(bundle.map(|bundle| vec![bundle])),
        }
    }
    groups
}

fn list(bundles: Vec<Bundle>, input: &Input, watch: &dyn Watch) -> Result<Listed> {
    let jobs = available_parallelism().map_or(1, NonZeroUsize::get);
    let mut opened = Opened::new(bundles, None, jobs, input.max_manifests, watch)?;
    listed(&mut opened, input)
}

fn listed(opened: &mut Opened, input: &Input) -> Result<Listed> {
    opened.check()?;
    let damaged = damaged(opened);
    listed_of(opened, damaged, input)
}

/// Lists bundles that are open and were checked, of which this was found damaged before.
///
/// # Errors
/// When something in there is not pinned, or the drive does not give a config away.
pub(super) fn listed_of(opened: &Opened, damaged: Vec<DamagedEntry>, input: &Input) -> Result<Listed> {
    let Opened { bundles, contents, .. } = opened;
    let first = bundles.iter().next().ok_or_else(|| Error::usage("no bundle named"))?;
    input.check_pinned(contents).map_err(|e| e.at(bundles.label()))?;
    let uses = Uses::new(contents);
    let mut platforms = Platforms::new(bundles, contents, &uses);
    let mut images = Vec::new();
    let roots: Vec<&Root> = contents.images().filter(|root| contents.node(&root.digest).is_some()).collect();
    let referrers = ReferrerReport::of_each(contents, &roots.iter().map(|root| &root.digest).collect::<Vec<_>>());
    for (root, referrers) in roots.into_iter().zip(referrers) {
        let closure = contents.closure(&root.digest);
        let Some(node) = contents.node(&root.digest) else { continue };
        let bytes = sum(closure.iter().copied());
        let shared_bytes = sum(closure.iter().copied().filter(|node| uses.shares(node)));
        images.push(ListedImage {
            name: root.name.full().map(Reference::name),
            tag: if let RootName::Tag(tag) = &root.name { Some(tag.clone()) } else { None },
            digest: root.digest.clone(),
            media_type: node.media_type().clone(),
            bytes,
            own_bytes: bytes - shared_bytes,
            shared_bytes,
            platforms: platforms.of(&closure),
            other_platforms: others(&closure),
            referrers,
            missing: closure.iter().filter(|n| n.presence == Presence::Missing).count() as u64,
            absent: absent(&closure),
            volumes: volumes(first, &closure),
        });
    }
    if let Some(error) = platforms.unread {
        return Err(error.at(bundles.label()));
    }
    Ok(Listed {
        bundle: first.path().to_owned(),
        digest: first.index().digest.clone(),
        bytes: bytes(bundles),
        volume: Listed::volume(bundles),
        volumes: VolumesReport::of(bundles),
        expected: (!input.expect.is_empty()).then_some(true),
        images,
        content: uses.content(contents),
        delta: DeltaReport::of(contents),
        left_out: LeftOut::of(contents),
        damaged,
    })
}

/// The length of the files: of each volume once.
fn bytes(bundles: &Bundles) -> u64 {
    match VolumesReport::of(bundles) {
        Some(volumes) => volumes.here.iter().map(|volume| volume.bytes).sum(),
        None => bundles.iter().map(Bundle::bytes).sum(),
    }
}

/// What of a layout of another tool is there and bad, or named and not there.
pub(super) fn damaged(opened: &mut Opened) -> Vec<DamagedEntry> {
    let unusable = opened.take_unusable().into_iter().map(|one| DamagedEntry::new(one.label, one.error));
    let mut damaged: Vec<DamagedEntry> = unusable.collect();
    for failure in std::mem::take(&mut opened.failures) {
        let label = failure.images.first().cloned().unwrap_or_else(|| failure.digest.to_string());
        damaged.push(DamagedEntry::new(label, Error::Shared(failure.error)));
    }
    let bundle = opened.bundles.only().filter(|bundle| !bundle.is_ours());
    for root in opened.contents.images() {
        let node = opened.contents.node(&root.digest).filter(|node| node.presence == Presence::Missing);
        if let (Some(node), Some(bundle)) = (node, bundle) {
            let label = if let RootName::Tag(tag) = &root.name { tag.clone() } else { root.label() };
            damaged.push(DamagedEntry::new(label, bundle.lack(&node.descriptor)));
        }
    }
    damaged
}

/// The volumes that some content is in, in order.
fn volumes(bundle: &Bundle, nodes: &[&Node]) -> Vec<u32> {
    let stands = nodes.iter().filter_map(|node| bundle.stands(&node.descriptor.digest));
    let numbers: BTreeSet<u32> = stands.flat_map(|stands| stands.volumes()).copied().collect();
    numbers.into_iter().collect()
}
