//! `list`: what a bundle holds, from its headers and manifests alone, so any size opens at once.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread::available_parallelism;

use schemars::JsonSchema;
use serde::Serialize;

use super::opened::{Input, Opened, reads_bundles};
use super::report::{DamagedEntry, DeltaReport, LeftOut, ReferrerReport, VolumeReport};
use crate::archive::{Bundle, Expectation};
use crate::error::{Error, Kind, Result};
use crate::oci::{Descriptor, Digest, Manifest, MediaType, Platform, Reference, Role};
use crate::store::{Contents, Node, Presence, Root, RootName, Watch};

/// A config larger than this, in bytes, is not looked into for a platform.
const MAX_CONFIG: u64 = 4 << 20;

/// What to list.
#[derive(Clone, Debug)]
pub struct List {
    input: Input,
}

/// One platform of an image.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ListedPlatform {
    /// Where it runs, where something says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Its manifest.
    pub digest: Digest,
    /// Its content in bytes.
    pub bytes: u64,
}

/// A platform of an image that the bundle does not hold, since it was not asked for.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct OtherPlatform {
    /// Where it would run, where an index says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Its manifest.
    pub digest: Digest,
}

/// One image.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ListedImage {
    /// Its full name, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The tag it has where nothing says of which repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Its manifest or index.
    pub digest: Digest,
    /// The type of that.
    pub media_type: MediaType,
    /// All its content in bytes.
    pub bytes: u64,
    /// The part of it that other images have too.
    pub shared_bytes: u64,
    /// Its platforms, in the order of its indexes.
    pub platforms: Vec<ListedPlatform>,
    /// The platforms that were not asked for, in the same order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_platforms: Vec<OtherPlatform>,
    /// What refers to it, or to a part of it: subjects first. Absent where that is very much in all, and an
    /// image before this one is the same content and has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referrers: Option<Vec<ReferrerReport>>,
    /// Pieces of content that it needs and that are not in the bundle.
    pub missing: u64,
    /// The numbers of the volumes that its layers and configs are in, where the bundle has several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<u32>,
}

/// What a bundle holds.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Listed {
    /// Where it is.
    pub bundle: PathBuf,
    /// sha256 of `index.json`.
    pub digest: Digest,
    /// The length of the file in bytes.
    pub bytes: u64,
    /// Which volume of the bundle it is, where that has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume: Option<VolumeReport>,
    /// It is what was expected; absent where nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<bool>,
    /// The images in the order of the bundle.
    pub images: Vec<ListedImage>,
    /// Of a delta: what it carries, and what it rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delta: Option<DeltaReport>,
    /// Content that the bundle does not hold, and need not.
    pub left_out: Vec<LeftOut>,
    /// What of a layout of another tool is damaged or not there: it concerns no other image.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub damaged: Vec<DamagedEntry>,
}

impl Listed {
    /// The kind that decides the exit status; `None` if nothing is wrong.
    pub fn kind(&self) -> Option<Kind> {
        self.damaged.iter().map(|one| one.error.kind).reduce(Kind::graver)
    }
}

impl List {
    /// These bundles: tars, gzips of them, layout directories, or `-` for standard input.
    pub fn new(bundles: impl IntoIterator<Item = PathBuf>) -> Self {
        Self { input: Input::new(bundles) }
    }

    reads_bundles!();

    /// Lists, one bundle after the other. What is wrong with one does not hide the others.
    pub fn run(self, watch: &dyn Watch) -> Vec<Result<Listed>> {
        let opened = self.input.open(watch);
        // Images that are pinned may be in any of them; where one is in none, nothing is as expected.
        if let Err(e) = self.input.check_together(opened.iter().flatten()) {
            return opened.into_iter().filter_map(Result::err).chain([e]).map(Err).collect();
        }
        let listed = opened.into_iter().map(|bundle| {
            let bundle = bundle?;
            self.input.check(&bundle)?;
            list(bundle, &self.input, watch)
        });
        listed.collect()
    }
}

