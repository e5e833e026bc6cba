//! `verify`: bundle → findings. Reads every byte, checks every digest, size and type, and that every
//! image is whole. Goes on to the end whatever it finds, and never talks to anybody.

mod deep;
mod findings;
mod layer_deltas;
mod report;
mod volumes;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use super::opened::{Input, Opened, reads_bundles};
use super::report::{DeltaReport, LeftOut, VolumeReport};
use crate::archive::{Bundle, Expectation};
use crate::error::{Error, Kind, Result};
use crate::oci::{Descriptor, Digest, Manifest};
use crate::store::{Contents, Event, Node, Presence, Watch, side_by_side};
use findings::Findings;

pub use report::{Finding, FindingKind, OldLayer, Verified, VerifiedBlobs};

/// What to verify.
///
/// ```
/// use oci_bundle::{Expectation, Kind, Quiet, verify::Verify};
///
/// let path = "fixtures/images".into();
/// let verified = Verify::new([path]).deep(true).run(&Quiet).remove(0)?;
/// assert!(verified.intact && verified.findings.is_empty());
///
/// // Pinned to something else, it is not what was expected.
/// let other: Expectation = format!("sha256:{}", "0".repeat(64)).parse()?;
/// let verified = Verify::new(["fixtures/images".into()]).expect(vec![other]).run(&Quiet).remove(0)?;
/// assert_eq!((verified.expected, verified.kind()), (Some(false), Some(Kind::Content)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Verify {
    input: Input,
    deep: bool,
    jobs: usize,
}

impl Verify {
    /// An ordinary check of these bundles: tars, gzips of them, layout directories, or `-` for
    /// standard input.
    pub fn new(bundles: impl IntoIterator<Item = PathBuf>) -> Self {
        Self { input: Input::new(bundles), deep: false, jobs: 4 }
    }

    /// Also unpack layers, to nowhere, and compare them with the image configurations.
    #[must_use]
    pub fn deep(self, deep: bool) -> Self {
        Self { deep, ..self }
    }

    /// Blobs that are read side by side.
    #[must_use]
    pub fn jobs(self, jobs: usize) -> Self {
        Self { jobs, ..self }
    }

    reads_bundles!();

    /// Verifies, one bundle after the other: a bundle whose structure is so damaged that nothing can
    /// be said about its content is an error, and so is that somebody asked to stop.
    pub fn run(self, watch: &dyn Watch) -> Vec<Result<Verified>> {
        let opened = self.input.open(watch);
        let together = self.input.check_together(opened.iter().flatten()).err().map(Arc::new);
        let mut verified = Vec::new();
        let several = opened.len() > 1;
        for bundle in opened {
            let one = bundle.and_then(|bundle| self.verify(bundle, together.as_ref(), watch));
            let stop = one.as_ref().is_err_and(|e| matches!(e.kind(), Kind::Interrupted(_)));
            verified.push(one);
            if stop {
                return verified;
            }
        }
        if several {
            self.look_at_all(&mut verified, watch);
            complete(&mut verified);
            self.rebuild(&mut verified, watch);
        }
        verified
    }

    /// `together` is what is not as expected of all bundles as one.
    fn verify(&self, bundle: Bundle, together: Option<&Arc<Error>>, watch: &dyn Watch) -> Result<Verified> {
        let unexpected = self.input.check(&bundle).err().map(Arc::new).or(together.cloned());
        let pinned = self.input.expect.iter().any(|e| matches!(e, Expectation::Bundle(_))) && unexpected.is_none();
        let opened = Opened::new(vec![bundle], None, 1, self.input.max_manifests, watch)?;
        let contents = &opened.contents;
        let bundle = opened.bundles.only().ok_or_else(|| Error::usage("no bundle named"))?;
        let more = || self.input.check_pinned(contents).err().map(|e| Arc::new(e.at(bundle.path().display())));
        let unexpected = unexpected.or_else(more);
        let mut findings = what_was_read(&opened, bundle);
        let (blobs, seen) = self.read_all(bundle, watch, &mut findings)?;
        let blobs = self.read_deltas(bundle, blobs, watch, &mut findings)?;
        if self.deep {
            deep::compare(bundle, contents, self.jobs, watch, &mut findings)?;
        }
        let findings = findings.named(contents);
        let bad: HashSet<&Digest> = findings.iter().filter_map(|finding| finding.digest.as_ref()).collect();
        let used: HashSet<&Digest> = contents.nodes.iter().map(|n| &n.descriptor.digest).collect();
        let rests_on = contents.nodes.iter().filter(|node| node.rests_on_base());
        let rests_on = rests_on.map(|node| node.descriptor.digest.clone()).collect();
        // Needed only beside another bundle.
        let of_several = self.input.bundles.len() > 1;
        let whole = seen.iter().filter(|digest| of_several && !bad.contains(**digest));
        Ok(Verified {
            delta: DeltaReport::of(contents),
            old_layers: OldLayer::of(bundle),
            rests_on,
            whole: whole.map(|digest| (*digest).clone()).collect(),
            bundle: bundle.path().to_owned(),
            digest: bundle.index().digest.clone(),
            volume: VolumeReport::of(bundle),
            other_volumes: others(bundle),
            expected: (!self.input.expect.is_empty()).then_some(unexpected.is_none()),
            intact: findings.is_empty(),
            images: contents.images().count() as u64,
            blobs: VerifiedBlobs { unused: seen.iter().filter(|d| !used.contains(**d)).count() as u64, ..blobs },
            left_out: LeftOut::of(contents),
            notes: notes(contents),
            findings,
            pinned,
            unexpected,
        })
    }

