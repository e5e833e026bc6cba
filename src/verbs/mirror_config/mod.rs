//! `mirror-config`: bundles and a registry → the files that make nodes use it as the mirror of the hosts that images
//! are named after.

mod asked;
mod authority;
mod report;
mod sources;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::opened::{Input, Opened, reads_bundles};
use crate::archive::{Bundle, DocumentPlace, Expectation};
use crate::error::{Error, NextStep, Result};
use crate::oci::Host;
use crate::plan::Naming;
use crate::registry::RegistryOptions;
use crate::runtimes::{Mirror, NodeFile, setup};
use crate::store::Watch;
use sources::Sources;

pub use crate::plan::Mapping;
pub use crate::runtimes::Runtime;
pub use report::{MirrorConfigured, MirroredHost, NodeView, RuntimeFile};

/// What nodes are to use, and how they pull.
#[derive(Clone, Debug)]
pub struct MirrorConfig {
    input: Input,
    host: Host,
    runtime: Runtime,
    namespace: String,
    mappings: Vec<Mapping>,
    all_mappings_count: bool,
    hosts: Vec<Host>,
    fallback: bool,
    username: Option<String>,
    output: Option<PathBuf>,
    force: bool,
    check: bool,
    registry: RegistryOptions,
}

impl MirrorConfig {
    /// The hosts of the images in these bundles, at this registry, for this runtime.
    pub fn new(bundles: impl IntoIterator<Item = PathBuf>, host: Host, runtime: Runtime) -> Self {
        Self {
            input: Input::new(bundles),
            host,
            runtime,
            namespace: "library".into(),
            mappings: Vec::new(),
            all_mappings_count: false,
            hosts: Vec::new(),
            fallback: false,
            username: None,
            output: None,
            force: false,
            check: false,
            registry: RegistryOptions::default(),
        }
    }

    reads_bundles!();

    /// What an import puts in front of every repository; empty for nothing. `library` where nobody says.
    #[must_use]
    pub fn namespace(self, namespace: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), ..self }
    }

    /// Repositories that an import brings elsewhere.
    #[must_use]
    pub fn mappings(self, mappings: Vec<Mapping>) -> Self {
        Self { mappings, ..self }
    }

    /// A mapping that is for none of the images is a mistake.
    #[must_use]
    pub fn all_mappings_count(self, all_mappings_count: bool) -> Self {
        Self { all_mappings_count, ..self }
    }

    /// More hosts, whether images of theirs are in the bundles or not.
    #[must_use]
    pub fn hosts(self, hosts: Vec<Host>) -> Self {
        Self { hosts, ..self }
    }

    /// Nodes may ask the hosts themselves where the mirror does not do.
    #[must_use]
    pub fn fallback(self, fallback: bool) -> Self {
        Self { fallback, ..self }
    }

    /// As whom nodes log in. The place of the password is left to be filled in.
    #[must_use]
    pub fn username(self, username: Option<String>) -> Self {
        Self { username, ..self }
    }

    /// A folder to write the files into; nothing is written where none is named.
    #[must_use]
    pub fn output(self, folder: Option<PathBuf>) -> Self {
        Self { output: folder, ..self }
    }

    /// Existing files may be replaced.
    #[must_use]
    pub fn force(self, force: bool) -> Self {
        Self { force, ..self }
    }

    /// Ask the registry for one image of each host, as a node would.
    #[must_use]
    pub fn check(self, check: bool) -> Self {
        Self { check, ..self }
    }

    /// How to talk to the registry: its certificate and whether it has one go into the files.
    #[must_use]
    pub fn registry(self, options: RegistryOptions) -> Self {
        Self { registry: options, ..self }
    }

    /// Makes the files. That the registry does not serve an image is in the report.
    ///
    /// # Errors
    /// When a bundle cannot be read, no host is known, the runtime cannot use such a mirror, or a file is there already.
    pub fn run(self, watch: Arc<dyn Watch>) -> Result<MirrorConfigured> {
        let naming = Naming::new(self.host.clone(), &self.namespace, self.mappings.clone())
            .with_all_counting(self.all_mappings_count);
        let opened = self.open(watch.as_ref())?;
        let contents = opened.as_ref().map(|opened| &opened.contents);
        let sources = Sources::of(contents, &self.hosts, &naming)?;
        let mirror = Mirror {
            host: self.host.clone(),
            plain_http: self.registry.is_plain_http(&self.host),
            sources: sources.mirrored(),
            fallback: self.fallback,
            ca: authority::pem(&self.registry.tls.ca_files)?,
            username: self.username.clone(),
        };
        let setup = setup(self.runtime, &mirror)?;
        let mut configured = MirrorConfigured::new(self.runtime, self.host.clone(), &sources, setup);
        if self.check {
            configured.check = asked::ask(&sources, self.runtime, &naming, self.registry, watch)?;
        }
        if let Some(folder) = &self.output {
            configured.files.push(read_me(&configured));
            write(folder, &mut configured.files, self.force)?;
        }
        Ok(configured)
    }

    fn open(&self, watch: &dyn Watch) -> Result<Option<Opened>> {
        if self.input.bundles.is_empty() {
            return match self.hosts.is_empty() {
                true => Err(Error::Usage {
                    message: "no host to mirror: neither a bundle nor a host is named".into(),
                    next: Some(NextStep::NameBundlesOrHosts),
                }),
                false => Ok(None),
            };
        }
        let bundles = self.input.open(watch).into_iter().collect::<Result<Vec<Bundle>>>()?;
        bundles.iter().try_for_each(|bundle| self.input.check(bundle))?;
        self.input.check_together(bundles.iter())?;
        let mut opened = Opened::new(bundles, None, 1, self.input.max_manifests, watch)?;
        opened.check()?;
        self.input.check_pinned(&opened.contents).map_err(|e| e.at(opened.bundles.label()))?;
        Ok(Some(opened))
    }
}

