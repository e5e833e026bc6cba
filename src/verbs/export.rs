//! `export`: registries → one bundle.

mod volumes;

use std::path::PathBuf;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use super::images::Images;
use super::planned::{Planned, Selection, announce, carried, named, takes_images, with_images};
use super::report::{LeftOut, ReferrerReport, texts};
use crate::archive::{Layout, Leftover, Output, Stopped, Written, check_room_beside};
use crate::error::{Error, Kind, NextStep, Result};
use crate::oci::{Digest, MediaType, Reference};
use crate::registry::RegistryOptions;
use crate::store::{Contents, Watch};
use crate::transfer::{Wanted as Fetch, fetch};

use volumes::{InVolumes, Taker};

pub use volumes::ExportedVolume;

pub use crate::plan::{Origin, Platforms, ReferrerPolicy, Wanted};

/// What to export, and where to.
#[derive(Clone, Debug)]
pub struct Export {
    selection: Selection,
    output: PathBuf,
    force: bool,
    dry_run: bool,
    read_back: bool,
    volume_size: Option<u64>,
    taker: Option<Taker>,
    registry: RegistryOptions,
}

/// One image of an export.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ExportedImage {
    /// Its name in the bundle.
    pub name: String,
    /// What the name stood for.
    pub digest: Digest,
    /// The type of its manifest.
    pub media_type: MediaType,
    /// The platforms that its indexes name and that come along; empty for a single manifest.
    pub platforms: Vec<String>,
    /// Those that were not asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_platforms: Vec<String>,
    /// What refers to it, or to a part of it. Absent where that is very much in all, and an image before this
    /// one is the same content and has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referrers: Option<Vec<ReferrerReport>>,
    /// `exported`, or `planned` after a dry run.
    pub status: &'static str,
}

/// The blobs of an export. A layer of several images counts once.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ExportedBlobs {
    /// Configs, layers and other blobs.
    pub count: u64,
    /// Their length in bytes.
    pub bytes: u64,
    /// Blobs of which this run fetched all or the rest.
    pub fetched: u64,
    /// Blobs that an earlier run had left whole.
    pub resumed: u64,
}

/// What came of an export.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Exported {
    /// The bundle; `None` after a dry run, like the next two, and where there are volumes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle: Option<PathBuf>,
    /// sha256 of its `index.json`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Its length in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The files, where the bundle is divided into volumes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<ExportedVolume>,
    /// The images in the order of the bundle.
    pub images: Vec<ExportedImage>,
    /// What there is besides manifests.
    pub blobs: ExportedBlobs,
    /// Content that the bundle does not hold.
    pub left_out: Vec<LeftOut>,
    /// The drive said that it has everything. False where its file system has no way to say so.
    #[serde(skip)]
    pub synced: bool,
}

/// Everything that kept an export from being written.
#[derive(Debug, thiserror::Error)]
#[error("{}", errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
#[non_exhaustive]
pub struct ExportFailed {
    /// What went wrong, in the order it was asked for.
    pub errors: Vec<Error>,
    /// The partial file that the same command can go on from.
    pub leftover: Option<PathBuf>,
    /// How many bytes of how many of the content are in it, where that is known.
    pub leftover_bytes: Option<(u64, u64)>,
}

impl ExportFailed {
    fn new(errors: Vec<Error>, leftover: Option<Leftover>) -> Self {
        let leftover_bytes = leftover.as_ref().and_then(|leftover| leftover.bytes);
        Self { errors, leftover: leftover.map(|leftover| leftover.path), leftover_bytes }
    }

    /// The kind that decides the exit status.
    pub fn kind(&self) -> Kind {
        self.errors.iter().map(Error::kind).reduce(Kind::graver).unwrap_or(Kind::Failed)
    }
}

impl From<Error> for ExportFailed {
    fn from(error: Error) -> Self {
        Self::new(vec![error], None)
    }
}

impl From<Vec<Error>> for ExportFailed {
    fn from(errors: Vec<Error>) -> Self {
        Self::new(errors, None)
    }
}

impl From<Stopped> for ExportFailed {
    fn from(stopped: Stopped) -> Self {
        Self::new(vec![*stopped.error], stopped.leftover)
    }
}

impl Export {
    /// These images, into a bundle at this path.
    pub fn new(images: impl Into<Images>, output: impl Into<PathBuf>) -> Self {
        Self {
            selection: Selection::new(images),
            output: output.into(),
            force: false,
            dry_run: false,
            read_back: false,
            volume_size: None,
            taker: None,
            registry: RegistryOptions::default(),
        }
    }

    takes_images!();

    /// An existing bundle may be replaced, once the new one is complete.
    #[must_use]
    pub fn force(self, force: bool) -> Self {
        Self { force, ..self }
    }

    /// Resolve and plan only; nothing is written.
    #[must_use]
    pub fn dry_run(self, dry_run: bool) -> Self {
        Self { dry_run, ..self }
    }

    /// Read everything back from the drive before the bundle gets its name.
    #[must_use]
    pub fn read_back(self, read_back: bool) -> Self {
        Self { read_back, ..self }
    }

