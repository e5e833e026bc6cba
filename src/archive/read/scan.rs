//! Reads the headers of a tar, and nothing else, strictly: whatever two tar readers could
//! understand differently is refused.
//!
//! POSIX.1-2017 pax (ustar, `x`, `g`) and the GNU long name. An archive must end with a zero block
//! and hold nothing after it: a file cut between two entries looks whole to most readers.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use tar::{EntryType, Header};

use super::extension::{Extension, Pending, SPARSE};
use super::field;
use crate::archive::format::header::{self, BLOCK};
use crate::archive::format::paths::digest_of;
use crate::error::NextStep;

/// Zero blocks that tar programs append to fill their last record, in bytes.
const MAX_TAIL: u64 = 1 << 20;
/// As many files as a bundle of the most pieces of content has (`docs/format.md`).
pub(super) const MAX_FILES: usize = 1_000_003;
/// What is said of a file without any tar header.
pub(crate) const NOT_A_TAR: &str = "not a tar, so not a bundle";
/// Read at once where small entries stand close together, in bytes.
const AHEAD: usize = 64 << 10;

/// A file or directory in the archive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member<'a> {
    /// Its name without a leading `./`; that of a directory ends with a slash.
    pub(crate) path: &'a str,
    /// First byte of its data.
    pub(crate) offset: u64,
    /// Length of its data in bytes.
    pub(crate) size: u64,
    /// Its header is byte for byte what we would write.
    pub(crate) is_ours: bool,
    /// Of a hard link, the name of the entry that has its data.
    pub(crate) link: Option<&'a str>,
}

/// Why an archive cannot be read: its own fault, or the drive's at this byte.
#[derive(Debug)]
pub(crate) enum ScanError {
    Bad(Fault),
    Io(u64, io::Error),
}

/// What is wrong with an archive, and what helps, where that is known.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) reason: String,
    pub(crate) next: Option<NextStep>,
}

impl Fault {
    pub(crate) fn new(reason: impl Into<String>, next: NextStep) -> Self {
        Self { reason: reason.into(), next: Some(next) }
    }
}

impl From<String> for Fault {
    fn from(reason: String) -> Self {
        Self { reason, next: None }
    }
}

/// What came of reading an archive.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scanned {
    /// Every entry was shown, and their headers and padding are byte for byte what we would write.
    pub(crate) is_ours: bool,
    /// Where an archive of these entries ends that we would write.
    pub(crate) end: u64,
}

