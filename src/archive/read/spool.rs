//! Input that cannot be read by position, a pipe or a compressed stream, is written into a temporary file
//! without a name first: whatever happens, nothing is left of it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use super::frames::ZstdFrames;
use super::recognised;
use crate::error::{Error, NextStep, Result};
use crate::oci::Digest;
use crate::store::{Event, Watch};

/// Deflate makes a thousand of one at most; a tar of layers, which are compressed, hardly two.
const MOST_GROWTH: u64 = 100;
/// Before this many bytes no growth is absurd.
const GROWTH_FROM: u64 = 64 << 20;
const CHUNK: usize = 256 << 10;
/// Of the room that there is, this part is left to others, and a gibibyte at most.
const RESERVE: u64 = 10;
const MOST_RESERVE: u64 = 1 << 30;
/// As many bytes as tell what a stream is.
const START: u64 = 6;

/// Where to spool to, and who watches.
#[derive(Clone, Copy)]
pub(crate) struct Spooling<'a> {
    /// The directory for temporary files; beside the bundle or `$TMPDIR` where none is given.
    pub(crate) tmpdir: Option<&'a Path>,
    /// As many bytes as may be written; as many as there is room for where nobody says.
    pub(crate) most: Option<u64>,
    /// Is told how much room it may take.
    pub(crate) watch: &'a dyn Watch,
}

impl std::fmt::Debug for Spooling<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spooling").field("tmpdir", &self.tmpdir).finish_non_exhaustive()
    }
}

/// How a stream is compressed that we can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    Gzip,
    Zstd,
}

