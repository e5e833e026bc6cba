//! The one way from contents to a registry: what images are called there, what is there already, what is sent, and
//! what is read back.

mod about;
mod placed;
pub(super) mod report;
mod single;
mod tags;
mod waiting;

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::oci::{Digest, Host, Reference, Repository};
use crate::plan::{Mapping, Naming, Platforms};
use crate::registry::{Registries, RegistryOptions};
use crate::store::{Contents, Source, Watch};
use crate::transfer::{
    Before, ExistingTag, Image, Outcome, Pushed, ReadBack, Status, Survey, push, read_back, survey, tags_before,
};
use crate::verbs::chosen_names::NamePattern;
use crate::verbs::report::LeftOut;
use about::Abouts;

use single::Single;

pub(super) use waiting::Lack;

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

/// The registry that images go to, and what they are called there.
#[derive(Clone, Debug)]
pub(super) struct Destination {
    pub(super) host: Host,
    /// What goes in front of every repository.
    pub(super) namespace: String,
    /// Repositories that go elsewhere.
    pub(super) mappings: Vec<Mapping>,
    /// A mapping that is for none of the images is a mistake.
    pub(super) all_mappings_count: bool,
    pub(super) check: Check,
    /// What is done about tags that name another image.
    pub(super) existing_tag: ExistingTag,
    /// What takes the place of images with several platforms.
    pub(super) single_platform: Option<Platforms>,
    /// Images with these names alone; all, if this is empty.
    pub(super) only: Vec<NamePattern>,
    /// Look and plan only.
    pub(super) dry_run: bool,
    pub(super) registry: RegistryOptions,
}

/// What a verb that brings images to a registry takes about that, as methods of its builder; its field
/// `destination` is a [`Destination`].
macro_rules! pushes_images {
    () => {
        /// What goes in front of every repository; empty for nothing. `library` where nobody says.
        #[must_use]
        pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
            self.destination.namespace = namespace.into();
            self
        }

        /// Repositories that go elsewhere.
        #[must_use]
        pub fn mappings(mut self, mappings: Vec<Mapping>) -> Self {
            self.destination.mappings = mappings;
            self
        }

        /// A mapping that is for none of the images is a mistake.
        #[must_use]
        pub fn all_mappings_count(mut self, all_mappings_count: bool) -> Self {
            self.destination.all_mappings_count = all_mappings_count;
            self
        }

        /// How the images at the registry are checked.
        #[must_use]
        pub fn check(mut self, check: Check) -> Self {
            self.destination.check = check;
            self
        }

        /// What to do about tags that name another image at the target.
        #[must_use]
        pub fn existing_tag(mut self, existing_tag: ExistingTag) -> Self {
            self.destination.existing_tag = existing_tag;
            self
        }

        /// Of each image with several platforms, the manifest of this one alone takes its place.
        #[must_use]
        pub fn single_platform(mut self, single_platform: Option<Platforms>) -> Self {
            self.destination.single_platform = single_platform;
            self
        }

        /// Look and plan only; nothing is changed.
        #[must_use]
        pub fn dry_run(mut self, dry_run: bool) -> Self {
            self.destination.dry_run = dry_run;
            self
        }

        /// How to talk to the registry that the images go to.
        #[must_use]
        pub fn registry(mut self, registry: RegistryOptions) -> Self {
            self.destination.registry = registry;
            self
        }
    };
}
pub(super) use pushes_images;

/// What came of it.
pub(super) struct Arrival {
    outcome: Outcome,
    read_back: Option<ReadBack>,
    /// What is neither carried nor at the target, and need not be.
    left_out: Vec<LeftOut>,
    /// What a dry run found missing: blobs, and their length in bytes.
    to_send: Option<(u64, u64)>,
    /// What the images are.
    about: Abouts,
}

impl Destination {
    pub(super) fn new(host: Host) -> Self {
        Self {
            host,
            namespace: "library".into(),
            mappings: Vec::new(),
            all_mappings_count: false,
            check: Check::default(),
            existing_tag: ExistingTag::default(),
            single_platform: None,
            only: Vec::new(),
            dry_run: false,
            registry: RegistryOptions::default(),
        }
    }

