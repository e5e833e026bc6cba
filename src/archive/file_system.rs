//! What is particular to an operating system's files: which file systems have holes and limits, how
//! much room there is, and names that are resolved below a directory held open.
//!
//! Linux only so far; another system gets a second copy of this file and of nothing else.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::{self, Advice, AtFlags, FallocateFlags, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

/// What the file system below an output can do. Sizes in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileSystem {
    /// A byte can be written far behind the end without zeros being written before it.
    pub(crate) has_holes: bool,
    /// Room can be set aside before anything is written, at next to no cost.
    pub(crate) reserves: bool,
    /// The longest file.
    pub(crate) file_limit: Option<u64>,
    /// Room left for an ordinary user.
    pub(crate) free: u64,
}

/// `f_type` of file systems known to have holes: statfs(2) and linux/magic.h of Linux 6.12. Anything
/// else is treated as having none: measured, FAT, exFAT and NTFS write the whole gap in zeros.
const WITH_HOLES: [i64; 9] = [
    0xef53,      // ext2, ext3, ext4
    0x5846_5342, // xfs
    0x9123_683e, // btrfs
    TMPFS,
    0xf2f5_2010, // f2fs
    0x2fc1_2fc1, // zfs
    0x794c_7630, // overlayfs
    0x6969,      // nfs
    0xca45_1a4e, // bcachefs
];
/// Setting room aside makes every page of it at once, on one processor, while nothing is fetched.
const TMPFS: i64 = 0x0102_1994;
const MSDOS: i64 = 0x4d44;
/// FAT32 keeps the length of a file in 32 bits.
const FAT_LIMIT: u64 = u32::MAX as u64;

impl FileSystem {
    pub(crate) fn of(file: &File) -> io::Result<Self> {
        let statfs = fs::fstatfs(file)?;
        let space = fs::fstatvfs(file)?;
        // The width of `f_type` differs between processors.
        #[allow(clippy::unnecessary_cast)]
        let kind = statfs.f_type as i64;
        Ok(Self {
            has_holes: WITH_HOLES.contains(&kind),
            reserves: WITH_HOLES.contains(&kind) && kind != TMPFS,
            file_limit: (kind == MSDOS).then_some(FAT_LIMIT),
            free: space.f_bavail.saturating_mul(space.f_frsize),
        })
    }
}

/// Takes up room for `len` bytes. `Unsupported` where the file system cannot, which is no failure.
pub(crate) fn allocate(file: &File, len: u64) -> io::Result<()> {
    Ok(fs::fallocate(file, FallocateFlags::empty(), 0, len)?)
}

/// Bytes that a file takes up on the drive.
pub(crate) fn allocated(file: &File) -> io::Result<u64> {
    // POSIX leaves the unit of `st_blocks` open; Linux counts in 512 bytes everywhere.
    Ok(u64::try_from(fs::fstat(file)?.st_blocks).unwrap_or(0) * 512)
}

/// Gives back what a range takes up; it reads as zeros then. Does nothing where that is not known.
pub(crate) fn punch(file: &File, start: u64, end: u64) -> io::Result<()> {
    let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    match fs::fallocate(file, flags, start, end - start) {
        Err(Errno::OPNOTSUPP | Errno::INVAL | Errno::NOSYS) => Ok(()),
        other => Ok(other?),
    }
}

/// Forgets what is cached of a file, so that the next read comes from the drive. Only what was synced
/// is forgotten, and nothing on a file system that lives in memory.
pub(crate) fn drop_cache(file: &File) -> io::Result<()> {
    // Parts of pages are left alone, hence the whole file (posix_fadvise(2)).
    Ok(fs::fadvise(file, 0, None, Advice::DontNeed)?)
}

/// Makes a file or directory safe. False where the file system does not know how.
pub(crate) fn sync(file: &File) -> io::Result<bool> {
    match fs::fsync(file) {
        Err(Errno::OPNOTSUPP | Errno::INVAL | Errno::NOTTY) => Ok(false),
        other => Ok(other.map(|()| true)?),
    }
}

/// A directory held open, so that a drive that goes away takes its names with it.
#[derive(Debug)]
pub(crate) struct Folder(File);

/// What stands at a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AtName {
    Directory,
    File,
    Nothing,
    Other,
    Symlink,
}