/// Reads an archive of this length, and shows `visit` each file and directory in order.
pub(crate) fn scan(
    file: &File,
    len: u64,
    visit: &mut dyn FnMut(Member<'_>) -> Result<(), Fault>,
) -> Result<Scanned, ScanError> {
    let mut window = Window { file, len, start: 0, bytes: Vec::new() };
    let mut is_ours = true;
    let mut files = 0;
    let mut pending = Pending::default();
    let mut at = 0;
    loop {
        if at + BLOCK > len {
            return Err(truncated(at, "the file ends without the end marker: it is truncated"));
        }
        let mut header = Header::new_old();
        header.as_mut_bytes().copy_from_slice(window.get(at, BLOCK)?);
        if header.as_bytes().iter().all(|b| *b == 0) {
            if pending.is_open() {
                return Err(bad(at, "the archive ends inside an entry"));
            }
            check_end(file, at, len)?;
            return Ok(Scanned { is_ours, end: at + header::END });
        }
        let bad_here = |e: &str| bad(at, e);
        field::check_sum(&header).map_err(|reason| {
            // A damaged layout still begins with the name of its marker.
            let is_other = at == 0 && !header.as_bytes().starts_with(b"oci-layout");
            if is_other { ScanError::Bad(NOT_A_TAR.to_owned().into()) } else { bad_here(reason) }
        })?;
        field::check_numbers(&header).map_err(bad_here)?;
        let stated = field::size(&header).map_err(bad_here)?;
        let extension = extension(header.entry_type());
        let size = match pending.size.filter(|_| extension.is_none()) {
            Some(size) if stated != 0 && stated != size => return Err(bad(at, "an entry has two sizes")),
            Some(size) => size,
            None => stated,
        };
        let data = at + BLOCK;
        let padded = size.checked_next_multiple_of(BLOCK).and_then(|n| data.checked_add(n));
        let next = padded.filter(|next| *next <= len);
        let next = next.ok_or_else(|| truncated(at, "an entry goes on after the end of the file: it is truncated"))?;
        if let Some(extension) = extension {
            if size > extension.limit() {
                return Err(bad(at, &format!("an extension header of {size} bytes")));
            }
            let blocks = window.get(at, next - at)?;
            let (data, padding) = blocks[BLOCK as usize..].split_at(usize::try_from(size).unwrap_or(0));
            check_padding(padding, data.len() as u64 + at + BLOCK)?;
            pending.add(extension, data).map_err(|e| match e.as_str() {
                SPARSE => ScanError::Bad(Fault::new(format!("byte {at}: {e}"), NextStep::PackPlainFiles)),
                other => bad(at, other),
            })?;
            pending.blocks.extend_from_slice(blocks);
        } else {
            // With the padding comes the next header, which is wanted next.
            let padding = header::padding(size);
            check_padding(window.get(data + size, padding)?, data + size)?;
            let Pending { path, link, mut blocks, .. } = std::mem::take(&mut pending);
            let path = path.map_or_else(|| field::name(&header), Ok).map_err(bad_here)?;
            let kind = header.entry_type();
            let path = accepted(kind, path, size).map_err(|Fault { reason, next }| {
                ScanError::Bad(Fault { reason: format!("byte {at}: {reason}"), next })
            })?;
            let link = match kind {
                EntryType::Link if path.is_some() => {
                    Some(link.map_or_else(|| field::link(&header), Ok).map_err(bad_here)?)
                }
                _ => None,
            };
            let link = link.and_then(|link| String::from_utf8(link).ok());
            blocks.extend_from_slice(header.as_bytes());
            files += usize::from(kind.is_file());
            if files > MAX_FILES {
                return Err(bad(at, &format!("more than {MAX_FILES} files")));
            }
            let Some(path) = path else {
                is_ours = false;
                at = next;
                continue;
            };
            let is_as_we_write = is_as_we_write(kind, &path, size, &blocks);
            let link = link.as_deref().map(|link| link.strip_prefix("./").unwrap_or(link));
            let member = Member { path: &path, offset: data, size, is_ours: is_as_we_write, link };
            is_ours &= member.is_ours;
            visit(member).map_err(ScanError::Bad)?;
        }
        at = next;
    }
}

/// The part of the file that was read last.
struct Window<'a> {
    file: &'a File,
    len: u64,
    start: u64,
    bytes: Vec<u8>,
}

impl Window<'_> {
    /// `len` bytes at `at`, which must be in the file. Reads on from there as far as small entries
    /// are likely to follow.
    fn get(&mut self, at: u64, len: u64) -> Result<&[u8], ScanError> {
        let len = usize::try_from(len).map_err(|e| ScanError::Io(at, io::Error::other(e)))?;
        let inside = |window: &Self| {
            let from = usize::try_from(at.checked_sub(window.start)?).ok()?;
            window.bytes.get(from..from + len).is_some().then_some(from)
        };
        if let Some(from) = inside(self) {
            return Ok(&self.bytes[from..from + len]);
        }
        let is_near = at <= self.start + (self.bytes.len() + AHEAD) as u64;
        let ahead = if is_near { AHEAD } else { 2 * BLOCK as usize };
        let left = usize::try_from(self.len - at).unwrap_or(usize::MAX);
        self.bytes.resize(len.max(ahead).min(left), 0);
        self.start = at;
        self.file.read_exact_at(&mut self.bytes, at).map_err(|e| ScanError::Io(at, e))?;
        Ok(&self.bytes[..len])
    }
}

