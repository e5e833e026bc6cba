//! Which volumes of which bundles are open, and which are not.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::bundle::Bundle;
use super::bundles::Bundles;
use super::cut_blobs::{Joined, Set, read_through};
use crate::archive::format::table::Stands;
use crate::archive::format::volume_names::{number_in, sibling};
use crate::error::{Error, Result};
use crate::oci::{Digest, VerifyReader};
use crate::store::{Contents, Event, Watch};

impl Bundles {
    /// The digest of the bundle, where all of these are one.
    pub(crate) fn identity(&self) -> Option<&Digest> {
        let first = self.list.first()?;
        let is_one = |other: &Bundle| other.volume().is_some() && other.index().digest == first.index().digest;
        (self.list.len() == 1 || self.iter().all(is_one)).then(|| &first.index().digest)
    }

    /// Of each set of volumes: one that is here, and the numbers of all that are.
    pub(crate) fn sets(&self) -> BTreeMap<Set<'_>, (&Bundle, BTreeSet<u32>)> {
        let mut sets: BTreeMap<Set<'_>, (&Bundle, BTreeSet<u32>)> = BTreeMap::new();
        for bundle in self.iter() {
            if let Some((set, number)) = bundle.volume() {
                sets.entry(set).or_insert_with(|| (bundle, BTreeSet::new())).1.insert(number);
            }
        }
        sets
    }

    /// The volumes that have something of this content and are not here: those of each set.
    pub(crate) fn absent_volumes(&self, digest: &Digest) -> Vec<(Set<'_>, u32)> {
        let mut found = Vec::new();
        for (set, (bundle, here)) in self.sets() {
            match bundle.stands(digest) {
                Some(stands) if self.is_left_to(stands.sender()) => found.push((set, stands.sender())),
                Some(stands) => {
                    found.extend(stands.volumes().iter().filter(|n| !here.contains(n)).map(|number| (set, *number)));
                }
                None => {}
            }
        }
        found
    }

    /// Says of content that is not here in which volume it is.
    pub(crate) fn place_absent(&self, contents: &mut Contents) {
        let sets = self.sets();
        contents.stand_in_volumes(|digest| {
            sets.values().find_map(|(bundle, here)| {
                let absent = bundle.stands(digest)?.volumes().iter().find(|number| !here.contains(number));
                absent.copied()
            })
        });
    }

    /// Leaves all that other volumes have to whoever brings those. A blob that is cut goes with its first part, and for
    /// that the others are read.
    ///
    /// # Errors
    /// The volume is not here.
    pub(crate) fn leave_all_but(&mut self, number: u32, contents: &mut Contents) -> Result<()> {
        let sets = self.sets();
        // The only volume of a bundle is like a bundle that is not divided.
        let is_here = if sets.is_empty() { number == 1 } else { sets.values().any(|(_, here)| here.contains(&number)) };
        if !is_here {
            return Err(Error::usage(format!("--volume {number}: no file here is volume {number}")));
        }
        contents.leave_to_volumes(|digest| {
            let mut senders = sets.values().filter_map(|(bundle, _)| Some(bundle.stands(digest)?.sender()));
            senders.find(|sender| *sender != number)
        });
        self.sends = Some(number);
        Ok(())
    }

    /// Somebody else brings this volume.
    fn is_left_to(&self, sender: u32) -> bool {
        self.sends.is_some_and(|own| own != sender)
    }

    /// The files of all volumes that have a part of this content, if it is cut and not left to somebody else.
    pub(crate) fn cut_over(&self, digest: &Digest) -> Vec<String> {
        for (set, (bundle, _)) in self.sets() {
            if let Some(stands @ Stands::Cut(cut)) = bundle.stands(digest)
                && !self.is_left_to(stands.sender())
            {
                return cut.volumes.iter().map(|number| self.volume_file(set, *number)).collect();
            }
        }
        Vec::new()
    }

    /// What the file of a volume is called: as it is, or else as the others of its set would have it.
    pub(crate) fn volume_file(&self, set: Set<'_>, number: u32) -> String {
        let own = self.iter().filter_map(|bundle| Some((bundle, bundle.volume()?)));
        let own: Vec<(&Bundle, u32)> =
            own.filter(|(_, (of, _))| *of == set).map(|(bundle, (_, number))| (bundle, number)).collect();
        let here = own.iter().find(|(_, own)| *own == number).map(|(bundle, _)| bundle.path().to_owned());
        let named = || own.iter().find_map(|(bundle, own)| sibling(bundle.path(), *own, set.1, number));
        let unnamed = || format!("volume {number} of {}", set.1);
        here.or_else(named).map_or_else(unnamed, |path| path.display().to_string())
    }

    /// What is unusual about the volumes that are here, a line each: it does no harm, and may be a mistake.
    pub(crate) fn oddities(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut seen: BTreeMap<(Set<'_>, u32), &Bundle> = BTreeMap::new();
        for bundle in self.iter() {
            let Some((set, number)) = bundle.volume() else { continue };
            let path = bundle.path().display();
            if let Some(named) = number_in(bundle.path(), set.1).filter(|named| *named != number) {
                lines.push(format!("{path} is named as volume {named}, and is volume {number} of {}", set.1));
            }
            match seen.get(&(set, number)) {
                Some(other) => lines.push(format!("{path} and {} are both volume {number}", other.path().display())),
                None => drop(seen.insert((set, number), bundle)),
            }
        }
        let sets: Vec<Set<'_>> = self.sets().into_keys().collect();
        if sets.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            lines.push("volumes of two sizes: a layer that is cut in one is not completed by the other".into());
        }
        let bundles: BTreeSet<&Digest> = sets.iter().map(|(digest, ..)| *digest).collect();
        if bundles.len() > 1 {
            let digests: Vec<String> = bundles.iter().map(|digest| digest.short()).collect();
            lines.push(format!("volumes of {} bundles: {}", bundles.len(), digests.join(", ")));
        }
        lines
    }

    /// The files of all volumes that are not here.
    pub(crate) fn missing_files(&self) -> Vec<String> {
        let absent = |(set, (_, here)): (Set<'_>, (_, BTreeSet<u32>))| {
            let absent = (1..=set.1).filter(move |number| !here.contains(number));
            absent.map(|number| self.volume_file(set, number)).collect::<Vec<_>>()
        };
        self.sets().into_iter().flat_map(absent).collect()
    }

    /// Reads cut blobs whose parts are all here, each as one.
    ///
    /// # Errors
    /// The first that is not what its digest names, with that digest.
    pub(crate) fn check_joined(&self, watch: &dyn Watch) -> Result<(), (Digest, Error)> {
        let mut all: Vec<(&Digest, &Vec<usize>)> = self.joined_at.iter().collect();
        all.sort();
        for (digest, variants) in all {
            for joined in variants.iter().map(|at| &self.joined[*at]) {
                if watch.stopped().is_some() {
                    return Ok(());
                }
                let checked = VerifyReader::new(joined.open(&self.list, digest, 0), digest, joined.bytes());
                watch.on(Event::BlobStarted { digest, size: joined.bytes(), of: "" });
                let read = read_through(checked, &|bytes| watch.on(Event::Advanced { digest, bytes }));
                watch.on(Event::BlobEnded { digest });
                read.map_err(|e| (digest.clone(), e.at(self.parts_of(joined))))?;
            }
        }
        Ok(())
    }

    /// The files that a cut blob is in, for messages.
    pub(super) fn parts_of(&self, joined: &Joined) -> String {
        let mut seen = HashSet::new();
        let bundles = joined.bundles().filter(|at| seen.insert(*at)).map(|at| self.list[at].path().display());
        bundles.map(|path| path.to_string()).collect::<Vec<_>>().join(", ")
    }
}

impl Bundle {
    /// Where this content stands among the volumes, as this one has it.
    pub(crate) fn stands(&self, digest: &Digest) -> Option<&Stands> {
        self.bundle_json().and_then(|about| about.table.get(digest))
    }
}
