//! The one way from bundles to what is in them: opened, compared with what was expected, walked, and
//! held against the form of the format.

use std::collections::HashSet;
use std::path::PathBuf;

use crate::archive::{Bundle, Bundles, Expectation, Spooling, check_bundle, check_images};
use crate::error::{Error, NextStep, Result};
use crate::oci::{Descriptor, Reference, Repository};
use crate::plan::{Budget, Failure, Start, walk};
use crate::store::{Contents, Root, RootName, Watch};

/// Which bundles to read, and what they have to be.
#[derive(Clone, Debug)]
pub(super) struct Input {
    /// Tars, gzips of them, layout directories, or `-` for standard input.
    pub(super) bundles: Vec<PathBuf>,
    /// What they have to be.
    pub(super) expect: Vec<Expectation>,
    /// Where to spool to.
    pub(super) tmpdir: Option<PathBuf>,
    /// Bytes of manifests that may be held at once.
    pub(super) max_manifests: u64,
    /// Bytes that may be spooled, where somebody said so.
    pub(super) max_spool: Option<u64>,
}

impl Input {
    pub(super) fn new(bundles: impl IntoIterator<Item = PathBuf>) -> Self {
        let bundles = bundles.into_iter().collect();
        Self { bundles, expect: Vec::new(), tmpdir: None, max_manifests: Budget::DEFAULT, max_spool: None }
    }

    /// Opens each of them; what is wrong with one does not hide the others.
    pub(super) fn open(&self, watch: &dyn Watch) -> Vec<Result<Bundle>> {
        let spooling = Spooling { tmpdir: self.tmpdir.as_deref(), most: self.max_spool, watch };
        self.bundles.iter().map(|path| Bundle::open(path, spooling)).collect()
    }

    /// What is not as expected of this bundle by itself.
    ///
    /// # Errors
    /// That.
    pub(super) fn check(&self, bundle: &Bundle) -> Result<()> {
        check_bundle(&self.expect, bundle)
    }

    /// What is not as expected of all of them together.
    ///
    /// # Errors
    /// That.
    pub(super) fn check_together<'a>(&self, bundles: impl Iterator<Item = &'a Bundle> + Clone) -> Result<()> {
        check_images(&self.expect, bundles)
    }

    /// That nothing is in there which is not pinned, where images are. A pinned bundle is pinned whole.
    ///
    /// # Errors
    /// What is not: other images, other names of the same, and what refers to them, signatures too.
    pub(super) fn check_pinned(&self, contents: &Contents) -> Result<()> {
        if self.expect.is_empty() || self.expect.iter().any(|pin| matches!(pin, Expectation::Bundle(_))) {
            return Ok(());
        }
        let is_pinned = |root: &&Root| self.expect.iter().any(|pin| pin.pins(&root.name, &root.digest));
        let pinned = contents.roots.iter().filter(is_pinned).map(|root| &root.digest);
        let below = contents.digests_below(pinned);
        // What a pinned image consists of is pinned by it, also where it has a line of its own.
        let is_part = |root: &Root| root.name == RootName::None && below.contains(&root.digest);
        let others: Vec<String> =
            contents.roots.iter().filter(|root| !is_pinned(root) && !is_part(root)).map(Root::shown).collect();
        let (named, more) = match others.len().checked_sub(MOST_NAMED) {
            _ if others.is_empty() => return Ok(()),
            Some(more @ 1..) => (&others[..MOST_NAMED], format!(" and {more} more")),
            _ => (&others[..], String::new()),
        };
        let reason = format!("not pinned, so not taken: {}{more}", named.join(", "));
        Err(Error::content(reason).or_else_do(NextStep::PinAll))
    }
}

/// As many names as a message of what is not pinned holds.
const MOST_NAMED: usize = 20;

/// What is in some bundles that are read as one.
pub(super) struct Opened {
    pub(super) bundles: Bundles,
    /// Everything that their entries lead to.
    pub(super) contents: Contents,
    /// Manifests that are there and bad.
    pub(super) failures: Vec<Failure>,
    /// What is wrong with the form of each bundle.
    pub(super) malformed: Vec<Error>,
}

impl Opened {
    /// Reads all manifests, at most `most` bytes of them. `name` is the repository of bare tags, if somebody said
    /// so.
    ///
    /// # Errors
    /// When the entries contradict each other, the graph is absurd, or the manifests are too many.
    pub(super) fn new(
        bundles: Vec<Bundle>,
        name: Option<&Repository>,
        jobs: usize,
        most: u64,
        watch: &dyn Watch,
    ) -> Result<Self> {
        let mut malformed = Vec::new();
        let mut alone = Vec::new();
        let mut read = None;
        let several = bundles.len() > 1;
        for bundle in bundles {
            // Each by itself: the form of one does not depend on the others.
            let one = Bundles::new(vec![bundle]);
            let (contents, failures) = contents(&one, name, jobs, most, watch)?;
            let [bundle] = one.into_inner().try_into().map_err(|_| Error::content("no bundle"))?;
            if failures.is_empty()
                && let Err(e) = bundle.check_form(&contents)
            {
                malformed.push(e.at(bundle.path().display()));
            }
            alone.push(bundle);
            // Of several, what is in each is not held beside what is in all of them.
            read = (!several).then_some((contents, failures));
        }
        let bundles = Bundles::new(alone);
        let (contents, failures) = match read {
            Some(read) => read,
            None if several => contents(&bundles, name, jobs, most, watch)?,
            None => return Err(Error::usage("no bundle named")),
        };
        Ok(Self { bundles, contents, failures, malformed })
    }

    /// The first thing that is wrong with what was read.
    ///
    /// # Errors
    /// That.
    pub(super) fn check(&mut self) -> Result<()> {
        if let Some(error) = self.malformed.drain(..).next() {
            return Err(error);
        }
        match self.failures.drain(..).next() {
            Some(Failure { images, error, .. }) => Err(error.at(images.join(", "))),
            None => Ok(()),
        }
    }
}

/// Walks everything that the entries of these bundles stand for.
fn contents(
    bundles: &Bundles,
    name: Option<&Repository>,
    jobs: usize,
    most: u64,
    watch: &dyn Watch,
) -> Result<(Contents, Vec<Failure>)> {
    let mut starts = Vec::new();
    let mut seen = HashSet::new();
    for bundle in bundles.iter() {
        for entry in &bundle.index().entries {
            let descriptor = entry.descriptor.clone();
            let name = full_name(&entry.name, name).map_err(|e| e.at(bundle.path().display()))?;
            // One entry that stands there twice is one root; where two contradict each other, the walk says so.
            let Descriptor { digest, media_type, size, .. } = descriptor.clone();
            if seen.insert((name.clone(), digest, media_type, size)) {
                let places = bundles.holding(&descriptor);
                starts.push(Start { name, descriptor, manifest: None, places });
            }
        }
    }
    let at = |e: Error| e.at(bundles.label());
    let (contents, failures) = walk(bundles, starts, jobs, &Budget::new(most), watch).map_err(at)?;
    contents.check_shape().map_err(at)?;
    Ok((contents, failures))
}

/// A tag in this repository is a name.
fn full_name(name: &RootName, repository: Option<&Repository>) -> Result<RootName> {
    match (name, repository) {
        (RootName::Tag(tag), Some(repository)) => {
            let tag = tag.parse().map_err(|e| Error::usage(format!("`{}`: {e}", tag.escape_debug())))?;
            Ok(RootName::Full(Reference { repository: repository.clone(), tag: Some(tag), digest: None }))
        }
        _ => Ok(name.clone()),
    }
}