fn extension(kind: EntryType) -> Option<Extension> {
    match kind {
        EntryType::GNULongLink => Some(Extension::LongLink),
        EntryType::GNULongName => Some(Extension::LongName),
        EntryType::XGlobalHeader => Some(Extension::Global),
        EntryType::XHeader => Some(Extension::Pax),
        _ => None,
    }
}

/// The path of a file, directory or hard link to a blob without a leading `./`; `None` for what no
/// reader of a layout looks at.
fn accepted(kind: EntryType, path: Vec<u8>, size: u64) -> Result<Option<String>, Fault> {
    let shown = || String::from_utf8_lossy(&path).escape_debug().to_string();
    let is_link =
        matches!(kind, EntryType::Link | EntryType::Symlink | EntryType::Char | EntryType::Block | EntryType::Fifo);
    // The length of anything else, a sparse file above all, cannot be told from its header.
    if !is_link && !kind.is_file() && !kind.is_dir() {
        return Err(not_plain(shown()));
    }
    if !kind.is_file() && size > 0 {
        return Err(format!("`{}`: {size} bytes of data where there can be none", shown()).into());
    }
    // No name of a layout is anything but ASCII.
    let Ok(text) = std::str::from_utf8(&path) else { return Ok(None) };
    let bare = text.strip_prefix("./").unwrap_or(text);
    if kind.is_file() && bare.ends_with('/') {
        return Err(format!("`{}`: a file named like a directory", shown()).into());
    }
    let name = bare.strip_suffix('/').unwrap_or(bare);
    let is_root = kind.is_dir() && matches!(text, "." | "./");
    if !is_root && name.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(format!("`{}`: a name that tar programs understand differently", shown()).into());
    }
    let is_hard = kind == EntryType::Link;
    let fits = match name {
        "oci-layout" => kind.is_file(),
        // A hard link to an entry before it holds no path that anybody follows: it is data, stored once.
        name if digest_of(name).is_some() => kind.is_file() || is_hard,
        name if name.ends_with(".json") => kind.is_file(),
        name if ["blobs", "deltas", "parts"].iter().any(|folder| name.starts_with(folder)) => !is_link,
        _ => true,
    };
    if !fits {
        return Err(not_plain(shown()));
    }
    let is_shown = !is_link || (is_hard && digest_of(name).is_some());
    Ok(is_shown.then(|| bare.into()))
}

fn not_plain(shown: String) -> Fault {
    Fault::new(format!("`{shown}`: neither a plain file nor a directory"), NextStep::PackPlainFiles)
}

/// Whether these are the header blocks that we write for this entry.
fn is_as_we_write(kind: EntryType, path: &str, size: u64, blocks: &[u8]) -> bool {
    let ours = if kind.is_dir() { header::of_directory(path) } else { header::of_file(path, size) };
    ours.is_ok_and(|ours| ours == blocks)
}

fn check_padding(padding: &[u8], at: u64) -> Result<(), ScanError> {
    if padding.iter().any(|b| *b != 0) {
        return Err(bad(at, "the padding after an entry is not zero"));
    }
    Ok(())
}

/// Everything after the first zero block at `at` must be zero.
fn check_end(file: &File, at: u64, len: u64) -> Result<(), ScanError> {
    let tail = len - at;
    let mut rest = vec![0; usize::try_from(tail.min(MAX_TAIL)).unwrap_or(0)];
    file.read_exact_at(&mut rest, at).map_err(|e| ScanError::Io(at, e))?;
    if rest.iter().any(|b| *b != 0) {
        return Err(bad(at, "there is data after the end marker"));
    }
    if tail > MAX_TAIL {
        let reason = format!("byte {at}: more than a mebibyte follows the end marker: it was padded with zeros");
        return Err(ScanError::Bad(Fault::new(reason, NextStep::CutPadding { bytes: at + header::END })));
    }
    Ok(())
}

fn truncated(at: u64, reason: &str) -> ScanError {
    ScanError::Bad(Fault::new(format!("byte {at}: {reason}"), NextStep::CopyAgain))
}

fn bad(at: u64, reason: &str) -> ScanError {
    ScanError::Bad(format!("byte {at}: {reason}").into())
}
