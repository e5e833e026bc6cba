//! Any bytes as tokens and framing: no panic, and no more comes out than went in allows.

use crate::delta::{Refusal, join};

pub fn check(bytes: &[u8]) {
    let [low, high, rest @ ..] = bytes else { return };
    let cut = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
    let (framing, tokens) = rest.split_at(cut);
    match join(tokens, framing, Vec::new()) {
        Ok(gzip) => assert!(gzip.len() <= 16 * bytes.len() + 64),
        Err(Refusal::Damaged(_)) => {}
        Err(other) => panic!("{other}"),
    }
}
