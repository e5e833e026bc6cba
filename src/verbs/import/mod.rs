//! `import`: bundles → a registry.

mod images;
mod lacking;
mod old_layers;
mod policy;
mod report;
mod volumes;

use std::cell::OnceCell;
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use super::entries::Unusable;
use super::opened::{Input, Opened, reads_bundles};
use super::pushed::{Destination, pushes_images};
use crate::archive::{Bundle, Expectation};
use crate::error::{Error, Kind, NextStep, Result};
use crate::oci::{Digest, Host, Reference};
use crate::registry::{Registries, RegistryOptions};
use crate::store::{Event, Scratch, Watch};
use crate::transfer::{Image, Survey};
use lacking::Lacking;

pub use super::chosen_names::NamePattern;
pub use super::pushed::Check;
pub use super::pushed::report::{ImageStatus, PushedBlobs, PushedImage, ReadBackReport};
pub use crate::plan::{Mapping, Platforms, SourcePrefix};
pub use crate::transfer::ExistingTag;
pub use lacking::LackingContent;
pub use report::Imported;

/// What to import, and where to.
#[derive(Clone, Debug)]
pub struct Import {
    input: Input,
    name: Option<Reference>,
    destination: Destination,
    sources: Vec<SourcePrefix>,
    strict: bool,
    volume: Option<u32>,
}

impl Import {
    /// The images of these bundles (tars, gzips of them, layout directories, or `-` for standard
    /// input), to this registry. Several bundles complete each other.
    pub fn new(bundles: impl IntoIterator<Item = PathBuf>, host: Host) -> Self {
        Self {
            input: Input::new(bundles),
            name: None,
            destination: Destination::new(host),
            sources: Vec::new(),
            strict: false,
            volume: None,
        }
    }

    reads_bundles!();
    pushes_images!();

    /// The source repository of what has only a tag, or no name at all; with a tag it is the name of the
    /// only image.
    #[must_use]
    pub fn name(self, name: Option<Reference>) -> Self {
        Self { name, ..self }
    }

    /// Images with these names alone, and what refers to them; all, if this is empty.
    #[must_use]
    pub fn only(mut self, only: Vec<NamePattern>) -> Self {
        self.destination.only = only;
        self
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

    /// Of several volumes, what this one has alone: others bring theirs. A blob that is cut over several goes with its
    /// first part.
    #[must_use]
    pub fn volume(self, volume: Option<u32>) -> Self {
        Self { volume, ..self }
    }

    /// Imports. Images that cannot be brought over have a line in the report, and do not stop others.
    ///
    /// # Errors
    /// When the bundle cannot be read at all, names collide, or the registry cannot be reached.
    pub fn run(mut self, watch: Arc<dyn Watch>) -> Result<Imported> {
        if self.strict {
            policy::be_strict(self.input.is_taken_on_trust(), &mut self.destination.registry)?;
        }
        let (bundles, unreadable) = self.open(watch.as_ref())?;
        bundles.iter().try_for_each(|bundle| self.input.check(bundle))?;
        self.input.check_together(bundles.iter())?;
        let mut opened = Opened::new(bundles, self.name.as_ref(), 1, self.input.max_manifests, watch.as_ref())?;
        opened.check()?;
        let mut unusable = opened.take_unusable();
        unusable.extend(unreadable);
        if opened.bundles.iter().any(Bundle::is_ours) {
            images::all_known(&opened.contents)?;
        }
        opened.bundles.rebuild_in(Scratch::new(self.input.tmpdir.as_deref()), false);
        if let Some(number) = self.volume {
            opened.bundles.leave_all_but(number, &mut opened.contents)?;
        }
        left_behind(&opened, watch.as_ref());
        let contents = &opened.contents;
        self.input.check_pinned(contents).map_err(|e| e.at(opened.bundles.label()))?;
        let placed = self.destination.place(contents, self.name.as_ref(), watch.as_ref());
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

        let target = Arc::new(Registries::new(self.destination.registry.clone(), watch.clone())?);
        old_layers::look(&mut opened, &sound, &target, self.destination.registry.jobs, &watch);
        let contents = &opened.contents;
        let lacks = volumes::Lacks::new(&opened);
        let lacking = OnceCell::new();
        let check_whole = |image: &Image, all: &[Image], asked: &Survey<'_>| {
            lacks.check(image, asked)?;
            let lacking = lacking.get_or_init(|| Lacking::of(contents, all, asked));
            Ok(images::check_whole(contents, image, asked, lacking, &opened.bundles, &*target)?)
        };
        let images = (sound, broken);
        let arrival = self.destination.push(contents, images, &opened.bundles, &target, check_whole, watch.as_ref())?;
        let lacking = lacking.into_inner().map(|lacking| lacking.list).unwrap_or_default();
        let missing = (lacking, lacks.volumes());
        Ok(Imported::new(self.destination.host, &opened.bundles, arrival, unusable, missing))
    }
}

impl Import {
    /// The bundles, and of several those that cannot be read at all: a file that is damaged concerns the others no more
    /// than a damaged image does. Where something is pinned, everything has to be there.
    fn open(&self, watch: &dyn Watch) -> Result<(Vec<Bundle>, Vec<Unusable>)> {
        let (mut bundles, mut unreadable) = (Vec::new(), Vec::new());
        for (path, opened) in self.input.bundles.iter().zip(self.input.open_as_one(watch)) {
            match opened {
                Ok(bundle) => bundles.push(bundle),
                Err(error) if error.kind() == Kind::Content && self.input.is_taken_on_trust() => {
                    unreadable.push(Unusable { label: path.display().to_string(), error });
                }
                Err(error) => return Err(error),
            }
        }
        match unreadable.pop() {
            Some(only) if bundles.is_empty() => Err(only.error),
            last => Ok((bundles, unreadable.into_iter().chain(last).collect())),
        }
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

/// Says what is in a layout of another tool and belongs to no image, and what is unusual about volumes.
fn left_behind(opened: &Opened, watch: &dyn Watch) {
    for message in opened.bundles.oddities() {
        watch.on(Event::Warning { message: &message });
    }
    for bundle in opened.bundles.iter().filter(|bundle| !bundle.is_ours() && !bundle.is_salvaged()) {
        let unused: HashSet<&Digest> = bundle.blobs().filter(|d| opened.contents.node(d).is_none()).collect();
        if !unused.is_empty() {
            let blobs = if unused.len() == 1 { "1 blob".to_owned() } else { format!("{} blobs", unused.len()) };
            let message = format!("{}: {blobs} that no image needs: not imported", bundle.path().display());
            watch.on(Event::Warning { message: &message });
        }
    }
}
