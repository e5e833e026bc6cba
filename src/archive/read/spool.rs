//! Input that cannot be read by position, a pipe or a gzip stream, is written into a temporary file
//! without a name first: whatever happens, nothing is left of it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use crate::error::{Error, Result};
use crate::oci::Digest;
use crate::store::{Event, Watch};

/// Deflate makes a thousand of one at most; a tar of layers, which are compressed, hardly two.
const MOST_GROWTH: u64 = 100;
/// Before this many bytes no growth is absurd.
const GROWTH_FROM: u64 = 64 << 20;
const CHUNK: usize = 256 << 10;

/// Where to spool to, and who watches.
#[derive(Clone, Copy)]
pub(crate) struct Spooling<'a> {
    /// The directory for temporary files; beside the bundle or `$TMPDIR` where none is given.
    pub(crate) tmpdir: Option<&'a Path>,
    /// Is told how much room it takes.
    pub(crate) watch: &'a dyn Watch,
}

impl std::fmt::Debug for Spooling<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spooling").field("tmpdir", &self.tmpdir).finish_non_exhaustive()
    }
}

/// Whether a file begins as a gzip stream does.
pub(crate) fn is_gzip(file: &File) -> io::Result<bool> {
    let mut start = [0; 2];
    Ok(file.read_at(&mut start, 0)? == 2 && start == [0x1f, 0x8b])
}

/// A gzip file, uncompressed into a temporary one. Gives that and its length.
pub(crate) fn unzip(path: &Path, file: File, len: u64, spooling: Spooling<'_>) -> Result<(File, u64)> {
    // The last four bytes are the length of the last member modulo 2^32 (RFC 1952).
    let mut trailer = [0; 4];
    let known =
        file.read_exact_at(&mut trailer, len.saturating_sub(4)).map(|()| u64::from(u32::from_le_bytes(trailer)));
    let at_least = known.unwrap_or(0).min(len.saturating_mul(MOST_GROWTH)).max(len);
    let beside = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let spool = Spool::open(&[beside], at_least, &path.display().to_string(), spooling)?;
    spool.fill(BufReader::with_capacity(CHUNK, file))
}

/// Standard input, in place where it is a file, else written into a temporary one.
pub(crate) fn standard_input(spooling: Spooling<'_>) -> Result<(File, u64)> {
    let failed = || Error::disk("read", "standard input");
    let input = File::from(io::stdin().as_fd().try_clone_to_owned().map_err(failed())?);
    let metadata = input.metadata().map_err(failed())?;
    let stands_at_start = rustix::fs::tell(&input).is_ok_and(|at| at == 0);
    if metadata.is_file() && stands_at_start && !is_gzip(&input).map_err(failed())? {
        return Ok((input, metadata.len()));
    }
    let at_least = if metadata.is_file() { metadata.len() } else { 0 };
    let spool = Spool::open(&[], at_least, "standard input", spooling)?;
    spool.fill(BufReader::with_capacity(CHUNK, input))
}

struct Spool<'a> {
    file: File,
    directory: PathBuf,
    from: String,
    watch: &'a dyn Watch,
}

impl<'a> Spool<'a> {
    fn open(beside: &[&Path], at_least: u64, from: &str, spooling: Spooling<'a>) -> Result<Self> {
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
                    let spool = Self { file, directory: directory.into(), from: from.into(), watch: spooling.watch };
                    let free = spool.free()?;
                    spool.watch.on(Event::Spooling { from, to: directory, at_least, free });
                    return if free < at_least { Err(spool.no_space(at_least, free)) } else { Ok(spool) };
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

    fn no_space(&self, needed: u64, free: u64) -> Error {
        Error::NoSpace { path: self.directory.clone(), needed, free }
    }

    fn fill(mut self, input: impl BufRead) -> Result<(File, u64)> {
        let mut input = Counted { inner: input, count: 0 };
        let is_gzip = input.fill_buf().map_err(Error::disk("read", self.from.clone()))?.starts_with(&[0x1f, 0x8b]);
        self.watch.on(Event::Phase { name: "spooling", items: 1, bytes: 0 });
        let len = if is_gzip {
            let mut decoder = MultiGzDecoder::new(input);
            self.copy(&mut decoder, |decoder, buffer| {
                let got = decoder.read(buffer)?;
                Ok((got, Some(decoder.get_ref().count)))
            })?
        } else {
            self.copy(&mut input, |input, buffer| Ok((input.read(buffer)?, None)))?
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
                let reason =
                    format!("the gzip stream grows more than {MOST_GROWTH} times: it is made to fill the disk");
                return Err(Error::content(reason));
            }
            self.file.write_all(&buffer[..got]).map_err(|e| match e.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    self.no_space(len, self.free().unwrap_or(0))
                }
                _ => Error::disk("write a temporary file", &self.directory)(e),
            })?;
            self.watch.on(Event::Advanced { digest: &progress, bytes: got as u64 });
        }
    }

    /// Broken gzip is bad content; everything else is the drive's or the pipe's doing.
    fn broken(&self, error: io::Error) -> Error {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Error::content("the gzip stream ends early: it is truncated"),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                Error::content(format!("the gzip stream is damaged: {error}"))
            }
            _ => Error::disk("read", self.from.clone())(error),
        }
    }
}

/// Counts what was taken from a reader.
struct Counted<R> {
    inner: R,
    count: u64,
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(buffer)?;
        self.count += got as u64;
        Ok(got)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        self.count += bytes as u64;
        self.inner.consume(bytes);
    }
}
