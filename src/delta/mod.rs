//! Deltas inside layers: the difference of two gzip files, small where their contents are alike, from which the new
//! one is rebuilt bit for bit.
//!
//! The splitter undoes the Huffman coding of a gzip file and nothing else, the joiner does it again, and between them
//! the coder writes one stream of bytes as the difference to another. Pure: it knows no file, no archive and no
//! registry. Whatever comes in, it is exact or refused, and takes a bounded amount of memory.

mod bits;
mod chunks;
mod codes;
mod decode;
mod encode;
mod framing;
mod header;
mod join;
mod layer;
mod make;
#[cfg(test)]
mod measured;
mod number;
mod pipe;
mod rebuild;
mod refusal;
mod segment;
mod split;
#[cfg(test)]
mod tests;
mod tokens;
mod window;

pub(crate) use header::Header;
#[cfg(fuzzing)]
pub(crate) use join::join;
pub(crate) use layer::Named;
pub(crate) use make::make;
pub(crate) use rebuild::rebuild;
pub(crate) use refusal::Refusal;
#[cfg(fuzzing)]
pub(crate) use split::split;
