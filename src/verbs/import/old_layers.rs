//! Old layers that the target has: layers which the bundle carries as what changed since are rebuilt from those.

use std::collections::{BTreeSet, HashMap};
use std::io::Read;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::oci::{Digest, Repository, Role};
use crate::registry::Registries;
use crate::store::{Copies, Endpoint, Event, Node, OldLayers, Target, Watch, side_by_side};
use crate::transfer::{Image, read_blob};
use crate::verbs::opened::Opened;

/// Old layers at the target.
struct AtTarget {
    target: Arc<Registries>,
    nodes: HashMap<Digest, Node>,
    watch: Hushed,
}

impl OldLayers for AtTarget {
    fn has(&self, old: &Digest) -> bool {
        self.nodes.contains_key(old)
    }

    fn open(&self, old: &Digest) -> Result<Box<dyn Read + Send + '_>> {
        let node = self.nodes.get(old).ok_or_else(|| Error::content(format!("{old} is nowhere to be had")))?;
        Ok(read_blob(&*self.target, node, &self.watch))
    }
}

/// What is read to rebuild something else is no progress of its own.
struct Hushed(Arc<dyn Watch>);

impl Watch for Hushed {
    fn on(&self, event: Event<'_>) {
        if let Event::Warning { .. } = event {
            self.0.on(event);
        }
    }

    fn stopped(&self) -> Option<i32> {
        self.0.stopped()
    }
}

/// Looks at the target for old layers that are in none of the files: where an image with the new layer goes, then
/// where any image goes. Changes nothing.
pub(super) fn look(
    opened: &mut Opened,
    images: &[Image],
    target: &Arc<Registries>,
    jobs: usize,
    watch: &Arc<dyn Watch>,
) {
    if opened.contents.deltas().next().is_none() {
        return;
    }
    let all: BTreeSet<&Repository> = images.iter().map(|image| &image.target.repository).collect();
    let mut near: HashMap<&Digest, BTreeSet<&Repository>> = HashMap::new();
    for image in images {
        for node in image.parts(&opened.contents).filter(|node| node.is_delta()) {
            near.entry(&node.descriptor.digest).or_default().insert(&image.target.repository);
        }
    }
    let wanted = opened.contents.deltas().filter_map(|(node, delta)| Some((delta, near.get(&node.descriptor.digest)?)));
    let found = side_by_side(wanted.collect(), jobs, |(delta, near)| {
        let old = delta.old();
        let others = all.iter().filter(|repository| !near.contains(*repository));
        let has = |to: &&Repository| {
            watch.stopped().is_none() && target.has(to, Endpoint::Blobs, &old).is_ok_and(|is_there| is_there)
        };
        let place = target.place_of(near.iter().chain(others).copied().find(has)?);
        Some((old.digest.clone(), Node::new(old, Role::Layer, vec![place])))
    });
    let nodes = found.into_iter().flatten().collect();
    let (target, watch) = (target.clone(), Hushed(watch.clone()));
    opened.bundles.rebuild_from(&mut opened.contents, Box::new(AtTarget { target, nodes, watch }));
}
