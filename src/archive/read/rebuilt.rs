//! Layers that a bundle carries as the difference to an older one: rebuilt from that where its bytes are to be had, into
//! a file without a name, and handed out only if all of it hashed right.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::bundle::Bundle;
use super::bundles::Bundles;
use super::rebuilding::Rebuilt;
use super::slice::Slice;
use crate::delta::{self, Header, Named, Refusal};
use crate::error::{BaseStep, Error, Kind, NextStep, Result};
use crate::oci::{Algorithm, Descriptor, Digest, Hasher};
use crate::store::{Contents, LayerDelta, OldLayers, Place, Scratch, Source};

impl Bundles {
    /// Where layers are rebuilt, and whether they are kept.
    pub(crate) fn rebuild_in(&mut self, scratch: Scratch, keeps: bool) {
        (self.rebuilding.scratch, self.rebuilding.keeps) = (Some(scratch), keeps);
    }

    /// Says of layers that are not here that their difference is.
    pub(crate) fn carry_deltas(&self, contents: &mut Contents) {
        let is_ours = self.list.iter().any(|bundle| bundle.layer_deltas().next().is_some());
        if is_ours {
            contents.carry_deltas(|node| {
                node.is_wanting().then(|| self.deltas_of(&node.descriptor.digest).next())?.map(|(_, delta)| delta)
            });
        }
    }

    /// All bundles that have a difference for a layer.
    fn deltas_of<'a>(&'a self, layer: &'a Digest) -> impl Iterator<Item = (usize, LayerDelta)> + 'a {
        self.list.iter().enumerate().filter_map(move |(at, bundle)| Some((at, bundle.layer_delta(layer)?)))
    }

    /// Layers whose old layer is in these files are carried by them.
    pub(crate) fn rebuild_here(&mut self, contents: &mut Contents) {
        let mut known: HashMap<Digest, Place> = HashMap::new();
        // What was rebuilt may be the old layer of the next.
        loop {
            let before = known.len();
            let mut new = Vec::new();
            contents.rebuild(|node, _| {
                let layer = &node.descriptor;
                let found = self.deltas_of(&layer.digest).find_map(|(bundle, delta)| {
                    let here = self.holding(&delta.old()).first().copied();
                    let old = here.or_else(|| known.get(&delta.from).copied())?;
                    Some((bundle, delta, old))
                });
                let (bundle, delta, old) = found?;
                let place = self.rebuilt_place(new.len());
                let layer = layer.clone();
                new.push(Rebuilt { layer, bundle, delta, old: Some(old), file: Mutex::default() });
                Some(place)
            });
            for rebuilt in new {
                known.insert(rebuilt.layer.digest.clone(), self.rebuilt_place(0));
                self.rebuilding.list.push(rebuilt);
            }
            if known.len() == before {
                return;
            }
        }
    }

    /// Layers whose old layer is to be had elsewhere are carried by these files too.
    pub(crate) fn rebuild_from(&mut self, contents: &mut Contents, elsewhere: Box<dyn OldLayers>) {
        let mut new = Vec::new();
        contents.rebuild(|node, _| {
            let layer = &node.descriptor;
            let mut each = self.deltas_of(&layer.digest);
            let (bundle, delta) = each.find(|(_, delta)| elsewhere.has(&delta.from))?;
            let place = self.rebuilt_place(new.len());
            new.push(Rebuilt { layer: layer.clone(), bundle, delta, old: None, file: Mutex::default() });
            Some(place)
        });
        self.rebuilding.list.extend(new);
        self.rebuilding.elsewhere = Some(elsewhere);
        // Those may be the old layers of others.
        self.rebuild_here(contents);
    }

    /// The place of one that comes so many after the last.
    fn rebuilt_place(&self, further: usize) -> Place {
        Place::new(self.list.len() + self.joined.len() + self.rebuilding.list.len() + further)
    }

    fn rebuilt(&self, place: Place) -> Option<&Rebuilt> {
        self.rebuilding.list.get(place.number().checked_sub(self.list.len() + self.joined.len())?)
    }

    /// What a rebuilt layer is called: the file that has its difference.
    pub(super) fn rebuilt_in(&self, place: Place) -> Option<&Bundle> {
        self.rebuilt(place).and_then(|rebuilt| self.list.get(rebuilt.bundle))
    }

    /// Whether a place is one of a layer that is rebuilt, of this length.
    pub(super) fn has_rebuilt(&self, place: Place, descriptor: &Descriptor) -> bool {
        self.rebuilt(place).is_some_and(|rebuilt| rebuilt.layer.size == descriptor.size)
    }

