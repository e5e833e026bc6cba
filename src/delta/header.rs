//! The front of a layer delta: what it is, which layers it is between, and how long the new streams are.

use std::io::{Read, Write};

use data_encoding::HEXLOWER;

use super::decode;
use super::layer::Named;
use super::number;
use super::refusal::{Damaged, Result};
use super::split::Split;
use crate::oci::Algorithm;

/// What every layer delta begins with; the version is the byte after it.
const MAGIC: &[u8; 11] = b"layer-delta";
const VERSION: u8 = 1;

/// The front of a layer delta.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// The layer that it rests on.
    pub(crate) old: Named,
    /// The layer that it gives.
    pub(crate) new: Named,
    /// How long the streams of that are.
    pub(super) split: Split,
}

impl Header {
    pub(super) fn write(&self, out: &mut impl Write) -> Result<()> {
        let mut bytes = MAGIC.to_vec();
        bytes.push(VERSION);
        for Named { digest, size } in [&self.old, &self.new] {
            bytes.push(match digest.algorithm() {
                Algorithm::Sha256 => 1,
                Algorithm::Sha512 => 2,
            });
            bytes.extend(HEXLOWER.decode(digest.hex().as_bytes()).map_err(|_| Damaged::Digest)?);
            number::put(&mut bytes, *size);
        }
        number::put(&mut bytes, self.split.framing);
        number::put(&mut bytes, self.split.tokens);
        Ok(out.write_all(&bytes)?)
    }

    /// Reads the front of a layer delta, and nothing behind it.
    pub(crate) fn read(delta: &mut impl Read) -> Result<Self> {
        let mut magic = [0; MAGIC.len()];
        decode::exactly(delta, &mut magic).map_err(|refusal| match refusal {
            super::Refusal::Damaged(_) => Damaged::NoDelta.into(),
            other => other,
        })?;
        if &magic != MAGIC {
            return Err(Damaged::NoDelta.into());
        }
        match decode::byte(delta)? {
            VERSION => {}
            other => return Err(Damaged::Version(other).into()),
        }
        let (old, new) = (named(delta)?, named(delta)?);
        let mut next = || number::take(&mut || decode::byte(delta));
        let split = Split { framing: next()?, tokens: next()? };
        // No gzip of that size has longer streams: what takes a bit takes two bytes at most as a token, and an empty
        // block takes more bits than its record has halves of a byte.
        let most = |times: u64| new.size.saturating_mul(times).saturating_add(1024);
        if split.framing > most(2) || split.tokens > most(32) {
            return Err(Damaged::Number.into());
        }
        Ok(Self { old, new, split })
    }
}

fn named(delta: &mut impl Read) -> Result<Named> {
    let (name, length) = match decode::byte(delta)? {
        1 => ("sha256", 32),
        2 => ("sha512", 64),
        _ => return Err(Damaged::Digest.into()),
    };
    let mut bytes = vec![0; length];
    decode::exactly(delta, &mut bytes)?;
    let digest = format!("{name}:{}", HEXLOWER.encode(&bytes)).parse().map_err(|_| Damaged::Digest)?;
    Ok(Named { digest, size: number::take(&mut || decode::byte(delta))? })
}
