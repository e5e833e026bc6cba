//! Which platforms the images have, and which of them were left out.

use std::collections::HashMap;

use super::graph::Contents;
use super::node::Node;
use crate::oci::{Digest, Manifest, Platform};

impl Contents {
    /// The platforms that an image's indexes name and that are there, in their order; none for a single manifest.
    pub(crate) fn platforms(&self, root: &Digest) -> Vec<Platform> {
        self.named_platforms(root, |node| !node.is_of_other_platform())
    }

    /// Those that were left out.
    pub(crate) fn other_platforms(&self, root: &Digest) -> Vec<Platform> {
        self.named_platforms(root, Node::is_of_other_platform)
    }

    fn named_platforms(&self, root: &Digest, counts: impl Fn(&Node) -> bool) -> Vec<Platform> {
        let mut found: Vec<Platform> = Vec::new();
        for node in self.closure(root) {
            for successor in node.manifest.iter().flat_map(Manifest::successors) {
                let Some(platform) = successor.descriptor.platform.as_ref().filter(|p| p.is_known()) else { continue };
                let child = self.node(&successor.descriptor.digest);
                if child.is_some_and(&counts) && !found.contains(platform) {
                    found.push(platform.clone());
                }
            }
        }
        found
    }

    /// Where each manifest that was left out would run, as far as an index says so.
    pub(crate) fn platforms_of_left_out(&self) -> HashMap<&Digest, &Platform> {
        let mut found = HashMap::new();
        for successor in self.manifests().flat_map(|(_, manifest)| manifest.successors()) {
            let digest = &successor.descriptor.digest;
            if let Some(platform) = successor.descriptor.platform.as_ref().filter(|p| p.is_known())
                && self.node(digest).is_some_and(Node::is_of_other_platform)
            {
                found.entry(digest).or_insert(platform);
            }
        }
        found
    }
}