    /// A layer that is rebuilt first, unless somebody reads it already; `None` for another place.
    pub(super) fn open_rebuilt(&self, place: Place) -> Result<Option<Slice<'_>>> {
        let Some(rebuilt) = self.rebuilt(place) else { return Ok(None) };
        let Some(bundle) = self.list.get(rebuilt.bundle) else { return Ok(None) };
        let mut kept = lock(&rebuilt.file);
        let file = match kept.in_use.upgrade() {
            Some(file) => file,
            None => {
                let file = Arc::new(self.rebuild_one(rebuilt, bundle)?);
                kept.in_use = Arc::downgrade(&file);
                kept.kept = self.rebuilding.keeps.then(|| file.clone());
                file
            }
        };
        Ok(Some(Slice::new(file, bundle.path(), 0, rebuilt.layer.size)))
    }

    fn rebuild_one(&self, rebuilt: &Rebuilt, bundle: &Bundle) -> Result<File> {
        let Rebuilt { layer, delta, old, .. } = rebuilt;
        let (digest, from) = (&layer.digest, &delta.from);
        let before = match (old, &self.rebuilding.elsewhere) {
            (Some(place), _) => self.open(*place, &delta.old(), 0)?,
            (None, Some(elsewhere)) => elsewhere.open(from)?,
            (None, None) => return Err(Error::content(format!("{from} is nowhere to be had"))),
        };
        // Damage on the way says nothing about the old layer, and may do no harm by chance.
        bundle.check_delta(digest, delta, &|_| ())?;
        let scratch = self.rebuilding.scratch.clone().unwrap_or_else(|| Scratch::new(None));
        let _gate = lock(&self.rebuilding.gate);
        let is_between = |header: &Header| {
            let named = |digest: &Digest, size| Named { digest: digest.clone(), size };
            header.new == named(digest, layer.size) && header.old == named(from, delta.from_size)
        };
        let entry = bundle.delta_entry(digest)?.ok_or_else(|| Error::content("the layer delta is not there"))?;
        let open = |header: &Header| match is_between(header) {
            true => Ok(before),
            false => Err(io::Error::from(Error::content("the layer delta is between other layers"))),
        };
        let made = scratch.file().map_err(Refusal::from).and_then(|out| {
            let out = BufWriter::with_capacity(128 << 10, out);
            let out = delta::rebuild(BufReader::new(entry), open, &mut || scratch.file(), out)?;
            Ok(out.into_inner().map_err(io::IntoInnerError::into_error)?.into_file())
        });
        made.map_err(|refusal| cannot_rebuild(rebuilt, refusal))
    }
}

/// Why a layer cannot be rebuilt, and what helps.
fn cannot_rebuild(rebuilt: &Rebuilt, refusal: Refusal) -> Error {
    let Rebuilt { layer, delta, .. } = rebuilt;
    let error = match refusal {
        Refusal::Io(error) => Error::from_read(error),
        Refusal::WrongOld { actual, .. } => Error::content(format!("that hashes to {actual}")),
        refusal => Error::content(refusal.to_string()),
    };
    if error.kind() != Kind::Content {
        return error;
    }
    let reason = format!("{} cannot be rebuilt from {}: {error}", layer.digest, delta.from);
    Error::content(reason).or_else_do(BaseStep::ExportWholeLayers.into())
}

impl Bundle {
    /// The layers that it carries as a difference, by digest, each with that.
    pub(crate) fn layer_deltas(&self) -> impl Iterator<Item = (&Digest, LayerDelta)> {
        let absent = self.bundle_json().into_iter().flat_map(|about| &about.absent);
        absent.filter_map(|absent| Some((&absent.digest, absent.layer_delta()?)))
    }

    fn layer_delta(&self, layer: &Digest) -> Option<LayerDelta> {
        self.bundle_json()?.layer_delta(layer)
    }

    /// Reads a difference, and checks that it is the one that was written, of a version that is known, and between the
    /// layers that the bundle says.
    ///
    /// # Errors
    /// It is not, or the drive fails.
    pub(crate) fn check_delta(&self, layer: &Digest, delta: &LayerDelta, progress: &dyn Fn(u64)) -> Result<()> {
        let bad = |what: &str| Error::content(format!("the layer delta of {layer} {what}"));
        let mut entry = self.delta_entry(layer)?.ok_or_else(|| bad("is not there"))?;
        let mut hasher = Hasher::new(Algorithm::Sha256);
        let mut buffer = vec![0; 256 << 10];
        loop {
            match entry.read(&mut buffer).map_err(Error::from_read)? {
                0 => break,
                got => {
                    hasher.update(buffer.get(..got).unwrap_or_default());
                    progress(got as u64);
                }
            }
        }
        let actual = hasher.finish();
        if actual != delta.digest {
            return Err(bad(&format!("hashes to {actual}, not to {}", delta.digest)).or_else_do(NextStep::CopyAgain));
        }
        let mut entry = self.delta_entry(layer)?.ok_or_else(|| bad("is not there"))?;
        match Header::read(&mut entry) {
            Ok(header) if header.new.digest == *layer && header.old.digest == delta.from => Ok(()),
            Ok(_) => Err(bad("is between other layers")),
            Err(Refusal::Io(error)) => Err(Error::from_read(error)),
            Err(Refusal::Damaged(what)) => Err(bad(&format!("cannot be used: {what}"))),
            Err(refusal) => Err(bad(&format!("cannot be used: {refusal}"))),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
