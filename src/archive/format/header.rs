//! Tar headers as a pure function of path and size, so that a bundle is the same on every machine.
//!
//! POSIX ustar; sizes from 8 GiB in base-256 and names over 100 bytes (sha512 blobs) as a GNU long
//! name, since readers that seek lose a PAX record.

use std::sync::LazyLock;

use tar::{EntryType, Header};

use crate::error::{Error, Result};

/// Tar's unit: headers, and what data is padded to, in bytes.
pub(crate) const BLOCK: u64 = 512;
/// Two zero blocks end an archive.
pub(crate) const END: u64 = 2 * BLOCK;

const NAME_FIELD: usize = 100;

/// The header blocks of a regular file of `size` bytes.
pub(crate) fn of_file(path: &str, size: u64) -> Result<Vec<u8>> {
    entry(path, EntryType::Regular, 0o644, size)
}

/// The header block of a directory; `path` ends with a slash.
pub(crate) fn of_directory(path: &str) -> Result<Vec<u8>> {
    entry(path, EntryType::Directory, 0o755, 0)
}

/// The length of the header blocks of a file at this path, in bytes.
pub(crate) fn len_of_file(path: &str) -> u64 {
    if path.len() <= NAME_FIELD {
        return BLOCK;
    }
    let long = path.len() as u64 + 1;
    2 * BLOCK + long + padding(long)
}

/// All that a file of this size takes up at this path, in bytes.
pub(crate) fn cost(path: &str, size: u64) -> u64 {
    len_of_file(path) + size + padding(size)
}

/// Zero bytes after `size` bytes of data.
pub(crate) fn padding(size: u64) -> u64 {
    size.next_multiple_of(BLOCK) - size
}

fn entry(path: &str, kind: EntryType, mode: u32, size: u64) -> Result<Vec<u8>> {
    let mut blocks = Vec::with_capacity(512);
    let mut name = path;
    if path.len() > NAME_FIELD {
        let long = [path.as_bytes(), b"\0"].concat();
        let size = long.len() as u64;
        blocks.extend_from_slice(block("././@LongLink", EntryType::GNULongName, 0o644, size)?.as_bytes());
        blocks.extend_from_slice(&long);
        blocks.resize(blocks.len() + usize::try_from(padding(size)).unwrap_or(0), 0);
        name = &path[..NAME_FIELD];
    }
    blocks.extend_from_slice(block(name, kind, mode, size)?.as_bytes());
    Ok(blocks)
}

/// What all headers have in common. Opening a bundle compares every header with what we write.
static BLANK: LazyLock<Header> = LazyLock::new(|| {
    let mut header = Header::new_ustar();
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
});

fn block(name: &str, kind: EntryType, mode: u32, size: u64) -> Result<Header> {
    let mut header = BLANK.clone();
    header.set_entry_type(kind);
    if mode != 0o644 {
        header.set_mode(mode);
    }
    header.set_size(size);
    // Not `set_path`: it would drop `./` and split long names into the prefix field.
    let field = header.as_mut_bytes().get_mut(..name.len()).filter(|_| name.len() <= NAME_FIELD);
    field
        .ok_or_else(|| Error::content(format!("name `{name}` is too long for an archive")))?
        .copy_from_slice(name.as_bytes());
    header.set_cksum();
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_size_and_a_long_name_are_read_back_by_the_tar_crate() {
        let path = format!("blobs/sha512/{}", "a".repeat(128));
        let mut file = of_file(&path, 0).expect("long name");
        assert_eq!((file.len(), len_of_file(&path), len_of_file(&path[..100])), (1536, 1536, 512));
        file.extend(of_file("blobs/sha256/x", 9 << 30).expect("base-256"));
        let mut archive = tar::Archive::new(&file[..]);
        let mut entries = archive.entries().expect("entries");
        assert_eq!(entries.next().expect("one").expect("long").path_bytes(), path.as_bytes());
        assert_eq!(entries.next().expect("two").expect("large").size(), 9 << 30);
    }
}
