//! `export`: registries → one bundle, or the volumes of one.

use std::path::PathBuf;
use std::sync::Arc;

use super::bases::Bases;
use super::docker_list;
use super::images::Images;
use super::layer_deltas;
use super::planned::{Planned, Selection, announce, takes_images};
use super::written::{LockPlace, Signer, Taker, Writing, failures, writes_bundles};
use crate::archive::Output;
use crate::error::{BaseStep, Error, NextStep, Result};
use crate::registry::RegistryOptions;
use crate::signature::PrivateKey;
use crate::store::Watch;

pub use super::written::{ExportFailed, Exported, ExportedBlobs, ExportedImage, ExportedVolume};
pub use crate::plan::{Origin, Platforms, ReferrerPolicy, Wanted};

/// What to export, and where to.
#[derive(Clone, Debug)]
pub struct Export {
    selection: Selection,
    bases: Vec<PathBuf>,
    layer_deltas: bool,
    writing: Writing,
    lock: Option<PathBuf>,
    short_names: bool,
    docker_load: Option<Platforms>,
    registry: RegistryOptions,
}

impl Export {
    /// These images, into a bundle at this path.
    pub fn new(images: impl Into<Images>, output: impl Into<PathBuf>) -> Self {
        Self {
            selection: Selection::new(images),
            bases: Vec::new(),
            layer_deltas: false,
            writing: Writing::new(output, "exported"),
            lock: None,
            short_names: false,
            docker_load: None,
            registry: RegistryOptions::default(),
        }
    }

    takes_images!();
    writes_bundles!();

    /// Writes what the names stood for into a file, which can be read as a list, once the bundle is written. It is
    /// replaced under the same condition as the bundle.
    #[must_use]
    pub fn lock(self, lock: Option<PathBuf>) -> Self {
        Self { lock, ..self }
    }

    /// Blobs that one of these has are left out: earlier bundles, layouts, or inventories.
    #[must_use]
    pub fn bases(self, bases: Vec<PathBuf>) -> Self {
        Self { bases, ..self }
    }

    /// Layers that a base has in an older version are carried as the difference to that, where it saves enough.
    #[must_use]
    pub fn layer_deltas(self, layer_deltas: bool) -> Self {
        Self { layer_deltas, ..self }
    }

    /// Other tools are shown tags alone, for which all images have to be of one repository.
    #[must_use]
    pub fn short_names(self, short_names: bool) -> Self {
        Self { short_names, ..self }
    }

    /// The bundle has a list for Docker, with the images of this one platform, for whom its file has to be whole.
    #[must_use]
    pub fn docker_load(self, platform: Option<Platforms>) -> Self {
        Self { docker_load: platform, ..self }
    }

    /// Sign the bundle, and put the signature beside it; beside each volume, where there are several.
    #[must_use]
    pub fn sign(mut self, key: Option<PrivateKey>) -> Self {
        self.writing.signer = key.map(|key| Signer(Arc::new(key)));
        self
    }

    /// How to talk to the registries.
    #[must_use]
    pub fn registry(self, registry: RegistryOptions) -> Self {
        Self { registry, ..self }
    }

    /// Exports. On failure the output path is exactly as it was before.
    ///
    /// # Errors
    /// Every image and blob that failed; nothing is written unless all of them are there.
    pub fn run(mut self, watch: Arc<dyn Watch>) -> Result<Exported, ExportFailed> {
        self.selection.check()?;
        self.check_docker_load()?;
        self.check_layer_deltas()?;
        let (is_dry, lock) = (self.writing.dry_run, self.lock.take());
        let lock = lock.map(|path| LockPlace::open(&path, self.writing.force, &self.writing.output)).transpose()?;
        let mut ended = self.carry_out(watch);
        match (&mut ended, lock) {
            (Ok(exported), Some(lock)) if !is_dry => {
                let images = exported.images.iter().map(|image| (image.name.as_str(), &image.digest));
                exported.lock = Some(lock.write(images)?);
            }
            (_, lock) => lock.map_or((), LockPlace::give_up),
        }
        ended
    }

