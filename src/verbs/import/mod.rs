//! `import`: bundles → a registry.

mod images;

use std::path::PathBuf;
use std::sync::Arc;

use crate::archive::{Bundle, Bundles, Expectation, Spooling, check_expectations};
use crate::error::{Error, Kind, Result};
use crate::oci::{Digest, Repository};
use crate::plan::{Mapping, Naming};
use crate::registry::{Registries, RegistryOptions};
use crate::store::{Event, Watch};
use crate::transfer::{Image, Outcome, Pushed, ReadBack, Status, push, read_back, survey};

/// How far to trust what the registry says it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Check {
    /// It has what it says it has in the right length, and serves the manifest of each image.
    #[default]
    Existence,
    /// Everything is read back and hashed.
    ReadBack,
}

/// What to import, and where to.
#[derive(Clone, Debug)]
pub struct Import {
    /// The bundles: tars, gzips of them, layout directories, or `-` for standard input.
    pub bundles: Vec<PathBuf>,
    /// What they have to be.
    pub expect: Vec<Expectation>,
    /// The source repository of what has only a tag, or no name at all.
    pub name: Option<Repository>,
    /// Where to spool to.
    pub tmpdir: Option<PathBuf>,
    /// The target registry, `HOST[:PORT]`.
    pub host: String,
    /// Put in front of every repository; empty for nothing.
    pub namespace: String,
    /// Repositories that go elsewhere.
    pub mappings: Vec<Mapping>,
    /// How the images at the registry are checked.
    pub check: Check,
    /// Look and plan only.
    pub dry_run: bool,
    /// How to talk to the registry.
    pub registry: RegistryOptions,
}

/// What came of an import.
#[derive(Debug)]
pub struct Imported {
    /// The bundles, each with the sha256 of its `index.json`.
    pub bundles: Vec<(PathBuf, Digest)>,
    /// What was done; after a dry run the lines say what is there already, and nothing was sent.
    pub outcome: Outcome,
    /// What was read back, if it was asked for.
    pub read_back: Option<ReadBack>,
    /// After a dry run, the blobs that would be sent and their length in bytes.
    pub to_send: (u64, u64),
}

impl Imported {
    /// The kind that decides the exit status; `None` if every image is there.
    pub fn kind(&self) -> Option<Kind> {
        let failed = self.outcome.images.iter().filter(|i| i.status == Status::Failed);
        failed.map(|i| i.error.as_ref().map_or(Kind::Failed, |e| e.kind())).reduce(Kind::graver)
    }
}

impl Import {
    /// Imports. Images that cannot be brought over have a line in the outcome, and do not stop others.
    ///
    /// # Errors
    /// When the bundle cannot be read at all, names collide, or the registry cannot be reached.
    pub fn run(self, watch: Arc<dyn Watch>) -> Result<Imported> {
        let spooling = Spooling { tmpdir: self.tmpdir.as_deref(), watch: watch.as_ref() };
        let opened = self.bundles.iter().map(|path| Bundle::open(path, spooling)).collect::<Result<Vec<_>>>()?;
        check_expectations(&self.expect, &opened.iter().collect::<Vec<_>>())?;
        let bundles = Bundles::new(opened);
        let contents = images::read(&bundles, self.name.as_ref(), watch.as_ref())?;
        let naming = Naming::new(&self.host, &self.namespace, self.mappings.clone());
        let placed = images::place(&contents, self.name.as_ref(), &naming)?;
        let damaged = images::missing_blobs(&bundles, &contents);
        let (whole, broken): (Vec<Image>, Vec<Image>) =
            placed.into_iter().partition(|image| images::damage(&damaged, image).is_none());

        let registries = Registries::new(self.registry.clone(), watch.clone())?;
        let jobs = self.registry.jobs;
        let found = survey(&contents, &whole, &registries, jobs, self.dry_run, watch.as_ref())?;
        let to_send = found.to_send();
        if let Some(refused) = found.refused.as_ref().filter(|_| self.dry_run) {
            return Err(Error::Shared(refused.clone()));
        }
        let mut outcome = if self.dry_run {
            let line = |image: Image| {
                let status = if found.lacks(&contents, &image) { Status::Pushed } else { Status::Present };
                Pushed { image, status, error: None }
            };
            Outcome {
                images: whole.into_iter().map(line).collect(),
                present: found.present_blobs(),
                ..Outcome::default()
            }
        } else {
            push(&contents, &whole, &found, &bundles, &registries, jobs, watch.as_ref())
        };
        let reads_back = self.check == Check::ReadBack && !self.dry_run;
        let read_back =
            reads_back.then(|| read_back(&contents, &mut outcome, &registries, &registries, jobs, watch.as_ref()));
        for image in broken {
            let error = images::damage(&damaged, &image)
                .map(|e| Arc::new(Error::Shared(e.clone()).at(&image.name).at(bundles.label())));
            let target = image.target.to_string();
            let event =
                Event::Image { status: "failed", target: &target, digest: &image.digest, error: error.as_deref() };
            watch.on(event);
            outcome.images.push(Pushed { image, status: Status::Failed, error });
        }
        let bundles = bundles.iter().map(|b| (b.path().to_owned(), b.index().digest.clone())).collect();
        Ok(Imported { bundles, outcome, read_back, to_send })
    }
}
