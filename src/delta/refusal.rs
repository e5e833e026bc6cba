//! Why there is no delta of a layer, or why one cannot be used. None of these is a fault of the program: a layer that
//! cannot be split is carried whole, and a delta that cannot be used is said to be damaged.

use std::fmt;
use std::io;

use crate::oci::Digest;

/// What the room gives back.
pub(crate) type Result<T> = std::result::Result<T, Refusal>;

/// Why not.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The layer is none that can be taken apart.
    Unusual(Unusual),
    /// The delta is not what a delta is.
    Damaged(Damaged),
    /// The old layer that was given is not the one that the delta names.
    WrongOld {
        /// The one it names.
        expected: Digest,
        /// What was given.
        actual: Digest,
    },
    /// What came out is not the layer that the delta promises.
    WrongNew {
        /// What it promises.
        expected: Digest,
        /// What came out.
        actual: Digest,
    },
    /// The delta would be no shorter than the caller asks for.
    SavesTooLittle,
    /// Reading or writing failed.
    Io(io::Error),
}

/// What is unusual about a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unusual {
    /// No gzip, or a member of a kind that RFC 1952 does not know.
    NoGzip,
    /// A header of a member that is longer than 128 KiB.
    LongHeader,
    /// It ends before its end.
    CutShort,
    /// Bytes after the last member.
    Trailing,
    /// A block of the type that RFC 1951 leaves out.
    BlockType,
    /// The two lengths of a stored block disagree.
    StoredLength,
    /// Code lengths that make no code, or one that leaves gaps.
    Codes,
    /// Bits that no code has, or a symbol that stands for nothing.
    Symbol,
}

/// What is wrong with a delta.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Damaged {
    /// It does not begin as a delta does.
    NoDelta,
    /// A version that this program does not know.
    Version(u8),
    /// It ends before its end, or goes on after it.
    Length,
    /// A number that is longer than it need be, or beyond what the format allows.
    Number,
    /// A digest that is none.
    Digest,
    /// Compressed bytes that cannot be decompressed to the length that stands with them.
    Compressed,
    /// A copy from where nothing is.
    Copy,
    /// Framing that is none, or that asks for tokens that are not there.
    Framing,
    /// A token that the code of its block does not have.
    Token,
}

impl fmt::Display for Unusual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoGzip => "it is no gzip",
            Self::LongHeader => "a gzip header of it is longer than 128 KiB",
            Self::CutShort => "it ends in the middle of the gzip stream",
            Self::Trailing => "it goes on after the end of the gzip stream",
            Self::BlockType => "it has a deflate block of a type that does not exist",
            Self::StoredLength => "the length of a stored deflate block contradicts itself",
            Self::Codes => "a deflate block of it has code lengths that make no complete code",
            Self::Symbol => "a deflate block of it has bits that stand for nothing",
        })
    }
}

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDelta => f.write_str("it does not begin as a layer delta does"),
            Self::Version(version) => write!(f, "it has version {version} of the format, and this program knows 1"),
            Self::Length => f.write_str("it is cut short or goes on after its end"),
            Self::Number => f.write_str("a number in it is not allowed"),
            Self::Digest => f.write_str("a digest in it is none"),
            Self::Compressed => f.write_str("compressed bytes in it cannot be decompressed"),
            Self::Copy => f.write_str("it copies from beyond the old layer"),
            Self::Framing => f.write_str("the framing in it is none"),
            Self::Token => f.write_str("a token in it has no code in its block"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unusual(what) => write!(f, "the layer cannot be taken apart: {what}"),
            Self::Damaged(what) => write!(f, "the layer delta is damaged: {what}"),
            Self::WrongOld { expected, actual } => {
                write!(f, "the layer delta rests on {expected}, and was given {actual}")
            }
            Self::WrongNew { expected, actual } => write!(f, "the layer delta gives {actual}, not {expected}"),
            Self::SavesTooLittle => f.write_str("a layer delta would save too little"),
            Self::Io(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Refusal {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Unusual> for Refusal {
    fn from(what: Unusual) -> Self {
        Self::Unusual(what)
    }
}

impl From<Damaged> for Refusal {
    fn from(what: Damaged) -> Self {
        Self::Damaged(what)
    }
}
