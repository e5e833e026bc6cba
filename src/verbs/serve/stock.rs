//! What is served: bundles that are open, everything in them, and the names it is to be had under.

use std::sync::Arc;

use super::catalogue::{Catalogue, Names};
use super::checked::Checked;
use super::metrics::Metrics;
use super::pieces::Buffers;
use crate::archive::{Bundle, Bundles};
use crate::error::{Error, Kind, Result};
use crate::oci::Reference;
use crate::store::{Contents, Event, Watch};
use crate::verbs::called::{Called, called};
use crate::verbs::list::{Listed, list_open};
use crate::verbs::opened::{Input, Opened};

/// Where it comes from, and what it is called.
#[derive(Clone, Debug)]
pub(super) struct Sources {
    pub(super) input: Input,
    pub(super) name: Option<Reference>,
    pub(super) names: Names,
}

/// What outlives the bundles that are open.
#[derive(Clone, Debug, Default)]
pub(super) struct Lasting {
    pub(super) checked: Arc<Checked>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) buffers: Buffers,
}

/// Bundles that are open, to be served.
#[derive(Debug)]
pub(super) struct Stock {
    pub(super) bundles: Bundles,
    pub(super) contents: Contents,
    pub(super) catalogue: Catalogue,
    /// What stands on the page.
    pub(super) lists: Vec<Listed>,
    pub(super) lasting: Lasting,
}

impl Sources {
    /// Opens the bundles and reads every manifest. Of several, one that cannot be read does not keep the others from
    /// being served, unless something is pinned.
    ///
    /// # Errors
    /// When there is nothing to serve, it is not what was expected, or has no names, or two images have one.
    pub(super) fn open(&self, lasting: Lasting, watch: &dyn Watch) -> Result<Stock> {
        let mut bundles: Vec<Bundle> = Vec::new();
        let mut unreadable = None;
        for opened in self.input.open_as_one(watch) {
            match opened {
                Ok(bundle) => bundles.push(bundle),
                Err(error) if error.kind() == Kind::Content && self.input.is_taken_on_trust() => {
                    warn(&error, watch);
                    unreadable = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        if let Some(error) = unreadable.filter(|_| bundles.is_empty()) {
            return Err(error);
        }
        bundles.iter().try_for_each(|bundle| self.input.check(bundle))?;
        self.input.check_together(bundles.iter())?;
        let (lists, bundles) = list_open(bundles, &self.input, watch)?;
        let jobs = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        let mut opened = Opened::new(bundles, self.name.as_ref(), jobs, self.input.max_manifests, watch)?;
        opened.check()?;
        for unusable in opened.take_unusable() {
            warn(&unusable.error, watch);
        }
        for failure in &opened.failures {
            warn(&failure.error, watch);
        }
        for line in opened.bundles.oddities() {
            watch.on(Event::Warning { message: &line });
        }
        let Opened { bundles, contents, .. } = opened;
        let here = |e: Error| e.at(bundles.label());
        self.input.check_pinned(&contents).map_err(here)?;
        let Called { names, .. } = called(&contents, self.name.as_ref(), Clone::clone, |_| true).map_err(here)?;
        if let Some(naming) = &self.names.import {
            naming.check(names.iter().map(|(name, _)| &name.repository))?;
        }
        let catalogue = Catalogue::new(&contents, names, &self.names).map_err(here)?;
        Ok(Stock { bundles, contents, catalogue, lists, lasting })
    }
}

/// Something that is wrong with one image or one file, which does not concern the others.
fn warn(error: &Error, watch: &dyn Watch) {
    watch.on(Event::Warning { message: &error.to_string() });
}
