//! What cosign attaches to an image: it stands under a name like an image, in a tag that is made from the
//! digest of the manifest it belongs to; and lists of referrers, which have such tags too.

use std::collections::HashMap;

use super::graph::Contents;
use super::node::{Node, Root, RootName};
use crate::oci::{Attached, Digest, digest_tag, parse_digest_tag};

impl RootName {
    /// The beginning of a tag that is made from a digest, and what stands under it.
    fn digest_tag(&self) -> Option<(&str, Attached)> {
        match self {
            Self::Full(reference) => reference.tag.as_ref().and_then(|tag| parse_digest_tag(tag.as_str())),
            Self::Tag(tag) => parse_digest_tag(tag),
            Self::None => None,
        }
    }

    /// What its tag says it to be, if that is made from a digest.
    pub(crate) fn attached(&self) -> Option<Attached> {
        self.digest_tag().map(|(_, attached)| attached)
    }
}

impl Contents {
    /// Sorts what stands under tags of digests by the manifests that those are of.
    pub(super) fn attach_tagged(&mut self) {
        let tagged: Vec<(usize, String)> = self
            .roots
            .iter()
            .enumerate()
            .filter_map(|(number, root)| Some((number, root.name.digest_tag()?.0.to_owned())))
            .collect();
        if tagged.is_empty() {
            return;
        }
        let is_there = |node: &Node| node.is_manifest() && !node.is_of_other_platform();
        let manifests = self.nodes.iter().enumerate().filter(|(_, node)| is_there(node));
        let by_tag: HashMap<String, usize> =
            manifests.map(|(at, node)| (digest_tag(&node.descriptor.digest), at)).collect();
        for (number, tag) in tagged {
            let subject = by_tag.get(&tag).copied();
            // A list that names itself belongs to nothing.
            let subject = subject.filter(|at| self.nodes[*at].descriptor.digest != self.roots[number].digest);
            if let Some(subject) = subject {
                self.tagged.insert(number, subject);
                self.tags_of.entry(subject).or_default().push(number);
            }
        }
    }

    /// What a root is attached to by its tag.
    pub(crate) fn subject_by_tag(&self, root: &Root) -> Option<&Digest> {
        let at = self.at(&root.digest)?;
        let numbers = self.named.get(&at)?;
        let number = numbers.iter().find(|number| self.roots[**number].name == root.name)?;
        self.tagged.get(number).map(|subject| &self.nodes[*subject].descriptor.digest)
    }

    /// The roots that stand under tags of this manifest's digest.
    pub(super) fn tagged_for(&self, subject: usize) -> &[usize] {
        self.tags_of.get(&subject).map(Vec::as_slice).unwrap_or_default()
    }
}
