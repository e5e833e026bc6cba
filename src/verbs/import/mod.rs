//! `import`: bundles → a registry.

mod images;
mod policy;
mod report;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::opened::{Input, Opened, reads_bundles};
use crate::archive::{Bundle, Expectation};
use crate::error::{Error, NextStep, Result};
use crate::oci::{Digest, Host, Reference, Repository};
use crate::plan::Naming;
use crate::registry::{Registries, RegistryOptions};
use crate::store::{Contents, Event, Watch};
use crate::transfer::{Before, Image, Outcome, Pushed, Status, Survey, push, read_back, survey, tags_before};
use crate::verbs::report::LeftOut;
use report::Found;

pub use crate::plan::{Mapping, SourcePrefix};
pub use crate::transfer::ExistingTag;
pub use report::{ImageStatus, Imported, ImportedBlobs, ImportedImage, ReadBackReport};

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
    input: Input,
    name: Option<Reference>,
    host: Host,
    namespace: String,
    mappings: Vec<Mapping>,
    all_mappings_count: bool,
    check: Check,
    existing_tag: ExistingTag,
    sources: Vec<SourcePrefix>,
    strict: bool,
    dry_run: bool,
    registry: RegistryOptions,
}

impl Import {
    /// The images of these bundles (tars, gzips of them, layout directories, or `-` for standard
    /// input), to this registry. Several bundles complete each other.
    pub fn new(bundles: impl IntoIterator<Item = PathBuf>, host: Host) -> Self {
        Self {
            input: Input::new(bundles),
            name: None,
            host,
            namespace: "library".into(),
            mappings: Vec::new(),
            all_mappings_count: false,
            check: Check::default(),
            existing_tag: ExistingTag::default(),
            sources: Vec::new(),
            strict: false,
            dry_run: false,
            registry: RegistryOptions::default(),
        }
    }

    reads_bundles!();

    /// The source repository of what has only a tag, or no name at all; with a tag it is the name of the
    /// only image.
    #[must_use]
    pub fn name(self, name: Option<Reference>) -> Self {
        Self { name, ..self }
    }

