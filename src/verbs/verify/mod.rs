//! `verify`: bundle → findings. Reads every byte, checks every digest, size and type, and that every
//! image is whole. Goes on to the end whatever it finds, and never talks to anybody.

mod deep;
mod finding;

use std::collections::HashSet;
use std::path::PathBuf;

pub use finding::{Finding, FindingKind};

use crate::archive::{Bundle, Expectation, IndexEntry, Spooling, check_expectations};
use crate::error::{Error, Kind, Result};
use crate::oci::{Descriptor, Digest, Repository};
use crate::plan::{Found, walk};
use crate::store::{Contents, Event, Source, Watch, side_by_side};
use finding::Findings;

/// What to verify.
#[derive(Clone, Debug)]
pub struct Verify {
    /// The bundle: a tar, a gzip of one, a layout directory, or `-` for standard input.
    pub bundle: PathBuf,
    /// Also unpack layers, to nowhere, and compare them with the image configurations.
    pub deep: bool,
    /// What it has to be.
    pub expect: Vec<Expectation>,
    /// Blobs that are read side by side.
    pub jobs: usize,
    /// Where to spool to.
    pub tmpdir: Option<PathBuf>,
}

impl Verify {
    /// An ordinary check of this bundle.
    pub fn new(bundle: impl Into<PathBuf>) -> Self {
        Self { bundle: bundle.into(), deep: false, expect: Vec::new(), jobs: 4, tmpdir: None }
    }
}

/// What was found.
#[derive(Debug)]
pub struct Verified {
    /// sha256 of `index.json`.
    pub digest: Digest,
    /// Whether it is what was expected, if anything was.
    pub expected: Option<bool>,
    /// How it is not.
    pub unexpected: Option<Error>,
    /// It is the very bundle that was expected, by its digest.
    pub pinned: bool,
    /// Images by name.
    pub images: u64,
    /// Blob entries that were read.
    pub blobs: u64,
    /// Their length in bytes.
    pub bytes: u64,
    /// Content that nothing refers to; harmless.
    pub unused: u64,
    /// Everything that is wrong, in file order.
    pub findings: Vec<Finding>,
}

impl Verified {
    /// The kind that decides the exit status; `None` for an intact bundle.
    pub fn kind(&self) -> Option<Kind> {
        let kinds = self.findings.iter().map(|f| match f.kind {
            FindingKind::Unreadable => Kind::Failed,
            _ => Kind::Content,
        });
        kinds.chain(self.unexpected.iter().map(Error::kind)).reduce(Kind::graver)
    }
}

impl Verify {
    /// Verifies.
    ///
    /// # Errors
    /// When the bundle's structure is so damaged that nothing can be said about its content, or
    /// somebody asked to stop.
    pub fn run(self, watch: &dyn Watch) -> Result<Verified> {
        let bundle = Bundle::open(&self.bundle, Spooling { tmpdir: self.tmpdir.as_deref(), watch })?;
        let unexpected = check_expectations(&self.expect, &[&bundle]).err();
        let pinned = self.expect.iter().any(|e| matches!(e, Expectation::Bundle(_))) && unexpected.is_none();
        let mut findings = Findings::default();
        let contents = self.walk(&bundle, watch, &mut findings)?;
        let mut seen = HashSet::new();
        let blobs: Vec<&Digest> = bundle.blobs().iter().filter(|d| seen.insert(*d)).collect();
        let bytes = blobs.iter().filter_map(|d| bundle.size_of(d)).sum();
        let count = blobs.len() as u64;
        watch.on(Event::Phase { name: "verifying", items: count, bytes });
        let checked = side_by_side(blobs, self.jobs, |digest| {
            if watch.stopped().is_some() {
                return None;
            }
            watch.on(Event::BlobStarted { digest, size: bundle.size_of(digest).unwrap_or_default() });
            let result = bundle.check(digest, &|bytes| watch.on(Event::Advanced { digest, bytes }));
            watch.on(Event::BlobEnded { digest });
            Some((digest, result.err()?))
        });
        watch.on(Event::Phase { name: "", items: 0, bytes: 0 });
        if let Some(signal) = watch.stopped() {
            return Err(Error::Interrupted { signal });
        }
        for (digest, error) in checked.into_iter().flatten() {
            findings.add(FindingKind::DigestMismatch.or_unreadable(&error), digest, None, &error);
        }
        if self.deep {
            deep::compare(&bundle, &contents, self.jobs, watch, &mut findings)?;
        }
        let findings = findings.named(&contents);
        let used: HashSet<&Digest> = contents.nodes.iter().map(|n| &n.descriptor.digest).collect();
        Ok(Verified {
            digest: bundle.index().digest.clone(),
            expected: (!self.expect.is_empty()).then_some(unexpected.is_none()),
            unexpected,
            pinned,
            images: bundle.index().entries.iter().filter(|e| e.name.is_some() || e.tag.is_some()).count() as u64,
            blobs: count,
            bytes,
            unused: seen.iter().filter(|d| !used.contains(**d)).count() as u64,
            findings,
        })
    }

    /// Everything the index leads to, and what is missing or malformed on the way.
    fn walk(&self, bundle: &Bundle, watch: &dyn Watch, findings: &mut Findings) -> Result<Contents> {
        // Content in a bundle is found by digest alone.
        let nowhere = Repository::new("bundle.invalid", "content")?;
        let mut roots = Vec::new();
        for IndexEntry { name, descriptor, .. } in &bundle.index().entries {
            match bundle.manifest(&nowhere, descriptor) {
                Ok(manifest) => roots.push(Found { name: name.clone(), repository: nowhere.clone(), manifest }),
                Err(error) => {
                    let kind = kind_of(bundle, &descriptor.digest, descriptor.size, &error);
                    findings.add(kind, &descriptor.digest, name.as_ref(), &error);
                }
            }
        }
        let (contents, failures) = walk(bundle, roots, 1, watch).map_err(|e| e.at(bundle.path().display()))?;
        for failure in failures {
            let size = contents.node(&failure.digest).map(|n| n.descriptor.size).unwrap_or_default();
            let kind = kind_of(bundle, &failure.digest, size, &failure.error);
            findings.add(kind, &failure.digest, None, &failure.error);
        }
        for node in contents.blobs() {
            if let Err(error) = bundle.holds(&node.descriptor) {
                let Descriptor { digest, size, .. } = &node.descriptor;
                findings.add(kind_of(bundle, digest, *size, &error), digest, None, &error);
            }
        }
        Ok(contents)
    }
}

/// What is wrong with content that could not be taken as what it should be.
fn kind_of(bundle: &Bundle, digest: &Digest, size: u64, error: &Error) -> FindingKind {
    let kind = match bundle.size_of(digest) {
        None => FindingKind::Missing,
        Some(there) if there != size => FindingKind::SizeMismatch,
        Some(_) => FindingKind::Malformed,
    };
    kind.or_unreadable(error)
}