impl Packing {
    /// By the first bytes: RFC 1952, RFC 8878 (a skippable frame may come first).
    fn of(start: &[u8]) -> Option<Self> {
        match start {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// Whether a file is compressed in a way that we can read.
pub(crate) fn is_packed(file: &File) -> io::Result<bool> {
    let mut start = [0; 4];
    let got = file.read_at(&mut start, 0)?;
    Ok(Packing::of(&start[..got]).is_some())
}

/// A compressed file, uncompressed into a temporary one. Gives that and its length.
pub(crate) fn unpack(path: &Path, file: File, len: u64, spooling: Spooling<'_>) -> Result<(File, u64)> {
    let beside = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Its last bytes say how long what comes out is, and whoever wrote them may say anything.
    let spool = Spool::open(
        &[beside],
        Some(len.saturating_mul(MOST_GROWTH).max(GROWTH_FROM)),
        &path.display().to_string(),
        spooling,
    )?;
    spool.fill(BufReader::with_capacity(CHUNK, file))
}

/// Standard input, in place where it is a file, else written into a temporary one.
pub(crate) fn standard_input(spooling: Spooling<'_>) -> Result<(File, u64)> {
    let failed = || Error::disk("read", "standard input");
    let input = File::from(io::stdin().as_fd().try_clone_to_owned().map_err(failed())?);
    let metadata = input.metadata().map_err(failed())?;
    let stands_at_start = rustix::fs::tell(&input).is_ok_and(|at| at == 0);
    if metadata.is_file() && stands_at_start && !is_packed(&input).map_err(failed())? {
        return Ok((input, metadata.len()));
    }
    let spool = Spool::open(&[], None, "standard input", spooling)?;
    spool.fill(BufReader::with_capacity(CHUNK, input))
}

struct Spool<'a> {
    file: File,
    packing: Option<Packing>,
    directory: PathBuf,
    from: String,
    budget: Budget,
    watch: &'a dyn Watch,
}

/// How much may be written, in bytes, and who says so.
#[derive(Clone, Copy)]
enum Budget {
    /// The room there was, less what is left to others.
    Room(u64),
    /// Whoever runs the command.
    Said(u64),
}

impl Budget {
    fn of(free: u64, most: Option<u64>) -> Self {
        let room = free - (free / RESERVE).min(MOST_RESERVE);
        match most {
            Some(most) if most <= room => Self::Said(most),
            _ => Self::Room(room),
        }
    }

    fn bytes(self) -> u64 {
        let (Self::Room(bytes) | Self::Said(bytes)) = self;
        bytes
    }
}

impl<'a> Spool<'a> {
    /// `can_be` is the most that can come of the input, where that is known.
    fn open(beside: &[&Path], can_be: Option<u64>, from: &str, spooling: Spooling<'a>) -> Result<Self> {
        let elsewhere = std::env::temp_dir();
        let places: Vec<&Path> = match spooling.tmpdir {
            Some(only) => vec![only],
            None => beside.iter().copied().chain([elsewhere.as_path()]).collect(),
        };
        let mut last = None;
        for directory in places {
            // A drive may be write-protected: the next place is as good.
            match tempfile::tempfile_in(directory) {
                Ok(file) => {
                    let (from, watch) = (from.to_owned(), spooling.watch);
                    let budget = Budget::Room(0);
                    let mut spool = Self { file, packing: None, directory: directory.into(), from, budget, watch };
                    let free = spool.free()?;
                    spool.budget = Budget::of(free, spooling.most);
                    let most = can_be.unwrap_or(u64::MAX).min(spool.budget.bytes());
                    spool.watch.on(Event::Spooling { from: &spool.from, to: directory, most, free });
                    return Ok(spool);
                }
                Err(e) => last = Some(Error::disk("make a temporary file", directory)(e)),
            }
        }
        Err(last.unwrap_or_else(|| Error::usage("no directory for temporary files")))
    }

    fn free(&self) -> Result<u64> {
        let stat =
            rustix::fs::fstatvfs(&self.file).map_err(|e| Error::disk("look for room", &self.directory)(e.into()))?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    /// More comes than there is room for.
    fn no_room(&self) -> Error {
        let (from, directory) = (&self.from, self.directory.display());
        match self.budget {
            Budget::Room(most) => Error::NoRoom { path: self.directory.clone(), most },
            Budget::Said(most) => {
                let reason = format!("{from} takes more than {most} bytes in {directory}, the most that may be used");
                Error::content(reason).or_else_do(NextStep::RaiseMaxSpool)
            }
        }
    }

    fn fill(mut self, input: impl BufRead) -> Result<(File, u64)> {
        // A pipe may give its bytes one by one.
        let mut start = Vec::new();
        let mut input = input;
        (&mut input).take(START).read_to_end(&mut start).map_err(Error::disk("read", self.from.clone()))?;
        recognised::by_first_bytes(Path::new(&self.from), &start)?;
        self.packing = Packing::of(&start);
        let mut input = Counted { inner: io::Cursor::new(start).chain(input), count: Arc::default() };
        self.watch.on(Event::Phase { name: "spooling", items: 1, bytes: 0 });
        let len = match self.packing {
            Some(Packing::Gzip) => {
                let mut decoder = MultiGzDecoder::new(input);
                self.copy(&mut decoder, |decoder, buffer| {
                    let got = decoder.read(buffer)?;
                    Ok((got, Some(decoder.get_ref().taken())))
                })?
            }
            Some(Packing::Zstd) => {
                let taken = input.count.clone();
                let mut decoder = ZstdFrames::new(input);
                self.copy(&mut decoder, |decoder, buffer| {
                    Ok((decoder.read(buffer)?, Some(taken.load(Ordering::Relaxed))))
                })?
            }
            None => self.copy(&mut input, |input, buffer| Ok((input.read(buffer)?, None)))?,
        };
        self.watch.on(Event::Phase { name: "", items: 0, bytes: 0 });
        Ok((self.file, len))
    }

    /// Copies everything. `read` also says how much compressed input it took so far.
    fn copy<R>(
        &mut self,
        input: &mut R,
        read: impl Fn(&mut R, &mut [u8]) -> io::Result<(usize, Option<u64>)>,
    ) -> Result<u64> {
        let progress = Digest::sha256(b"");
        let mut buffer = vec![0; CHUNK];
        let mut len = 0;
        loop {
            if let Some(signal) = self.watch.stopped() {
                return Err(Error::Interrupted { signal });
            }
            let (got, taken) = match read(input, &mut buffer) {
                Ok((0, _)) => return Ok(len),
                Ok(got) => got,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(self.broken(e)),
            };
            len += got as u64;
            if taken.is_some_and(|taken| len > GROWTH_FROM && len / MOST_GROWTH > taken) {
                let name = self.stream();
                let reason =
                    format!("the {name} stream grows more than {MOST_GROWTH} times: it is made to fill the disk");
                return Err(Error::content(reason));
            }
            if len > self.budget.bytes() {
                return Err(self.no_room());
            }
            self.file.write_all(&buffer[..got]).map_err(|e| match e.kind() {
                // Others use the room too, or there is a quota that nobody told of.
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    Error::NoRoom { path: self.directory.clone(), most: len }
                }
                _ => Error::disk("write a temporary file", &self.directory)(e),
            })?;
            self.watch.on(Event::Advanced { digest: &progress, bytes: got as u64 });
        }
    }

    /// Broken gzip is bad content; everything else is the drive's or the pipe's doing.
    fn broken(&self, error: io::Error) -> Error {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                let reason = format!("the {} stream ends early: it is truncated", self.stream());
                Error::content(reason).or_else_do(NextStep::CopyAgain)
            }
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                Error::content(format!("the {} stream is damaged: {error}", self.stream()))
            }
            // The decoder says so of everything that it does not like.
            io::ErrorKind::Other if self.packing == Some(Packing::Zstd) => {
                Error::content(format!("the zstd stream is damaged: {error}"))
            }
            _ => Error::disk("read", self.from.clone())(error),
        }
    }

    fn stream(&self) -> &'static str {
        self.packing.map_or("input", Packing::name)
    }
}

/// Counts what was taken from a reader.
struct Counted<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R> Counted<R> {
    fn taken(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    fn add(&self, bytes: usize) {
        self.count.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(buffer)?;
        self.add(got);
        Ok(got)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        self.add(bytes);
        self.inner.consume(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_of_the_room_is_left_to_others_and_who_says_less_gets_less() {
        const GIB: u64 = 1 << 30;
        for (free, most, budget) in [
            (1000, None, 900),
            (5 * GIB, None, 5 * GIB - GIB / 2),
            (500 * GIB, None, 499 * GIB),
            (0, None, 0),
            (u64::MAX, None, u64::MAX - GIB),
            (1000, Some(10), 10),
            (1000, Some(950), 900),
            (1000, Some(u64::MAX), 900),
        ] {
            assert_eq!(Budget::of(free, most).bytes(), budget, "{free} {most:?}");
        }
    }
}
