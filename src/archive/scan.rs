//! Reads the headers of a tar, and nothing else, strictly: whatever two tar readers could
//! understand differently is refused.
//!
//! POSIX.1-2017 pax (ustar, `x`, `g`) and the GNU long name. An archive must end with a zero block
//! and hold nothing after it: a file cut between two entries looks whole to most readers.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use tar::{EntryType, Header};

use super::header::{self, BLOCK};
use crate::error::Error;

/// Caps on what one entry may make us hold, in bytes.
const MAX_NAME: u64 = 4 << 10;
const MAX_PAX: u64 = 64 << 10;
/// Zero blocks that tar programs append to fill their last record, in bytes.
const MAX_TAIL: u64 = 1 << 20;

/// A regular file in the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    /// Its name without a leading `./`.
    pub(super) path: String,
    /// First byte of its data.
    pub(super) offset: u64,
    /// Length of its data in bytes.
    pub(super) size: u64,
    /// Its header blocks and the padding after its data are byte for byte what we would write.
    pub(super) canonical: bool,
}

/// All regular files of an archive, in order.
#[derive(Debug)]
pub(super) struct Scan {
    pub(super) members: Vec<Member>,
    /// All else is what we would write too: directories, and two zero blocks right at the end.
    pub(super) canonical_rest: bool,
}

/// Why an archive cannot be read: its own fault, or the drive's.
#[derive(Debug)]
pub(super) enum ScanError {
    Bad(String),
    Io(io::Error),
}

impl From<io::Error> for ScanError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// What extension headers say about the entry after them.
#[derive(Default)]
struct Pending {
    path: Option<Vec<u8>>,
    size: Option<u64>,
    /// Extension headers belong to the entry's own blocks.
    start: Option<u64>,
}

pub(super) fn scan(file: &File) -> Result<Scan, ScanError> {
    let len = file.metadata()?.len();
    let mut members = Vec::new();
    let mut canonical_rest = true;
    let mut pending = Pending::default();
    let mut at = 0;
    loop {
        let mut header = Header::new_old();
        if at + BLOCK > len {
            return Err(bad(at, "the file ends without the end marker: it is truncated"));
        }
        file.read_exact_at(header.as_mut_bytes(), at)?;
        if header.as_bytes().iter().all(|b| *b == 0) {
            if pending.start.is_some() {
                return Err(bad(at, "the archive ends inside an entry"));
            }
            canonical_rest &= end(file, at, len)?;
            return Ok(Scan { members, canonical_rest });
        }
        check_sum(&header).map_err(|e| bad(at, &e))?;
        let size = match pending.size.take() {
            Some(size) => size,
            None => size_field(&header).map_err(|e| bad(at, &e))?,
        };
        let data = at + BLOCK;
        let padded = size.checked_next_multiple_of(BLOCK).and_then(|n| data.checked_add(n));
        let next = padded.filter(|next| *next <= len);
        let next = next.ok_or_else(|| bad(at, "an entry goes on after the end of the file: it is truncated"))?;
        let mut padding = vec![0; usize::try_from(header::padding(size)).unwrap_or(0)];
        file.read_exact_at(&mut padding, data + size)?;
        if padding.iter().any(|b| *b != 0) {
            return Err(bad(data + size, "the padding after an entry is not zero"));
        }
        let start = *pending.start.get_or_insert(at);
        match header.entry_type() {
            EntryType::GNULongName => {
                let name = read(file, data, size, MAX_NAME).map_err(|e| at_place(e, at))?;
                if pending.path.replace(long_name(name).map_err(|e| bad(at, e))?).is_some() {
                    return Err(bad(at, "an entry is named twice"));
                }
            }
            EntryType::XHeader => {
                let block = read(file, data, size, MAX_PAX).map_err(|e| at_place(e, at))?;
                pending.pax(&block).map_err(|e| bad(at, &e))?;
            }
            EntryType::XGlobalHeader => {
                let block = read(file, data, size, MAX_PAX).map_err(|e| at_place(e, at))?;
                let mut global = Pending::default();
                global.pax(&block).map_err(|e| bad(at, &e))?;
                if global.path.is_some() || global.size.is_some() {
                    return Err(bad(at, "a global header renames or resizes entries"));
                }
                if start == at {
                    pending.start = None;
                }
            }
            kind => {
                let path = match pending.path.take() {
                    Some(path) => path,
                    None => name_field(&header).map_err(|e| bad(at, e))?,
                };
                pending = Pending::default();
                let directory = String::from_utf8_lossy(&path).into_owned();
                if let Some(path) = regular(kind, path, size).map_err(|e| bad(at, &e))? {
                    let canonical = is_ours(file, start, data, header::of_file(&path, size))?;
                    members.push(Member { path, offset: data, size, canonical });
                } else {
                    canonical_rest &= is_ours(file, start, data, header::of_directory(&directory))?;
                }
            }
        }
        at = next;
    }
}