    fn carry_out(mut self, watch: Arc<dyn Watch>) -> Result<Exported, ExportFailed> {
        self.writing.jobs = self.registry.jobs;
        self.refuse_own_base()?;
        let bases = Bases::open(&self.bases, self.layer_deltas, self.selection.max_manifests, watch.as_ref())?;
        let output = self.writing.open()?;
        let Planned { registries, mut contents } = match self.selection.plan(&self.registry, &watch, |_| Ok(())) {
            Ok(planned) => planned,
            Err(errors) => return Err(ExportFailed::new(errors, output.and_then(Output::give_up))),
        };
        contents.short_names = self.short_names;
        if self.short_names && !contents.is_of_one_repository() {
            let message =
                "tags alone do not tell these images apart: they are of several repositories, or without a tag";
            let error = Error::Usage { message: message.into(), next: Some(NextStep::ExportEachRepository) };
            return Err(ExportFailed::new(vec![error], output.and_then(Output::give_up)));
        }
        if let Err(error) = bases.relieve(&mut contents) {
            return Err(ExportFailed::new(vec![error], output.and_then(Output::give_up)));
        }
        if let Some(platforms) = &self.docker_load {
            let platform = docker_list::one_platform(platforms)?;
            match docker_list::choose(&contents, &registries, platform, self.writing.jobs, watch.as_ref()) {
                Ok(chosen) => contents.list_for_docker(chosen),
                Err(error) => return Err(ExportFailed::new(vec![error], output.and_then(Output::give_up))),
            }
        }
        announce(&contents, watch.as_ref());
        let exported = if self.layer_deltas && !self.writing.dry_run {
            match layer_deltas::make(&mut contents, &bases, &registries, self.writing.jobs, watch.as_ref()) {
                Ok(source) => self.writing.write(&contents, &source, output, watch.as_ref())?,
                Err(failed) => {
                    let stopped = watch.stopped().map(|signal| vec![Error::Interrupted { signal }]);
                    let errors = stopped.unwrap_or_else(|| failures(&contents, failed));
                    return Err(ExportFailed::new(errors, output.and_then(Output::give_up)));
                }
            }
        } else {
            self.writing.write(&contents, &registries, output, watch.as_ref())?
        };
        docker_list::announce(&contents, watch.as_ref())?;
        Ok(exported)
    }

    /// That a list for Docker is of one platform, and of a file that is whole.
    fn check_docker_load(&self) -> Result<()> {
        let Some(platforms) = &self.docker_load else { return Ok(()) };
        docker_list::one_platform(platforms)?;
        let other = match (self.writing.volume_size, self.bases.as_slice()) {
            (Some(_), _) => "--volume-size",
            (None, [_, ..]) => "--base",
            (None, []) => return Ok(()),
        };
        Err(docker_list::not_whole(other))
    }

    /// That there is something for layers to be differences to, and one file for them.
    fn check_layer_deltas(&self) -> Result<()> {
        let (message, next) = match (self.layer_deltas, self.bases.as_slice(), self.writing.volume_size) {
            (true, [], _) => {
                ("--layer-deltas needs a --base: layers are carried as what changed since", BaseStep::NameBase)
            }
            (true, _, Some(_)) => ("--layer-deltas and --volume-size do not go together", BaseStep::WriteOneFile),
            _ => return Ok(()),
        };
        Err(Error::Usage { message: message.into(), next: Some(next.into()) })
    }

    /// That no base is replaced by what rests on it.
    fn refuse_own_base(&self) -> Result<()> {
        let Ok(output) = self.writing.output.canonicalize() else { return Ok(()) };
        match self.bases.iter().find(|base| base.canonicalize().is_ok_and(|base| base == output)) {
            Some(base) => {
                let message = format!("{}: the bundle would replace the base that it rests on", base.display());
                Err(Error::usage(message))
            }
            None => Ok(()),
        }
    }
}