    /// The rules for names there.
    pub(super) fn naming(&self) -> Naming {
        let naming = Naming::new(self.host.clone(), &self.namespace, self.mappings.clone());
        naming.with_all_counting(self.all_mappings_count)
    }

    /// Where each image goes, and what takes its place there. `name` is the repository of what has only a tag, or no
    /// name at all.
    ///
    /// # Errors
    /// Names that collide, content that has no name, or an image without the one platform that is asked for.
    pub(super) fn place(&self, contents: &Contents, name: Option<&Reference>, watch: &dyn Watch) -> Result<Vec<Image>> {
        let single = self.single_platform.as_ref().map(|platform| Single::new(contents, platform)).transpose()?;
        let placed = placed::place(contents, name, &self.only, single.as_ref(), &self.naming(), self.existing_tag)?;
        single.iter().for_each(|single| single.say(&placed, watch));
        Ok(placed)
    }

    /// Brings these images there. `check_whole` says what an image, one of all these, lacks that nobody can send; `broken` are those
    /// that cannot be sent for another reason.
    ///
    /// # Errors
    /// When the registry cannot be reached, or somebody asked to stop before anything was sent.
    pub(super) fn push(
        &self,
        contents: &Contents,
        (sound, mut broken): (Vec<Image>, Vec<(Image, Arc<Error>)>),
        source: &dyn Source,
        target: &Registries,
        check_whole: impl Fn(&Image, &[Image], &Survey<'_>) -> Result<(), Lack>,
        watch: &dyn Watch,
    ) -> Result<Arrival> {
        let jobs = self.registry.jobs;
        let (sound, settled) = tags::respect_tags(sound, target, jobs, watch)?;
        let asked = survey(contents, &sound, target, jobs, self.dry_run, watch)?;
        // Only what is neither here nor there is missing.
        let mut whole: Vec<Image> = Vec::new();
        // The names of one content in one repository stand or fall together.
        let mut known: HashMap<(Repository, Digest), Option<Lack>> = HashMap::new();
        // What waits for content that comes another way, and why.
        let mut waiting: Vec<(Image, Arc<Error>)> = Vec::new();
        for image in &sound {
            let check = || check_whole(image, &sound, &asked).err();
            let lack = known.entry(image.content()).or_insert_with(check).clone();
            let named = |error, image: &Image| Arc::new(Error::Shared(error).at(image.name.name()));
            match lack {
                None => whole.push(image.clone()),
                Some(Lack::Elsewhere(error)) => waiting.push((image.clone(), named(error, image))),
                Some(Lack::Gone(error)) => broken.push((image.clone(), named(error, image))),
            }
        }
        let begun: Vec<Image> = whole.iter().chain(waiting.iter().map(|(image, _)| image)).cloned().collect();
        let found = asked.of(contents, &begun);
        let to_send = found.to_send();
        if let Some(refused) = found.refused.as_ref().filter(|_| self.dry_run) {
            return Err(Error::Shared(refused.clone()));
        }
        let left_out = LeftOut::each(contents, found.left_out());
        let mut outcome = if self.dry_run {
            let before = tags_before(&whole, target, jobs, watch)?;
            let mut outcome = planned(contents, whole, &found, before);
            outcome.images.extend(waiting.into_iter().map(|(image, error)| Pushed::incomplete(image, error, watch)));
            outcome
        } else {
            let waiting: Vec<Image> = waiting.into_iter().map(|(image, _)| image).collect();
            let images = (whole.as_slice(), waiting.as_slice());
            let mut outcome = push(contents, images, &found, source, target, jobs, watch);
            self.go_on(contents, &mut outcome, source, target, &check_whole, watch)?;
            outcome
        };
        let reads_back = self.check == Check::ReadBack && !self.dry_run;
        let read_back = reads_back.then(|| read_back(contents, &mut outcome, target, target, jobs, watch));
        for (image, error) in broken {
            outcome.images.push(Pushed::failed(image, error, watch));
        }
        outcome.images.extend(settled);
        let about = Abouts::new(contents, &outcome.images);
        Ok(Arrival { outcome, read_back, left_out, to_send: self.dry_run.then_some(to_send), about })
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
