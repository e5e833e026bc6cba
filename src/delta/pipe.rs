//! Bytes from one thread to the next, a bounded number of them on the way.

use std::io::{self, Read, Write};
use std::sync::mpsc::{self, Receiver, SyncSender};

use super::refusal::{Refusal, Result};

/// What goes over at once, and how many of those wait at most.
const PIECE: usize = 128 * 1024;
const WAITING: usize = 8;

pub(super) fn pipe() -> (PipeWriter, PipeReader) {
    let (sender, receiver) = mpsc::sync_channel(WAITING);
    (PipeWriter { sender, piece: Vec::new() }, PipeReader { receiver, piece: Vec::new(), at: 0 })
}

/// The end that is written to. What was written has arrived only after a flush.
pub(super) struct PipeWriter {
    sender: SyncSender<Vec<u8>>,
    piece: Vec<u8>,
}

impl Write for PipeWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.piece.capacity() == 0 {
            self.piece.reserve_exact(PIECE);
        }
        let taken = bytes.len().min(PIECE - self.piece.len());
        self.piece.extend_from_slice(bytes.get(..taken).unwrap_or_default());
        if self.piece.len() == PIECE {
            self.flush()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        let piece = std::mem::take(&mut self.piece);
        if piece.is_empty() {
            return Ok(());
        }
        self.sender.send(piece).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

/// The end that is read from.
pub(super) struct PipeReader {
    receiver: Receiver<Vec<u8>>,
    piece: Vec<u8>,
    at: usize,
}

impl Read for PipeReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at == self.piece.len() {
            // The writer is gone: the end. Whether it came to its end is known where both ends come together.
            let Ok(piece) = self.receiver.recv() else { return Ok(0) };
            self.piece = piece;
            self.at = 0;
        }
        let here = self.piece.get(self.at..).unwrap_or_default();
        let count = here.len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..count), here.get(..count)) {
            to.copy_from_slice(from);
        }
        self.at += count;
        Ok(count)
    }
}

/// What came of both ends. A writer whose reader gave up has nothing to say, a reader whose writer failed neither.
pub(super) fn both<T, U>(writer: Result<T>, reader: std::thread::Result<Result<U>>) -> Result<(T, U)> {
    let reader = reader.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    match (writer, reader) {
        (Ok(writer), Ok(reader)) => Ok((writer, reader)),
        (Err(Refusal::Io(error)), Err(refusal)) if error.kind() == io::ErrorKind::BrokenPipe => Err(refusal),
        (Err(refusal), _) | (_, Err(refusal)) => Err(refusal),
    }
}
