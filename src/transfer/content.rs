//! `BlobContent`: one blob on its way, checked as it is read, and continued where it broke off.

use std::io::{self, Read};

use crate::error::{Error, Kind, Result};
use crate::oci::{BadContent, VerifyReader};
use crate::store::{Content, Event, Node, Source, Watch};

/// Breaks in a row with next to nothing in between before a blob is given up.
const MOST_BREAKS: u32 = 5;
/// Fewer bytes than this between two breaks are next to nothing: a line that brings a few with every
/// try would be tried for ever.
const WORTH_A_BREAK: u64 = 4 << 10;

type Inner<'a> = Box<dyn Read + Send + 'a>;

/// Reads a node's content from whichever of its repositories answers.
///
/// It opens nothing until the first read. A break is followed by a request for the rest, from the
/// next repository in turn. Content that turns out wrong is an error: [`super::fetch`] starts anew.
pub struct BlobContent<'a> {
    source: &'a dyn Source,
    node: &'a Node,
    watch: &'a dyn Watch,
    reader: Option<VerifyReader<Inner<'a>>>,
    /// Which of the repositories is read from, counted on with every break.
    turn: usize,
    /// Bytes at the start that were seen before and are not counted again.
    counted: u64,
    /// Where the source takes over from what was held already.
    takes_over: Option<u64>,
    /// Breaks in a row.
    breaks: u32,
    /// Where the last of them was.
    broke_at: u64,
}

impl<'a> BlobContent<'a> {
    /// The content of this node.
    pub fn new(source: &'a dyn Source, node: &'a Node, watch: &'a dyn Watch) -> Self {
        Self { source, node, watch, reader: None, turn: 0, counted: 0, takes_over: None, breaks: 0, broke_at: 0 }
    }

    /// Begins with `len` bytes that are there already; only the rest is asked for.
    pub fn start_with(&mut self, len: u64, bytes: Inner<'a>) {
        let descriptor = &self.node.descriptor;
        self.reader = Some(VerifyReader::new(bytes, &descriptor.digest, descriptor.size));
        self.counted = len;
        self.takes_over = (len < descriptor.size).then_some(len);
    }

    /// Goes back to the start, and to the next repository that has the content. Where the beginning
    /// was not read from a repository, that one is not to blame.
    pub fn start_anew(&mut self, blame: bool) {
        (self.reader, self.takes_over, self.broke_at) = (None, None, 0);
        self.turn += usize::from(blame);
    }

    /// Says where bad content came from.
    fn at_source(&self, error: Error) -> Error {
        let from = self.node.repositories.get(self.turn % self.node.repositories.len().max(1));
        match from {
            Some(from) => error.at(self.source.place(from, &self.node.descriptor.digest)),
            None => error,
        }
    }

    fn open(&self, offset: u64) -> Result<Inner<'a>> {
        let Some(from) = self.node.repositories.get(self.turn % self.node.repositories.len().max(1)) else {
            return Err(Error::content(format!("{} is in no repository", self.node.descriptor.digest)));
        };
        self.source.open(from, &self.node.descriptor, offset)
    }

    /// Asks for the content from `position` on, after `broken`, at each of the next `most` sources
    /// once: the request itself was repeated as often as it may be when it fails here.
    fn mend(&mut self, position: u64, broken: Error, most: usize) -> Result<Inner<'a>> {
        let mut last = broken;
        let others = self.node.repositories.len() > 1;
        for _ in 0..most {
            if let Some(signal) = self.watch.stopped() {
                return Err(Error::Interrupted { signal });
            }
            if last.kind() != Kind::Transient && !(others && last.kind() == Kind::Act) {
                return Err(last);
            }
            self.turn += 1;
            match self.open(position) {
                Ok(inner) => return Ok(inner),
                Err(e) => last = e,
            }
        }
        Err(last)
    }

    fn read_some(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let sources = self.node.repositories.len().max(1);
        loop {
            let Some(reader) = &mut self.reader else {
                let inner = match self.open(0) {
                    Ok(inner) => inner,
                    Err(e) => self.mend(0, e, sources - 1)?,
                };
                let descriptor = &self.node.descriptor;
                self.reader = Some(VerifyReader::new(inner, &descriptor.digest, descriptor.size));
                continue;
            };
            if let Some(position) = self.takes_over.take_if(|len| *len <= reader.position()) {
                let inner = match self.open(position) {
                    Ok(inner) => inner,
                    Err(e) => self.mend(position, e, sources - 1)?,
                };
                if let Some(reader) = &mut self.reader {
                    reader.go_on(inner);
                }
                continue;
            }
            let error = match reader.read(buffer) {
                Ok(got) => {
                    let new = reader.position().saturating_sub(self.counted);
                    if new > 0 {
                        self.counted += new;
                        self.watch.on(Event::Advanced { digest: &self.node.descriptor.digest, bytes: new });
                    }
                    return Ok(got);
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
            let came = position.saturating_sub(self.broke_at);
            self.breaks = if came < WORTH_A_BREAK { self.breaks + 1 } else { 1 };
            self.broke_at = position;
            if self.breaks > MOST_BREAKS {
                return Err(error);
            }
            let inner = self.mend(position, error, sources)?;
            if let Some(reader) = &mut self.reader {
                reader.go_on(inner);
            }
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
        let standing = self.reader.as_ref().map_or(0, VerifyReader::position);
        if offset < standing {
            (self.reader, self.takes_over, self.broke_at) = (None, None, 0);
        }
        // What lies before `offset` is read again, so that the digest is of the whole.
        let mut skipped = self.reader.as_ref().map_or(0, VerifyReader::position);
        let mut buffer = vec![0; 64 << 10];
        while skipped < offset {
            let want = usize::try_from(offset - skipped).unwrap_or(buffer.len()).min(buffer.len());
            skipped += self.read_some(&mut buffer[..want])? as u64;
        }
        Ok(())
    }
}
