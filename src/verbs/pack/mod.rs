//! `pack`: bundles and layouts → one bundle, the same to the last byte as one export of these images gives. No registry
//! is asked for anything.

mod chosen;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::announced::{announce, with_images};
use super::docker_list;
use super::opened::{Input, Opened, reads_bundles, rest_on_bases};
use super::report::few;
use super::written::{Taker, Writing, writes_bundles};
use crate::archive::{Bundles, Expectation, Output};
use crate::error::{BaseStep, Error, Result, VolumeStep};
use crate::oci::Reference;
use crate::plan::{Budget, Platforms, walk};
use crate::store::{Contents, Event, Node, Presence, Reason, Scratch, Watch};

pub use super::chosen_names::NamePattern;
pub use super::written::{ExportFailed as PackFailed, Exported as Packed, ExportedVolume};

/// What to pack, and where to.
#[derive(Clone, Debug)]
pub struct Pack {
    input: Input,
    only: Vec<NamePattern>,
    name: Option<Reference>,
    docker_load: Option<Platforms>,
    writing: Writing,
}

impl Pack {
    /// The images of these bundles and layouts, into a bundle at this path. They complete each other.
    pub fn new(bundles: impl IntoIterator<Item = PathBuf>, output: impl Into<PathBuf>) -> Self {
        Self {
            input: Input::new(bundles),
            only: Vec::new(),
            name: None,
            docker_load: None,
            writing: Writing::new(output, "packed"),
        }
    }

    reads_bundles!();
    writes_bundles!();

    /// Only these images, and what refers to them; all where there is none.
    #[must_use]
    pub fn only(self, only: Vec<NamePattern>) -> Self {
        Self { only, ..self }
    }

    /// The repository of what has only a tag, or no name at all; with a tag it is the name of the only image.
    #[must_use]
    pub fn name(self, name: Option<Reference>) -> Self {
        Self { name, ..self }
    }

    /// The bundle has a list for Docker, with the images of this one platform; where nobody says, with those that are on
    /// such lists already.
    #[must_use]
    pub fn docker_load(self, platform: Option<Platforms>) -> Self {
        Self { docker_load: platform, ..self }
    }

    /// Blobs that are copied side by side.
    #[must_use]
    pub fn jobs(mut self, jobs: usize) -> Self {
        self.writing.jobs = jobs;
        self
    }

    /// Packs. On failure the output path is exactly as it was before.
    ///
    /// # Errors
    /// Everything that is not there or not right; nothing is written unless all of it is.
    pub fn run(self, watch: &dyn Watch) -> Result<Packed, PackFailed> {
        if let Some(platforms) = &self.docker_load {
            docker_list::one_platform(platforms)?;
            self.writing.volume_size.map_or(Ok(()), |_| Err(docker_list::not_whole("--volume-size")))?;
        }
        let output = self.writing.open()?;
        let (bundles, contents) = match self.plan(watch) {
            Ok(planned) => planned,
            Err(errors) => return Err(PackFailed::new(errors, output.and_then(Output::give_up))),
        };
        announce(&contents, watch);
        let packed = self.writing.write(&contents, &bundles, output, watch)?;
        docker_list::announce(&contents, watch)?;
        Ok(packed)
    }

