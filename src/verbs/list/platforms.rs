//! What single manifests turn out to be: for which platform, and of which pieces.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::Arc;

use super::listed::{ListedPiece, ListedPlatform, OtherPlatform};
use super::sizes::{Uses, reason, sum};
use crate::archive::Bundles;
use crate::error::{Error, Kind, Result};
use crate::oci::{Descriptor, Digest, Manifest, Platform, Role};
use crate::store::{Contents, Node};

/// A config larger than this, in bytes, is not looked into for a platform.
const MAX_CONFIG: u64 = 4 << 20;

/// What single manifests turned out to be, each looked at once.
pub(super) struct Platforms<'a> {
    bundles: &'a Bundles,
    contents: &'a Contents,
    uses: &'a Uses<'a>,
    known: HashMap<&'a Digest, Known>,
    /// Why the drive did not give a config away.
    pub(super) unread: Option<Error>,
}

/// What one manifest turned out to be.
struct Known {
    /// As its config says.
    own: OnceCell<Option<Platform>>,
    bytes: u64,
    pieces: Arc<[ListedPiece]>,
}

impl<'a> Platforms<'a> {
    pub(super) fn new(bundles: &'a Bundles, contents: &'a Contents, uses: &'a Uses<'a>) -> Self {
        Self { bundles, contents, uses, known: HashMap::new(), unread: None }
    }

    /// The image manifests among these nodes, with their platforms: as an index names it, else as
    /// the config does.
    pub(super) fn of(&mut self, closure: &[&'a Node]) -> Vec<ListedPlatform> {
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
            let (contents, uses) = (self.contents, self.uses);
            let known = self.known.entry(digest).or_insert_with(|| Known {
                own: OnceCell::new(),
                bytes: sum(contents.closure(digest).into_iter()),
                pieces: pieces(contents, uses, manifest),
            });
            let platform = named.cloned().or_else(|| {
                let config = manifest.config().filter(|_| manifest.is_image());
                let mut platform = |config| match configured(self.bundles, config) {
                    Err(error) if error.kind() != Kind::Content => {
                        self.unread.get_or_insert(error);
                        None
                    }
                    read => read.ok().flatten(),
                };
                known.own.get_or_init(|| config.and_then(&mut platform)).clone()
            });
            let platform = platform.map(|platform| platform.to_string());
            found.push(ListedPlatform {
                platform,
                digest: digest.clone(),
                bytes: known.bytes,
                pieces: known.pieces.clone(),
            });
        }
        found
    }
}

/// The config and the layers of a manifest.
fn pieces(contents: &Contents, uses: &Uses<'_>, manifest: &Manifest) -> Arc<[ListedPiece]> {
    let blobs = manifest.successors().filter(|successor| successor.role != Role::Manifest);
    let piece = |descriptor: &Descriptor, is_config| ListedPiece {
        digest: descriptor.digest.clone(),
        media_type: descriptor.media_type.clone(),
        bytes: descriptor.size,
        is_config,
        images: uses.of(&descriptor.digest),
        absent: contents.node(&descriptor.digest).and_then(reason),
    };
    blobs.map(|successor| piece(successor.descriptor, successor.role == Role::Config)).collect()
}

/// The platform of an image config, read leniently: it is only shown.
fn configured(bundles: &Bundles, config: &Descriptor) -> Result<Option<Platform>> {
    if config.size > MAX_CONFIG {
        return Ok(None);
    }
    let Some(bundle) = bundles.iter().find(|bundle| bundle.holds(config)) else { return Ok(None) };
    Ok(Platform::of_config(&bundle.read_whole(config)?))
}

/// The manifests that are not there for their platform. Attestations go with what they are about, and are not named.
pub(super) fn others(closure: &[&Node]) -> Vec<OtherPlatform> {
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