    /// What goes in front of every repository; empty for nothing. `library` where nobody says.
    #[must_use]
    pub fn namespace(self, namespace: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), ..self }
    }

    /// Repositories that go elsewhere.
    #[must_use]
    pub fn mappings(self, mappings: Vec<Mapping>) -> Self {
        Self { mappings, ..self }
    }

    /// A mapping that is for none of the images is a mistake.
    #[must_use]
    pub fn all_mappings_count(self, all_mappings_count: bool) -> Self {
        Self { all_mappings_count, ..self }
    }

    /// How the images at the registry are checked.
    #[must_use]
    pub fn check(self, check: Check) -> Self {
        Self { check, ..self }
    }

    /// What to do about tags that name another image at the target.
    #[must_use]
    pub fn existing_tag(self, existing_tag: ExistingTag) -> Self {
        Self { existing_tag, ..self }
    }

    /// Where images may come from, by their names in the bundle; from anywhere, if this is empty.
    #[must_use]
    pub fn sources(self, sources: Vec<SourcePrefix>) -> Self {
        Self { sources, ..self }
    }

    /// Nothing is taken on trust: an import without an expectation is refused, and so is http where no host is
    /// named for it.
    #[must_use]
    pub fn strict(self, strict: bool) -> Self {
        Self { strict, ..self }
    }

    /// Look and plan only; nothing is changed.
    #[must_use]
    pub fn dry_run(self, dry_run: bool) -> Self {
        Self { dry_run, ..self }
    }

    /// How to talk to the registry.
    #[must_use]
    pub fn registry(self, registry: RegistryOptions) -> Self {
        Self { registry, ..self }
    }

    /// Imports. Images that cannot be brought over have a line in the report, and do not stop others.
    ///
    /// # Errors
    /// When the bundle cannot be read at all, names collide, or the registry cannot be reached.
    pub fn run(mut self, watch: Arc<dyn Watch>) -> Result<Imported> {
        if self.strict {
            policy::be_strict(&self.input.expect, &mut self.registry)?;
        }
        let bundles = self.input.open(watch.as_ref()).into_iter().collect::<Result<Vec<_>>>()?;
        bundles.iter().try_for_each(|bundle| self.input.check(bundle))?;
        self.input.check_together(bundles.iter())?;
        let mut opened = Opened::new(bundles, self.name.as_ref(), 1, self.input.max_manifests, watch.as_ref())?;
        opened.check()?;
        let unusable = opened.take_unusable();
        if opened.bundles.iter().any(Bundle::is_ours) {
            images::all_known(&opened.contents)?;
        }
        left_behind(&opened, watch.as_ref());
        let contents = &opened.contents;
        self.input.check_pinned(contents).map_err(|e| e.at(opened.bundles.label()))?;
        let naming = Naming::new(self.host.clone(), &self.namespace, self.mappings.clone());
        let naming = naming.with_all_counting(self.all_mappings_count);
        let placed = images::place(contents, self.name.as_ref(), &naming, self.existing_tag);
        let placed = placed.map_err(|e| if opened.bundles.only().is_none() { apart(e, &opened) } else { e })?;
        policy::check_sources(&placed, &self.sources).map_err(|e| e.at(opened.bundles.label()))?;
        // What is there and bad cannot be sent, and what depends on it is not begun.
        let mut broken: Vec<(Image, Arc<Error>)> = Vec::new();
        let mut sound: Vec<Image> = Vec::new();
        for image in placed {
            match opened.failure_in(image.parts(contents).map(|node| &node.descriptor.digest)) {
                Some(error) => broken.push((image.clone(), Arc::new(Error::Shared(error).at(image.name.name())))),
                None => sound.push(image),
            }
        }

        let registries = Registries::new(self.registry.clone(), watch.clone())?;
        let jobs = self.registry.jobs;
        let (sound, settled) = policy::respect_tags(sound, &registries, jobs, watch.as_ref())?;
        let asked = survey(contents, &sound, &registries, jobs, self.dry_run, watch.as_ref())?;
        // Only what is neither here nor there is missing.
        let mut whole: Vec<Image> = Vec::new();
        // The names of one content in one repository stand or fall together.
        let mut known: HashMap<(Repository, Digest), Option<Arc<Error>>> = HashMap::new();
        for image in sound {
            let wrong = known.entry(image.content()).or_insert_with(|| {
                images::check_whole(contents, &image, &asked, &opened.bundles, &registries).err().map(Arc::new)
            });
            match wrong {
                None => whole.push(image),
                Some(error) => {
                    let error = Error::Shared(error.clone()).at(image.name.name());
                    broken.push((image, Arc::new(error)));
                }
            }
        }
        let found = asked.of(contents, &whole);
        let to_send = found.to_send();
        if let Some(refused) = found.refused.as_ref().filter(|_| self.dry_run) {
            return Err(Error::Shared(refused.clone()));
        }
        let left_out = found.left_out().into_iter().map(|(descriptor, reason)| LeftOut::new(descriptor, reason));
        let left_out = left_out.collect();
        let mut outcome = if self.dry_run {
            let before = tags_before(&whole, &registries, jobs, watch.as_ref())?;
            planned(contents, whole, &found, before)
        } else {
            push(contents, &whole, &found, &opened.bundles, &registries, jobs, watch.as_ref())
        };
        let reads_back = self.check == Check::ReadBack && !self.dry_run;
        let read_back =
            reads_back.then(|| read_back(contents, &mut outcome, &registries, &registries, jobs, watch.as_ref()));
        for (image, error) in broken {
            outcome.images.push(Pushed::failed(image, error, watch.as_ref()));
        }
        outcome.images.extend(settled);
        let found = Found { left_out, unusable, to_send: self.dry_run.then_some(to_send) };
        Ok(Imported::new(self.host, &opened.bundles, outcome, read_back, found))
    }
}

/// Several files that contradict each other can be imported one by one.
fn apart(error: Error, opened: &Opened) -> Error {
    match error {
        Error::Usage { message, next: Some(NextStep::SaveUnderTwoNames) } => {
            Error::Usage { message, next: Some(NextStep::ImportApart) }.at(opened.bundles.label())
        }
        other => other,
    }
}

/// Says what is in a layout of another tool and belongs to no image.
fn left_behind(opened: &Opened, watch: &dyn Watch) {
    for bundle in opened.bundles.iter().filter(|bundle| !bundle.is_ours()) {
        let unused: HashSet<&Digest> = bundle.blobs().filter(|d| opened.contents.node(d).is_none()).collect();
        if !unused.is_empty() {
            let blobs = if unused.len() == 1 { "1 blob".to_owned() } else { format!("{} blobs", unused.len()) };
            let message = format!("{}: {blobs} that no image needs: not imported", bundle.path().display());
            watch.on(Event::Warning { message: &message });
        }
    }
}

/// What would be done.
fn planned(contents: &Contents, images: Vec<Image>, found: &Survey<'_>, before: Before) -> Outcome {
    let mut known: HashMap<(Repository, Digest), bool> = HashMap::new();
    let line = |image: Image| {
        let lacks = *known.entry(image.content()).or_insert_with(|| found.lacks(contents, &image));
        let is_tagged = image.target.tag.is_none() || before.of(&image) == Some(&image.digest);
        let status = if is_tagged && !lacks { Status::Present } else { Status::Pushed };
        Pushed { image, status, error: None }
    };
    let images = images.into_iter().map(line).collect();
    Outcome { images, before, present: found.present_blobs(), ..Outcome::default() }
}
