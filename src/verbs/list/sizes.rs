//! Who has what: how much of an image is its own, how much it shares, and what of it is not in these files.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::listed::{Absent, ContentReport};
use crate::oci::Digest;
use crate::store::{Contents, Node, Presence, Reason};

/// How many images have each piece of content.
pub(super) struct Uses<'a>(HashMap<&'a Digest, usize>);

impl<'a> Uses<'a> {
    /// Of the images of these contents.
    pub(super) fn new(contents: &'a Contents) -> Self {
        let mut uses: HashMap<&Digest, usize> = HashMap::new();
        for root in contents.images() {
            contents.closure(&root.digest).iter().for_each(|n| *uses.entry(&n.descriptor.digest).or_default() += 1);
        }
        Self(uses)
    }

    /// As many images have this.
    pub(super) fn of(&self, digest: &Digest) -> usize {
        self.0.get(digest).copied().unwrap_or_default()
    }

    /// Several images have this.
    pub(super) fn shares(&self, node: &Node) -> bool {
        self.of(&node.descriptor.digest) > 1
    }

    /// All content, each piece once.
    pub(super) fn content(&self, contents: &Contents) -> ContentReport {
        let mut report = ContentReport { count: 0, bytes: 0, shared_bytes: 0, referrer_bytes: 0 };
        let roots: HashSet<&Digest> = contents.images().map(|root| &root.digest).collect();
        let referrers: HashSet<Digest> = roots.iter().flat_map(|root| contents.all_referrer_digests(root)).collect();
        for digest in contents.digests_below(roots.into_iter().chain(&referrers)) {
            let Some(node) = contents.node(digest).filter(|node| !node.is_of_other_platform()) else { continue };
            let size = node.descriptor.size;
            report.count += 1;
            report.bytes += size;
            match self.of(digest) {
                0 => report.referrer_bytes += size,
                1 => {}
                _ => report.shared_bytes += size,
            }
        }
        report
    }
}

/// The length of these in bytes, without what belongs to platforms that were not asked for.
pub(super) fn sum<'a>(nodes: impl Iterator<Item = &'a Node>) -> u64 {
    nodes.filter(|node| !node.is_of_other_platform()).map(|node| node.descriptor.size).sum()
}

/// Why content is not in these files, where it is not.
pub(super) fn reason(node: &Node) -> Option<String> {
    match node.presence {
        Presence::Carried => None,
        Presence::LeftOut(Reason::Volume(number)) => Some(format!("volume {number}")),
        Presence::LeftOut(reason) => Some(reason.as_str().into()),
        Presence::Missing => Some("missing".into()),
    }
}

/// What of this these files do not have. Platforms that were not asked for are told otherwise.
pub(super) fn absent(closure: &[&Node]) -> Vec<Absent> {
    // Volumes by number, not by letter.
    let mut found: BTreeMap<(Option<u32>, String), (u64, u64)> = BTreeMap::new();
    for node in closure.iter().filter(|node| !node.is_of_other_platform()) {
        let Some(reason) = reason(node) else { continue };
        let number = match node.presence {
            Presence::LeftOut(Reason::Volume(number)) => Some(number),
            _ => None,
        };
        let (count, bytes) = found.entry((number, reason)).or_default();
        *count += 1;
        *bytes += node.descriptor.size;
    }
    found.into_iter().map(|((_, reason), (count, bytes))| Absent { reason, count, bytes }).collect()
}
