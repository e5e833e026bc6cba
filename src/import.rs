//! `import`: bundles → a registry.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::archive::{Bundle, IndexEntry};
use crate::error::{Error, Kind, Result};
use crate::oci::{Digest, Repository};
use crate::plan::{Assignment, Failure, Found, Mapping, Naming, assign, walk};
use crate::registry::{Registries, RegistryOptions};
use crate::store::{Contents, Event, Source, Watch};
use crate::transfer::{Image, Outcome, Pushed, Status, push, survey};

/// What to import, and where to.
#[derive(Clone, Debug)]
pub struct Import {
    /// The bundle.
    pub bundle: PathBuf,
    /// The target registry, `HOST[:PORT]`.
    pub host: String,
    /// Put in front of every repository; empty for nothing.
    pub namespace: String,
    /// Repositories that go elsewhere.
    pub mappings: Vec<Mapping>,
    /// Look and plan only.
    pub dry_run: bool,
    /// How to talk to the registry.
    pub registry: RegistryOptions,
}

/// What came of an import.
#[derive(Debug)]
pub struct Imported {
    /// sha256 of the bundle's `index.json`.
    pub digest: Digest,
    /// What was done; after a dry run the lines say what is there already, and nothing was sent.
    pub outcome: Outcome,
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
        let bundle = Bundle::open(&self.bundle)?;
        let path = bundle.path().display().to_string();
        let contents = read(&bundle, watch.as_ref())?;
        let naming = Naming::new(&self.host, &self.namespace, self.mappings.clone());
        let names = contents.roots.iter().filter_map(|r| Some((r.name.clone()?, r.digest.clone())));
        let assigned: Vec<Image> = assign(names, &naming)?.into_iter().map(image).collect();
        let damaged = missing_blobs(&bundle, &contents);
        let (whole, broken): (Vec<Image>, Vec<Image>) =
            assigned.into_iter().partition(|image| !damaged.contains_key(&image.name));

        let registries = Registries::new(self.registry.clone(), watch.clone())?;
        let jobs = self.registry.jobs;
        let found = survey(&contents, &whole, &registries, jobs, watch.as_ref())?;
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
            push(&contents, &whole, &found, &bundle, &registries, jobs, watch.as_ref())
        };
        for image in broken {
            let error = damaged.get(&image.name).map(|e| Arc::new(Error::Shared(e.clone()).at(&image.name).at(&path)));
            let target = image.target.to_string();
            let event =
                Event::Image { status: "failed", target: &target, digest: &image.digest, error: error.as_deref() };
            watch.on(event);
            outcome.images.push(Pushed { image, status: Status::Failed, error });
        }
        Ok(Imported { digest: bundle.index().digest.clone(), outcome, to_send })
    }
}

fn image(assignment: Assignment) -> Image {
    Image { name: assignment.name, digest: assignment.digest, target: assignment.target }
}

/// Everything the bundle's names stand for. A manifest that cannot be read leaves open what else is
/// missing, so nothing is pushed then.
fn read(bundle: &Bundle, watch: &dyn Watch) -> Result<Contents> {
    let at = |e: Error| e.at(bundle.path().display());
    let mut roots = Vec::new();
    for IndexEntry { name, descriptor, .. } in &bundle.index().entries {
        let Some(name) = name else { continue };
        let manifest = bundle.manifest(&nowhere()?, descriptor).map_err(|e| at(e.at(name)))?;
        roots.push(Found { name: Some(name.clone()), repository: nowhere()?, manifest });
    }
    let (contents, failures) = walk(bundle, roots, 1, watch).map_err(at)?;
    match failures.into_iter().next() {
        Some(Failure { images, error, .. }) => Err(at(error.at(images.join(", ")))),
        None => contents.check_spread().map(|()| contents).map_err(at),
    }
}

/// Content in a bundle is found by digest alone.
fn nowhere() -> Result<Repository> {
    Ok(Repository::new("bundle.invalid", "content")?)
}

/// What is wrong, by the names of the images it hurts: blobs that should be there and are not.
fn missing_blobs(bundle: &Bundle, contents: &Contents) -> HashMap<String, Arc<Error>> {
    let lost: HashMap<&Digest, Arc<Error>> = contents
        .blobs()
        .filter_map(|node| Some((&node.descriptor.digest, Arc::new(bundle.holds(&node.descriptor).err()?))))
        .collect();
    let mut damaged = HashMap::new();
    if !lost.is_empty() {
        for root in &contents.roots {
            let closure = contents.closure(&root.digest);
            if let Some(error) = closure.iter().find_map(|n| lost.get(&n.descriptor.digest)) {
                damaged.insert(root.label(), error.clone());
            }
        }
    }
    damaged
}
