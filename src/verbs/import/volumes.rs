//! Which volumes have what an image lacks, here and at the registry.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::archive::Bundles;
use crate::error::{Error, Result, VolumeStep};
use crate::oci::{Digest, Repository};
use crate::store::{Node, Presence, Reason};
use crate::transfer::{Image, Survey};
use crate::verbs::opened::Opened;
use crate::verbs::pushed::Lack;
use crate::verbs::report::few;

/// What images wait for.
pub(super) struct Lacks<'a> {
    opened: &'a Opened,
    /// The numbers of the volumes, by what waits for them.
    numbers: RefCell<HashMap<(Repository, Digest), BTreeSet<u32>>>,
}

impl<'a> Lacks<'a> {
    pub(super) fn new(opened: &'a Opened) -> Self {
        Self { opened, numbers: RefCell::default() }
    }

    /// The numbers of all volumes that something waits for.
    pub(super) fn volumes(&self) -> BTreeSet<u32> {
        self.numbers.borrow().values().flatten().copied().collect()
    }

    /// That an image does not wait for volumes alone.
    ///
    /// # Errors
    /// Which they are.
    pub(super) fn check(&self, image: &Image, asked: &Survey<'_>) -> Result<(), Lack> {
        let missing = asked.missing(&self.opened.contents, image);
        let is_in_volume = |node: &&Node| matches!(node.presence, Presence::LeftOut(Reason::Volume(_)));
        // Where the registry did not say, nobody knows.
        let waits = missing.iter().all(is_in_volume) && asked.unsaid(&image.target.repository).is_none();
        if missing.is_empty() || !waits {
            self.numbers.borrow_mut().remove(&image.content());
            return Ok(());
        }
        let files = Files::of(&self.opened.bundles, &missing);
        self.numbers.borrow_mut().insert(image.content(), files.of.keys().copied().collect());
        Err(Lack::Elsewhere(Arc::new(files.error())))
    }
}

/// What is missing, by volume.
#[derive(Default)]
struct Files {
    /// The files of the volumes, by their numbers.
    of: BTreeMap<u32, String>,
    /// The files that have to be imported in one go.
    together: Vec<String>,
}

impl Files {
    fn of(bundles: &Bundles, missing: &[&Node]) -> Self {
        let mut files = Self::default();
        for node in missing {
            let digest = &node.descriptor.digest;
            // Where it stands in several sets of volumes, one of them is enough.
            let absent = bundles.absent_volumes(digest);
            let Some((set, _)) = absent.first() else { continue };
            for (_, number) in absent.iter().filter(|(of, _)| of == set) {
                files.of.entry(*number).or_insert_with(|| bundles.volume_file(*set, *number));
            }
            for file in bundles.cut_over(digest) {
                if !files.together.contains(&file) {
                    files.together.push(file);
                }
            }
        }
        files
    }

    fn error(self) -> Error {
        let files: Vec<String> = self.of.into_values().collect();
        let reason = format!("waits for what is in {}", few(&files));
        let next = if self.together.is_empty() {
            VolumeStep::ImportMissing { volumes: files }.into()
        } else {
            VolumeStep::ImportTogether { volumes: self.together }.into()
        };
        Error::undone(reason, next)
    }
}
