//! What can be said of layers that are carried as what changed: that their differences are the ones that were written,
//! and with the old layers among the files, that they can be rebuilt.

use std::collections::{HashMap, HashSet};
use std::io::Read;

use super::Verify;
use super::findings::Findings;
use super::report::{Finding, FindingKind, Verified, VerifiedBlobs};
use crate::archive::{Bundle, delta_path};
use crate::error::{Error, Result};
use crate::oci::{Digest, VerifyReader};
use crate::store::{Contents, Event, Node, Place, Scratch, Source, Watch, side_by_side};
use crate::verbs::opened::{Input, Opened};

impl Verify {
    /// Reads every difference, and counts it among what was read.
    pub(super) fn read_deltas(
        &self,
        bundle: &Bundle,
        mut blobs: VerifiedBlobs,
        watch: &dyn Watch,
        findings: &mut Findings,
    ) -> Result<VerifiedBlobs> {
        let all: Vec<_> = bundle.layer_deltas().collect();
        if all.is_empty() {
            return Ok(blobs);
        }
        blobs.count += all.len() as u64;
        blobs.bytes += all.iter().map(|(_, delta)| delta.size).sum::<u64>();
        let checked = side_by_side(all, self.jobs, |(layer, delta)| {
            let stopped = watch.stopped().is_some();
            let progress = |bytes| watch.on(Event::Advanced { digest: layer, bytes });
            let checked = if stopped { Ok(()) } else { bundle.check_delta(layer, &delta, &progress) };
            (layer, checked)
        });
        if let Some(signal) = watch.stopped() {
            return Err(Error::Interrupted { signal });
        }
        for (layer, checked) in checked {
            if let Err(error) = checked {
                findings.add(FindingKind::DigestMismatch.or_unreadable(&error), layer, &error);
            }
        }
        Ok(blobs)
    }

    /// Rebuilds the layers whose old layers are among the files, those of bundles that are sound by themselves.
    pub(super) fn rebuild(&self, verified: &mut [Result<Verified>], watch: &dyn Watch) {
        // What came by standard input is read, and gone.
        let is_sound = |one: &Result<Verified>| one.as_ref().is_ok_and(|one| one.intact && one.bundle.exists());
        let has_deltas = |one: &Result<Verified>| one.as_ref().is_ok_and(|one| !one.old_layers.is_empty());
        if !verified.iter().any(has_deltas) {
            return;
        }
        let sound = verified.iter().filter(|one| is_sound(one)).flatten().map(|one| one.bundle.clone()).collect();
        let input = Input { bundles: sound, ..self.input.clone() };
        let Ok(bundles) = input.open(watch).into_iter().collect::<Result<Vec<_>>>() else { return };
        // Files that contradict each other are looked at one by one alone.
        let Ok(mut opened) = Opened::new(bundles, None, 1, input.max_manifests, watch) else { return };
        opened.bundles.rebuild_in(Scratch::new(input.tmpdir.as_deref()), false);
        let Opened { bundles, contents, .. } = &opened;
        let rebuilt: Vec<(&Node, Place)> = contents
            .nodes
            .iter()
            .filter(|node| node.is_carried() && node.delta.is_some())
            .filter_map(|node| Some((node, *node.places.first()?)))
            .collect();
        let bytes = rebuilt.iter().map(|(node, _)| node.descriptor.size).sum();
        watch.on(Event::Phase { name: "rebuilding", items: rebuilt.len() as u64, bytes });
        let mut right: HashSet<&Digest> = HashSet::new();
        let mut wrong: HashMap<&Digest, Error> = HashMap::new();
        for (node, place) in rebuilt {
            if watch.stopped().is_some() {
                break;
            }
            let digest = &node.descriptor.digest;
            watch.on(Event::BlobStarted { digest, size: node.descriptor.size, of: "" });
            match read(bundles, node, place, watch) {
                Ok(()) => drop(right.insert(digest)),
                Err(error) => drop(wrong.insert(digest, error)),
            }
            watch.on(Event::BlobEnded { digest });
        }
        watch.on(Event::Phase { name: "", items: 0, bytes: 0 });
        for one in verified.iter_mut().flatten() {
            let Some(bundle) = bundles.iter().find(|bundle| bundle.path() == one.bundle) else { continue };
            let own: Vec<_> = bundle.layer_deltas().collect();
            if let Some(delta) = one.delta.as_mut().filter(|_| !own.is_empty()) {
                delta.rebuilt = Some(own.iter().filter(|(layer, _)| right.contains(layer)).count() as u64);
            }
            for (layer, _) in &own {
                if let Some(error) = wrong.get(layer) {
                    one.findings.push(finding(contents, layer, error));
                    one.intact = false;
                }
            }
            let is_known = |layer: &Digest| right.contains(layer) || wrong.contains_key(layer);
            let open = |old: &Digest| own.iter().any(|(layer, delta)| delta.from == *old && !is_known(layer));
            one.old_layers.retain(|old| open(&old.digest));
        }
    }
}

/// Reads all of a layer that is rebuilt for it.
fn read(source: &dyn Source, node: &Node, place: Place, watch: &dyn Watch) -> Result<()> {
    let digest = &node.descriptor.digest;
    let mut content = VerifyReader::new(source.open(place, &node.descriptor, 0)?, digest, node.descriptor.size);
    let mut buffer = vec![0; 256 << 10];
    loop {
        match content.read(&mut buffer).map_err(Error::from_read)? {
            0 => return Ok(()),
            got => watch.on(Event::Advanced { digest, bytes: got as u64 }),
        }
    }
}

fn finding(contents: &Contents, layer: &Digest, error: &Error) -> Finding {
    Finding {
        kind: FindingKind::DigestMismatch.or_unreadable(error),
        path: Some(delta_path(layer)),
        digest: Some(layer.clone()),
        images: contents.images_with(layer),
        message: error.to_string(),
        hint: None,
        next_steps: error.next_steps(),
    }
}