    /// Reads what is in the files, and chooses.
    fn plan(&self, watch: &dyn Watch) -> Result<(Bundles, Contents), Vec<Error>> {
        let one = |error: Error| vec![error];
        let bundles = self.input.open_as_one(watch).into_iter().collect::<Result<Vec<_>>>().map_err(one)?;
        bundles.iter().try_for_each(|bundle| self.input.check(bundle)).map_err(one)?;
        self.input.check_together(bundles.iter()).map_err(one)?;
        let most = self.input.max_manifests;
        let mut opened = Opened::new(bundles, self.name.as_ref(), 1, most, watch).map_err(one)?;
        opened.check().map_err(one)?;
        let unusable = opened.take_unusable();
        if !unusable.is_empty() {
            let label = opened.bundles.label();
            return Err(unusable.into_iter().map(|one| one.error.at(&label)).collect());
        }
        self.input.check_pinned(&opened.contents).map_err(|e| one(e.at(opened.bundles.label())))?;
        let starts = chosen::starts(&opened, &self.only, self.name.as_ref())?;
        let short_names = opened.contents.short_names;
        let listed = opened.contents.docker().clone();
        let Opened { mut bundles, .. } = opened;
        // From these alone, as an export would: what something is may depend on what names it.
        let (mut contents, failures) = walk(&bundles, starts, 1, &Budget::new(most), watch).map_err(one)?;
        bundles.place_absent(&mut contents);
        rest_on_bases(&bundles, &mut contents);
        bundles.carry_deltas(&mut contents);
        bundles.rebuild_in(Scratch::new(self.input.tmpdir.as_deref()), false);
        bundles.rebuild_here(&mut contents);
        contents.short_names = short_names;
        let failed = failures.into_iter().map(|f| with_images(Error::Shared(f.error), &f.images));
        let errors: Vec<Error> =
            failed.chain(lacking(&bundles, &contents)).chain(contents.check_shape().err()).collect();
        if !errors.is_empty() {
            return Err(errors);
        }
        let listed = match &self.docker_load {
            Some(platforms) => {
                let platform = docker_list::one_platform(platforms).map_err(one)?;
                docker_list::choose(&contents, &bundles, platform, self.writing.jobs, watch).map_err(one)?
            }
            None if self.writing.volume_size.is_some() && !listed.is_empty() => {
                let message = "volumes have no list for Docker: the one that is here is left out";
                watch.on(Event::Warning { message });
                BTreeMap::new()
            }
            None => listed,
        };
        contents.list_for_docker(listed);
        Ok((bundles, contents))
    }
}

/// What the images need and none of the files has.
fn lacking(bundles: &Bundles, contents: &Contents) -> Vec<Error> {
    let (absent, wanting): (Vec<_>, Vec<_>) = contents
        .nodes
        .iter()
        .filter(|node| node.is_wanting())
        .partition(|node| matches!(node.presence, Presence::LeftOut(Reason::Volume(_))));
    let images = contents.images_with_each(wanting.iter().map(|node| &node.descriptor.digest));
    let error = |(node, images): (&Node, Vec<String>)| {
        let error = if let Some(delta) = node.delta.as_ref().filter(|_| node.is_delta()) {
            let (new, old) = (&node.descriptor.digest, &delta.from);
            let reason = format!("{new} is carried as what changed since {old}, which is in none of these files");
            Error::refused(reason, BaseStep::GiveBase { images: Vec::new(), more: false }.into())
        } else if node.rests_on_base() {
            let reason = format!("{} is left to a base, and in none of these files", node.descriptor.digest);
            Error::refused(reason, BaseStep::GiveBase { images: Vec::new(), more: false }.into())
        } else {
            bundles.lack(&node.descriptor)
        };
        with_images(error, &images)
    };
    in_volumes(bundles, contents, &absent).into_iter().chain(wanting.into_iter().zip(images).map(error)).collect()
}

/// The volumes that are not here and have what the images need: one error for all.
fn in_volumes(bundles: &Bundles, contents: &Contents, absent: &[&Node]) -> Option<Error> {
    let mut files: BTreeMap<u32, String> = BTreeMap::new();
    for node in absent {
        let volumes = bundles.absent_volumes(&node.descriptor.digest);
        // Where it stands in several sets of volumes, one of them is enough.
        let Some((set, _)) = volumes.first() else { continue };
        for (_, number) in volumes.iter().filter(|(of, _)| of == set) {
            files.entry(*number).or_insert_with(|| bundles.volume_file(*set, *number));
        }
    }
    let images = contents.images_with_each(absent.iter().map(|node| &node.descriptor.digest));
    let images: BTreeSet<String> = images.into_iter().flatten().collect();
    let volumes: Vec<String> = files.into_values().collect();
    (!volumes.is_empty()).then(|| {
        let reason = format!("what is needed is in {}", few(&volumes));
        let error = Error::undone(reason, VolumeStep::GiveMissing { volumes }.into());
        with_images(error, &images.into_iter().collect::<Vec<_>>())
    })
}
