//! `check`: lists of images → what is not there, in bundles or at a registry. Changes nothing.

mod bundled;
mod platforms;
mod report;

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::images::Images;
use super::opened::{Input, reads_bundles};
use crate::archive::{DocumentPlace, Expectation};
use crate::error::{Error, Result};
use crate::oci::{Descriptor, Digest, Host, Reference};
use crate::plan::{Naming, Wanted};
use crate::registry::{Registries, RegistryOptions};
use crate::store::{Event, Watch, side_by_side};
use bundled::Bundled;
use platforms::missing_platforms;
use report::There;

pub use super::planned::PlanFailed;
pub use crate::plan::{Mapping, Platforms};
pub use report::{CheckStatus, Checked, CheckedCounts, CheckedImage};

/// Which images, and where to look for them.
#[derive(Clone, Debug)]
pub struct Check {
    images: Images,
    input: Input,
    host: Option<Host>,
    namespace: String,
    mappings: Vec<Mapping>,
    all_mappings_count: bool,
    platforms: Option<Platforms>,
    write_missing: Option<PathBuf>,
    registry: RegistryOptions,
}

impl Check {
    /// These images, in these bundles: an image is there if it is in one of them, or at the registry.
    pub fn new(images: impl Into<Images>, bundles: impl IntoIterator<Item = PathBuf>) -> Self {
        Self {
            images: images.into(),
            input: Input::new(bundles),
            host: None,
            namespace: "library".into(),
            mappings: Vec::new(),
            all_mappings_count: false,
            platforms: None,
            write_missing: None,
            registry: RegistryOptions::default(),
        }
    }

    reads_bundles!();

    /// The registry to ask.
    #[must_use]
    pub fn target(self, host: Option<Host>) -> Self {
        Self { host, ..self }
    }

    /// How to talk to it, and to those whose tags are meant.
    #[must_use]
    pub fn registry(self, registry: RegistryOptions) -> Self {
        Self { registry, ..self }
    }

    /// What an import would put in front of every repository; empty for nothing. `library` where nobody says.
    #[must_use]
    pub fn namespace(self, namespace: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), ..self }
    }

    /// Repositories that an import would bring elsewhere.
    #[must_use]
    pub fn mappings(self, mappings: Vec<Mapping>) -> Self {
        Self { mappings, ..self }
    }

    /// A mapping that is for none of the images is a mistake.
    #[must_use]
    pub fn all_mappings_count(self, all_mappings_count: bool) -> Self {
        Self { all_mappings_count, ..self }
    }

    /// These platforms of each image have to be there too, whatever lists say; `None` for those that lists name for
    /// an image.
    #[must_use]
    pub fn platforms(self, platforms: Option<Platforms>) -> Self {
        Self { platforms, ..self }
    }

    /// Where to write a list of what is not there.
    #[must_use]
    pub fn write_missing(self, path: Option<PathBuf>) -> Self {
        Self { write_missing: path, ..self }
    }

    /// Looks. That something is not there is in the report.
    ///
    /// # Errors
    /// When a bundle cannot be read, no image is named, or the list cannot be written.
    pub fn run(self, watch: Arc<dyn Watch>) -> Result<Checked, PlanFailed> {
        self.images.check()?;
        bundled::some(&self.input.bundles, self.host.is_some())?;
        if let Some(path) = &self.write_missing {
            let bundles = self.input.bundles.iter().map(PathBuf::as_path);
            refuse_list(path, bundles.chain(self.images.files()))?;
        }
        let bundled =
            if self.input.bundles.is_empty() { None } else { Some(Bundled::open(&self.input, watch.as_ref())?) };
        let registries = Registries::new(self.registry.clone(), watch.clone())?;
        // Tags that are not named are listed where they come from.
        let wanted = self.images.settle(&registries, self.registry.jobs, watch.as_ref())?;
        let asked = match &self.host {
            Some(host) => Some(Asked {
                registries: &registries,
                naming: Naming::new(host.clone(), &self.namespace, self.mappings.clone())
                    .with_all_counting(self.all_mappings_count),
            }),
            None => None,
        };
        if let Some(asked) = &asked {
            asked.naming.check(wanted.iter().map(|one| &one.reference.repository))?;
        }
        let images = self.look(wanted, bundled.as_ref(), asked.as_ref(), watch.as_ref())?;
        let read = bundled.as_ref().map(Bundled::read).unwrap_or_default();
        let checked = Checked::new(read, self.host, images);
        if let Some(path) = &self.write_missing {
            write_list(path, &checked.missing_list())?;
        }
        Ok(checked)
    }

    fn look(
        &self,
        wanted: Vec<Wanted>,
        bundled: Option<&Bundled>,
        asked: Option<&Asked<'_>>,
        watch: &dyn Watch,
    ) -> Result<Vec<CheckedImage>> {
        let mut targets = Vec::with_capacity(wanted.len());
        for one in &wanted {
            targets.push(asked.map(|asked| asked.naming.target(&one.reference)).transpose()?);
        }
        watch.on(Event::Phase { name: "checking", items: wanted.len() as u64, bytes: 0 });
        let pairs: Vec<(Wanted, Option<Reference>)> = wanted.into_iter().zip(targets).collect();
        let images = side_by_side(pairs, self.registry.jobs, |(wanted, target)| {
            let found = match watch.stopped() {
                Some(signal) => Err(Error::Interrupted { signal }),
                None => self.look_for(&wanted, target.as_ref(), bundled, asked),
            };
            CheckedImage::new(&wanted, target.as_ref(), found)
        });
        watch.on(Event::Phase { name: "", items: 0, bytes: 0 });
        match watch.stopped() {
            Some(signal) => Err(Error::Interrupted { signal }),
            None => Ok(images),
        }
    }

    fn look_for(
        &self,
        wanted: &Wanted,
        target: Option<&Reference>,
        bundled: Option<&Bundled>,
        asked: Option<&Asked<'_>>,
    ) -> Result<There> {
        let (image, platforms) = (&wanted.reference, self.platforms.as_ref().unwrap_or(&wanted.platforms));
        let there = bundled.map(|bundled| bundled.look(image, platforms)).transpose()?;
        match (there, asked.zip(target)) {
            (Some(There::Present { digest }), _) => Ok(There::Present { digest }),
            (there, Some((asked, target))) => {
                let at_registry =
                    asked.look(target, image.digest.as_ref(), platforms).map_err(|e| at_target(e, target))?;
                Ok(at_registry.or(there.unwrap_or(There::Missing)))
            }
            (there, None) => Ok(there.unwrap_or(There::Missing)),
        }
    }
}