impl Pending {
    /// POSIX.1-2017 pax, "pax Extended Header": `LENGTH KEY=VALUE\n`.
    fn pax(&mut self, mut block: &[u8]) -> Result<(), String> {
        let mut seen = std::collections::HashSet::new();
        while !block.is_empty() {
            let space = block.iter().position(|b| *b == b' ').ok_or("a pax record without a length")?;
            let digits = std::str::from_utf8(&block[..space]).map_err(|_| "a pax record without a length")?;
            let len: usize = digits.parse().map_err(|_| "a pax record without a length")?;
            let record = block.get(space + 1..len).and_then(|r| r.strip_suffix(b"\n"));
            let record = record.ok_or("a pax record of the wrong length")?;
            let equals = record.iter().position(|b| *b == b'=').ok_or("a pax record without a value")?;
            let (key, value) = (&record[..equals], &record[equals + 1..]);
            if value.contains(&0) {
                return Err("a NUL in a pax record".into());
            }
            if !seen.insert(key) {
                return Err("a pax key given twice".into());
            }
            match key {
                b"path" if self.path.is_some() => return Err("an entry is named twice".into()),
                b"path" => self.path = Some(value.to_vec()),
                b"size" => {
                    let size = std::str::from_utf8(value).ok().and_then(|v| v.parse().ok());
                    self.size = Some(size.ok_or("a pax size that is no number")?);
                }
                key if key.starts_with(b"GNU.sparse") => return Err("a sparse file".into()),
                _ => {}
            }
            block = &block[len..];
        }
        Ok(())
    }
}

/// The path of a regular file; `None` for what no reader of a layout looks at.
fn regular(kind: EntryType, path: Vec<u8>, size: u64) -> Result<Option<String>, String> {
    let shown = || String::from_utf8_lossy(&path).escape_debug().to_string();
    let Ok(text) = std::str::from_utf8(&path) else { return Ok(None) };
    let bare = text.strip_prefix("./").unwrap_or(text);
    let names_ours = bare == "oci-layout" || bare.ends_with(".json") || bare.starts_with("blobs");
    match kind {
        EntryType::Regular if bare.ends_with('/') => Err(format!("`{}`: a file named like a directory", shown())),
        EntryType::Regular => {
            let odd = |part: &str| matches!(part, "" | "." | "..");
            if bare.split('/').any(odd) {
                return Err(format!("`{}`: a name that tar programs understand differently", shown()));
            }
            Ok(Some(bare.into()))
        }
        EntryType::Directory if size == 0 => Ok(None),
        EntryType::Link | EntryType::Symlink | EntryType::Char | EntryType::Block | EntryType::Fifo
            if size == 0 && !names_ours =>
        {
            Ok(None)
        }
        EntryType::GNULongLink => Ok(None),
        _ => Err(format!("`{}`: neither a plain file nor a directory", shown())),
    }
}

