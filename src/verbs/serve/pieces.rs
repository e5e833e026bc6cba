//! Pieces of content on their way to a client, in buffers that are used again: memory is as many of them as there are
//! clients, and two for each.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// The length of a piece in bytes.
pub(super) const PIECE: usize = 256 << 10;
/// Buffers that are kept for the next client.
const MOST_KEPT: usize = 64;

/// Buffers that nobody uses just now.
#[derive(Clone, Debug, Default)]
pub(super) struct Buffers(Arc<Mutex<Vec<Box<[u8]>>>>);

impl Buffers {
    /// One to be filled.
    pub(super) fn take(&self) -> Piece {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let buffer = kept.unwrap_or_else(|| vec![0; PIECE].into_boxed_slice());
        Piece { buffer, length: 0, home: self.clone() }
    }
}

/// A buffer, and how much of it counts. It goes back when it was sent.
pub(super) struct Piece {
    buffer: Box<[u8]>,
    length: usize,
    home: Buffers,
}

impl Piece {
    /// Its first bytes, to be filled.
    pub(super) fn fill(&mut self, length: usize) -> &mut [u8] {
        self.length = length.min(PIECE);
        &mut self.buffer[..self.length]
    }

    /// What was filled.
    pub(super) fn filled(&self) -> &[u8] {
        &self.buffer[..self.length]
    }

    /// The same, to be sent.
    pub(super) fn into_bytes(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        self.filled()
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        let mut kept = self.home.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < MOST_KEPT {
            kept.push(std::mem::take(&mut self.buffer));
        }
    }
}