/// The registry, and what images are called there.
struct Asked<'a> {
    registries: &'a Registries,
    naming: Naming,
}

impl Asked<'_> {
    /// What the registry has under this name.
    fn look(&self, target: &Reference, pinned: Option<&Digest>, platforms: &Platforms) -> Result<There> {
        let Reference { repository, tag, digest } = target;
        let name = tag.as_ref().map(ToString::to_string).or(digest.as_ref().map(ToString::to_string));
        let name = name.unwrap_or_default();
        if !platforms.are_chosen() {
            let Some(digest) = self.registries.digest_at(repository, &name)? else { return Ok(There::Missing) };
            return Ok(match pinned.filter(|pinned| **pinned != digest) {
                Some(pinned) => There::Different { digest, pinned: pinned.clone() },
                None => There::Present { digest },
            });
        }
        let by_name = Reference { digest: digest.clone().filter(|_| tag.is_none()), ..target.clone() };
        let (place, manifest) = match self.registries.resolve(&by_name, None) {
            Err(e) if e.status() == Some(404) => return Ok(There::Missing),
            answer => answer?,
        };
        let digest = manifest.digest().clone();
        if let Some(pinned) = pinned.filter(|pinned| **pinned != digest) {
            return Ok(There::Different { digest, pinned: pinned.clone() });
        }
        let is_there = |descriptor: &Descriptor| match descriptor.digest == digest {
            true => Ok(true),
            false => self.registries.has_manifest(repository, descriptor),
        };
        let places = |_: &Descriptor| vec![place];
        let lacks = missing_platforms(self.registries, &places, &manifest, platforms, &is_there)?;
        Ok(if lacks.is_empty() { There::Present { digest } } else { There::Incomplete { digest, lacks } })
    }
}

/// Says which image it is about, where it does not say that yet.
fn at_target(error: Error, target: &Reference) -> Error {
    if error.to_string().starts_with(&target.to_string()) { error } else { error.at(target) }
}

/// That a list can be put where it is wanted, before anything is asked: what is read is not written over.
fn refuse_list<'a>(path: &Path, mut read: impl Iterator<Item = &'a Path>) -> Result<()> {
    // By what they are: one file may have several names.
    let place = |path: &Path| path.metadata().ok().map(|there| (there.dev(), there.ino()));
    let own = place(path);
    let is_same = |one: &Path| own.is_some() && place(one) == own;
    if let Some(one) = read.find(|one| is_same(one)) {
        let message = format!("{}: a list is not written over what is read: {}", path.display(), one.display());
        return Err(Error::usage(message));
    }
    let is_other = path.symlink_metadata().is_ok_and(|there| !there.is_file());
    match is_other || path.file_name().is_none() {
        true => Err(Error::usage(format!("{}: a list is written to a plain file", path.display()))),
        false => Ok(()),
    }
}

/// Writes a list: all of it, or nothing.
fn write_list(path: &Path, text: &str) -> Result<()> {
    DocumentPlace::open(path, true)?.write(text.as_bytes()).map(drop)
}
