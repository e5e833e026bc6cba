//! `list`: what a bundle holds, from its headers and manifests alone, so any size opens at once.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread::available_parallelism;

use serde::Deserialize;

use crate::archive::{Bundle, Expectation, IndexEntry, Spooling, check_expectations};
use crate::error::{Error, Kind, Result};
use crate::oci::{Descriptor, Digest, MediaType, Platform, Repository, Role};
use crate::plan::{Failure, Found, walk};
use crate::store::{Contents, Node, Referrer, Root, Source, Watch, side_by_side};

/// A config larger than this, in bytes, is not looked into for a platform.
const MAX_CONFIG: u64 = 4 << 20;

/// What to list.
#[derive(Clone, Debug)]
pub struct List {
    /// The bundle: a tar, a gzip of one, a layout directory, or `-` for standard input.
    pub bundle: PathBuf,
    /// What it has to be.
    pub expect: Vec<Expectation>,
    /// Where to spool to.
    pub tmpdir: Option<PathBuf>,
}

/// One platform of an image.
#[derive(Clone, Debug)]
pub struct ListedPlatform {
    /// Where it runs; `None` where nothing says.
    pub platform: Option<Platform>,
    /// Its manifest.
    pub digest: Digest,
    /// Its content in bytes.
    pub bytes: u64,
}

/// One image.
#[derive(Clone, Debug)]
pub struct ListedImage {
    /// Its full name, if it has one.
    pub name: Option<String>,
    /// The tag it has where nothing says of which repository.
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
    /// What refers to it, or to a part of it: subjects first.
    pub referrers: Vec<Referrer>,
}

/// What a bundle holds.
#[derive(Debug)]
pub struct Listed {
    /// sha256 of `index.json`.
    pub digest: Digest,
    /// The length of the file in bytes.
    pub len: u64,
    /// The images in the order of the bundle.
    pub images: Vec<ListedImage>,
}

impl List {
    /// Lists.
    ///
    /// # Errors
    /// When the bundle's structure or one of its manifests is damaged.
    pub fn run(self, watch: &dyn Watch) -> Result<Listed> {
        let bundle = Bundle::open(&self.bundle, Spooling { tmpdir: self.tmpdir.as_deref(), watch })?;
        check_expectations(&self.expect, &[&bundle])?;
        let at = |e: Error| e.at(bundle.path().display());
        // Content in a bundle is found by digest alone.
        let nowhere = Repository::new("bundle.invalid", "content")?;
        let jobs = available_parallelism().map_or(1, NonZeroUsize::get);
        let mut roots = Vec::new();
        let mut tags: HashMap<&Digest, Vec<&String>> = HashMap::new();
        let read = |entry: &'_ IndexEntry| bundle.manifest(&nowhere, &entry.descriptor);
        let manifests = side_by_side(bundle.index().entries.iter().collect(), jobs, read);
        for (IndexEntry { name, tag, descriptor }, manifest) in bundle.index().entries.iter().zip(manifests) {
            if let Some(tag) = tag {
                tags.entry(&descriptor.digest).or_default().push(tag);
            }
            roots.push(Found { name: name.clone(), repository: nowhere.clone(), manifest: manifest.map_err(at)? });
        }
        let (contents, failures) = walk(&bundle, roots, jobs, watch).map_err(at)?;
        if let Some(Failure { images, error, .. }) = failures.into_iter().next() {
            return Err(at(error.at(images.join(", "))));
        }
        contents.check_spread().map_err(at)?;
        let mut seen = Platforms { bundle: &bundle, contents: &contents, known: HashMap::new(), unread: None };
        let mut uses: HashMap<&Digest, usize> = HashMap::new();
        let named: Vec<_> =
            contents.roots.iter().filter(|r| r.name.is_some() || tags.contains_key(&r.digest)).collect();
        let below = contents.below(named.iter().map(|r| &r.digest));
        // What only repeats a part of an image, or belongs to one, shares nothing with it.
        let is_own = |r: &Root| r.name.is_some() || tags.contains_key(&r.digest) || !below.contains(&r.digest);
        for root in contents.roots.iter().filter(|root| is_own(root) && contents.subject(root).is_none()) {
            contents.closure(&root.digest).iter().for_each(|n| *uses.entry(&n.descriptor.digest).or_default() += 1);
        }
        let mut image = |root: &Root| {
            let Root { name, digest } = root;
            let tag = tags.get_mut(digest).filter(|_| name.is_none()).and_then(Vec::pop);
            // A line of the index without a name may only repeat what an image consists of, or belong
            // to the image that it refers to.
            if name.is_none() && tag.is_none() && (below.contains(digest) || contents.subject(root).is_some()) {
                return None;
            }
            let manifest = contents.node(digest)?.manifest.as_ref()?;
            let closure = contents.closure(digest);
            let shared = closure.iter().filter(|n| uses.get(&n.descriptor.digest).is_some_and(|uses| *uses > 1));
            Some(ListedImage {
                name: name.clone(),
                tag: tag.cloned(),
                digest: digest.clone(),
                media_type: manifest.media_type().clone(),
                bytes: sum(closure.iter().copied()),
                shared_bytes: sum(shared.copied()),
                platforms: seen.of(&closure),
                referrers: contents.referrers(digest),
            })
        };
        let images = contents.roots.iter().filter_map(&mut image).collect();
        if let Some(error) = seen.unread {
            return Err(at(error));
        }
        Ok(Listed { digest: bundle.index().digest.clone(), len: bundle.len(), images })
    }
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
        for successor in closure.iter().filter_map(|n| n.manifest.as_ref()).flat_map(|m| m.successors()) {
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
            found.push(ListedPlatform { platform, digest: digest.clone(), bytes: *bytes });
        }
        found
    }
}

/// The platform of an image config, read leniently: it is only shown.
fn configured(bundle: &Bundle, config: &Descriptor) -> Result<Option<Platform>> {
    #[derive(Deserialize)]
    struct Config {
        #[serde(flatten)]
        platform: Platform,
    }
    if config.size > MAX_CONFIG {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    let nowhere = Repository::new("bundle.invalid", "content")?;
    bundle.open(&nowhere, config, 0)?.read_to_end(&mut bytes).map_err(Error::from_read)?;
    let config: Option<Config> = serde_json::from_slice(&bytes).ok();
    Ok(config.map(|config| config.platform).filter(Platform::is_known))
}
