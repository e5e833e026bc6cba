//! The one way from names of images to everything they consist of: looked up at their registries, walked, and told
//! to whoever watches.

use std::collections::HashMap;
use std::sync::Arc;

pub(super) use super::announced::announce;
use super::announced::{named, with_images};
use super::images::Images;
use super::report::texts;
use crate::error::{Error, NextStep, Result};
use crate::oci::{Digest, Reference};
use crate::plan::{
    Budget, Platforms, ReferrerPolicy, Start, Wanted, WantedPlatform, lacking, walk, walk_with_referrers,
};
use crate::registry::{Registries, RegistryOptions};
use crate::store::{Contents, Event, RootName, Watch, side_by_side};

/// Which images, and what of them.
#[derive(Clone, Debug)]
pub(super) struct Selection {
    /// As they are asked for.
    pub(super) images: Images,
    /// Layers that a registry does not have are taken from the `urls` in their descriptors.
    pub(super) layer_urls: bool,
    /// Bytes of manifests that may be held at once.
    pub(super) max_manifests: u64,
    /// Which platforms of them; where nobody says, those that their lists name.
    pub(super) platforms: Option<Platforms>,
    /// Whether what refers to them comes along.
    pub(super) referrers: ReferrerPolicy,
}

/// What a verb that takes images by name takes about them, as methods of its builder; its field `selection` is a
/// [`Selection`].
macro_rules! takes_images {
    () => {
        /// Layers that a registry does not have are fetched from the `urls` in their descriptors.
        #[must_use]
        pub fn layer_urls(mut self, layer_urls: bool) -> Self {
            self.selection.layer_urls = layer_urls;
            self
        }

        /// Bytes of manifests that may be held in memory; 1 GiB where nobody says.
        #[must_use]
        pub fn max_manifests(mut self, bytes: u64) -> Self {
            self.selection.max_manifests = bytes;
            self
        }

        /// Which platforms of the images are wanted, whatever lists say; `None` for those that lists name for an
        /// image, and all where they name none.
        #[must_use]
        pub fn platforms(mut self, platforms: Option<Platforms>) -> Self {
            self.selection.platforms = platforms;
            self
        }

        /// Whether what refers to the images comes along.
        #[must_use]
        pub fn referrers(mut self, referrers: ReferrerPolicy) -> Self {
            self.selection.referrers = referrers;
            self
        }
    };
}
pub(super) use takes_images;

/// Everything that kept a command on images by name from being begun.
#[derive(Debug, thiserror::Error)]
#[error("{}", errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
#[non_exhaustive]
pub struct PlanFailed {
    /// What went wrong, in the order it was asked for.
    pub errors: Vec<Error>,
}

impl From<Error> for PlanFailed {
    fn from(error: Error) -> Self {
        Self { errors: vec![error] }
    }
}

impl From<Vec<Error>> for PlanFailed {
    fn from(errors: Vec<Error>) -> Self {
        Self { errors }
    }
}

/// What there is to carry, and the registries that have it.
pub(super) struct Planned {
    pub(super) registries: Registries,
    pub(super) contents: Contents,
}

impl Selection {
    pub(super) fn new(images: impl Into<Images>) -> Self {
        let images = images.into();
        Self {
            images,
            layer_urls: false,
            max_manifests: Budget::DEFAULT,
            platforms: None,
            referrers: ReferrerPolicy::default(),
        }
    }

    /// That it can be carried out.
    ///
    /// # Errors
    /// Everything that is wrong with what is asked for, as far as that is known without asking anybody.
    pub(super) fn check(&self) -> Result<(), Vec<Error>> {
        self.images.check()
    }

    /// Resolves every reference once and walks everything below, once all names are known and `may` has nothing
    /// against them.
    ///
    /// # Errors
    /// Everything that is in the way.
    pub(super) fn plan(
        &self,
        registry: &RegistryOptions,
        watch: &Arc<dyn Watch>,
        may: impl FnOnce(&[Wanted]) -> Result<()>,
    ) -> Result<Planned, Vec<Error>> {
        let registries = Registries::new(registry.clone(), watch.clone()).map_err(|e| vec![e])?;
        let registries = if self.layer_urls { registries.with_layer_urls() } else { registries };
        let jobs = registry.jobs;
        let budget = Budget::new(self.max_manifests);
        let wanted = self.images.settle(&registries, jobs, watch.as_ref())?;
        may(&wanted).map_err(|e| vec![e])?;
        let (mut starts, mut errors) = resolve(&registries, wanted, jobs, &budget, watch.as_ref())?;
        if let Some(platforms) = &self.platforms {
            starts.iter_mut().for_each(|start| start.platforms = platforms.clone());
        }
        let wanted: HashMap<String, Platforms> = starts.iter().filter_map(chosen).collect();
        let walked = match self.referrers {
            ReferrerPolicy::None => walk(&registries, starts, jobs, &budget, watch.as_ref()),
            ReferrerPolicy::Auto | ReferrerPolicy::Require => {
                walk_with_referrers(&registries, starts, jobs, &budget, watch.as_ref())
            }
        };
        watch.on(Event::Phase { name: "", items: 0, bytes: 0 });
        let (contents, failures) = walked.map_err(|e| vec![e])?;
        errors.extend(failures.into_iter().map(|f| with_images(Error::Shared(f.error), &f.images)));
        // What nobody could read again is not written.
        errors.extend(contents.check_shape().err());
        errors.extend(contents.check_depth().err());
        errors.extend(without_platforms(&contents, &wanted, watch.as_ref()));
        if errors.is_empty() && self.referrers == ReferrerPolicy::Require {
            let lonely =
                |name: &Reference, digest: &Digest| (!contents.has_referrers(digest)).then(|| without_referrers(name));
            errors.extend(named(&contents).filter_map(|(name, digest)| lonely(name, digest)));
        }
        if errors.is_empty() { Ok(Planned { registries, contents }) } else { Err(errors) }
    }
}

