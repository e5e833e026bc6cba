//! What is good of some files: every byte is read.

use std::collections::{BTreeMap, HashSet};
use std::io;

use super::report::{DamagedContent, Taken};
use crate::archive::{Bundle, Bundles, InventoryJson, Whereabouts, Witness};
use crate::error::{Error, NextStep, Result};
use crate::oci::{Descriptor, Digest, Reference, VerifyReader};
use crate::store::{Contents, Event, Node, Presence, Scratch, Source, Watch, side_by_side};
use crate::verbs::bases::whereabouts;
use crate::verbs::opened::{Input, Opened};

/// Takes the inventory of these files, as if they were one.
///
/// # Errors
/// One cannot be read, or nothing of it is good; or they are not what was expected.
pub(super) fn take(input: &Input, jobs: usize, watch: &dyn Watch) -> Result<Taken> {
    let bundles = input.open_each(true, watch).into_iter().collect::<Result<Vec<Bundle>>>()?;
    bundles.iter().try_for_each(|bundle| input.check(bundle))?;
    input.check_together(bundles.iter())?;
    let mut damaged: Vec<DamagedContent> = Vec::new();
    let mut whole: BTreeMap<Digest, u64> = BTreeMap::new();
    for bundle in &bundles {
        let (good, bad) = read_all(bundle, jobs, watch)?;
        whole.extend(good);
        damaged.extend(bad);
    }
    let mut is_damaged = bundles.iter().any(Bundle::is_salvaged) || !damaged.is_empty();
    let mut opened = Opened::new(bundles, None, 1, input.max_manifests, watch)?;
    opened.bundles.rebuild_in(Scratch::new(input.tmpdir.as_deref()), false);
    let contents = &opened.contents;
    input.check_pinned(contents).map_err(|e| e.at(opened.bundles.label()))?;
    // What volumes have in parts is whole where all of them are here.
    let unread = |node: &&Node| node.is_carried() && !whole.contains_key(&node.descriptor.digest);
    let unread: Vec<&Node> = contents.nodes.iter().filter(unread).collect();
    for node in unread {
        if let Some(signal) = watch.stopped() {
            return Err(Error::Interrupted { signal });
        }
        if is_whole_somewhere(&opened.bundles, node, watch) {
            whole.insert(node.descriptor.digest.clone(), node.descriptor.size);
        }
    }
    // What is wrong with the form of a file may be anything.
    is_damaged |= !opened.malformed.is_empty();
    let bundle = opened.bundles.label();
    for error in &opened.malformed {
        damaged.push(DamagedContent { bundle: bundle.clone(), digest: None, message: error.to_string() });
    }
    for one in &opened.unusable {
        damaged.push(DamagedContent { bundle: bundle.clone(), digest: None, message: one.error.to_string() });
    }
    let missing = contents.nodes.iter().filter(|node| node.presence == Presence::Missing);
    for node in missing.filter(|node| !whole.contains_key(&node.descriptor.digest)) {
        is_damaged = true;
        let digest = Some(node.descriptor.digest.clone());
        if !damaged.iter().any(|one| one.digest == digest) {
            let message = opened.bundles.lack(&node.descriptor).to_string();
            damaged.push(DamagedContent { bundle: bundle.clone(), digest, message });
        }
    }
    let held = if is_damaged {
        whole.into_iter().map(|(digest, size)| (digest, (size, Whereabouts::Anywhere))).collect()
    } else {
        let held = whereabouts(contents).into_iter().filter(|(digest, ..)| whole.contains_key(digest));
        held.map(|(digest, size, whereabouts)| (digest, (size, whereabouts))).collect()
    };
    let inventory = InventoryJson { held, images: images(contents)?, source: Witness::Files, target: None };
    Ok(Taken { inventory, damaged, absent: Vec::new() })
}

/// Whether one of the places that should have it does.
fn is_whole_somewhere(bundles: &Bundles, node: &Node, watch: &dyn Watch) -> bool {
    let Descriptor { digest, size, .. } = &node.descriptor;
    watch.on(Event::BlobStarted { digest, size: *size, of: "" });
    // Layers that are carried as what changed are rebuilt.
    let rebuilt = node.places.iter().copied().filter(|_| node.delta.is_some());
    let is_whole = bundles.holding(&node.descriptor).into_iter().chain(rebuilt).any(|place| {
        let opened = bundles.open(place, &node.descriptor, 0);
        opened.is_ok_and(|content| io::copy(&mut VerifyReader::new(content, digest, *size), &mut io::sink()).is_ok())
    });
    watch.on(Event::BlobEnded { digest });
    is_whole
}

/// The images with a full name. What is attached to one by its tag comes along with that.
fn images(contents: &Contents) -> Result<BTreeMap<String, Digest>> {
    let mut images: BTreeMap<String, Digest> = BTreeMap::new();
    let attached: HashSet<String> =
        contents.attached_by_tag().filter_map(|(root, _)| root.name.full().map(Reference::name)).collect();
    for root in contents.images() {
        let Some(name) = root.name.full().map(Reference::name).filter(|name| !attached.contains(name)) else {
            continue;
        };
        let digest = root.digest.clone();
        if let Some(other) = images.get(&name).filter(|other| **other != digest) {
            let message = format!("`{name}` names both {other} and {digest}");
            return Err(Error::Usage { message, next: Some(NextStep::SaveUnderTwoNames) });
        }
        images.insert(name, digest);
    }
    Ok(images)
}

/// Content and its length in bytes.
type Held = (Digest, u64);

/// Reads every blob of a file.
fn read_all(bundle: &Bundle, jobs: usize, watch: &dyn Watch) -> Result<(Vec<Held>, Vec<DamagedContent>)> {
    let mut seen = HashSet::new();
    let blobs: Vec<&Digest> = bundle.blobs().filter(|digest| seen.insert(*digest)).collect();
    let size = |digest: &Digest| bundle.size_of(digest).unwrap_or_default();
    // What was salvaged was hashed when it was.
    if bundle.is_salvaged() {
        return Ok((blobs.into_iter().map(|digest| (digest.clone(), size(digest))).collect(), Vec::new()));
    }
    let bytes = blobs.iter().map(|digest| size(digest)).sum();
    watch.on(Event::Phase { name: "reading", items: blobs.len() as u64, bytes });
    let checked = side_by_side(blobs, jobs, |digest| {
        if watch.stopped().is_some() {
            return None;
        }
        watch.on(Event::BlobStarted { digest, size: size(digest), of: "" });
        let result = bundle.check(digest, &|bytes| watch.on(Event::Advanced { digest, bytes }));
        watch.on(Event::BlobEnded { digest });
        Some((digest, result))
    });
    watch.on(Event::Phase { name: "", items: 0, bytes: 0 });
    if let Some(signal) = watch.stopped() {
        return Err(Error::Interrupted { signal });
    }
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for (digest, result) in checked.into_iter().flatten() {
        match result {
            Ok(()) => good.push((digest.clone(), size(digest))),
            Err(error) => bad.push(DamagedContent {
                bundle: bundle.path().display().to_string(),
                digest: Some(digest.clone()),
                message: error.to_string(),
            }),
        }
    }
    Ok((good, bad))
}