impl Folder {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(fs::open(path, flags, Mode::empty())?.into()))
    }

    pub(crate) fn at_name(&self, name: &str) -> io::Result<AtName> {
        match fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(match FileType::from_raw_mode(stat.st_mode) {
                FileType::Directory => AtName::Directory,
                FileType::RegularFile => AtName::File,
                FileType::Symlink => AtName::Symlink,
                _ => AtName::Other,
            }),
            Err(Errno::NOENT) => Ok(AtName::Nothing),
            Err(e) => Err(e.into()),
        }
    }

    /// Opens for reading and writing, making the file if it is not there, for its owner alone. A file
    /// that is there has to be one that nobody else can have had a hand in: names that are known before
    /// can be taken by somebody else first.
    ///
    /// # Errors
    /// What makes it a foreign one is in the answer.
    pub(crate) fn open_own(&self, name: &str) -> io::Result<Result<File, Foreign>> {
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let made = fs::openat(&self.0, name, flags | OFlags::CREATE | OFlags::EXCL, Mode::from_raw_mode(0o600));
        match made {
            Ok(file) => return Ok(Ok(file.into())),
            Err(Errno::EXIST) => {}
            Err(e) => return Err(e.into()),
        }
        let file: File = match fs::openat(&self.0, name, flags, Mode::empty()) {
            Ok(file) => file.into(),
            Err(e) => {
                // What may not even be opened is somebody else's as a rule, and that says more.
                let stat = fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW).ok();
                return match stat.and_then(|stat| Foreign::of(&stat)) {
                    Some(foreign) if e == Errno::ACCESS => Ok(Err(foreign)),
                    _ => Err(e.into()),
                };
            }
        };
        let stat = fs::fstat(&file)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(io::Error::other("not a plain file"));
        }
        let Some(foreign) = Foreign::of(&stat) else { return Ok(Ok(file)) };
        // Some file systems give every file one owner and one mode, a network's other ones than ours: what
        // a new file gets there is what a file of ours has.
        let new = self.new_file(name)?;
        let as_new = foreign != Foreign::Linked && new.is_some_and(|new| Foreign::of(&new) == Some(foreign));
        Ok(if as_new { Ok(file) } else { Err(foreign) })
    }

    /// What a file gets that is made for its owner alone; nothing where the name for it is taken.
    fn new_file(&self, beside: &str) -> io::Result<Option<fs::Stat>> {
        let name = format!("{beside}.owner");
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match fs::openat(&self.0, &name, flags, Mode::from_raw_mode(0o600)) {
            Ok(file) => {
                let stat = fs::fstat(&file);
                self.remove(&name)?;
                Ok(Some(stat?))
            }
            Err(Errno::EXIST) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    /// Opens for reading what is there under this name; follows no link, and waits for nobody.
    pub(crate) fn open_existing(&self, name: &str) -> io::Result<Option<File>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        match fs::openat(&self.0, name, flags, Mode::empty()) {
            Err(Errno::NOENT) => Ok(None),
            other => Ok(Some(other?.into())),
        }
    }

    /// Renames within the directory; without `replace` an existing file stays and is an error.
    pub(crate) fn rename(&self, from: &str, to: &str, replace: bool) -> io::Result<()> {
        let flags = if replace { RenameFlags::empty() } else { RenameFlags::NOREPLACE };
        match fs::renameat_with(&self.0, from, &self.0, to, flags) {
            // Not every file system knows NOREPLACE.
            Err(Errno::INVAL) if !replace => {
                if self.at_name(to)? != AtName::Nothing {
                    return Err(io::ErrorKind::AlreadyExists.into());
                }
                Ok(fs::renameat(&self.0, from, &self.0, to)?)
            }
            other => Ok(other?),
        }
    }

    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        Ok(fs::unlinkat(&self.0, name, AtFlags::empty())?)
    }

    pub(crate) fn file(&self) -> &File {
        &self.0
    }
}

/// Why a file is not only ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Foreign {
    /// It has other names too, so it may be any file.
    Linked,
    /// It belongs to this user.
    Owner(u32),
    /// Others may write to it.
    Writable,
}

impl Foreign {
    fn of(stat: &fs::Stat) -> Option<Self> {
        match stat {
            stat if stat.st_uid != rustix::process::geteuid().as_raw() => Some(Self::Owner(stat.st_uid)),
            stat if stat.st_nlink > 1 => Some(Self::Linked),
            stat if stat.st_mode & 0o022 != 0 => Some(Self::Writable),
            _ => None,
        }
    }
}

impl std::fmt::Display for Foreign {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Linked => f.write_str("it has a second name (a hard link), so it may be another file"),
            Self::Owner(uid) => write!(f, "it belongs to another user (uid {uid})"),
            Self::Writable => f.write_str("other users may write to it"),
        }
    }
}

/// Gives a file that was for its owner alone the mode of an ordinary new file. Does nothing where files
/// have no modes.
pub(crate) fn open_up(file: &File) -> io::Result<()> {
    match fs::fchmod(file, Mode::from_raw_mode(0o666 & !umask())) {
        Err(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(()),
        other => Ok(other?),
    }
}

/// The mask for new files. Asking the system for it by umask(2) would change it for a moment.
fn umask() -> u32 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    mask.and_then(|mask| u32::from_str_radix(mask.trim(), 8).ok()).unwrap_or(0o022)
}

/// Whether two open files are the same file.
pub(crate) fn same_file(a: &File, b: &File) -> io::Result<bool> {
    let (a, b) = (fs::fstat(a)?, fs::fstat(b)?);
    Ok((a.st_dev, a.st_ino) == (b.st_dev, b.st_ino))
}
