//! What a list for Docker names (`docs/format.md`, "The list for Docker"): of an image the one manifest that Docker takes.

use std::collections::{BTreeMap, HashSet};

use super::graph::Contents;
use super::node::{Presence, Root};
use crate::oci::{Digest, Manifest, Reference, Role};
use crate::store::reason::Reason;

impl Contents {
    /// Takes of a choice, manifests by the names of images, what may be on the list.
    pub(crate) fn list_for_docker(&mut self, mut choice: BTreeMap<String, Digest>) {
        let is_elsewhere =
            |presence| matches!(presence, Presence::LeftOut(Reason::Base | Reason::Delta | Reason::Volume(_)));
        if !choice.is_empty() && self.nodes.iter().any(|node| is_elsewhere(node.presence)) {
            choice.clear();
        }
        if !choice.is_empty() {
            let named = self.roots.iter().filter_map(|root| Some((root.name.full()?.name(), root)));
            let named: BTreeMap<String, &Root> = named.collect();
            let may_be = |name: &String, digest: &Digest| {
                let below = named.get(name).map(|root| self.image_manifests(&root.digest)).unwrap_or_default();
                below.into_iter().any(|manifest| manifest.digest() == digest && self.has_all_of(manifest))
            };
            choice.retain(|name, digest| may_be(name, digest));
        }
        self.docker = choice;
    }

    /// What of a choice is on the list.
    pub(crate) fn docker(&self) -> &BTreeMap<String, Digest> {
        &self.docker
    }

    /// The manifests of images that a root is or leads to, in the order in which its indexes name them.
    pub(crate) fn image_manifests(&self, root: &Digest) -> Vec<&Manifest> {
        let (mut found, mut seen, mut open) = (Vec::new(), HashSet::from([root]), vec![root]);
        while let Some(digest) = open.pop() {
            let Some(manifest) = self.node(digest).and_then(|node| node.manifest.as_ref()) else { continue };
            if !manifest.media_type().is_index() && manifest.is_image() {
                found.push(manifest);
            }
            let below = manifest.successors().filter(|successor| successor.role == Role::Manifest);
            let below = below.map(|successor| &successor.descriptor.digest).filter(|digest| seen.insert(digest));
            let at = open.len();
            open.extend(below);
            open[at..].reverse();
        }
        found
    }

    /// Nothing that this manifest names was left out.
    pub(crate) fn has_all_of(&self, manifest: &Manifest) -> bool {
        let is_left_out = |digest| self.node(digest).is_some_and(|n| matches!(n.presence, Presence::LeftOut(_)));
        !manifest.successors().any(|successor| is_left_out(&successor.descriptor.digest))
    }

    /// The list: each manifest with the names under which it is found, in the order of the first of these.
    pub(crate) fn docker_list(&self) -> Vec<(&Manifest, Vec<&Reference>)> {
        let mut list: Vec<(&Manifest, Vec<&Reference>)> = Vec::new();
        let mut at: BTreeMap<&Digest, usize> = BTreeMap::new();
        for name in self.roots.iter().filter_map(|root| root.name.full()) {
            let manifest = self.docker.get(&name.name()).and_then(|digest| self.node(digest)?.manifest.as_ref());
            let Some(manifest) = manifest else { continue };
            let place = *at.entry(manifest.digest()).or_insert(list.len());
            if place == list.len() {
                list.push((manifest, Vec::new()));
            }
            list[place].1.push(name);
        }
        list
    }
}