/// What goes along with the folder, wherever it is carried.
fn read_me(configured: &MirrorConfigured) -> RuntimeFile {
    let MirrorConfigured { runtime, registry, hosts, files, steps, notes, .. } = configured;
    let hosts: Vec<&str> = hosts.iter().map(|one| one.host.as_str()).collect();
    let mut text = format!("{runtime}: {registry} as the mirror of {}\n\nWhere each file goes:\n", hosts.join(", "));
    for file in files {
        text.push_str(&format!("  {}\n    {}\n", file.path, file.place));
    }
    for (title, lines) in [("Then:", steps), ("To know:", notes)] {
        if !lines.is_empty() {
            let lines: String = lines.iter().map(|line| format!("  - {line}\n")).collect();
            text.push_str(&format!("\n{title}\n{lines}"));
        }
    }
    RuntimeFile { path: "README".into(), place: "beside the files".into(), written: None, text }
}

/// Writes the files below a folder: each whole or not at all, and none where one of them may not be.
fn write(folder: &Path, files: &mut [RuntimeFile], force: bool) -> Result<()> {
    let mut places = Vec::with_capacity(files.len());
    for file in files.iter_mut() {
        let path = folder.join(&file.path);
        if !force && path.symlink_metadata().is_ok() {
            return Err(Error::Usage {
                message: format!("{}: it is there already", path.display()),
                next: Some(NextStep::ReplaceFiles),
            });
        }
        file.written = Some(path);
    }
    for path in files.iter().filter_map(|file| file.written.as_ref()) {
        let parent = path.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent).map_err(Error::typed("make the folder", parent))?;
        places.push(DocumentPlace::open(path, force)?);
    }
    for (place, file) in places.into_iter().zip(files.iter()) {
        place.write(file.text.as_bytes())?;
    }
    Ok(())
}

impl From<NodeFile> for RuntimeFile {
    fn from(file: NodeFile) -> Self {
        let NodeFile { path, place, text } = file;
        Self { path, place, written: None, text }
    }
}
