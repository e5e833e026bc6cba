//! Two layers to a layer delta, which is tried out before anybody gets it.

use std::io::{self, Read, SeekFrom, Write};

use super::chunks::{self, Index};
use super::encode::encode;
use super::header::Header;
use super::layer::{self, Named, Scratch};
use super::rebuild;
use super::refusal::{Refusal, Result};

/// Writes the difference of `new` to `old` into a scratch file, and rebuilds the new layer from it to see that it is
/// right. Gives the file back, at its beginning, with its length, which is below `most`. The same layers give the same
/// bytes, as long as zstd is of one version.
pub(crate) fn make<O: Read + Send, N: Read + Send, S: Scratch>(
    old: (&Named, O),
    new: (&Named, N),
    most: u64,
    scratch: &mut dyn FnMut() -> io::Result<S>,
) -> Result<(S, u64)> {
    let wrong_old = |expected, actual| Refusal::WrongOld { expected, actual };
    let wrong_new = |expected, actual| Refusal::WrongNew { expected, actual };
    let average = chunks::average(old.0.size.max(new.0.size));
    let mut before = layer::take_apart(old.0, old.1, scratch, wrong_old)?;
    let (framing, tokens) = layer::chunks_of(&mut before, average)?;
    let (framing, tokens) = (Index::new(framing), Index::new(tokens));
    let mut after = layer::take_apart(new.0, new.1, scratch, wrong_new)?;
    let (new_framing, new_tokens) = layer::chunks_of(&mut after, average)?;

    let header = Header { old: old.0.clone(), new: new.0.clone(), split: after.split };
    let mut out = Bounded { inner: scratch()?, left: most, written: 0 };
    let made = (|| {
        header.write(&mut out)?;
        let ((mut old_framing, mut old_tokens), (mut framing_, mut tokens_)) = (before.windows(), after.windows());
        encode(&mut old_framing, &mut framing_, &framing, &new_framing, &mut out)?;
        encode(&mut old_tokens, &mut tokens_, &tokens, &new_tokens, &mut out)
    })();
    match made {
        Err(Refusal::Io(error)) if error.kind() == io::ErrorKind::FileTooLarge && out.left == 0 => {
            return Err(Refusal::SavesTooLittle);
        }
        made => made?,
    }
    drop((framing, tokens, new_framing, new_tokens, after));

    let Bounded { inner: mut delta, written, .. } = out;
    delta.flush()?;
    delta.seek(SeekFrom::Start(0))?;
    rebuild::from_apart(&mut io::BufReader::new(&mut delta), &mut before, scratch, io::sink())?;
    delta.seek(SeekFrom::Start(0))?;
    Ok((delta, written))
}

/// Takes so many bytes and not one more.
struct Bounded<W> {
    inner: W,
    left: u64,
    written: u64,
}

impl<W: Write> Write for Bounded<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() as u64 >= self.left {
            self.left = 0;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let count = self.inner.write(bytes)?;
        self.left -= count as u64;
        self.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
