//! What shows only when several volumes of a bundle are looked at together: which are not there, and whether what is
//! cut over several is whole.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::Verify;
use super::report::{Finding, FindingKind, Verified};
use crate::archive::{Bundles, blob_path, number_in};
use crate::error::{Error, Result, VolumeStep};
use crate::oci::Digest;
use crate::store::{Event, Watch};
use crate::verbs::report::few;

/// What volumes are together.
struct Together {
    /// The files of those that are not here.
    missing: Vec<String>,
    /// A blob that is cut over some of them, and what is wrong with it.
    wrong: Option<(Digest, Error)>,
}

impl Verify {
    /// Looks at all volumes of each bundle together, those that are sound by themselves.
    pub(super) fn look_at_all(&self, verified: &mut Vec<Result<Verified>>, watch: &dyn Watch) {
        let mut sets: BTreeMap<(Digest, u32, u64), Vec<usize>> = BTreeMap::new();
        for (at, one) in verified.iter().enumerate() {
            if let Ok(Verified { digest, volume: Some(volume), .. }) = one {
                sets.entry((digest.clone(), volume.count, volume.size)).or_default().push(at);
            }
        }
        let mut errors = Vec::new();
        for ((digest, count, _), members) in sets {
            let own = |at: &usize| match &verified[*at] {
                Ok(one) => one.volume.map(|volume| (volume.number, one.bundle.clone(), one.intact)),
                Err(_) => None,
            };
            let files: Vec<(u32, PathBuf, bool)> = members.iter().filter_map(own).collect();
            let here: BTreeSet<u32> = files.iter().map(|(number, ..)| *number).collect();
            let absent: Vec<u32> = (1..=count).filter(|number| !here.contains(number)).collect();
            for at in &members {
                if let Ok(one) = &mut verified[*at] {
                    one.other_volumes.clone_from(&absent);
                    note(one, &files);
                }
            }
            // What is wrong with one of them says enough.
            if files.iter().any(|(.., intact)| !intact) {
                continue;
            }
            match self.whole(&files, watch) {
                Ok(Together { wrong: Some((digest, error)), .. }) => {
                    if let Some(Ok(last)) = members.last().map(|at| &mut verified[*at]) {
                        last.findings.push(joined(&digest, &error));
                        last.intact = false;
                    }
                }
                Ok(Together { missing, .. }) if !absent.is_empty() => {
                    let named = few(&missing);
                    let reason = format!("{} of {count} volumes of {digest} are not here: {named}", absent.len());
                    errors.push(Error::undone(reason, VolumeStep::GiveMissing { volumes: missing }.into()));
                }
                Ok(_) => {}
                Err(error) => errors.push(error),
            }
        }
        verified.extend(errors.into_iter().map(Err));
    }

    /// Opens sound volumes of one set together.
    fn whole(&self, files: &[(u32, PathBuf, bool)], watch: &dyn Watch) -> Result<Together> {
        // What came by standard input is read, and gone.
        let files = files.iter().filter(|(_, path, _)| path.is_file());
        let input = super::Input { bundles: files.map(|(_, path, _)| path.clone()).collect(), ..self.input.clone() };
        let bundles = Bundles::new(input.open(watch).into_iter().collect::<Result<_>>()?);
        watch.on(Event::Phase { name: "verifying", items: 0, bytes: 0 });
        let wrong = bundles.check_joined(watch).err();
        watch.on(Event::Phase { name: "", items: 0, bytes: 0 });
        if let Some(signal) = watch.stopped() {
            return Err(Error::Interrupted { signal });
        }
        Ok(Together { missing: bundles.missing_files(), wrong })
    }
}

/// What is unusual about a volume: it is there twice, or its name says another number.
fn note(one: &mut Verified, files: &[(u32, PathBuf, bool)]) {
    let Some(volume) = one.volume else { return };
    let other = files.iter().find(|(number, path, _)| *number == volume.number && *path != one.bundle);
    if let Some((_, path, _)) = other {
        one.notes.push(format!("{} is volume {} too", path.display(), volume.number));
    }
    if let Some(named) = number_in(&one.bundle, volume.count).filter(|named| *named != volume.number) {
        one.notes.push(format!("it is named as volume {named}, and is volume {}", volume.number));
    }
}

fn joined(digest: &Digest, error: &Error) -> Finding {
    Finding {
        kind: FindingKind::DigestMismatch.or_unreadable(error),
        path: Some(blob_path(digest)),
        digest: Some(digest.clone()),
        images: Vec::new(),
        message: format!("put together from its parts, {error}"),
        hint: None,
        next_steps: error.next_steps(),
    }
}
