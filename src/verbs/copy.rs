//! `copy`: registries → a registry, with no file in between.
//!
//! The plan is that of an export, and what is done with it that of an import. Bodies stream from one side to the
//! other through the hash. The two sides share nothing: each has its own credentials, trust and limits, so none of
//! one reaches the other, and nobody who sends waits for leave that he himself holds.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use super::images::Images;
use super::planned::{Planned, Selection, announce, takes_images};
use super::pushed::report::{Arrived, gravest};
use super::pushed::{Destination, pushes_images};
use super::report::{Failure, LeftOut};
use crate::error::{Error, Kind, NextStep, Result};
use crate::oci::Host;
use crate::registry::{Registries, RegistryOptions};
use crate::store::Watch;
use crate::transfer::{Image, Survey};

pub use super::planned::PlanFailed;
pub use super::pushed::Check;
pub use super::pushed::report::{ImageStatus, PushedBlobs, PushedImage, ReadBackReport};
pub use crate::plan::{Mapping, Origin, Platforms, ReferrerPolicy, Wanted};
pub use crate::transfer::ExistingTag;

/// What to copy, and where to.
#[derive(Clone, Debug)]
pub struct Copy {
    selection: Selection,
    source: RegistryOptions,
    destination: Destination,
}

/// What came of a copy.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Copied {
    /// The registry.
    pub registry: Host,
    /// A line for every image.
    pub images: Vec<PushedImage>,
    /// What became of the blobs.
    pub blobs: PushedBlobs,
    /// Content that neither registry has and that need not be there.
    pub left_out: Vec<LeftOut>,
    /// What was read back, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_back: Option<ReadBackReport>,
}

impl Copied {
    /// The kind that decides the exit status; `None` if every image is there.
    pub fn kind(&self) -> Option<Kind> {
        gravest(&self.images)
    }

    /// Why images failed, to be told what to do about it.
    pub fn failures(&mut self) -> impl Iterator<Item = &mut Failure> {
        self.images.iter_mut().filter_map(|image| image.error.as_mut())
    }
}

impl Copy {
    /// These images, to this registry.
    pub fn new(images: impl Into<Images>, host: Host) -> Self {
        Self {
            selection: Selection::new(images),
            source: RegistryOptions::default(),
            destination: Destination::new(host),
        }
    }

    takes_images!();
    pushes_images!();

    /// How to talk to the registries that the images come from.
    #[must_use]
    pub fn source(self, source: RegistryOptions) -> Self {
        Self { source, ..self }
    }

    /// Copies. Nothing is sent unless all images can be had; from then on, images that cannot be brought over have a
    /// line in the report, and do not stop others.
    ///
    /// # Errors
    /// Everything that cannot be had; names that collide; or a registry that cannot be reached.
    pub fn run(self, watch: Arc<dyn Watch>) -> Result<Copied, PlanFailed> {
        let Self { selection, source, destination } = self;
        selection.check()?;
        let naming = destination.naming();
        let may = |wanted: &[Wanted]| {
            naming.check(wanted.iter().map(|one| &one.reference.repository))?;
            let onto_itself = |one: &Wanted| {
                let target = naming.target(&one.reference)?;
                let (from, to) = (&one.source.as_ref().unwrap_or(&one.reference).repository, &target.repository);
                let is_same = source.is_same(from.host(), &destination.registry, to.host());
                match is_same && from.path() == to.path() {
                    true => {
                        let message = format!("{}: it would be copied onto itself", one.reference.name());
                        Err(Error::Usage { message, next: Some(NextStep::AddMapping) })
                    }
                    false => Ok(()),
                }
            };
            wanted.iter().try_for_each(onto_itself)
        };
        let target = Registries::new(destination.registry.clone(), watch.clone())?;
        let Planned { registries, contents } = selection.plan(&source, &watch, may)?;
        announce(&contents, watch.as_ref());
        let source = registries.copied_to(&target, &destination.host)?;
        let placed = destination.place(&contents, None, watch.as_ref())?;
        // All of it can be had, or there would be no plan.
        let is_whole = |_: &Image, _: &[Image], _: &Survey<'_>| Ok(());
        let arrival = destination.push(&contents, (placed, Vec::new()), &source, &target, is_whole, watch.as_ref())?;
        let Arrived { images, blobs, left_out, read_back } = arrival.into();
        Ok(Copied { registry: destination.host, images, blobs, left_out, read_back })
    }
}
