//! Content of the files, read for a client: hashed on the way when that was not done yet for the files as they are now,
//! and never sent to its end unless it is what its digest names.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::checked::Verdict;
use super::pieces::PIECE;
use super::stock::Stock;
use crate::archive::Stamp;
use crate::error::{Error, Result};
use crate::oci::{Descriptor, Digest, Hasher};
use crate::store::{Node, Place};

/// Reads one content from one place, piece by piece. Every piece is read by a thread that may wait for a drive.
pub(super) struct Reader {
    stock: Arc<Stock>,
    descriptor: Descriptor,
    place: Place,
    /// The next byte to read, and the one to stop at.
    at: u64,
    end: u64,
    /// What was hashed up to there, unless it was hashed before.
    hasher: Option<Hasher>,
    /// What the files were when it began.
    stamp: Stamp,
    /// They were so for a while by then, and every change from there on shows.
    is_settled: bool,
}

impl Reader {
    /// Bytes that are still to be read.
    pub(super) fn left(&self) -> u64 {
        self.end - self.at
    }

    /// Reads the next piece. The last of content that was not hashed before is given out only if all of it is right.
    ///
    /// # Errors
    /// The files changed, the content is wrong, or the drive fails.
    pub(super) fn next(mut self) -> Result<(Self, Bytes)> {
        let stock = self.stock.clone();
        let lasting = &stock.lasting;
        let want = usize::try_from(self.left()).map_or(PIECE, |left| left.min(PIECE));
        let mut piece = lasting.buffers.take();
        let stamp = stock.bundles.read_piece(self.place, &self.descriptor, self.at, piece.fill(want))?;
        let digest = &self.descriptor.digest;
        if stamp != self.stamp {
            let reason = "the file was changed while it was read";
            return Err(Error::content(reason).at(digest).at(stock.bundles.label()));
        }
        self.at += want as u64;
        if let Some(mut hasher) = self.hasher.take() {
            hasher.update(piece.filled());
            lasting.metrics.hashed(want as u64);
            if self.at == self.descriptor.size {
                let verdict = judged(digest, hasher, &stock);
                if self.is_settled {
                    lasting.checked.keep(digest, &stamp, verdict.clone());
                }
                if let Verdict::Bad(error) = verdict {
                    lasting.metrics.bad_content();
                    return Err(Error::Shared(error));
                }
            } else if !matches!(lasting.checked.verdict(digest, &stamp), Some(Verdict::Good)) {
                self.hasher = Some(hasher);
            }
        }
        Ok((self, piece.into_bytes()))
    }
}

fn judged(digest: &Digest, hasher: Hasher, stock: &Stock) -> Verdict {
    let actual = hasher.finish();
    if actual == *digest {
        return Verdict::Good;
    }
    let error = Error::content(format!("content of {digest} hashes to {actual}"));
    Verdict::Bad(Arc::new(error.at(stock.bundles.label())))
}

/// Runs what may wait for a drive.
pub(super) async fn waiting<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        // It panicked, or the server is about to end.
        Err(e) => Err(Error::content(format!("reading broke off: {e}"))),
    }
}

/// What is known of content without reading any of it: that some place has it, as far as one can see.
///
/// # Errors
/// All copies are known to be bad, or cannot be looked at.
pub(super) async fn look(stock: &Arc<Stock>, node: &Node) -> Result<()> {
    let mut errors = Vec::new();
    for place in &node.places {
        match opened(stock, &node.descriptor, *place, 0..0).await {
            Ok(_) => return Ok(()),
            Err(error) => errors.push(error),
        }
    }
    Err(Error::all(errors))
}

/// Begins to read a part of some content, from the first place that has it right, as far as is known: with the first
/// piece. Of a part, all of the content is hashed before, if it was not yet.
///
/// # Errors
/// No place has it.
pub(super) async fn begin(stock: &Arc<Stock>, node: &Node, part: Range<u64>) -> Result<(Reader, Bytes)> {
    let mut errors = Vec::new();
    for place in &node.places {
        match begin_at(stock, &node.descriptor, *place, part.clone()).await {
            Ok(begun) => return Ok(begun),
            Err(error) => errors.push(error),
        }
    }
    Err(Error::all(errors))
}

async fn begin_at(
    stock: &Arc<Stock>,
    descriptor: &Descriptor,
    place: Place,
    part: Range<u64>,
) -> Result<(Reader, Bytes)> {
    let is_all = part == (0..descriptor.size);
    let mut reader = opened(stock, descriptor, place, part.clone()).await?;
    if reader.hasher.is_some() && !is_all {
        let stamp = hash(stock, descriptor, place).await?;
        reader = Reader { hasher: None, stamp, at: part.start, end: part.end, ..reader };
    }
    waiting(move || reader.next()).await
}

/// Hashes all of some content, one of those who want it for all of them. What is given back is what the files were.
async fn hash(stock: &Arc<Stock>, descriptor: &Descriptor, place: Place) -> Result<Stamp> {
    let turn = stock.lasting.checked.turn(&descriptor.digest);
    let _turn = turn.lock().await;
    let mut reader = opened(stock, descriptor, place, 0..descriptor.size).await?;
    while reader.hasher.is_some() {
        (reader, _) = waiting(move || reader.next()).await?;
    }
    Ok(reader.stamp)
}

/// Somebody to read this part from this place, with a hasher unless it is known to be right.
async fn opened(stock: &Arc<Stock>, descriptor: &Descriptor, place: Place, part: Range<u64>) -> Result<Reader> {
    let (stock, descriptor) = (stock.clone(), descriptor.clone());
    waiting(move || {
        let stamp = stock.bundles.read_piece(place, &descriptor, 0, &mut [])?;
        let hasher = match stock.lasting.checked.verdict(&descriptor.digest, &stamp) {
            Some(Verdict::Bad(error)) => return Err(Error::Shared(error)),
            Some(Verdict::Good) => None,
            None => Some(Hasher::new(descriptor.digest.algorithm())),
        };
        let is_settled = stamp.is_settled();
        Ok(Reader { stock, descriptor, place, at: part.start, end: part.end, hasher, stamp, is_settled })
    })
    .await
}
