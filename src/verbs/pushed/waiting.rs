//! Images of which a part comes another way: what is here of them is sent, and they are put and tagged as soon as all
//! of it is at the registry, whoever brought it there.

use std::sync::Arc;

use super::Destination;
use crate::error::{Error, Result};
use crate::registry::Registries;
use crate::store::{Contents, Source, Watch};
use crate::transfer::{Image, Outcome, Pushed, Status, Survey, push, survey};

/// What keeps an image from being put.
#[derive(Clone, Debug)]
pub(in crate::verbs) enum Lack {
    /// What it needs is in other volumes, which may be imported any time.
    Elsewhere(Arc<Error>),
    /// What it needs is nowhere.
    Gone(Arc<Error>),
}

impl From<Error> for Lack {
    fn from(error: Error) -> Self {
        Self::Gone(Arc::new(error))
    }
}

impl Destination {
    /// Puts and tags the images whose other parts have come meanwhile: other machines may import other volumes at the
    /// same time, and whoever is last finds everything there.
    ///
    /// # Errors
    /// When the registry cannot be reached.
    pub(super) fn go_on(
        &self,
        contents: &Contents,
        outcome: &mut Outcome,
        source: &dyn Source,
        target: &Registries,
        check_whole: &impl Fn(&Image, &[Image], &Survey<'_>) -> Result<(), Lack>,
        watch: &dyn Watch,
    ) -> Result<()> {
        let (waiting, others): (Vec<Pushed>, Vec<Pushed>) =
            std::mem::take(&mut outcome.images).into_iter().partition(|one| one.status == Status::Incomplete);
        outcome.images = others;
        if waiting.is_empty() {
            return Ok(());
        }
        let jobs = self.registry.jobs;
        let images: Vec<Image> = waiting.into_iter().map(|one| one.image).collect();
        let asked = survey(contents, &images, target, jobs, false, watch)?;
        let mut whole = Vec::new();
        for image in images {
            let named = |error, image: &Image| Arc::new(Error::Shared(error).at(image.name.name()));
            match check_whole(&image, &[], &asked) {
                Ok(()) => whole.push(image),
                Err(Lack::Elsewhere(error)) => {
                    let error = named(error, &image);
                    outcome.images.push(Pushed::incomplete(image, error, watch));
                }
                Err(Lack::Gone(error)) => {
                    let error = named(error, &image);
                    outcome.images.push(Pushed::failed(image, error, watch));
                }
            }
        }
        if !whole.is_empty() {
            let found = asked.of(contents, &whole);
            outcome.add(push(contents, (&whole, &[]), &found, source, target, jobs, watch));
        }
        Ok(())
    }
}
