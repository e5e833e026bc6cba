//! A layer taken apart into scratch files, hashed on the way, and its chunks found: what both directions begin with.

use std::io::{self, Read, Seek, Write};
use std::thread;

use super::chunks::{self, Chunk};
use super::pipe::{self, PipeWriter};
use super::refusal::Result;
use super::split::{Split, split};
use super::window::Window;
use crate::oci::{Digest, Hasher};

/// A layer, by what a Descriptor says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// The digest of its blob.
    pub(crate) digest: Digest,
    /// The size of its blob in bytes.
    pub(crate) size: u64,
}

/// What has to be given room on a disk.
pub(crate) trait Scratch: Read + Write + Seek + Send {}
impl<S: Read + Write + Seek + Send> Scratch for S {}

/// Both streams of a layer.
pub(super) struct Apart<S> {
    pub(super) tokens: S,
    pub(super) framing: S,
    pub(super) split: Split,
}

impl<S: Scratch> Apart<S> {
    /// For reading by position.
    pub(super) fn windows(&mut self) -> (Window<&mut S>, Window<&mut S>) {
        let Split { tokens, framing } = self.split;
        (Window::new(&mut self.framing, framing), Window::new(&mut self.tokens, tokens))
    }
}

/// Takes a layer apart. `wrong` makes the refusal of bytes with another digest than promised, which goes before whatever
/// else is the matter with them. No more is read than the promised size and a byte.
pub(super) fn take_apart<R: Read + Send, S: Scratch>(
    named: &Named,
    gzip: R,
    scratch: &mut dyn FnMut() -> io::Result<S>,
    wrong: fn(Digest, Digest) -> super::Refusal,
) -> Result<Apart<S>> {
    let (mut tokens, mut framing) = (scratch()?, scratch()?);
    let (mut writer, reader) = pipe::pipe();
    let (actual, split) = thread::scope(|scope| {
        let splitter = scope.spawn(|| split(reader, &mut tokens, &mut framing));
        let actual = hashed(named, gzip, &mut writer);
        drop(writer);
        (actual, splitter.join())
    });
    let actual = actual?;
    if actual != named.digest {
        return Err(wrong(named.digest.clone(), actual));
    }
    let ((), split) = pipe::both(Ok(()), split)?;
    Ok(Apart { tokens, framing, split })
}

/// Hashes a blob while it is handed on, and to its end also where nobody takes it any more.
fn hashed(named: &Named, gzip: impl Read, writer: &mut PipeWriter) -> Result<Digest> {
    let mut hasher = Hasher::new(named.digest.algorithm());
    let mut gzip = gzip.take(named.size.saturating_add(1));
    let mut buffer = vec![0; 128 * 1024];
    let mut taken = true;
    loop {
        let read = match gzip.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        let piece = buffer.get(..read).unwrap_or_default();
        hasher.update(piece);
        taken = taken && writer.write_all(piece).is_ok();
    }
    if taken {
        // Where this fails, the splitter says why.
        writer.flush().unwrap_or_default();
    }
    Ok(hasher.finish())
}

/// The chunks of both streams, the framing's first.
pub(super) fn chunks_of<S: Scratch>(apart: &mut Apart<S>, average: usize) -> Result<(Vec<Chunk>, Vec<Chunk>)> {
    apart.framing.rewind()?;
    apart.tokens.rewind()?;
    let framing = chunks::chunks(io::BufReader::new(&mut apart.framing), average / 4)?;
    let tokens = chunks::chunks(io::BufReader::with_capacity(128 * 1024, &mut apart.tokens), average)?;
    Ok((framing, tokens))
}