fn list(bundle: Bundle, input: &Input, watch: &dyn Watch) -> Result<Listed> {
    let jobs = available_parallelism().map_or(1, NonZeroUsize::get);
    let mut opened = Opened::new(vec![bundle], None, jobs, input.max_manifests, watch)?;
    opened.check()?;
    let damaged = damaged(&mut opened);
    let Opened { bundles, contents, .. } = &opened;
    let bundle = bundles.only().ok_or_else(|| Error::usage("no bundle named"))?;
    input.check_pinned(contents).map_err(|e| e.at(bundle.path().display()))?;
    let mut platforms = Platforms { bundle, contents, known: HashMap::new(), unread: None };
    let mut uses: HashMap<&Digest, usize> = HashMap::new();
    for root in contents.images() {
        contents.closure(&root.digest).iter().for_each(|n| *uses.entry(&n.descriptor.digest).or_default() += 1);
    }
    let mut images = Vec::new();
    let roots: Vec<&Root> = contents.images().filter(|root| contents.node(&root.digest).is_some()).collect();
    let referrers = ReferrerReport::of_each(contents, &roots.iter().map(|root| &root.digest).collect::<Vec<_>>());
    for (root, referrers) in roots.into_iter().zip(referrers) {
        let closure = contents.closure(&root.digest);
        let Some(node) = contents.node(&root.digest) else { continue };
        let shared = closure.iter().filter(|n| uses.get(&n.descriptor.digest).is_some_and(|uses| *uses > 1));
        images.push(ListedImage {
            name: root.name.full().map(Reference::name),
            tag: if let RootName::Tag(tag) = &root.name { Some(tag.clone()) } else { None },
            digest: root.digest.clone(),
            media_type: node.media_type().clone(),
            bytes: sum(closure.iter().copied().filter(|node| !node.is_of_other_platform())),
            shared_bytes: sum(shared.copied()),
            platforms: platforms.of(&closure),
            other_platforms: others(&closure),
            referrers,
            missing: closure.iter().filter(|n| n.presence == Presence::Missing).count() as u64,
            volumes: volumes(bundle, &closure),
        });
    }
    if let Some(error) = platforms.unread {
        return Err(error.at(bundle.path().display()));
    }
    Ok(Listed {
        bundle: bundle.path().to_owned(),
        digest: bundle.index().digest.clone(),
        bytes: bundle.bytes(),
        volume: VolumeReport::of(bundle),
        expected: (!input.expect.is_empty()).then_some(true),
        images,
        delta: DeltaReport::of(contents),
        left_out: LeftOut::of(contents),
        damaged,
    })
}

/// What of a layout of another tool is there and bad, or named and not there.
fn damaged(opened: &mut Opened) -> Vec<DamagedEntry> {
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

/// The manifests that are not there for their platform. Attestations go with what they are about, and are not named.
fn others(closure: &[&Node]) -> Vec<OtherPlatform> {
    let mut named: HashMap<&Digest, &Platform> = HashMap::new();
    for successor in closure.iter().filter_map(|n| n.manifest.as_ref()).flat_map(Manifest::successors) {
        if let Some(platform) = &successor.descriptor.platform {
            named.entry(&successor.descriptor.digest).or_insert(platform);
        }
    }
    let others = closure.iter().filter(|node| node.is_of_other_platform()).map(|node| &node.descriptor.digest);
    let others = others.filter(|digest| named.get(digest).is_none_or(|platform| platform.is_known()));
    let other = |digest: &Digest| OtherPlatform {
        platform: named.get(digest).map(ToString::to_string),
        digest: digest.clone(),
    };
    others.map(other).collect()
}

fn sum<'a>(nodes: impl Iterator<Item = &'a Node>) -> u64 {
    nodes.map(|n| n.descriptor.size).sum()
}

/// What single manifests turned out to be, each looked at once.
struct Platforms<'a> {
    bundle: &'a Bundle,
    contents: &'a Contents,
    known: HashMap<&'a Digest, (OnceCell<Option<Platform>>, u64)>,
    /// Why the drive did not give a config away.
    unread: Option<Error>,
}

impl<'a> Platforms<'a> {
    /// The image manifests among these nodes, with their platforms: as an index names it, else as
    /// the config does.
    fn of(&mut self, closure: &[&'a Node]) -> Vec<ListedPlatform> {
        let mut named: HashMap<&Digest, &Platform> = HashMap::new();
        for successor in closure.iter().filter_map(|n| n.manifest.as_ref()).flat_map(Manifest::successors) {
            if let (Role::Manifest, Some(platform)) = (successor.role, &successor.descriptor.platform) {
                named.insert(&successor.descriptor.digest, platform);
            }
        }
        let mut found = Vec::new();
        for node in closure {
            let Some(manifest) = node.manifest.as_ref().filter(|m| !m.media_type().is_index()) else { continue };
            let digest = manifest.digest();
            let named = named.get(digest).copied();
            if named.is_some_and(|platform| !platform.is_known()) {
                continue;
            }
            let (own, bytes) = self
                .known
                .entry(digest)
                .or_insert_with(|| (OnceCell::new(), sum(self.contents.closure(digest).into_iter())));
            let platform = named.cloned().or_else(|| {
                let config = manifest.config().filter(|_| manifest.is_image());
                let mut platform = |config| match configured(self.bundle, config) {
                    Err(error) if error.kind() != Kind::Content => {
                        self.unread.get_or_insert(error);
                        None
                    }
                    read => read.ok().flatten(),
                };
                own.get_or_init(|| config.and_then(&mut platform)).clone()
            });
            let platform = platform.map(|platform| platform.to_string());
            found.push(ListedPlatform { platform, digest: digest.clone(), bytes: *bytes });
        }
        found
    }
}

/// The platform of an image config, read leniently: it is only shown.
fn configured(bundle: &Bundle, config: &Descriptor) -> Result<Option<Platform>> {
    if config.size > MAX_CONFIG || !bundle.holds(config) {
        return Ok(None);
    }
    let bytes = bundle.read_whole(config)?;
    Ok(Platform::of_config(&bytes))
}
