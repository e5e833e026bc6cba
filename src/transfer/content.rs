//! `BlobContent`: one blob on its way, checked as it is read, continued where it broke off, and begun
//! anew at the next place that has it where it turns out to be another.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::sync::Arc;

use super::checkpoints::Checkpoints;
use crate::error::{Error, Kind, Result};
use crate::oci::{BadContent, Checkpoint, Descriptor, VerifyReader};
use crate::store::{Content, Event, Node, Place, Source, Watch};

/// Breaks in a row with next to nothing in between before a blob is given up.
const MOST_BREAKS: u32 = 5;
/// Fewer bytes than this between two breaks are next to nothing: a line that brings a few with every
/// try would be tried for ever.
const WORTH_A_BREAK: u64 = 4 << 10;
/// Corrupt content is asked for once more before it counts as corrupt where it comes from.
const MOST_CORRUPT: usize = 2;
/// Read at once where content is only read to be checked, in bytes.
const BUFFER: usize = 64 << 10;
/// Given out at once at most, in bytes.
const MOST_AT_ONCE: usize = 256 << 10;

type Inner<'a> = Box<dyn Read + Send + 'a>;

/// Reads a node's content from whichever of its places gives it.
///
/// It opens nothing until the first read. A break is followed by a request for the rest, from the
/// next place in turn. Content that turns out wrong is an error; [`BlobContent::try_next`] says
/// whether there is another place to begin anew at.
pub(super) struct BlobContent<'a> {
    source: &'a dyn Source,
    node: &'a Node,
    watch: &'a dyn Watch,
    reader: Option<VerifyReader<Inner<'a>>>,
    /// Which of the places is read from, counted on with every break.
    turn: usize,
    /// Bytes at the start that were seen before and are not counted again.
    counted: u64,
    /// Where the source takes over from what was held already, or from what is read once more.
    takes_over: Option<u64>,
    /// What was read from when it had to go back, and the byte where it stands: what is on its way there is not
    /// fetched again.
    parked: Option<(u64, Inner<'a>)>,
    /// The beginning did not come from the source.
    began_elsewhere: bool,
    /// What is read now is that beginning.
    reads_held: bool,
    checkpoints: Checkpoints,
    /// Breaks in a row.
    breaks: u32,
    /// Where the last of them was.
    broke_at: u64,
    /// Times that the content of a place turned out wrong.
    corrupt: usize,
    /// What each place failed with last.
    failures: BTreeMap<Option<Place>, Error>,
    /// There is no place left to try.
    given_up: bool,
    /// All of it, where it was read before, and checked.
    held: Option<Arc<[u8]>>,
}

impl<'a> BlobContent<'a> {
    /// The content of this node.
    pub(super) fn new(source: &'a dyn Source, node: &'a Node, watch: &'a dyn Watch) -> Self {
        Self {
            source,
            node,
            watch,
            reader: None,
            turn: 0,
            counted: 0,
            takes_over: None,
            parked: None,
            began_elsewhere: false,
            reads_held: false,
            checkpoints: Checkpoints::default(),
            breaks: 0,
            broke_at: 0,
            corrupt: 0,
            failures: BTreeMap::new(),
            given_up: false,
            held: None,
        }
    }

    /// Reads from these bytes, which are all of it.
    pub(super) fn hold(&mut self, held: Arc<[u8]>) {
        self.held = Some(held);
    }

    /// Begins with `len` bytes that are there already; only the rest is asked for.
    pub(super) fn start_with(&mut self, len: u64, bytes: Inner<'a>) {
        let Descriptor { digest, size, .. } = &self.node.descriptor;
        self.reader = Some(VerifyReader::new(bytes, digest, *size));
        self.counted = len;
        self.takes_over = (len < *size).then_some(len);
        (self.began_elsewhere, self.reads_held) = (true, true);
    }

    /// Goes on after `len` bytes that are elsewhere already, as far as can be told without the rest; where they cannot be
    /// read, as if they were not.
    pub(super) fn go_on_after(&mut self, len: u64, bytes: impl Read) {
        let Descriptor { digest, size, .. } = &self.node.descriptor;
        let mut reader = VerifyReader::new(bytes.take(len), digest, *size);
        let mut buffer = vec![0; BUFFER];
        while reader.position() < len {
            if self.watch.stopped().is_some() || !matches!(reader.read(&mut buffer), Ok(1..)) {
                return;
            }
        }
        reader.checkpoint().into_iter().for_each(|checkpoint| self.checkpoints.add(checkpoint));
        self.counted = len;
    }

    /// After content that turned out wrong: goes back to the start, and to the next place that may
    /// have it right.
    ///
    /// # Errors
    /// What was wrong at each of the places, when there is none left to try.
    pub(super) fn try_next(&mut self, error: Error) -> Result<()> {
        if self.given_up {
            return Err(error);
        }
        self.start_anew();
        // What was held was no beginning of this blob: that is no place's fault.
        if std::mem::take(&mut self.began_elsewhere) {
            return Ok(());
        }
        self.failures.insert(self.place(), error);
        self.turn += 1;
        self.corrupt += 1;
        let Node { descriptor, places, .. } = self.node;
        // Each place that may have it gets its turn.
        let tries = places.len() + descriptor.urls.len().min(Descriptor::MOST_URLS);
        if self.corrupt < tries.max(MOST_CORRUPT) {
            return Ok(());
        }
        Err(self.give_up())
    }

