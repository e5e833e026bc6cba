//! Where the checking of some content can be taken up again, so that going back a little does not
//! mean to begin anew.

use crate::oci::Checkpoint;

/// Between two checkpoints at first, in bytes.
const EVERY: u64 = 256 << 10;
/// Of more than these every second is given up: 512 of them are some 60 KiB.
const MOST: usize = 512;

/// Checkpoints of one blob, by position.
pub(super) struct Checkpoints {
    list: Vec<Checkpoint>,
    every: u64,
}

impl Default for Checkpoints {
    fn default() -> Self {
        Self { list: Vec::new(), every: EVERY }
    }
}

impl Checkpoints {
    /// Whether one at this position is worth keeping.
    pub(super) fn is_due(&self, position: u64) -> bool {
        position >= self.list.last().map_or(0, Checkpoint::position) + self.every
    }

    /// Keeps one that stands after all others.
    pub(super) fn add(&mut self, checkpoint: Checkpoint) {
        if self.list.last().is_some_and(|last| last.position() >= checkpoint.position()) {
            return;
        }
        if self.list.len() == MOST {
            let mut number = 0;
            self.list.retain(|_| {
                number += 1;
                number % 2 == 0
            });
            self.every *= 2;
        }
        self.list.push(checkpoint);
    }

    /// The last one that is not after `offset`. Those after it are given up: content may be another
    /// when it is read again.
    pub(super) fn back_to(&mut self, offset: u64) -> Option<Checkpoint> {
        self.list.retain(|checkpoint| checkpoint.position() <= offset);
        self.list.last().cloned()
    }

    /// Gives up all.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::oci::{Digest, VerifyReader};

    #[test]
    fn one_is_never_far_behind_however_much_was_read() {
        let size = 1 << 34;
        let digest = Digest::sha256(b"");
        let mut checkpoints = Checkpoints::default();
        let mut reader = VerifyReader::new(std::io::repeat(0).take(1), &digest, 2);
        reader.read_exact(&mut [0]).expect("a byte");
        let checkpoint = reader.checkpoint().expect("not at the end");
        let mut position = 0;
        while position < size {
            position += 100 << 10;
            if checkpoints.is_due(position) {
                checkpoints.add(checkpoint.clone().at(position));
            }
            let last = checkpoints.list.last().map_or(0, Checkpoint::position);
            assert!(position - last <= (size / MOST as u64) * 2 + EVERY, "{position}: {last}");
        }
        assert!(checkpoints.list.len() <= MOST);
        let back = checkpoints.back_to(size / 2).expect("one");
        assert!(back.position() <= size / 2 && back.position() > size / 2 - (size / 128));
    }
}
