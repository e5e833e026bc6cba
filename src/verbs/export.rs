//! `export`: registries → one bundle.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::archive::{Kept, Layout, Output, Stopped, Written};
use crate::error::{Error, Kind, Result};
use crate::oci::{Digest, MediaType, Platform, Reference};
use crate::plan::{Found, ReferrerPolicy, walk, walk_with_referrers, wanted};
use crate::registry::{Registries, RegistryOptions};
use crate::store::{Contents, Event, Node, Referrer, Source, Watch, side_by_side};
use crate::transfer::fetch;

/// What to export, and where to.
#[derive(Clone, Debug)]
pub struct Export {
    /// The images, as a person names them.
    pub images: Vec<String>,
    /// The bundle to write.
    pub output: PathBuf,
    /// An existing bundle may be replaced, once the new one is complete.
    pub force: bool,
    /// Layers that a registry does not have are fetched from the addresses in their descriptors.
    pub include_non_distributable_layers: bool,
    /// Resolve and plan only.
    pub dry_run: bool,
    /// Read everything back from the drive before the bundle gets its name.
    pub read_back: bool,
    /// Whether what refers to the images comes along.
    pub referrers: ReferrerPolicy,
    /// How to talk to the registries.
    pub registry: RegistryOptions,
}

/// One image of an export.
#[derive(Clone, Debug)]
pub struct ExportedImage {
    /// Its name in the bundle.
    pub name: String,
    /// What the name stood for.
    pub digest: Digest,
    /// The type of its manifest.
    pub media_type: MediaType,
    /// The platforms it is for, attestations left aside.
    pub platforms: Vec<Platform>,
    /// What refers to it, or to a part of it.
    pub referrers: Vec<Referrer>,
}

/// The totals of a plan. A layer of several images counts once; `shared` is what that saves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Images by name.
    pub images: u64,
    /// Indexes and manifests.
    pub manifests: u64,
    /// Configs, layers and other blobs.
    pub blobs: u64,
    /// Length of the blobs in bytes.
    pub bytes: u64,
    /// Bytes that images share and that are carried once.
    pub shared: u64,
}

/// What came of an export.
#[derive(Debug)]
pub struct Exported {
    /// The images in the order of the bundle.
    pub images: Vec<ExportedImage>,
    /// What there is to carry.
    pub totals: Totals,
    /// Non-distributable layers that no registry had, with their sizes in bytes.
    pub absent: Vec<(Digest, u64)>,
    /// Blobs of which something was fetched.
    pub fetched: u64,
    /// Blobs that an earlier export had left whole.
    pub resumed: u64,
    /// The bundle; `None` after a dry run.
    pub written: Option<Written>,
}

/// Everything that kept an export from being written.
#[derive(Debug)]
pub struct ExportFailed {
    /// What went wrong, in the order it was asked for.
    pub errors: Vec<Error>,
    /// What the same command can go on from.
    pub kept: Option<Kept>,
}

impl ExportFailed {
    /// The kind that decides the exit status.
    pub fn kind(&self) -> Kind {
        self.errors.iter().map(Error::kind).reduce(Kind::graver).unwrap_or(Kind::Failed)
    }
}

impl From<Error> for ExportFailed {
    fn from(error: Error) -> Self {
        Self { errors: vec![error], kept: None }
    }
}

impl From<Stopped> for ExportFailed {
    fn from(stopped: Stopped) -> Self {
        Self { errors: vec![*stopped.error], kept: stopped.kept }
    }
}

impl Export {
    /// Exports. On failure the output path is exactly as it was before.
    ///
    /// # Errors
    /// Every image and blob that failed; nothing is written unless all of them are there.
    pub fn run(self, watch: Arc<dyn Watch>) -> Result<Exported, ExportFailed> {
        let references = wanted(self.images.iter().map(String::as_str))?;
        let output = if self.dry_run { None } else { Some(Output::open(&self.output, self.force)?) };
        let (registries, contents) = match self.plan(references, &watch) {
            Ok(planned) => planned,
            Err(errors) => return Err(ExportFailed { errors, kept: output.and_then(Output::give_up) }),
        };
        let mut exported = Exported {
            images: images(&contents),
            totals: totals(&contents),
            absent: contents.absent.iter().map(|d| (d.digest.clone(), d.size)).collect(),
            fetched: 0,
            resumed: 0,
            written: None,
        };
        watch.on(Event::Planned {
            images: exported.totals.images,
            manifests: exported.totals.manifests,
            blobs: exported.totals.blobs,
            bytes: exported.totals.bytes,
            shared: exported.totals.shared,
        });
        let Some(output) = output else { return Ok(exported) };
        let layout = match Layout::new(&contents) {
            Ok(layout) => layout,
            Err(error) => return Err(Stopped::new(error, output.give_up()).into()),
        };
        let jobs = self.registry.jobs;
        let writer = output.begin(layout, jobs, watch.as_ref())?;
        let fetched = fetch(&contents, &registries, &writer, jobs, watch.as_ref());
        if let Some(signal) = watch.stopped() {
            return Err(Stopped::new(Error::Interrupted { signal }, writer.leave()).into());
        }
        if !fetched.failures.is_empty() {
            let named = fetched.failures.into_iter().map(|(digest, e)| with_images(e, &contents.images_with(&digest)));
            return Err(ExportFailed { errors: named.collect(), kept: writer.leave() });
        }
        (exported.fetched, exported.resumed) = (fetched.fetched, fetched.resumed);
        exported.written = Some(writer.finish(self.read_back.then_some(jobs), watch.as_ref())?);
        Ok(exported)
    }