    /// What each of the places failed with.
    fn give_up(&mut self) -> Error {
        let error = Error::all(std::mem::take(&mut self.failures).into_values().collect());
        self.given_up = error.kind() == Kind::Content;
        error
    }

    /// Reads all of it, to nowhere.
    ///
    /// # Errors
    /// When it cannot be had as it should be from any place.
    pub(super) fn check(&mut self) -> Result<()> {
        self.read_all(&mut |_| ())
    }

    /// Reads all of it into memory: only for what is small.
    ///
    /// # Errors
    /// As for [`BlobContent::check`].
    pub(super) fn all(&mut self) -> Result<Arc<[u8]>> {
        let mut all = Vec::with_capacity(usize::try_from(self.node.descriptor.size).unwrap_or(0));
        self.read_all(&mut |part| match part {
            Some(part) => all.extend_from_slice(part),
            None => all.clear(),
        })?;
        Ok(all.into())
    }

    /// Gives out part by part; none where it begins anew.
    fn read_all(&mut self, take: &mut dyn FnMut(Option<&[u8]>)) -> Result<()> {
        let most = usize::try_from(self.node.descriptor.size).unwrap_or(BUFFER).clamp(1, BUFFER);
        let mut buffer = vec![0; most];
        loop {
            match self.read(&mut buffer).map_err(Error::from_read) {
                Ok(0) => return Ok(()),
                Ok(got) => take(Some(&buffer[..got])),
                Err(e) if e.kind() == Kind::Content => {
                    self.try_next(e)?;
                    take(None);
                }
                Err(e) => return Err(e),
            }
        }
    }

    fn start_anew(&mut self) {
        (self.reader, self.takes_over, self.parked, self.broke_at, self.reads_held) = (None, None, None, 0, false);
        self.checkpoints.clear();
    }

    /// The place that is read from.
    fn place(&self) -> Option<Place> {
        let places = &self.node.places;
        places.get(self.turn % places.len().max(1)).copied()
    }

    /// Says where an error happened.
    fn at_source(&self, error: Error) -> Error {
        match self.place() {
            Some(place) => self.source.blame(place, &self.node.descriptor.digest, error),
            None => error,
        }
    }

