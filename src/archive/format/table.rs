//! Which blob stands in which volume, as `bundle.json` says it, and what of it stands in one file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::header::{self, BLOCK};
use super::paths::part_sum_path;
use crate::error::Result;
use crate::oci::Digest;
use crate::store::{Contents, Node};

/// The checksum of a part is one line, in one block.
const SUM: u64 = BLOCK;

/// Where one blob is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Stands {
    /// Whole, in this volume.
    Whole(u32),
    /// In parts, all of one length but the last.
    Cut(Cut),
}

/// How a blob is cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cut {
    /// The length of each part but the last, in bytes.
    pub(crate) bytes: u64,
    /// The volume of each part, in their order.
    pub(crate) volumes: Vec<u32>,
}

/// Where each blob of a bundle is.
pub(crate) type Table = BTreeMap<Digest, Stands>;

/// A piece of a blob that is longer than a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// Which one, from 1.
    pub(crate) number: u32,
    /// Its first byte in the blob.
    pub(crate) from: u64,
    /// Its length in bytes.
    pub(crate) bytes: u64,
}

/// A blob, or a part of one, that stands in a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece<'a> {
    pub(crate) node: &'a Node,
    pub(crate) part: Option<Part>,
}

/// How a bundle is divided.
#[derive(Clone, Debug)]
pub(crate) struct Volumes {
    /// The length that a volume may have, in bytes.
    pub(crate) size: u64,
    /// How many there are. The only one is the bundle as it would be otherwise.
    pub(crate) count: u32,
    /// Empty for the only one.
    pub(crate) table: Table,
}

impl Volumes {
    /// The volumes that a blob is cut over, in order; none for one that is whole.
    pub(crate) fn cut_over(&self, digest: &Digest) -> Vec<u32> {
        match self.table.get(digest) {
            Some(Stands::Cut(cut)) => cut.volumes.clone(),
            _ => Vec::new(),
        }
    }

    /// What stands in one of them, in order.
    pub(crate) fn pieces<'a>(&self, contents: &'a Contents, number: u32) -> Vec<Piece<'a>> {
        pieces(contents, (self.count > 1).then_some((&self.table, number)))
    }
}

impl Stands {
    /// All volumes that have something of the blob, in order.
    pub(crate) fn volumes(&self) -> &[u32] {
        match self {
            Self::Whole(number) => std::slice::from_ref(number),
            Self::Cut(cut) => &cut.volumes,
        }
    }

    /// The volume with which the blob goes where volumes go by themselves: the one of its first part.
    pub(crate) fn sender(&self) -> u32 {
        self.volumes().first().copied().unwrap_or_default()
    }
}

impl Cut {
    /// The part in this volume of a blob of this length.
    pub(crate) fn part(&self, volume: u32, size: u64) -> Option<Part> {
        let at = self.volumes.iter().position(|number| *number == volume)?;
        let number = u32::try_from(at).ok()?;
        let from = self.bytes.checked_mul(u64::from(number))?;
        Some(Part { number: number + 1, from, bytes: self.bytes.min(size.saturating_sub(from)) })
    }
}

impl Part {
    /// The entry after a part: what `sha256sum --check` takes, a line about the entry before it.
    ///
    /// # Errors
    /// When a name is too long, which none is.
    pub(crate) fn sum_entry(&self, digest: &Digest, sum: &Digest) -> Result<Vec<u8>> {
        let line = self.line(sum.hex());
        let mut bytes = header::of_file(&part_sum_path(digest, self.number), line.len() as u64)?;
        bytes.extend_from_slice(line.as_bytes());
        bytes.resize(bytes.len().next_multiple_of(BLOCK as usize), 0);
        Ok(bytes)
    }

    /// The length of that entry in bytes: that of a part does not change it.
    pub(crate) fn sum_len(&self, digest: &Digest) -> u64 {
        header::len_of_file(&part_sum_path(digest, self.number)) + SUM
    }

    /// The length of the line in that entry, in bytes.
    pub(crate) fn line_len(&self) -> u64 {
        self.line(&"0".repeat(64)).len() as u64
    }

    /// What such a line says, if it is one to the last byte.
    pub(crate) fn sum_of(&self, line: &[u8]) -> Option<Digest> {
        let hex = std::str::from_utf8(line.get(..64)?).ok()?;
        let sum: Digest = format!("sha256:{hex}").parse().ok()?;
        (self.line(sum.hex()).as_bytes() == line).then_some(sum)
    }

    fn line(&self, hex: &str) -> String {
        format!("{hex}  {:03}\n", self.number)
    }
}

/// The blobs and parts of one file in their order, by the table where there is one. Nothing is left out but what the
/// bundle leaves out.
pub(crate) fn pieces<'a>(contents: &'a Contents, cut: Option<(&Table, u32)>) -> Vec<Piece<'a>> {
    let piece = |node: &'a Node| {
        let Some((table, number)) = cut else { return Some(Piece { node, part: None }) };
        match table.get(&node.descriptor.digest)? {
            Stands::Whole(volume) => (*volume == number).then_some(Piece { node, part: None }),
            Stands::Cut(cut) => {
                let part = Some(cut.part(number, node.descriptor.size)?);
                Some(Piece { node, part })
            }
        }
    };
    contents.blobs().filter(|node| node.is_in_bundle()).filter_map(piece).collect()
}
