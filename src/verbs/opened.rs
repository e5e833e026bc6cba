//! The one way from bundles to what is in them: opened, compared with what was expected, walked, and
//! held against the form of the format.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::entries::{Entries, Unusable, unlisted_referrers};
use super::signed::check_signed;
use super::superseded::{Aside, superseded};
use crate::archive::{Bundle, Bundles, Expectation, Spooling, check_bundle, check_images};
use crate::error::{Error, Kind, NextStep, Result};
use crate::oci::{Digest, Reference};
use crate::plan::{Budget, Failure, walk};
use crate::signature::RequiredKeys;
use crate::store::{Contents, Event, Node, Presence, Reason, Root, RootName, Watch};

/// Which bundles to read, and what they have to be.
#[derive(Clone, Debug)]
pub(super) struct Input {
    /// Tars, also compressed, layout directories, dumps of the old script, or `-` for standard input.
    pub(super) bundles: Vec<PathBuf>,
    /// What they have to be.
    pub(super) expect: Vec<Expectation>,
    /// Who has to have signed them.
    pub(super) keys: RequiredKeys,
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
        Self {
            bundles,
            expect: Vec::new(),
            keys: RequiredKeys::default(),
            tmpdir: None,
            max_manifests: Budget::DEFAULT,
            max_spool: None,
        }
    }

    /// Opens each of them, signed as is required; what is wrong with one does not hide the others.
    pub(super) fn open(&self, watch: &dyn Watch) -> Vec<Result<Bundle>> {
        self.open_each(false, watch)
    }

    /// The same where several complete each other: of one that is damaged, what is good of it.
    pub(super) fn open_as_one(&self, watch: &dyn Watch) -> Vec<Result<Bundle>> {
        self.open_each(self.bundles.len() > 1, watch)
    }

    /// The only door to what is in files: behind it stands nothing that lacks a signature which is required.
    pub(super) fn open_each(&self, salvage: bool, watch: &dyn Watch) -> Vec<Result<Bundle>> {
        let spooling = Spooling { tmpdir: self.tmpdir.as_deref(), most: self.max_spool, watch };
        let open = |path: &PathBuf| {
            let opened = Bundle::open(path, spooling);
            let bundle = if salvage { or_salvaged(opened, path, watch) } else { opened }?;
            check_signed(&self.keys, path, &self.bundles, &bundle, watch)?;
            Ok(bundle)
        };
        self.bundles.iter().map(open).collect()
    }

    /// Nobody said what has to be in there, or who has to have signed it.
    pub(super) fn is_taken_on_trust(&self) -> bool {
        self.expect.is_empty() && !self.keys.are_some()
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

/// A bundle, or what is good of a damaged one: of a tar whose structure is damaged.
///
/// # Errors
/// It cannot be read at all, or nothing of it is good.
fn or_salvaged(opened: Result<Bundle>, path: &Path, watch: &dyn Watch) -> Result<Bundle> {
    let error = match opened {
        // What came through a pipe is gone.
        Err(error) if error.kind() == Kind::Content && path.as_os_str() != "-" => error,
        opened => return opened,
    };
    let Some(salvaged) = Bundle::salvage(path, watch)? else { return Err(error) };
    watch.on(Event::Warning { message: &format!("{error}: what hashes right in it is used all the same") });
    Ok(salvaged)
}

/// What a verb that reads bundles takes about them, as methods of its builder; its field `input` is an [`Input`].
macro_rules! reads_bundles {
    () => {
        /// What the bundles have to be.
        #[must_use]
        pub fn expect(mut self, expect: Vec<Expectation>) -> Self {
            self.input.expect = expect;
            self
        }

        /// Who has to have signed the bundles: looked at before anything else in them is.
        #[must_use]
        pub fn required_keys(mut self, keys: crate::signature::RequiredKeys) -> Self {
            self.input.keys = keys;
            self
        }

        /// Where to spool to.
        #[must_use]
        pub fn tmpdir(mut self, tmpdir: Option<PathBuf>) -> Self {
            self.input.tmpdir = tmpdir;
            self
        }

        /// Bytes of manifests that may be held in memory; 1 GiB where nobody says.
        #[must_use]
        pub fn max_manifests(mut self, bytes: u64) -> Self {
            self.input.max_manifests = bytes;
            self
        }

        /// Bytes that compressed bundles and standard input may take where they are spooled to; as many as there is
        /// room for, less a tenth or a gibibyte, where nobody says.
        #[must_use]
        pub fn max_spool(mut self, bytes: Option<u64>) -> Self {
            self.input.max_spool = bytes;
            self
        }
    };
}
pub(super) use reads_bundles;

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
    /// Entries of layouts of other tools that cannot be used.
    pub(super) unusable: Vec<Unusable>,
}

