//! The joiner: tokens and framing to the gzip file that they were split from, bit for bit.

use std::io::{Read, Write};

use super::bits::BitWriter;
use super::codes::{DISTANCE, Encoder, Lengths, distance_symbol};
use super::framing::{self, FramingReader};
use super::refusal::{Damaged, Refusal, Result};
use super::tokens::TokenReader;

/// Joins both streams, and gives back the sink. What no splitter gives is refused, as far as it shows: only the digest
/// of what came out says that it is right.
pub(crate) fn join<W: Write>(tokens: impl Read, framing: impl Read, gzip: W) -> Result<W> {
    let mut joiner =
        Joiner { tokens: TokenReader::new(tokens), framing: FramingReader::new(framing), gzip: BitWriter::new(gzip) };
    loop {
        match joiner.framing.byte()? {
            framing::FILE_ENDS => break,
            framing::MEMBER => joiner.member()?,
            _ => return Err(Damaged::Framing.into()),
        }
    }
    if !joiner.tokens.at_end()? || !joiner.framing.at_end()? {
        return Err(Damaged::Framing.into());
    }
    Ok(joiner.gzip.finish()?)
}

struct Joiner<T, F, W> {
    tokens: TokenReader<T>,
    framing: FramingReader<F>,
    gzip: BitWriter<W>,
}

impl<T: Read, F: Read, W: Write> Joiner<T, F, W> {
    fn member(&mut self) -> Result<()> {
        let length = self.framing.number()?;
        let header = usize::try_from(length).ok().filter(|length| *length <= framing::LONGEST_HEADER);
        let mut header = vec![0; header.ok_or(Damaged::Framing)?];
        self.framing.bytes(&mut header)?;
        self.gzip.bytes(&header)?;
        loop {
            match self.framing.byte()? {
                framing::MEMBER_ENDS => break,
                block @ framing::BLOCK..=0x0f => self.block(block & 7)?,
                _ => return Err(Damaged::Framing.into()),
            }
        }
        self.padding()?;
        let mut trailer = [0; 8];
        self.framing.bytes(&mut trailer)?;
        Ok(self.gzip.bytes(&trailer)?)
    }

    fn block(&mut self, begin: u8) -> Result<()> {
        self.gzip.put(begin.into(), 3)?;
        match begin >> 1 {
            framing::STORED => {
                self.padding()?;
                let length = u16::try_from(self.framing.number()?).map_err(|_| Damaged::Framing)?;
                self.gzip.put(u64::from(length) | u64::from(!length) << 16, 32)?;
                self.stored(length)
            }
            framing::FIXED => {
                let count = self.framing.number()?;
                self.coded(&Lengths::fixed(), count)
            }
            framing::DYNAMIC => {
                let count = self.framing.number()?;
                let lengths = Lengths::read(&mut |bits| {
                    let value = self.framing.bits(bits)?;
                    self.gzip.put(value.into(), bits)?;
                    Ok(value)
                });
                self.coded(&lengths.map_err(damaged)?, count)
            }
            _ => Err(Damaged::Framing.into()),
        }
    }

    /// Fills up the byte that was begun.
    fn padding(&mut self) -> Result<()> {
        let bits = self.framing.byte()?;
        let open = self.gzip.open();
        if u32::from(bits) >> open != 0 {
            return Err(Damaged::Framing.into());
        }
        Ok(self.gzip.put(bits.into(), open)?)
    }

    fn stored(&mut self, length: u16) -> Result<()> {
        let mut left = u64::from(length);
        while left > 0 {
            let literals = self.tokens.literals(left)?;
            if literals.is_empty() {
                return Err(Damaged::Token.into());
            }
            left -= literals.len() as u64;
            self.gzip.bytes(literals)?;
        }
        Ok(())
    }

    fn coded(&mut self, lengths: &Lengths, mut left: u64) -> Result<()> {
        let codes = Encoder::new(lengths).map_err(damaged)?;
        while left > 0 {
            let literals = self.tokens.literals(left)?;
            if literals.is_empty() {
                let (length, distance) = self.tokens.matched()?;
                let (mut bits, mut count) = bits_of(codes.lengths.get(usize::from(length)))?;
                let distance = u32::from(distance) + 1;
                let symbol = distance_symbol(distance);
                let (code, length) = bits_of(codes.distances.get(symbol))?;
                let (base, extra) = *DISTANCE.get(symbol).ok_or(Damaged::Token)?;
                bits |= code << count;
                count += length;
                bits |= u64::from(distance.saturating_sub(base.into())) << count;
                count += u32::from(extra);
                self.gzip.put(bits, count)?;
                left -= 1;
                continue;
            }
            left -= literals.len() as u64;
            for literal in literals {
                let (bits, count) = bits_of(codes.literals.get(usize::from(*literal)))?;
                self.gzip.put(bits, count)?;
            }
        }
        let (bits, count) = bits_of(Some(&codes.end))?;
        Ok(self.gzip.put(bits, count)?)
    }
}

#[inline]
fn bits_of(bits: Option<&super::codes::Bits>) -> Result<(u64, u32)> {
    bits.and_then(|bits| bits.get()).ok_or(Refusal::Damaged(Damaged::Token))
}

/// Codes that no splitter lets through.
fn damaged(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::Unusual(_) => Damaged::Framing.into(),
        other => other,
    }
}
