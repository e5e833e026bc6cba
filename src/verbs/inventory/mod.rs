//! `inventory`: what is there, in files or at a registry, as a small file to carry back.

mod files;
mod registry;
mod report;

use std::path::PathBuf;
use std::sync::Arc;

use super::images::Images;
use super::opened::{Input, reads_bundles};
use crate::archive::{DocumentPlace, Expectation};
use crate::error::Result;
use crate::oci::Host;
use crate::registry::RegistryOptions;
use crate::store::Watch;
use registry::There;
use report::Taken;

pub use crate::plan::Mapping;
pub use report::{DamagedContent, Inventoried};

/// What to take an inventory of, and where to write it.
#[derive(Clone, Debug)]
pub struct Inventory {
    input: Input,
    there: Option<There>,
    output: PathBuf,
    force: bool,
    jobs: usize,
}

impl Inventory {
    /// Of these files together, into a file at this path.
    pub fn of_files(bundles: impl IntoIterator<Item = PathBuf>, output: impl Into<PathBuf>) -> Self {
        Self { input: Input::new(bundles), there: None, output: output.into(), force: false, jobs: 4 }
    }

    /// Of a registry, into a file at this path: of the images or repositories that are named next.
    pub fn of_registry(host: Host, output: impl Into<PathBuf>) -> Self {
        let there = There {
            host,
            namespace: None,
            mappings: Vec::new(),
            repositories: Vec::new(),
            catalog: false,
            images: None,
            options: RegistryOptions::default(),
        };
        Self { there: Some(there), ..Self::of_files([], output) }
    }

    /// What is in front of every repository at the registry. For images, `library` where nobody says.
    #[must_use]
    pub fn namespace(self, namespace: Option<String>) -> Self {
        self.at_registry(|there| there.namespace = namespace)
    }

    /// Repositories that an import puts elsewhere.
    #[must_use]
    pub fn mappings(self, mappings: Vec<Mapping>) -> Self {
        self.at_registry(|there| there.mappings = mappings)
    }

    /// The repositories to look into, below the namespace.
    #[must_use]
    pub fn repositories(self, repositories: Vec<String>) -> Self {
        self.at_registry(|there| there.repositories = repositories)
    }

    /// Look into all repositories that the registry lists.
    #[must_use]
    pub fn catalog(self, catalog: bool) -> Self {
        self.at_registry(|there| there.catalog = catalog)
    }

    /// Look for these images, under the names that an import gives them.
    #[must_use]
    pub fn images(self, images: Option<Images>) -> Self {
        self.at_registry(|there| there.images = images)
    }

    /// How to talk to the registry.
    #[must_use]
    pub fn registry(self, options: RegistryOptions) -> Self {
        self.at_registry(|there| there.options = options)
    }

    fn at_registry(mut self, change: impl FnOnce(&mut There)) -> Self {
        if let Some(there) = &mut self.there {
            change(there);
        }
        self
    }

    reads_bundles!();

    /// An existing file may be replaced.
    #[must_use]
    pub fn force(self, force: bool) -> Self {
        Self { force, ..self }
    }

    /// Takes it. On failure the output path is exactly as it was before. What is damaged is no failure: it is what an
    /// inventory is for.
    ///
    /// # Errors
    /// When a file cannot be read at all, or a registry does not say; or the drive fails.
    pub fn run(self, watch: Arc<dyn Watch>) -> Result<Inventoried> {
        let place = DocumentPlace::open(&self.output, self.force)?;
        let taken = match &self.there {
            Some(there) => there.take(self.input.max_manifests, &watch),
            None => files::take(&self.input, self.jobs, watch.as_ref()),
        };
        let (Taken { inventory, damaged, absent }, bytes) =
            match taken.and_then(|taken| taken.inventory.to_bytes().map(|bytes| (taken, bytes))) {
                Ok(taken) => taken,
                Err(error) => {
                    place.give_up();
                    return Err(error);
                }
            };
        let synced = place.write(&bytes)?;
        Ok(Inventoried {
            inventory: self.output,
            source: inventory.source.as_str(),
            images: inventory.images.len() as u64,
            held: inventory.held.len() as u64,
            bytes: inventory.held.values().map(|(size, _)| size).sum(),
            damaged,
            absent,
            synced,
        })
    }
}