/// The name of an image of which some platforms are not wanted, and those that are.
fn chosen(start: &Start) -> Option<(String, Platforms)> {
    start.platforms.are_chosen().then(|| Some((start.name.full()?.name(), start.platforms.clone()))).flatten()
}

/// The images that have none of their wanted platforms, and all that want one which none has that wants it. An image
/// that has one and not another is said to whoever watches.
fn without_platforms(contents: &Contents, wanted: &HashMap<String, Platforms>, watch: &dyn Watch) -> Vec<Error> {
    let of = |(name, digest): (&Reference, &Digest)| {
        let name = name.name();
        let platforms = wanted.get(&name)?;
        Some((name, platforms.wanted().len(), lacking(contents, digest, platforms)))
    };
    let images: Vec<_> = named(contents).filter_map(of).collect();
    // What says nothing of where it runs says nothing of what there is.
    let says_something = || images.iter().filter(|(.., (has, _))| !has.is_empty());
    let is_somewhere = |one: &WantedPlatform| {
        let wants = |name: &String| wanted.get(name).is_some_and(|platforms| platforms.wanted().contains(one));
        says_something().any(|(name, _, (_, lacks))| wants(name) && !lacks.contains(&one))
    };
    let mut errors = Vec::new();
    for (name, asked, (has, lacks)) in images.iter().filter(|(.., (_, lacks))| !lacks.is_empty()) {
        let lacks_text = lacks.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and no ");
        let reason = format!("it has no {lacks_text}, only {}", texts(has).join(", "));
        if lacks.len() == *asked || !lacks.iter().all(|one| is_somewhere(one)) {
            errors.push(Error::refused(reason, NextStep::ChoosePlatform).at(name));
        } else {
            watch.on(Event::Warning { message: &format!("{name}: {reason}") });
        }
    }
    errors
}

/// What each reference stands for now, and why some stand for nothing.
///
/// # Errors
/// What ends it for all of them.
fn resolve(
    registries: &Registries,
    wanted: Vec<Wanted>,
    jobs: usize,
    budget: &Budget,
    watch: &dyn Watch,
) -> Result<(Vec<Start>, Vec<Error>), Vec<Error>> {
    watch.on(Event::Phase { name: "resolving", items: wanted.len() as u64, bytes: 0 });
    registries.check_allowances(wanted.iter().map(|wanted| wanted.source.as_ref().unwrap_or(&wanted.reference)));
    let answers = side_by_side(wanted, jobs, |wanted| {
        let found = budget.check().and_then(|()| registries.resolve(&wanted.reference, wanted.source.as_ref()));
        let found = found.and_then(|(place, manifest)| budget.take(manifest.held()).map(|()| (place, manifest)));
        (wanted, found)
    });
    // One answer for all of them.
    budget.check().map_err(|e| vec![e])?;
    if let Some(signal) = watch.stopped() {
        return Err(vec![Error::Interrupted { signal }]);
    }
    let mut starts = Vec::new();
    let mut errors = Vec::new();
    for (wanted, answer) in answers {
        let lines = wanted.lines();
        let reference = wanted.reference;
        match answer {
            Ok((place, manifest)) => {
                // A name with tag and digest is the one with the tag.
                let digest = reference.digest.filter(|_| reference.tag.is_none());
                let name = RootName::Full(Reference { digest, ..reference });
                let descriptor = manifest.descriptor();
                let (manifest, places) = (Some(manifest), vec![place]);
                starts.push(Start { name, descriptor, manifest, places, platforms: wanted.platforms });
            }
            Err(e) => errors.push(match lines {
                Some(lines) => e.at(lines),
                None => e,
            }),
        }
    }
    Ok((starts, errors))
}

fn without_referrers(name: &Reference) -> Error {
    let reason = "no signature, SBOM or other document about it, and --referrers require asks for one";
    Error::refused(reason, NextStep::SignOrTakeWithout).at(name.name())
}