    /// Divide the bundle into volumes, files of at most so many bytes. Their names are made from the path.
    #[must_use]
    pub fn volume_size(self, bytes: Option<u64>) -> Self {
        Self { volume_size: bytes, ..self }
    }

    /// Who takes each volume when it is finished, before the next begins: it may be moved away, and the drive be
    /// changed. What he cannot take, the next export hands to him again.
    #[must_use]
    pub fn hand_on(self, take: impl Fn(&ExportedVolume) -> Result<()> + Send + Sync + 'static) -> Self {
        Self { taker: Some(Taker(Arc::new(take))), ..self }
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
    pub fn run(self, watch: Arc<dyn Watch>) -> Result<Exported, ExportFailed> {
        self.selection.check()?;
        // A dry run may go without; what it is given is looked at.
        let goes_without = (self.dry_run && self.output.as_os_str().is_empty()) || self.volume_size.is_some();
        if self.volume_size.is_some() && !self.output.as_os_str().is_empty() {
            check_room_beside(&self.output, 0)?;
        }
        let output = if goes_without { None } else { Some(Output::open(&self.output, self.force)?) };
        let Planned { registries, contents } = match self.selection.plan(&self.registry, &watch, |_| Ok(())) {
            Ok(planned) => planned,
            Err(errors) => return Err(ExportFailed::new(errors, output.and_then(Output::give_up))),
        };
        let mut exported = report(&contents);
        announce(&contents, watch.as_ref());
        if let Some(size) = self.volume_size {
            let volumes = InVolumes::new(&self, size, &contents, &registries, watch.as_ref())?;
            if self.dry_run {
                volumes.planned(&mut exported)?;
                return Ok(exported);
            }
            volumes.run(&mut exported)?;
            exported.images.iter_mut().for_each(|image| image.status = "exported");
            return Ok(exported);
        }
        let Some(output) = output else { return Ok(exported) };
        let layout = match Layout::new(&contents) {
            Ok(layout) => layout,
            Err(error) => return Err(Stopped::new(error, output.give_up()).into()),
        };
        if self.dry_run {
            let room = output.check_room(&layout);
            output.give_up();
            return room.map(|()| exported).map_err(Into::into);
        }
        let jobs = self.registry.jobs;
        let writer = output.begin(layout, jobs, watch.as_ref())?;
        let wanted = contents.carried_blobs().map(Fetch::Whole).collect();
        let fetched = fetch(&contents, wanted, &registries, &writer, jobs, watch.as_ref());
        if let Some(signal) = watch.stopped() {
            return Err(Stopped::new(Error::Interrupted { signal }, writer.leave()).into());
        }
        if !fetched.failures.is_empty() {
            return Err(ExportFailed::new(failures(&contents, fetched.failures), writer.leave()));
        }
        (exported.blobs.fetched, exported.blobs.resumed) = (fetched.fetched, fetched.resumed);
        let written = writer.finish(self.read_back.then_some(jobs), watch.as_ref())?;
        let Written { path, bytes, digest, synced } = written;
        (exported.bundle, exported.digest, exported.bytes) = (Some(path), Some(digest), Some(bytes));
        exported.synced = synced;
        exported.images.iter_mut().for_each(|image| image.status = "exported");
        Ok(exported)
    }
}

/// What could not be fetched: of the blobs that the sources do not have, one line for each image.
fn failures(contents: &Contents, failed: Vec<(Digest, Error)>) -> Vec<Error> {
    let mut gone: Vec<(Vec<String>, Error, u64)> = Vec::new();
    let mut errors = Vec::new();
    for (digest, error) in failed {
        let images = contents.images_with(&digest);
        match gone.iter_mut().find(|(others, ..)| error.status() == Some(404) && *others == images) {
            Some((.., count)) => *count += 1,
            None if error.status() == Some(404) => gone.push((images, error, 1)),
            None => errors.push(with_images(error, &images)),
        }
    }
    let lacks = gone.into_iter().map(|(images, error, count)| {
        let error =
            if count > 1 { error.at(format!("the source lacks {count} blobs, the first of them")) } else { error };
        with_images(error.advised([NextStep::PushToSourceAgain]), &images)
    });
    lacks.chain(errors).collect()
}

fn report(contents: &Contents) -> Exported {
    let digests: Vec<&Digest> = named(contents).map(|(_, digest)| digest).collect();
    let referrers = ReferrerReport::of_each(contents, &digests);
    let image = |((name, digest), referrers): ((&Reference, &Digest), _)| {
        let manifest = contents.node(digest)?.manifest.as_ref()?;
        Some(ExportedImage {
            name: name.name(),
            digest: digest.clone(),
            media_type: manifest.media_type().clone(),
            platforms: texts(&contents.platforms(digest)),
            other_platforms: texts(&contents.other_platforms(digest)),
            referrers,
            status: "planned",
        })
    };
    let (count, bytes) = carried(contents);
    let blobs = ExportedBlobs { count, bytes, fetched: 0, resumed: 0 };
    Exported {
        bundle: None,
        digest: None,
        bytes: None,
        volumes: Vec::new(),
        images: named(contents).zip(referrers).filter_map(image).collect(),
        blobs,
        left_out: LeftOut::of(contents),
        synced: false,
    }
}