/// Whether the blocks from `start` up to `data` are the ones that we write for this entry.
fn is_ours(file: &File, start: u64, data: u64, expected: Result<Vec<u8>, Error>) -> Result<bool, ScanError> {
    let Ok(expected) = expected else { return Ok(false) };
    if data - start != expected.len() as u64 {
        return Ok(false);
    }
    let mut found = vec![0; expected.len()];
    file.read_exact_at(&mut found, start)?;
    Ok(found == expected)
}

/// Everything after the first zero block at `at` must be zero. True if that is one more block.
fn end(file: &File, at: u64, len: u64) -> Result<bool, ScanError> {
    let tail = len - at;
    if tail > MAX_TAIL {
        return Err(bad(at, "more than a mebibyte follows the end marker"));
    }
    let mut rest = vec![0; usize::try_from(tail).unwrap_or(0)];
    file.read_exact_at(&mut rest, at)?;
    if rest.iter().any(|b| *b != 0) {
        return Err(bad(at, "there is data after the end marker"));
    }
    Ok(tail == header::END)
}

fn check_sum(header: &Header) -> Result<(), String> {
    let stated = header.cksum().map_err(|_| "not a tar header".to_owned())?;
    let bytes = header.as_bytes();
    let sum: u32 = bytes[..148].iter().chain(&bytes[156..]).map(|b| u32::from(*b)).sum::<u32>() + 8 * 32;
    if stated != sum {
        return Err("the checksum of a tar header is wrong".into());
    }
    Ok(())
}

/// Octal digits, or base-256 with the first bit set (GNU). No signs, nothing after the digits.
fn size_field(header: &Header) -> Result<u64, String> {
    let field = &header.as_old().size;
    if field[0] & 0x80 != 0 {
        if field[0] != 0x80 || field[1..4].iter().any(|b| *b != 0) {
            return Err("an absurd size".into());
        }
        let mut number = [0; 8];
        number.copy_from_slice(&field[4..]);
        return Ok(u64::from_be_bytes(number))
            .and_then(|n| if n > i64::MAX as u64 { Err("an absurd size".into()) } else { Ok(n) });
    }
    let text = std::str::from_utf8(field).map_err(|_| "a size that is no number")?;
    let digits = text.trim_end_matches(['\0', ' ']).trim_start_matches(' ');
    if digits.is_empty() || !digits.bytes().all(|b| matches!(b, b'0'..=b'7')) {
        return Err("a size that is no number".into());
    }
    u64::from_str_radix(digits, 8).map_err(|e| e.to_string())
}

/// The name of the header itself: prefix and name, with nothing hidden behind a NUL.
fn name_field(header: &Header) -> Result<Vec<u8>, &'static str> {
    let name = up_to_nul(&header.as_old().name)?;
    match header.as_ustar() {
        Some(ustar) if ustar.prefix[0] != 0 => Ok([up_to_nul(&ustar.prefix)?, b"/", name].concat()),
        _ => Ok(name.to_vec()),
    }
}

fn up_to_nul(field: &[u8]) -> Result<&[u8], &'static str> {
    let len = field.iter().position(|b| *b == 0).unwrap_or(field.len());
    if field[len..].iter().any(|b| *b != 0) {
        return Err("a name goes on after a NUL");
    }
    Ok(&field[..len])
}

fn long_name(mut name: Vec<u8>) -> Result<Vec<u8>, &'static str> {
    if name.last() == Some(&0) {
        name.pop();
    }
    if name.is_empty() || name.contains(&0) { Err("a long name with a NUL") } else { Ok(name) }
}

fn read(file: &File, at: u64, size: u64, most: u64) -> Result<Vec<u8>, ScanError> {
    if size > most {
        return Err(ScanError::Bad(format!("an extension header of {size} bytes")));
    }
    let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
    file.read_exact_at(&mut bytes, at)?;
    Ok(bytes)
}

fn bad(at: u64, reason: &str) -> ScanError {
    ScanError::Bad(format!("byte {at}: {reason}"))
}

fn at_place(error: ScanError, at: u64) -> ScanError {
    match error {
        ScanError::Bad(reason) => bad(at, &reason),
        io => io,
    }
}
