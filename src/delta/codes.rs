//! Huffman codes of deflate (RFC 1951, 3.2): from code lengths to tables, both ways.

use super::refusal::{Refusal, Result, Unusual};

/// Literals, the end of the block and lengths.
pub(super) const LITERALS: usize = 288;
/// Distances.
pub(super) const DISTANCES: usize = 32;
/// The end of a block.
pub(super) const END: u16 = 256;
/// The longest code.
const LONGEST: usize = 15;
/// Codes up to this length are found in one step.
const FAST: u32 = 11;

/// The length that a symbol from 257 begins with, and how many bits are added (RFC 1951, 3.2.5).
pub(super) const LENGTH: [(u16, u8); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];
/// The distance that a symbol begins with, and how many bits are added.
pub(super) const DISTANCE: [(u16, u8); 30] = [
    (1, 0),
    (2, 0),
    (3, 0),
    (4, 0),
    (5, 1),
    (7, 1),
    (9, 2),
    (13, 2),
    (17, 3),
    (25, 3),
    (33, 4),
    (49, 4),
    (65, 5),
    (97, 5),
    (129, 6),
    (193, 6),
    (257, 7),
    (385, 7),
    (513, 8),
    (769, 8),
    (1025, 9),
    (1537, 9),
    (2049, 10),
    (3073, 10),
    (4097, 11),
    (6145, 11),
    (8193, 12),
    (12289, 12),
    (16385, 13),
    (24577, 13),
];
/// The order in which a header gives the lengths of the codes for code lengths (RFC 1951, 3.2.7).
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// The code lengths of one block; 0 where a symbol has no code.
pub(super) struct Lengths {
    pub(super) literals: [u8; LITERALS],
    pub(super) distances: [u8; DISTANCES],
}

impl Lengths {
    /// Those of a block with fixed codes.
    pub(super) fn fixed() -> Self {
        let literals = std::array::from_fn(|symbol| match symbol {
            0..=143 => 8,
            144..=255 => 9,
            256..=279 => 7,
            _ => 8,
        });
        Self { literals, distances: [5; DISTANCES] }
    }

    /// Reads the header of a block with dynamic codes; `next` gives that many bits.
    pub(super) fn read(next: &mut dyn FnMut(u32) -> Result<u32>) -> Result<Self> {
        let literals = next(5)? as usize + 257;
        let distances = next(5)? as usize + 1;
        // 286 and 287, 30 and 31 stand for nothing; what reads gzip in the field refuses them here as well.
        if literals > 286 || distances > 30 {
            return Err(Unusual::Codes.into());
        }
        let mut own = [0u8; 19];
        let given = next(4)? as usize + 4;
        for place in ORDER.iter().take(given) {
            if let Some(length) = own.get_mut(*place) {
                *length = next(3)? as u8;
            }
        }
        let own = Decoder::new(&own)?;
        let mut all = Vec::with_capacity(LITERALS + DISTANCES);
        while all.len() < literals + distances {
            let symbol = own.decode_slowly(&mut || next(1))?;
            let (length, times) = match symbol {
                0..=15 => (symbol as u8, 1),
                16 => (*all.last().ok_or(Unusual::Codes)?, next(2)? as usize + 3),
                17 => (0, next(3)? as usize + 3),
                _ => (0, next(7)? as usize + 11),
            };
            if all.len() + times > literals + distances {
                return Err(Unusual::Codes.into());
            }
            all.extend(std::iter::repeat_n(length, times));
        }
        let mut read = Self { literals: [0; LITERALS], distances: [0; DISTANCES] };
        let (first, second) = all.split_at(literals);
        read.literals.iter_mut().zip(first).for_each(|(to, from)| *to = *from);
        read.distances.iter_mut().zip(second).for_each(|(to, from)| *to = *from);
        if read.literals.get(usize::from(END)).is_none_or(|length| *length == 0) {
            return Err(Unusual::Codes.into());
        }
        Ok(read)
    }
}

/// Bits to symbols.
pub(super) struct Decoder {
    /// For the next `FAST` bits: the symbol, shifted by four, and the length of its code; 0 for what is longer.
    fast: Vec<u16>,
    /// How many codes have each length.
    counts: [u16; LONGEST + 1],
    /// The symbols in the order of their codes.
    symbols: Vec<u16>,
}

impl Decoder {
    /// Of code lengths. What zlib refuses is refused: codes that overlap, and codes that leave a gap, except that
    /// there may be one code of one bit, or none at all.
    pub(super) fn new(lengths: &[u8]) -> Result<Self> {
        let mut decoder = Self { fast: vec![0; 1 << FAST], counts: [0; LONGEST + 1], symbols: Vec::new() };
        let codes = codes(lengths)?;
        let mut ordered: Vec<(u8, u16)> = Vec::with_capacity(lengths.len());
        for (symbol, (code, length)) in codes.iter().enumerate() {
            let (symbol, bits) = (symbol as u16, u32::from(*length));
            if bits == 0 {
                continue;
            }
            ordered.push((*length, symbol));
            if let Some(count) = decoder.counts.get_mut(bits as usize) {
                *count += 1;
            }
            if bits <= FAST {
                let places = decoder.fast.iter_mut().skip(usize::from(*code)).step_by(1 << bits);
                places.for_each(|place| *place = symbol << 4 | u16::from(*length));
            }
        }
        ordered.sort_unstable();
        decoder.symbols = ordered.into_iter().map(|(_, symbol)| symbol).collect();
        Ok(decoder)
    }