    fn open(&self, offset: u64) -> Result<Inner<'a>> {
        let descriptor = &self.node.descriptor;
        // It was checked when it was read, and needs no place.
        if let Some(data) = self.held.as_ref().or(descriptor.data.as_ref()) {
            let mut known = Cursor::new(data.clone());
            known.set_position(offset);
            return Ok(Box::new(known));
        }
        let Some(place) = self.place() else {
            return Err(Error::content(format!("{} is nowhere to be had", descriptor.digest)));
        };
        self.source.open(place, descriptor, offset).map_err(|e| self.source.blame(place, &descriptor.digest, e))
    }

    /// Asks for the content from `position` on, after `broken`, at each of the next `most` places
    /// once: the request itself was repeated as often as it may be when it fails here.
    fn mend(&mut self, position: u64, broken: Error, most: usize) -> Result<Inner<'a>> {
        let others = self.node.places.len() > 1;
        let mut kind = broken.kind();
        self.failures.insert(self.place(), broken);
        for _ in 0..most {
            if let Some(signal) = self.watch.stopped() {
                return Err(Error::Interrupted { signal });
            }
            // What is refused here, or what a drive fails to give, another place may have.
            if kind != Kind::Transient && !(others && matches!(kind, Kind::Act | Kind::Failed)) {
                break;
            }
            self.turn += 1;
            match self.open(position) {
                Ok(inner) => return Ok(inner),
                // That is for a fresh start to mend.
                Err(e) if e.kind() == Kind::Content => return Err(e),
                Err(e) => {
                    kind = e.kind();
                    // What came of going on says more than that it broke.
                    self.failures.insert(self.place(), e);
                }
            }
        }
        Err(self.give_up())
    }

    /// Opens at this byte, wherever that is possible.
    fn open_somewhere(&mut self, position: u64) -> Result<Inner<'a>> {
        match self.open(position) {
            Ok(inner) => Ok(inner),
            Err(e) => self.mend(position, e, self.node.places.len().saturating_sub(1)),
        }
    }

    /// Leaves what is read from where it stands; one that is parked already stands further on.
    fn park(&mut self) {
        let reader = self.reader.take().filter(|_| !self.reads_held && self.parked.is_none());
        self.parked = reader.map(|reader| (reader.position(), reader.into_inner())).or_else(|| self.parked.take());
        (self.takes_over, self.broke_at) = (None, 0);
    }

    /// Opens at a byte that was read before: what lies between here and what is parked is asked for alone.
    fn open_back(&mut self, from: u64) -> Result<Inner<'a>> {
        let is_here = self.held.is_some() || self.node.descriptor.data.is_some();
        if let (Some((to, _)), Some(place), false) = (&self.parked, self.place(), is_here)
            && let Some(part) = self.source.open_part(place, &self.node.descriptor, from..*to)
        {
            self.takes_over = Some(*to);
            return Ok(part);
        }
        self.parked = None;
        self.open_somewhere(from)
    }

    fn read_some(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let Descriptor { digest, size, .. } = &self.node.descriptor;
        // However much is wanted at once, checkpoints lie close enough.
        let mut most = buffer.len().min(MOST_AT_ONCE);
        loop {
            let Some(reader) = &mut self.reader else {
                let inner = self.open_somewhere(0)?;
                self.reader = Some(VerifyReader::new(inner, digest, *size));
                continue;
            };
            if let Some(position) = self.takes_over.take_if(|len| *len <= reader.position()) {
                self.reads_held = false;
                let inner = match self.parked.take() {
                    Some((stands, inner)) if stands == position => inner,
                    _ => self.open_somewhere(position)?,
                };
                if let Some(reader) = &mut self.reader {
                    reader.go_on(inner);
                }
                continue;
            }
            if let Some(to) = self.takes_over {
                most = most.min(usize::try_from(to.saturating_sub(reader.position())).unwrap_or(most));
            }
            let error = match reader.read(&mut buffer[..most]) {
                Ok(got) => {
                    self.note();
                    return Ok(got);
                }
                // Begun anew, what cannot be read there is written again.
                Err(e) if self.reads_held => {
                    return Err(Error::content(format!("what was kept of {digest} cannot be read: {e}")));
                }
                Err(e) if BadContent::of(&e).is_some() => return Err(self.at_source(Error::from_read(e))),
                Err(e) => e,
            };
            let position = reader.position();
            let error = match error.kind() {
                // The reader's own words say how much was missing.
                io::ErrorKind::UnexpectedEof => Error::Network { request: "read".into(), reason: error.to_string() },
                _ => Error::from_read(error),
            };
            let error = self.at_source(error);
            let came = position.saturating_sub(self.broke_at);
            self.breaks = if came < WORTH_A_BREAK { self.breaks + 1 } else { 1 };
            self.broke_at = position;
            if self.breaks > MOST_BREAKS {
                self.failures.insert(self.place(), error);
                return Err(self.give_up());
            }
            let inner = self.mend(position, error, self.node.places.len().max(1))?;
            if let Some(reader) = &mut self.reader {
                reader.go_on(inner);
            }
        }
    }

    /// Takes note of how far it was read.
    fn note(&mut self) {
        let Some(reader) = &self.reader else { return };
        let position = reader.position();
        if self.checkpoints.is_due(position) {
            reader.checkpoint().into_iter().for_each(|checkpoint| self.checkpoints.add(checkpoint));
        }
        let new = position.saturating_sub(self.counted);
        if new > 0 {
            self.counted += new;
            self.watch.on(Event::Advanced { digest: &self.node.descriptor.digest, bytes: new });
        }
    }
}

impl Read for BlobContent<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(signal) = self.watch.stopped() {
            return Err(Error::Interrupted { signal }.into());
        }
        Ok(self.read_some(buffer)?)
    }
}

impl Content for BlobContent<'_> {
    fn seek_to(&mut self, offset: u64) -> Result<()> {
        // Where nothing is open, what was checked before counts all the same.
        if self.reader.as_ref().map_or(offset > 0, |reader| offset < reader.position()) {
            let Descriptor { digest, size, .. } = &self.node.descriptor;
            self.park();
            let checkpoint = self.checkpoints.back_to(offset);
            let from = checkpoint.as_ref().map_or(0, Checkpoint::position);
            let inner = self.open_back(from)?;
            self.reader = Some(match checkpoint {
                Some(checkpoint) => VerifyReader::from_checkpoint(inner, digest, *size, checkpoint),
                None => VerifyReader::new(inner, digest, *size),
            });
        }
        // What lies between is read again, so that the digest is of the whole.
        let mut skipped = self.reader.as_ref().map_or(0, VerifyReader::position);
        let mut buffer = vec![0; BUFFER.min(usize::try_from(offset.saturating_sub(skipped)).unwrap_or(BUFFER))];
        while skipped < offset {
            let want = usize::try_from(offset - skipped).unwrap_or(buffer.len()).min(buffer.len());
            skipped += self.read_some(&mut buffer[..want])? as u64;
        }
        // Whoever goes to a place may well come back to it.
        let here = self.reader.as_ref().filter(|_| offset > 0).and_then(VerifyReader::checkpoint);
        here.into_iter().for_each(|checkpoint| self.checkpoints.add(checkpoint));
        Ok(())
    }

    fn let_go(&mut self) {
        let here = self.reader.as_ref().and_then(VerifyReader::checkpoint);
        here.into_iter().for_each(|checkpoint| self.checkpoints.add(checkpoint));
        self.reads_held = false;
        (self.reader, self.takes_over, self.parked, self.broke_at) = (None, None, None, 0);
    }
}

#[cfg(test)]
mod tests;
