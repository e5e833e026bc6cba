//! Fetches layers into files without a name, and makes differences of them as they come.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::partner::Partner;
use super::scratched::From;
use crate::delta::{self, Named, Refusal};
use crate::error::{Error, Kind, Result};
use crate::oci::{Algorithm, Descriptor, Digest, Hasher};
use crate::store::{Content, Event, Held, LayerDelta, Scratch, ScratchFile, Sink, Source, Watch};
use crate::verbs::bases::Bases;

/// Of a hundred bytes of a layer, its difference has fewer than these, or the layer is carried whole.
const MOST_PERCENT: u64 = 70;

/// One read's worth, in bytes.
const BUFFER: usize = 256 << 10;

/// Takes layers into files.
pub(super) struct Fetching<'a> {
    scratch: &'a Scratch,
    files: Mutex<HashMap<Digest, File>>,
}

impl<'a> Fetching<'a> {
    pub(super) fn new(scratch: &'a Scratch) -> Self {
        Self { scratch, files: Mutex::default() }
    }

    fn file(&self, digest: &Digest) -> Option<File> {
        lock(&self.files).get(digest).and_then(|file| file.try_clone().ok())
    }
}

impl Sink for Fetching<'_> {
    fn held(&self, _: &Digest) -> Held<'_> {
        Held::Nothing
    }

    fn take(&self, digest: &Digest, content: &mut dyn Content) -> Result<()> {
        let file = taken(self.scratch, content)?;
        lock(&self.files).insert(digest.clone(), file);
        Ok(())
    }
}

/// All of some content, which is checked, in a file.
fn taken(scratch: &Scratch, content: &mut dyn Content) -> Result<File> {
    content.seek_to(0)?;
    let mut file = scratch.file().map_err(Error::from_read)?;
    let mut buffer = vec![0; BUFFER];
    loop {
        match content.read(&mut buffer).map_err(Error::from_read)? {
            0 => return Ok(file.into_file()),
            got => file.write_all(buffer.get(..got).unwrap_or_default()).map_err(Error::from_read)?,
        }
    }
}

type Made = HashMap<Digest, (LayerDelta, File)>;

/// Takes new layers, and makes their differences.
pub(super) struct Making<'a> {
    bases: &'a Bases,
    olds: &'a Fetching<'a>,
    partners: &'a HashMap<Digest, Vec<Partner>>,
    scratch: &'a Scratch,
    watch: &'a dyn Watch,
    /// Layers that are carried whole, and what came of the others, by their digests.
    made: Mutex<(HashMap<Digest, File>, Made)>,
    /// Held by whoever makes one: that takes two processors, and the memory that there is for it.
    gate: Mutex<()>,
}

impl<'a> Making<'a> {
    pub(super) fn new(
        bases: &'a Bases,
        olds: &'a Fetching<'a>,
        partners: &'a HashMap<Digest, Vec<Partner>>,
        scratch: &'a Scratch,
        watch: &'a dyn Watch,
    ) -> Self {
        Self { bases, olds, partners, scratch, watch, made: Mutex::default(), gate: Mutex::default() }
    }

    /// Layers that are carried whole; and differences, by the digests of the layers that they stand for.
    pub(super) fn into_made(self) -> (HashMap<Digest, File>, Made) {
        self.made.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// The difference of a new layer to one of its partners.
    fn made(&self, digest: &Digest, new: &File) -> Result<Option<(LayerDelta, File)>> {
        let size = new.metadata().map_err(Error::disk("look up", self.scratch.directory()))?.len();
        for partner in self.partners.get(digest).into_iter().flatten() {
            if let Some(signal) = self.watch.stopped() {
                return Err(Error::Interrupted { signal });
            }
            let Some(before) = self.opened(partner)? else { continue };
            let old = Named { digest: partner.old.digest.clone(), size: partner.old.size };
            let after = Named { digest: digest.clone(), size };
            let most = size / 100 * MOST_PERCENT;
            let (watch, scratch) = (self.watch, self.scratch);
            let before = Stopping { inner: before, watch };
            let new = Stopping { inner: Box::new(From { file: new, at: 0 }), watch };
            let _gate = lock(&self.gate);
            match delta::make((&old, before), (&after, new), most, &mut || scratch.file()) {
                Ok((mut file, size)) => {
                    let digest = hashed(&mut file).map_err(Error::from_read)?;
                    let Descriptor { digest: from, size: from_size, .. } = partner.old.clone();
                    return Ok(Some((LayerDelta { digest, size, from, from_size }, file.into_file())));
                }
                Err(Refusal::Io(error)) => return Err(Error::from_read(error)),
                Err(refusal @ Refusal::WrongOld { .. }) => {
                    let message = format!("{digest} is carried whole: the base is damaged: {refusal}");
                    self.watch.on(Event::Warning { message: &message });
                }
                // Whatever it is, the layer is carried whole.
                Err(_) => {}
            }
        }
        Ok(None)
    }

    /// The bytes of an old layer, where they are still to be had.
    fn opened(&self, partner: &Partner) -> Result<Option<Box<dyn Read + Send + '_>>> {
        let Some(base) = partner.base.and_then(|number| self.bases.file(number)) else {
            let file = self.olds.file(&partner.old.digest).map(Box::new);
            return Ok(file.map(|file| Box::new(From { file, at: 0 }) as Box<dyn Read + Send>));
        };
        match base.bundles.open(partner.place, &partner.old, 0) {
            Ok(inner) => Ok(Some(inner)),
            Err(error) if error.kind() == Kind::Content => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Sink for Making<'_> {
    fn held(&self, _: &Digest) -> Held<'_> {
        Held::Nothing
    }

    fn take(&self, digest: &Digest, content: &mut dyn Content) -> Result<()> {
        let file = taken(self.scratch, content)?;
        let made = self.made(digest, &file)?;
        let (whole, all) = &mut *lock(&self.made);
        match made {
            Some(made) => drop(all.insert(digest.clone(), made)),
            None => drop(whole.insert(digest.clone(), file)),
        }
        Ok(())
    }
}

fn hashed(file: &mut ScratchFile) -> io::Result<Digest> {
    file.rewind()?;
    let mut hasher = Hasher::new(Algorithm::Sha256);
    let mut buffer = vec![0; BUFFER];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            got => hasher.update(buffer.get(..got).unwrap_or_default()),
        }
    }
}

/// Ends where somebody asks to stop.
struct Stopping<'a> {
    inner: Box<dyn Read + Send + 'a>,
    watch: &'a dyn Watch,
}

impl Read for Stopping<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.watch.stopped() {
            Some(signal) => Err(Error::Interrupted { signal }.into()),
            None => self.inner.read(buffer),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
