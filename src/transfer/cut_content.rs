//! `CutContent`: a blob that goes into several files, one part after the other. It is hashed as a whole all the same,
//! so what comes before a part is read too: from the files that have it where they are still there, and from the source
//! otherwise.

use std::io::{self, Read};

use super::content::BlobContent;
use crate::error::{Error, Kind, Result};
use crate::store::{Content, Node, Sink, Source, Watch};

/// A blob on its way into parts.
pub(crate) struct CutContent<'a> {
    node: &'a Node,
    content: BlobContent<'a>,
}

impl<'a> CutContent<'a> {
    /// The content of this node.
    pub(crate) fn new(source: &'a dyn Source, node: &'a Node, watch: &'a dyn Watch) -> Self {
        Self { node, content: BlobContent::new(source, node, watch) }
    }

    /// Its first `len` bytes are in other files already.
    pub(crate) fn go_on_after(&mut self, len: u64, bytes: impl Read) {
        self.content.go_on_after(len, bytes);
    }

    pub(super) fn node(&self) -> &'a Node {
        self.node
    }

    /// Puts so many bytes from byte `from` on into the sink. Wrong content shows when the last part is put.
    ///
    /// # Errors
    /// When reading or writing fails, or the whole is not what it should be.
    pub(super) fn put(&mut self, from: u64, bytes: u64, sink: &dyn Sink) -> Result<()> {
        let is_first = from == 0;
        loop {
            let result = self.content.seek_to(from).and_then(|()| {
                let is_last = from + bytes == self.node.descriptor.size;
                let mut part = PartContent { content: &mut self.content, from, bytes, left: bytes, is_last };
                sink.take(&self.node.descriptor.digest, &mut part)
            });
            match result {
                // What is in other files by now cannot be begun anew.
                Err(e) if e.kind() == Kind::Content && is_first => self.content.try_next(e)?,
                answer => return answer,
            }
        }
    }

    /// Lets go of whatever is open where it comes from, before a wait.
    pub(crate) fn let_go(&mut self) {
        self.content.let_go();
    }
}

/// A stretch of a blob.
struct PartContent<'c, 'a> {
    content: &'c mut BlobContent<'a>,
    from: u64,
    bytes: u64,
    left: u64,
    is_last: bool,
}

impl Read for PartContent<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 && !self.is_last {
            return Ok(0);
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        // After the last byte the check of the whole is completed.
        let most = if self.left == 0 { buffer.len() } else { buffer.len().min(most) };
        let got = self.content.read(&mut buffer[..most])?;
        self.left = self.left.saturating_sub(got as u64);
        Ok(got)
    }
}

impl Content for PartContent<'_, '_> {
    fn seek_to(&mut self, offset: u64) -> Result<(), Error> {
        self.content.seek_to(self.from + offset)?;
        self.left = self.bytes.saturating_sub(offset);
        Ok(())
    }

    fn let_go(&mut self) {
        self.content.let_go();
    }
}