    /// Resolves every reference once and walks everything below.
    fn plan(&self, references: Vec<Reference>, watch: &Arc<dyn Watch>) -> Result<(Registries, Contents), Vec<Error>> {
        let registries = Registries::new(self.registry.clone(), watch.clone()).map_err(|e| vec![e])?;
        let registries = if self.include_non_distributable_layers { registries.with_layer_urls() } else { registries };
        let answers = side_by_side(references, self.registry.jobs, |reference| {
            let found = registries.resolve(&reference);
            (reference, found)
        });
        if let Some(signal) = watch.stopped() {
            return Err(vec![Error::Interrupted { signal }]);
        }
        let mut roots = Vec::new();
        let mut errors = Vec::new();
        for (reference, answer) in answers {
            match answer {
                Ok(manifest) => {
                    let name = Some(reference.name());
                    roots.push(Found { name, repository: reference.repository, manifest });
                }
                Err(e) => errors.push(e),
            }
        }
        let jobs = self.registry.jobs;
        let walked = match self.referrers {
            ReferrerPolicy::None => walk(&registries, roots, jobs, watch.as_ref()),
            _ => walk_with_referrers(&registries, &registries, roots, jobs, watch.as_ref()),
        };
        let (contents, failures) = walked.map_err(|e| vec![e])?;
        errors.extend(failures.into_iter().map(|f| with_images(f.error, &f.images)));
        let images = images(&contents);
        if errors.is_empty() && self.referrers == ReferrerPolicy::Require {
            errors.extend(images.iter().filter(|image| image.referrers.is_empty()).map(without_referrers));
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        for ExportedImage { name, digest, platforms, referrers, .. } in &images {
            watch.on(Event::Resolved { name, digest, platforms, referrers: referrers.len() as u64 });
        }
        Ok((registries, contents))
    }
}

fn without_referrers(image: &ExportedImage) -> Error {
    let reason = "no signature and nothing else refers to it, and --referrers require asks for that";
    Error::refused(reason, "sign it first, or take it without with --referrers auto").at(&image.name)
}

/// Says which images a failure concerns.
fn with_images(error: Error, images: &[String]) -> Error {
    match images {
        [] => error,
        [one] => error.at(one),
        [one, others @ ..] => error.at(format!("{one} and {} more", others.len())),
    }
}

fn images(contents: &Contents) -> Vec<ExportedImage> {
    let image = |name: &String, digest: &Digest| {
        let manifest = contents.node(digest)?.manifest.as_ref()?;
        let platforms = contents.platforms(digest);
        Some(ExportedImage {
            name: name.clone(),
            digest: digest.clone(),
            media_type: manifest.media_type().clone(),
            platforms,
            referrers: contents.referrers(digest),
        })
    };
    contents.roots.iter().filter_map(|r| image(r.name.as_ref()?, &r.digest)).collect()
}

fn totals(contents: &Contents) -> Totals {
    let blobs: Vec<_> = contents.blobs().collect();
    let bytes = blobs.iter().map(|n| n.descriptor.size).sum();
    let named: Vec<&Digest> = contents.roots.iter().filter(|r| r.name.is_some()).map(|r| &r.digest).collect();
    let apart: u64 = named.iter().map(|image| size_apart(contents, image)).fold(0, u64::saturating_add);
    Totals {
        images: named.len() as u64,
        manifests: contents.manifests().count() as u64,
        blobs: blobs.len() as u64,
        bytes,
        shared: apart.saturating_sub(bytes),
    }
}

/// The bytes of blobs that an image and what refers to it would take alone.
fn size_apart(contents: &Contents, image: &Digest) -> u64 {
    let referrers = contents.referrer_digests(image);
    let roots = std::iter::once(image).chain(&referrers);
    let nodes: HashMap<&Digest, &Node> =
        roots.flat_map(|root| contents.closure(root)).map(|node| (&node.descriptor.digest, node)).collect();
    nodes.values().filter(|node| node.manifest.is_none()).map(|node| node.descriptor.size).sum()
}
