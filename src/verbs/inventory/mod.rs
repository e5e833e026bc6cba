//! `inventory`: what is there, in files or at a registry, as a small file to carry back.

mod files;
mod report;

use std::path::PathBuf;
use std::sync::Arc;

use super::opened::{Input, reads_bundles};
use crate::archive::{DocumentPlace, Expectation};
use crate::error::Result;
use crate::store::Watch;
use report::Taken;

pub use report::{DamagedContent, Inventoried};

/// What to take an inventory of, and where to write it.
#[derive(Clone, Debug)]
pub struct Inventory {
    input: Input,
    output: PathBuf,
    force: bool,
    jobs: usize,
}

impl Inventory {
    /// Of these files together, into a file at this path.
    pub fn of_files(bundles: impl IntoIterator<Item = PathBuf>, output: impl Into<PathBuf>) -> Self {
        Self { input: Input::new(bundles), output: output.into(), force: false, jobs: 4 }
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
        let taken = files::take(&self.input, self.jobs, watch.as_ref());
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
