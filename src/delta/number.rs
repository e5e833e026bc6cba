//! Whole numbers: seven bits a byte, the lowest first, and the highest bit says that more follow (LEB128).

use super::refusal::{Damaged, Result};

/// Appends a number.
pub(super) fn put(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 128 {
        bytes.push(value as u8 | 128);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// Takes a number from what gives the next byte. It has no more bytes than it needs, and fits 63 bits.
pub(super) fn take(next: &mut dyn FnMut() -> Result<u8>) -> Result<u64> {
    let mut value = 0u64;
    for place in 0..9 {
        let byte = next()?;
        value |= u64::from(byte & 127) << (7 * place);
        if byte < 128 {
            return if byte == 0 && place > 0 { Err(Damaged::Number.into()) } else { Ok(value) };
        }
    }
    Err(Damaged::Number.into())
}

/// Takes a number from the front of some bytes.
pub(super) fn take_front(bytes: &mut &[u8]) -> Result<u64> {
    take(&mut || {
        let (first, rest) = bytes.split_first().ok_or(Damaged::Number)?;
        *bytes = rest;
        Ok(*first)
    })
}

/// A difference as a number: 0, -1, 1, -2 and on.
pub(super) fn put_signed(bytes: &mut Vec<u8>, value: i64) {
    put(bytes, ((value << 1) ^ (value >> 63)) as u64);
}

/// The difference that [`put_signed`] wrote.
pub(super) fn take_signed(bytes: &mut &[u8]) -> Result<i64> {
    let value = take_front(bytes)?;
    Ok((value >> 1) as i64 ^ -((value & 1) as i64))
}
