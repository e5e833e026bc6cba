//! The splitter: a gzip file to its tokens and its framing. Only the Huffman coding is undone, so it does not matter
//! which compressor made the file, and nothing is guessed.

use std::io::{Read, Write};

use super::bits::BitReader;
use super::codes::{DISTANCE, Decoder, LENGTH, Lengths};
use super::framing::{self, FramingWriter, Packed};
use super::refusal::{Refusal, Result, Unusual};
use super::tokens::TokenWriter;

/// How long both streams are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Split {
    /// Bytes of the tokens.
    pub(crate) tokens: u64,
    /// Bytes of the framing.
    pub(crate) framing: u64,
}

/// Splits all of `gzip`. What is unusual is refused; both sinks have rubbish then.
pub(crate) fn split(gzip: impl Read, tokens: impl Write, framing: impl Write) -> Result<Split> {
    let mut splitter =
        Splitter { bits: BitReader::new(gzip), tokens: TokenWriter::new(tokens), framing: FramingWriter::new(framing) };
    let mut first = true;
    while splitter.member(first)? {
        first = false;
    }
    splitter.framing.bytes(&[framing::FILE_ENDS])?;
    Ok(Split { tokens: splitter.tokens.finish()?, framing: splitter.framing.finish()? })
}

struct Splitter<R, T, F: Write> {
    bits: BitReader<R>,
    tokens: TokenWriter<T>,
    framing: FramingWriter<F>,
}

impl<R: Read, T: Write, F: Write> Splitter<R, T, F> {
    /// One member, from its header to its trailer (RFC 1952). False where the file ends instead.
    fn member(&mut self, first: bool) -> Result<bool> {
        let Some(begin) = self.bits.byte()? else {
            return if first { Err(Unusual::NoGzip.into()) } else { Ok(false) };
        };
        let other = if first { Unusual::NoGzip } else { Unusual::Trailing };
        let header = self.header(begin, other)?;
        self.framing.bytes(&[framing::MEMBER])?;
        self.framing.number(header.len() as u64)?;
        self.framing.bytes(&header)?;
        while !self.block()? {}
        let mut end = vec![framing::MEMBER_ENDS, self.bits.padding()];
        for _ in 0..8 {
            end.push(self.byte()?);
        }
        self.framing.bytes(&end)?;
        Ok(true)
    }

    fn header(&mut self, begin: u8, other: Unusual) -> Result<Vec<u8>> {
        let mut header = vec![begin];
        // A second member that is none is something else behind the first.
        if begin != 0x1f || self.bits.byte()? != Some(0x8b) || self.bits.byte()? != Some(8) {
            return Err(other.into());
        }
        header.extend([0x8b, 8]);
        let flags = self.byte()?;
        header.push(flags);
        if flags & 0xe0 != 0 {
            return Err(other.into());
        }
        for _ in 0..6 {
            header.push(self.byte()?);
        }
        if flags & 4 != 0 {
            let length = [self.byte()?, self.byte()?];
            header.extend(length);
            for _ in 0..u16::from_le_bytes(length) {
                header.push(self.byte()?);
            }
        }
        for text in [8, 16] {
            if flags & text != 0 {
                self.text(&mut header)?;
            }
        }
        if flags & 2 != 0 {
            header.extend([self.byte()?, self.byte()?]);
        }
        if header.len() > framing::LONGEST_HEADER { Err(Unusual::LongHeader.into()) } else { Ok(header) }
    }

    /// Adds a text of a header, to its end.
    fn text(&mut self, header: &mut Vec<u8>) -> Result<()> {
        while header.len() <= framing::LONGEST_HEADER {
            let byte = self.byte()?;
            header.push(byte);
            if byte == 0 {
                return Ok(());
            }
        }
        Err(Unusual::LongHeader.into())
    }

    /// One block. True if it is the last of its member.
    fn block(&mut self) -> Result<bool> {
        let begin = self.take(3)? as u8;
        let mut record = vec![framing::BLOCK | begin];
        match begin >> 1 {
            framing::STORED => {
                record.push(self.bits.padding());
                self.framing.bytes(&record)?;
                self.stored()?;
            }
            framing::FIXED => {
                self.framing.bytes(&record)?;
                let lengths = Lengths::fixed();
                let count = self.coded(&lengths)?;
                self.framing.number(count)?;
            }
            framing::DYNAMIC => {
                self.framing.bytes(&record)?;
                let mut packed = Packed::default();
                let lengths = Lengths::read(&mut |count| {
                    let bits = self.take(count)?;
                    packed.put(bits, count);
                    Ok(bits)
                })?;
                let count = self.coded(&lengths)?;
                self.framing.number(count)?;
                self.framing.bytes(&packed.finish())?;
            }
            _ => return Err(Unusual::BlockType.into()),
        }
        Ok(begin & 1 == 1)
    }

    fn stored(&mut self) -> Result<()> {
        let length = u16::from_le_bytes([self.byte()?, self.byte()?]);
        let check = u16::from_le_bytes([self.byte()?, self.byte()?]);
        if length != !check {
            return Err(Unusual::StoredLength.into());
        }
        self.framing.number(length.into())?;
        let tokens = &mut self.tokens;
        let whole =
            self.bits.bytes(length.into(), &mut |bytes| bytes.iter().try_for_each(|byte| tokens.literal(*byte)))?;
        if whole { Ok(()) } else { Err(Unusual::CutShort.into()) }
    }

    /// The tokens of a block, and how many they are.
    fn coded(&mut self, lengths: &Lengths) -> Result<u64> {
        let literals = Decoder::new(&lengths.literals)?;
        let distances = Decoder::new(&lengths.distances)?;
        let mut count = 0;
        loop {
            let have = self.bits.refill()?;
            let mut held = self.bits.held();
            let (symbol, code) = literals.decode(held).ok_or_else(|| nothing(have))?;
            if let Ok(literal) = u8::try_from(symbol) {
                self.skip(code)?;
                self.tokens.literal(literal)?;
                count += 1;
                continue;
            }
            let Some(place) = symbol.checked_sub(257) else {
                self.skip(code)?;
                return Ok(count);
            };
            // 15, 5, 15 and 13 bits at most, and 56 are held.
            let (base, extra) = *LENGTH.get(usize::from(place)).ok_or(Unusual::Symbol)?;
            held >>= code;
            let added = (held & ((1 << extra) - 1)) as u16;
            let length = if place == 27 && added == 31 { 256 } else { base + added - 3 };
            held >>= extra;
            let mut used = code + u32::from(extra);
            let (symbol, code) = distances.decode(held).ok_or_else(|| nothing(have))?;
            let (base, extra) = *DISTANCE.get(usize::from(symbol)).ok_or(Unusual::Symbol)?;
            held >>= code;
            let added = (held & ((1 << extra) - 1)) as u16;
            used += code + u32::from(extra);
            self.skip(used)?;
            self.tokens.matched(length, base - 1 + added)?;
            count += 1;
        }
    }

    #[inline]
    fn skip(&mut self, bits: u32) -> Result<()> {
        if self.bits.skip(bits) { Ok(()) } else { Err(Unusual::CutShort.into()) }
    }

    fn take(&mut self, bits: u32) -> Result<u32> {
        self.bits.take(bits)?.ok_or(Refusal::Unusual(Unusual::CutShort))
    }

    fn byte(&mut self) -> Result<u8> {
        self.bits.byte()?.ok_or(Refusal::Unusual(Unusual::CutShort))
    }
}

/// Bits without a code, of so many that were left.
fn nothing(have: u32) -> Unusual {
    if have < 56 { Unusual::CutShort } else { Unusual::Symbol }
}
