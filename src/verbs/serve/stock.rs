//! What is served: bundles that are open, everything in them, and the names it is to be had under.

use std::sync::Arc;

use super::catalogue::{Catalogue, Names};
use super::checked::Checked;
use super::metrics::Metrics;
use super::pieces::Buffers;
use crate::archive::{Bundle, Bundles};
use crate::error::{Error, Kind, Result};
use crate::oci::Reference;
use crate::store::{Contents, Event, Scratch, Watch};
use crate::verbs::called::{Called, called};
use crate::verbs::list::{Listed, Unlisted, damaged, listed_of, together};
use crate::verbs::opened::{Input, Opened};
use crate::verbs::report::DamagedEntry;

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
    /// What stands there in place of a list.
    pub(super) unlisted: Vec<Unlisted>,
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
        let opening = Opening { sources: self, watch };
        let (Opened { mut bundles, contents, .. }, lists) = opening.read(bundles)?;
        for line in bundles.oddities() {
            watch.on(Event::Warning { message: &line });
        }
        bundles.rebuild_in(Scratch::new(self.input.tmpdir.as_deref()), true);
        let here = |e: Error| e.at(bundles.label());
        self.input.check_pinned(&contents).map_err(here)?;
        let Called { names, .. } = called(&contents, self.name.as_ref(), Clone::clone, |_| true).map_err(here)?;
        if let Some(naming) = &self.names.import {
            naming.check(names.iter().map(|(name, _)| &name.repository))?;
        }
        let catalogue = Catalogue::new(&contents, names, &self.names).map_err(here)?;
        let Lists { listed, unlisted } = lists;
        Ok(Stock { bundles, contents, catalogue, lists: listed, unlisted, lasting })
    }
}

/// What the page is about.
#[derive(Default)]
struct Lists {
    listed: Vec<Listed>,
    unlisted: Vec<Unlisted>,
}

/// Bundles that are being opened.
struct Opening<'a> {
    sources: &'a Sources,
    watch: &'a dyn Watch,
}

impl Opening<'_> {
    /// Reads every manifest, and what stands on the page. The list of one bundle, or of volumes of one, is made of what
    /// is served; each of several has a list of its own.
    fn read(&self, bundles: Vec<Bundle>) -> Result<(Opened, Lists)> {
        let mut lists = Lists::default();
        let mut groups: Vec<Vec<Bundle>> = together(bundles.into_iter().map(Ok)).into_iter().collect::<Result<_>>()?;
        let mut open = Vec::new();
        if groups.len() > 1 {
            for group in groups.drain(..) {
                let mut opened = self.opened(group)?;
                match opened.check() {
                    Ok(()) => {
                        let found = damaged(&mut opened);
                        self.list(&opened, found, &mut lists);
                    }
                    Err(error) => self.not_listed(&opened, &error, &mut lists),
                }
                open.extend(opened.bundles.into_inner());
            }
        }
        let is_one = !groups.is_empty();
        open.extend(groups.into_iter().flatten());
        let mut opened = self.opened(open)?;
        opened.check()?;
        let found = damaged(&mut opened);
        for entry in &found {
            warn(entry.error.error(), self.watch);
        }
        if is_one {
            self.list(&opened, found, &mut lists);
        }
        Ok((opened, lists))
    }

    fn opened(&self, bundles: Vec<Bundle>) -> Result<Opened> {
        let jobs = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        let Sources { input, name, .. } = self.sources;
        Opened::new(bundles, name.as_ref(), jobs, input.max_manifests, self.watch)
    }

    fn list(&self, opened: &Opened, found: Vec<DamagedEntry>, lists: &mut Lists) {
        match listed_of(opened, found, &self.sources.input) {
            Ok(listed) => lists.listed.push(listed),
            Err(error) => self.not_listed(opened, &error, lists),
        }
    }

    /// It is only the page: what is right of these bundles is served all the same.
    fn not_listed(&self, opened: &Opened, error: &Error, lists: &mut Lists) {
        warn(error, self.watch);
        let Some(first) = opened.bundles.iter().next() else { return };
        lists.unlisted.push(Unlisted { bundle: first.path().to_owned(), reason: error.to_string() });
    }
}

/// Something that is wrong with one image or one file, which does not concern the others.
fn warn(error: &Error, watch: &dyn Watch) {
    watch.on(Event::Warning { message: &error.to_string() });
}
