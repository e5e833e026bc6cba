//! What there is to carry, told to whoever watches before any of it moves.

use std::collections::HashMap;

use crate::error::Error;
use crate::oci::{Digest, Reference};
use crate::store::{Contents, Event, Node, Watch};

/// Says which images a failure concerns.
pub(super) fn with_images(error: Error, images: &[String]) -> Error {
    match images {
        [] => error,
        [one] => error.at(one),
        [one, others @ ..] => error.at(format!("{one} and {} more", others.len())),
    }
}

/// The images by name, in the order of the bundle.
pub(super) fn named(contents: &Contents) -> impl Iterator<Item = (&Reference, &Digest)> {
    contents.images().filter_map(|root| Some((root.name.full()?, &root.digest)))
}

/// Tells whoever watches what was resolved, and what there is to carry.
pub(super) fn announce(contents: &Contents, watch: &dyn Watch) {
    // Many names may be one content.
    let mut known: HashMap<&Digest, (u64, u64)> = HashMap::new();
    let (mut images, mut apart) = (0, 0_u64);
    for (name, digest) in named(contents) {
        let platforms = contents.platforms(digest);
        let (referrers, size) = *known.entry(digest).or_insert_with(|| measured(contents, digest));
        images += 1;
        apart = apart.saturating_add(size);
        watch.on(Event::Resolved { name: &name.name(), digest, platforms: &platforms, referrers });
    }
    let (blobs, bytes) = carried(contents);
    watch.on(Event::Planned {
        images,
        manifests: contents.manifests().count() as u64,
        blobs,
        bytes,
        shared: apart.saturating_sub(bytes),
    });
}

/// How many blobs there are to carry, and their length in bytes.
pub(super) fn carried(contents: &Contents) -> (u64, u64) {
    contents.carried_blobs().fold((0, 0), |(count, bytes), node| (count + 1, bytes + node.descriptor.size))
}

/// How much refers to an image, and the bytes of blobs that it and that would take alone.
pub(super) fn measured(contents: &Contents, image: &Digest) -> (u64, u64) {
    let referrers = contents.all_referrer_digests(image);
    let roots = std::iter::once(image).chain(&referrers);
    let nodes: HashMap<&Digest, &Node> =
        roots.flat_map(|root| contents.closure(root)).map(|node| (&node.descriptor.digest, node)).collect();
    let carried = nodes.values().filter(|node| !node.is_manifest() && node.is_carried());
    (referrers.len() as u64, carried.map(|node| node.descriptor.size).sum())
}