impl Opened {
    /// Reads all manifests, at most `most` bytes of them. `name` is the repository of what has none, with a tag for
    /// the only image.
    ///
    /// # Errors
    /// When there is nothing to read, the graph is absurd, or the manifests are too many.
    pub(super) fn new(
        bundles: Vec<Bundle>,
        name: Option<&Reference>,
        jobs: usize,
        most: u64,
        watch: &dyn Watch,
    ) -> Result<Self> {
        let mut malformed = Vec::new();
        let mut alone = Vec::new();
        let mut read = None;
        let several = bundles.len() > 1;
        let with_delta = several && bundles.iter().any(|bundle| bundle.rests_on_others().next().is_some());
        let mut each = Vec::new();
        for bundle in bundles {
            // Each by itself: the form of one does not depend on the others.
            let one = Bundles::new(vec![bundle]);
            let found = Found::of(&one, name, &[], jobs, most, watch)?;
            let [bundle] = one.into_inner().try_into().map_err(|_| Error::content("no bundle"))?;
            if found.failures.is_empty()
                && let Err(e) = bundle.check_form(&found.contents)
            {
                malformed.push(e.at(bundle.path().display()));
            }
            alone.push(bundle);
            // Of several, what is in each is not held beside what is in all of them, unless one may replace another's.
            if with_delta {
                each.push(found.contents);
            } else if !several {
                read = Some(found);
            }
        }
        let aside = if with_delta { superseded(&alone.iter().zip(&each).collect::<Vec<_>>()) } else { Vec::new() };
        drop(each);
        let mut bundles = Bundles::new(alone);
        let Found { mut contents, failures, unusable } = match read {
            Some(read) => read,
            None if several => Found::of(&bundles, name, &aside, jobs, most, watch)?,
            None => return Err(Error::usage("no bundle named")),
        };
        bundles.rebuild_here(&mut contents);
        Ok(Self { bundles, contents, failures, malformed, unusable })
    }

    /// A bundle is whole or it is none: the first thing that is wrong with what was read of one. What is
    /// wrong with one image of a layout of another tool concerns no other.
    ///
    /// # Errors
    /// That.
    pub(super) fn check(&mut self) -> Result<()> {
        if let Some(error) = self.malformed.drain(..).next() {
            return Err(error);
        }
        if !self.bundles.iter().any(Bundle::is_ours) {
            return Ok(());
        }
        match self.failures.drain(..).next() {
            Some(Failure { images, error, .. }) => Err(Error::Shared(error).at(images.join(", "))),
            None => Ok(()),
        }
    }

    /// Why an image of these parts is not whole: its manifests that are there and bad.
    pub(super) fn failure_in<'a>(&self, parts: impl Iterator<Item = &'a Digest>) -> Option<Arc<Error>> {
        if self.failures.is_empty() {
            return None;
        }
        let parts: HashSet<&Digest> = parts.collect();
        self.failures.iter().find(|failure| parts.contains(&failure.digest)).map(|failure| failure.error.clone())
    }

    /// Entries of layouts of other tools that stand for nothing, those without a name included whose
    /// manifest is not there or bad.
    pub(super) fn take_unusable(&mut self) -> Vec<Unusable> {
        let mut unusable = std::mem::take(&mut self.unusable);
        if self.bundles.iter().any(Bundle::is_ours) {
            return unusable;
        }
        for root in self.contents.roots.iter().filter(|root| root.name == RootName::None) {
            let node = self.contents.node(&root.digest);
            if node.is_none_or(|node| node.manifest.is_some()) {
                continue;
            }
            let failure = self.failures.iter().position(|failure| failure.digest == root.digest);
            let error = match failure {
                Some(at) => Error::Shared(self.failures.swap_remove(at).error),
                None => {
                    let reason = "index.json lists it without a name, and its manifest is not there";
                    Error::content(reason).at(self.bundles.label())
                }
            };
            unusable.push(Unusable { label: root.digest.to_string(), error });
        }
        unusable
    }
}

/// What the entries of some bundles lead to.
struct Found {
    contents: Contents,
    failures: Vec<Failure>,
    unusable: Vec<Unusable>,
}

impl Found {
    /// Walks everything that the entries of these bundles stand for, and what refers to any of it.
    fn of(
        bundles: &Bundles,
        name: Option<&Reference>,
        aside: &[Aside],
        jobs: usize,
        most: u64,
        watch: &dyn Watch,
    ) -> Result<Self> {
        let at = |e: Error| e.at(bundles.label());
        let Entries { starts, unusable } = Entries::of(bundles, name, aside)?;
        let (mut contents, failures) = walk(bundles, starts.clone(), jobs, &Budget::new(most), watch).map_err(at)?;
        contents.check_shape().map_err(at)?;
        bundles.place_absent(&mut contents);
        rest_on_bases(bundles, &mut contents);
        bundles.carry_deltas(&mut contents);
        let is_short = |bundle: &Bundle| bundle.is_ours() && bundle.index().has_short_names();
        contents.short_names = bundles.iter().all(is_short);
        contents.list_for_docker(bundles.docker());
        let more = unlisted_referrers(bundles, &contents);
        if more.is_empty() {
            return Ok(Self { contents, failures, unusable });
        }
        let starts = starts.into_iter().chain(more).collect();
        let (mut contents, failures) = walk(bundles, starts, jobs, &Budget::new(most), watch).map_err(at)?;
        contents.check_shape().map_err(at)?;
        bundles.place_absent(&mut contents);
        rest_on_bases(bundles, &mut contents);
        bundles.carry_deltas(&mut contents);
        contents.short_names = bundles.iter().all(is_short);
        contents.list_for_docker(bundles.docker());
        Ok(Self { contents, failures, unusable })
    }
}

/// What is in none of these files, and of which one of them says that a base has it, is not lost. Whether that is
/// true shows where the base is.
pub(super) fn rest_on_bases(bundles: &Bundles, contents: &mut Contents) {
    let said: HashSet<&Digest> = bundles.iter().flat_map(Bundle::rests_on).collect();
    if !said.is_empty() {
        let is_nowhere = |node: &Node| match node.presence {
            Presence::Carried
            | Presence::LeftOut(Reason::Base | Reason::Delta | Reason::Platform | Reason::Volume(_)) => false,
            Presence::LeftOut(Reason::Nondistributable) | Presence::Missing => true,
        };
        contents.leave_out(Reason::Base, |node| is_nowhere(node) && said.contains(&node.descriptor.digest));
    }
}
