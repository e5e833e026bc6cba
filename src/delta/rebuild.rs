//! An old layer and a layer delta to the new layer.

use std::io::{self, Read, Write};
use std::thread;

use super::decode::decode;
use super::header::Header;
use super::join::join;
use super::layer::{self, Apart, Scratch};
use super::pipe;
use super::refusal::{Damaged, Refusal, Result};
use crate::oci::{Digest, Hasher};

/// Rebuilds the new layer from `delta` and the bytes of the old one, and gives it to `gzip`. What `gzip` has is the new
/// layer only if there is no error: it is hashed while it is written, and known to be right at its end.
pub(crate) fn rebuild<R: Read + Send, S: Scratch, W: Write + Send>(
    mut delta: impl Read,
    old: impl FnOnce(&Header) -> io::Result<R>,
    scratch: &mut dyn FnMut() -> io::Result<S>,
    gzip: W,
) -> Result<W> {
    let header = Header::read(&mut delta)?;
    let old = old(&header)?;
    let wrong = |expected, actual| Refusal::WrongOld { expected, actual };
    let mut before = layer::take_apart(&header.old, old, scratch, wrong)?;
    finish(&header, &mut delta, &mut before, scratch, gzip)
}

/// The same with an old layer that is apart already.
pub(super) fn from_apart<S: Scratch, W: Write + Send>(
    delta: &mut impl Read,
    before: &mut Apart<S>,
    scratch: &mut dyn FnMut() -> io::Result<S>,
    gzip: W,
) -> Result<W> {
    let header = Header::read(delta)?;
    finish(&header, delta, before, scratch, gzip)
}

fn finish<S: Scratch, W: Write + Send>(
    header: &Header,
    delta: &mut impl Read,
    before: &mut Apart<S>,
    scratch: &mut dyn FnMut() -> io::Result<S>,
    gzip: W,
) -> Result<W> {
    let (mut old_framing, mut old_tokens) = before.windows();
    let mut framing = io::BufWriter::new(scratch()?);
    decode(delta, &mut old_framing, header.split.framing, &mut |bytes| Ok(framing.write_all(bytes)?))?;
    let mut framing = framing.into_inner().map_err(io::IntoInnerError::into_error)?;
    framing.rewind()?;

    let (mut writer, reader) = pipe::pipe();
    let mut gzip = Checked::new(header, gzip);
    let (decoded, joined) = thread::scope(|scope| {
        let joiner = scope.spawn(|| join(reader, framing, &mut gzip).map(|_| ()));
        let decoded = decode(delta, &mut old_tokens, header.split.tokens, &mut |bytes| Ok(writer.write_all(bytes)?))
            .and_then(|()| Ok(writer.flush()?));
        drop(writer);
        (decoded, joiner.join())
    });
    match pipe::both(decoded, joined) {
        Err(Refusal::Io(_)) if gzip.over => return Err(Damaged::Length.into()),
        both => both?,
    };
    if delta.read(&mut [0])? > 0 {
        return Err(Damaged::Length.into());
    }
    gzip.finish()
}

/// Hashes what comes out, and takes no more than is promised.
struct Checked<W> {
    inner: W,
    hasher: Hasher,
    left: u64,
    /// Whether there was more.
    over: bool,
    expected: Digest,
}

impl<W: Write> Checked<W> {
    fn new(header: &Header, inner: W) -> Self {
        let expected = header.new.digest.clone();
        Self { inner, hasher: Hasher::new(expected.algorithm()), left: header.new.size, over: false, expected }
    }

    fn finish(mut self) -> Result<W> {
        let actual = self.hasher.finish();
        if self.left > 0 || actual != self.expected {
            return Err(Refusal::WrongNew { expected: self.expected, actual });
        }
        self.inner.flush()?;
        Ok(self.inner)
    }
}

impl<W: Write> Write for Checked<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(left) = self.left.checked_sub(bytes.len() as u64) else {
            self.over = true;
            return Err(io::ErrorKind::InvalidData.into());
        };
        self.inner.write_all(bytes)?;
        self.hasher.update(bytes);
        self.left = left;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
