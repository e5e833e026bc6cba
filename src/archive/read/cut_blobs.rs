//! Blobs that are cut over several volumes: put together again from the parts in those that are open.

use std::collections::HashMap;
use std::io::{self, Read};

use super::bundle::{Body, Bundle};
use super::slice::Slice;
use super::tarball::Tarball;
use crate::archive::format::bundle_json::Volume;
use crate::archive::format::table::{Cut, Part, Stands};
use crate::error::{Error, Result};
use crate::oci::{Digest, VerifyReader};

/// A blob of which all parts are here.
#[derive(Debug)]
pub(super) struct Joined {
    /// Which bundle, and which part of it, front to back.
    parts: Vec<(usize, u32)>,
    bytes: u64,
}

/// What volumes have in common that complete each other: the identity of the bundle, how many there are, and their
/// size.
pub(crate) type Set<'a> = (&'a Digest, u32, u64);

impl Bundle {
    /// Which set of volumes this is one of, and which of them.
    pub(crate) fn volume(&self) -> Option<(Set<'_>, u32)> {
        let Volume { count, number, size } = self.bundle_json()?.volume;
        Some(((&self.index().digest, count, size?), number))
    }

    /// The part that this volume has of a cut blob, and its length in bytes.
    fn part(&self, digest: &Digest, number: u32) -> Option<(Slice<'_>, u64)> {
        match self.body() {
            Body::Tar(tar) => tar.part(digest, number, false),
            Body::Directory(_) | Body::Dump(_) => None,
        }
    }

    /// The blobs of which this volume has a part, with its number and length.
    pub(crate) fn parts(&self) -> Vec<(&Digest, Part)> {
        let Some((about, (_, volume))) = self.bundle_json().zip(self.volume()) else { return Vec::new() };
        let part = |(digest, stands)| match stands {
            &Stands::Whole(_) => None,
            Stands::Cut(cut) => {
                let number = cut.part(volume, u64::MAX)?.number;
                let (_, bytes) = self.part(digest, number)?;
                Some((digest, Part { number, from: 0, bytes }))
            }
        };
        about.table.iter().filter_map(part).collect()
    }

    /// Reads a part and compares it with its checksum.
    ///
    /// # Errors
    /// A failing drive, or content that has another checksum.
    pub(crate) fn check_part(&self, digest: &Digest, part: Part, progress: &dyn Fn(u64)) -> Result<()> {
        let Body::Tar(tar) = self.body() else { return Ok(()) };
        let (Some((slice, size)), Some(sum)) = (self.part(digest, part.number), sum_of(tar, digest, part)?) else {
            return Err(Error::content(format!("part {} of {digest} is not there, or has no checksum", part.number)));
        };
        read_through(VerifyReader::new(slice, &sum, size), progress)
    }
}

/// The checksum of a part, if there is one in its form.
///
/// # Errors
/// When the drive fails.
pub(super) fn sum_of(tar: &Tarball, digest: &Digest, part: Part) -> Result<Option<Digest>> {
    match tar.part(digest, part.number, true) {
        Some((slice, size)) if size == part.line_len() => Ok(part.sum_of(&slice.read_whole()?)),
        _ => Ok(None),
    }
}

/// Reads content to its end, to nowhere.
///
/// # Errors
/// When it is not what it should be, or cannot be read.
pub(super) fn read_through(mut content: impl Read, progress: &dyn Fn(u64)) -> Result<()> {
    let mut buffer = vec![0; 256 << 10];
    loop {
        match content.read(&mut buffer).map_err(Error::from_read)? {
            0 => return Ok(()),
            got => progress(got as u64),
        }
    }
}

impl Joined {
    /// Every cut blob of which all parts are in these bundles; several times where parts are there several times, so
    /// that a damaged one can be done without.
    pub(super) fn all(bundles: &[Bundle]) -> HashMap<Digest, Vec<Self>> {
        let mut sets: HashMap<Set<'_>, HashMap<u32, Vec<usize>>> = HashMap::new();
        for (at, bundle) in bundles.iter().enumerate() {
            if let Some((set, number)) = bundle.volume() {
                sets.entry(set).or_default().entry(number).or_default().push(at);
            }
        }
        let mut joined: HashMap<Digest, Vec<Self>> = HashMap::new();
        let mut sets: Vec<_> = sets.into_iter().collect();
        sets.sort_by_key(|(set, _)| *set);
        for (_, volumes) in sets {
            let Some(first) = volumes.values().flatten().min() else { continue };
            let table = bundles[*first].bundle_json().into_iter().flat_map(|about| &about.table);
            for (digest, stands) in table {
                if let Stands::Cut(cut) = stands {
                    joined.entry(digest.clone()).or_default().extend(Self::of(bundles, digest, cut, &volumes));
                }
            }
        }
        joined.retain(|_, variants| !variants.is_empty());
        joined
    }

    fn of(bundles: &[Bundle], digest: &Digest, cut: &Cut, volumes: &HashMap<u32, Vec<usize>>) -> Vec<Self> {
        let copies: Option<Vec<&Vec<usize>>> = cut.volumes.iter().map(|number| volumes.get(number)).collect();
        let copies = copies.unwrap_or_default();
        let most = copies.iter().map(|copies| copies.len()).max().unwrap_or(0);
        let variant = |which: usize| {
            let mut joined = Self { parts: Vec::with_capacity(copies.len()), bytes: 0 };
            for (number, copies) in (1..).zip(&copies) {
                let bundle = copies[which.min(copies.len() - 1)];
                let (_, size) = bundles[bundle].part(digest, number)?;
                joined.parts.push((bundle, number));
                joined.bytes = joined.bytes.checked_add(size)?;
            }
            Some(joined)
        };
        (0..most).filter_map(variant).collect()
    }

    /// Its length in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The bundles that have a part, front to back.
    pub(super) fn bundles(&self) -> impl Iterator<Item = usize> {
        self.parts.iter().map(|(bundle, _)| *bundle)
    }

    /// The content from byte `offset` on. Not checked.
    pub(super) fn open<'a>(&self, bundles: &'a [Bundle], digest: &Digest, offset: u64) -> Chain<'a> {
        let mut skip = offset;
        let mut slices = Vec::new();
        for (bundle, number) in &self.parts {
            let Some((slice, size)) = bundles[*bundle].part(digest, *number) else { continue };
            slices.push(slice.skip(skip));
            skip = skip.saturating_sub(size);
        }
        slices.reverse();
        Chain(slices)
    }
}

/// Slices one after the other; the last is first.
pub(super) struct Chain<'a>(Vec<Slice<'a>>);

#[cfg(feature = "serve")]
impl<'a> Chain<'a> {
    /// Each of them.
    pub(super) fn slices(&self) -> impl Iterator<Item = &Slice<'a>> {
        self.0.iter()
    }
}

impl Read for Chain<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(slice) = self.0.last_mut() {
            match slice.read(buffer)? {
                0 if !buffer.is_empty() => drop(self.0.pop()),
                got => return Ok(got),
            }
        }
        Ok(0)
    }
}