    /// Reads every blob that is there.
    fn read_all<'a>(
        &self,
        bundle: &'a Bundle,
        watch: &dyn Watch,
        findings: &mut Findings,
    ) -> Result<(VerifiedBlobs, HashSet<&'a Digest>)> {
        let mut seen = HashSet::new();
        let blobs: Vec<&Digest> = bundle.blobs().filter(|d| seen.insert(*d)).collect();
        let parts = bundle.parts();
        let bytes =
            blobs.iter().filter_map(|d| bundle.size_of(d)).chain(parts.iter().map(|(_, part)| part.bytes)).sum();
        let count = (blobs.len() + parts.len()) as u64;
        let blobs =
            blobs.into_iter().map(|digest| (digest, None)).chain(parts.into_iter().map(|(d, part)| (d, Some(part))));
        watch.on(Event::Phase { name: "verifying", items: count, bytes });
        let checked = side_by_side(blobs.collect(), self.jobs, |(digest, part)| {
            if watch.stopped().is_some() {
                return None;
            }
            let size = part.map_or_else(|| bundle.size_of(digest).unwrap_or_default(), |part| part.bytes);
            watch.on(Event::BlobStarted { digest, size, of: "" });
            let progress = |bytes| watch.on(Event::Advanced { digest, bytes });
            let result = match part {
                Some(part) => bundle.check_part(digest, part, &progress),
                None => bundle.check(digest, &progress),
            };
            watch.on(Event::BlobEnded { digest });
            Some((digest, part, result.err()?))
        });
        watch.on(Event::Phase { name: "", items: 0, bytes: 0 });
        if let Some(signal) = watch.stopped() {
            return Err(Error::Interrupted { signal });
        }
        for (digest, part, error) in checked.into_iter().flatten() {
            let kind = FindingKind::DigestMismatch.or_unreadable(&error);
            match part {
                Some(part) => findings.add_part(kind, digest, part.number, &error),
                None => findings.add(kind, digest, &error),
            }
        }
        Ok((VerifiedBlobs { count, bytes, unused: 0 }, seen))
    }
}

/// The other volumes of the bundle that a volume is of.
fn others(bundle: &Bundle) -> Vec<u32> {
    let Some(((_, count, _), own)) = bundle.volume() else { return Vec::new() };
    (1..=count).filter(|number| *number != own).collect()
}

/// Counts what deltas rest on and others of these bundles hold whole.
fn complete(verified: &mut [Result<Verified>]) {
    let whole: HashSet<Digest> = verified.iter_mut().flatten().flat_map(|one| std::mem::take(&mut one.whole)).collect();
    for one in verified.iter_mut().flatten() {
        if let Some(delta) = &mut one.delta {
            delta.found = Some(one.rests_on.iter().filter(|digest| whole.contains(digest)).count() as u64);
        }
    }
}

/// What is unusual and harmless: a Descriptor that gives a manifest the other type of its kind.
fn notes(contents: &Contents) -> Vec<String> {
    let note = |(node, manifest): (&Node, &Manifest)| {
        let (described, own) = (&node.descriptor.media_type, manifest.media_type());
        let digest = manifest.digest();
        (described != own).then(|| format!("{digest} is described as {described} and is {own}: its own word counts"))
    };
    contents.manifests().filter_map(note).collect()
}

/// What is missing or malformed on the way from the index to everything.
fn what_was_read(opened: &Opened, bundle: &Bundle) -> Findings {
    let mut findings = Findings::default();
    opened.unusable.iter().for_each(|one| findings.add_entry(&one.label, &one.error));
    opened.malformed.iter().for_each(|error| findings.add_form(error));
    for failure in &opened.failures {
        let kind = FindingKind::Malformed.or_unreadable(&failure.error);
        findings.add(kind, &failure.digest, failure.error.innermost());
    }
    for node in opened.contents.nodes.iter().filter(|node| node.presence == Presence::Missing) {
        let Descriptor { digest, .. } = &node.descriptor;
        let kind = if bundle.size_of(digest).is_some() { FindingKind::SizeMismatch } else { FindingKind::Missing };
        findings.add(kind, digest, &bundle.lack(&node.descriptor));
    }
    findings
}