    /// The symbol that `bits` begin with, and the length of its code.
    #[inline]
    pub(super) fn decode(&self, bits: u64) -> Option<(u16, u32)> {
        match self.fast.get((bits & ((1 << FAST) - 1)) as usize) {
            Some(found) if *found != 0 => Some((found >> 4, u32::from(found & 15))),
            _ => self.decode_long(bits),
        }
    }

    #[cold]
    fn decode_long(&self, mut bits: u64) -> Option<(u16, u32)> {
        let mut length = 0;
        let mut next = || {
            let bit = (bits & 1) as u32;
            bits >>= 1;
            length += 1;
            Ok(bit)
        };
        let symbol = self.decode_slowly(&mut next).ok()?;
        Some((symbol, length))
    }

    /// Bit by bit: `next` gives one.
    fn decode_slowly(&self, next: &mut dyn FnMut() -> Result<u32>) -> Result<u16> {
        let (mut code, mut first, mut index) = (0u32, 0u32, 0u32);
        for count in self.counts.iter().skip(1) {
            code |= next()?;
            let count = u32::from(*count);
            if code < first + count {
                let place = index + code.saturating_sub(first);
                return self.symbols.get(place as usize).copied().ok_or(Refusal::Unusual(Unusual::Symbol));
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        Err(Unusual::Symbol.into())
    }
}

/// The code of each symbol, its first bit lowest, and its length.
fn codes(lengths: &[u8]) -> Result<Vec<(u16, u8)>> {
    let mut counts = [0u32; LONGEST + 1];
    for length in lengths.iter().filter(|length| **length > 0) {
        *counts.get_mut(usize::from(*length)).ok_or(Unusual::Codes)? += 1;
    }
    let mut left = 1i64;
    let mut next = [0u32; LONGEST + 2];
    let mut code = 0u32;
    for (length, count) in counts.iter().enumerate().skip(1) {
        left = left * 2 - i64::from(*count);
        if left < 0 {
            return Err(Unusual::Codes.into());
        }
        if let Some(first) = next.get_mut(length) {
            *first = code;
        }
        code = (code + count) << 1;
    }
    let used: u32 = counts.iter().sum();
    let one_bit = used == 1 && counts.get(1) == Some(&1);
    if left > 0 && used > 0 && !one_bit {
        return Err(Unusual::Codes.into());
    }
    let mut codes = Vec::with_capacity(lengths.len());
    for length in lengths {
        let code = match next.get_mut(usize::from(*length)) {
            Some(code) if *length > 0 => {
                *code += 1;
                (*code - 1).reverse_bits() >> (32 - u32::from(*length))
            }
            _ => 0,
        };
        codes.push((code as u16, *length));
    }
    Ok(codes)
}

/// Bits to be written: how many, above bit 24, and which.
#[derive(Clone, Copy, Default)]
pub(super) struct Bits(u32);

impl Bits {
    fn new(bits: u32, count: u32) -> Self {
        Self(count << 24 | bits)
    }

    /// None where there is no code.
    #[inline]
    pub(super) fn get(self) -> Option<(u64, u32)> {
        (self.0 != 0).then_some((u64::from(self.0 & 0xff_ffff), self.0 >> 24))
    }
}

/// Symbols to bits.
pub(super) struct Encoder {
    pub(super) literals: [Bits; 256],
    pub(super) end: Bits,
    /// Length 3 and on, with the bits added; the last is 258 written in the other way.
    pub(super) lengths: [Bits; 257],
    /// The code of a distance alone.
    pub(super) distances: [Bits; 30],
}

impl Encoder {
    /// Of code lengths, by the rules of [`Decoder::new`].
    pub(super) fn new(lengths: &Lengths) -> Result<Self> {
        let literals = codes(&lengths.literals)?;
        let distances = codes(&lengths.distances)?;
        let of = |symbol: usize| literals.get(symbol).filter(|(_, length)| *length > 0);
        let plain = |symbol| of(symbol).map_or(Bits(0), |(code, length)| Bits::new((*code).into(), (*length).into()));
        let mut all = [Bits(0); 257];
        for (place, (base, extra)) in LENGTH.iter().enumerate() {
            let Some((code, length)) = of(257 + place) else { continue };
            for added in 0..1u32 << extra {
                // 258 as 227 and 31 is the other way.
                let slot = usize::from(*base) + added as usize - 3;
                let slot = if place == 27 && added == 31 { 256 } else { slot };
                if let Some(bits) = all.get_mut(slot) {
                    *bits = Bits::new(u32::from(*code) | added << length, u32::from(*length) + u32::from(*extra));
                }
            }
        }
        let distance = |symbol: usize| match distances.get(symbol) {
            Some((code, length)) if *length > 0 => Bits::new((*code).into(), (*length).into()),
            _ => Bits(0),
        };
        Ok(Self {
            literals: std::array::from_fn(plain),
            end: plain(usize::from(END)),
            lengths: all,
            distances: std::array::from_fn(distance),
        })
    }
}

/// The symbol of a distance, from 1 to 32768.
#[inline]
pub(super) fn distance_symbol(distance: u32) -> usize {
    // Two symbols for each power of two.
    let less = distance.saturating_sub(1);
    if less < 4 {
        return less as usize;
    }
    let power = 31 - less.leading_zeros();
    (2 * power + (less >> (power - 1) & 1)) as usize
}
