//! What extension headers say about the entry after them: pax records and GNU long names.
//!
//! Readers differ in which of several records counts and in what an extension in between changes,
//! so there may be one of a kind, and one kind.

use super::field::{self, MAX_LONG_NAME};

/// Largest block of pax records, in bytes.
const MAX_PAX: u64 = 64 << 10;
/// Keys whose values nobody interprets here: extended attributes, which may be binary.
const OPAQUE: [&[u8]; 2] = [b"SCHILY.xattr.", b"LIBARCHIVE."];

/// What is said of a sparse file.
pub(crate) const SPARSE: &str = "a sparse file";

/// The extension headers that change what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extension {
    /// pax `g`, for all entries that follow.
    Global,
    /// GNU `K`.
    LongLink,
    /// GNU `L`.
    LongName,
    /// pax `x`.
    Pax,
}

impl Extension {
    /// The most data that one may have, in bytes.
    pub(crate) fn limit(self) -> u64 {
        match self {
            Self::Global | Self::Pax => MAX_PAX,
            // With the NUL that ends it.
            Self::LongLink | Self::LongName => MAX_LONG_NAME as u64 + 1,
        }
    }
}

/// What was said so far about the next entry.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    pub(crate) path: Option<Vec<u8>>,
    pub(crate) size: Option<u64>,
    /// Where a hard link leads.
    pub(crate) link: Option<Vec<u8>>,
    seen: Vec<Extension>,
    /// The blocks of the extension headers, as they stand in the archive.
    pub(crate) blocks: Vec<u8>,
}

impl Pending {
    /// Whether an entry has to follow.
    pub(crate) fn is_open(&self) -> bool {
        !self.seen.is_empty()
    }

    /// Takes note of an extension header with this data.
    pub(crate) fn add(&mut self, extension: Extension, data: &[u8]) -> Result<(), String> {
        use Extension::{Global, LongLink, LongName, Pax};
        let mixed = match extension {
            Global | Pax => self.is_open(),
            LongLink | LongName => self.seen.contains(&Pax) || self.seen.contains(&extension),
        };
        if mixed {
            return Err("extension headers that tar programs understand differently".into());
        }
        match extension {
            Global => {
                let Records { path, size, .. } = Records::parse(data)?;
                if path.is_some() || size.is_some() {
                    return Err("a global header renames or resizes entries".into());
                }
                return Ok(());
            }
            Pax => Records { path: self.path, size: self.size, link: self.link } = Records::parse(data)?,
            LongName => self.path = Some(field::long_name(data)?),
            // Only a hard link to a blob needs it, and that then names nothing it could be.
            LongLink => self.link = Some(field::long_name(data).unwrap_or_default()),
        }
        self.seen.push(extension);
        Ok(())
    }
}

/// The pax records that matter here.
#[derive(Default)]
struct Records {
    path: Option<Vec<u8>>,
    size: Option<u64>,
    link: Option<Vec<u8>>,
}

impl Records {
    /// POSIX.1-2017 pax, "pax Extended Header": `LENGTH KEY=VALUE\n`, the length counting itself.
    fn parse(mut block: &[u8]) -> Result<Self, String> {
        let mut seen = std::collections::HashSet::new();
        let mut records = Self::default();
        while !block.is_empty() {
            let space = block.iter().position(|b| *b == b' ').ok_or("a pax record without a length")?;
            let len = number(&block[..space]).and_then(|n| usize::try_from(n).ok());
            let len = len.ok_or("a pax record without a length")?;
            let record = block.get(space + 1..len).and_then(|r| r.strip_suffix(b"\n"));
            let record = record.ok_or("a pax record of the wrong length")?;
            let equals = record.iter().position(|b| *b == b'=').ok_or("a pax record without a value")?;
            let (key, value) = (&record[..equals], &record[equals + 1..]);
            let is_opaque = OPAQUE.iter().any(|prefix| key.starts_with(prefix));
            if key.contains(&0) || (value.contains(&0) && !is_opaque) {
                return Err("a NUL in a pax record".into());
            }
            if !seen.insert(key) {
                return Err("a pax key given twice".into());
            }
            match key {
                b"path" if value.is_empty() || value.len() > MAX_LONG_NAME => {
                    return Err("a pax path that is no name".into());
                }
                b"path" => records.path = Some(value.to_vec()),
                b"linkpath" => records.link = Some(value.to_vec()),
                b"size" => records.size = Some(number(value).ok_or("a pax size that is no number")?),
                b"SCHILY.realsize" | b"SCHILY.filetype" => return Err(SPARSE.into()),
                key if key.starts_with(b"GNU.sparse") => return Err(SPARSE.into()),
                _ => {}
            }
            block = &block[len..];
        }
        Ok(records)
    }
}

/// Decimal digits and nothing else.
fn number(digits: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(digits).ok()?;
    text.parse().ok().filter(|n| text.bytes().all(|b| b.is_ascii_digit()) && i64::try_from(*n).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_that_readers_disagree_about_are_refused() {
        let good = Records::parse(b"12 path=abc\n19 mtime=12.345678\n10 size=7\n").map(|r| (r.path, r.size));
        assert_eq!(good, Ok((Some(b"abc".to_vec()), Some(7))));
        for bad in [
            &b"12 path=abc\n12 path=abd\n"[..],
            b"12 path=a\0c\n",
            b"12 pa\0h=abc\n",
            b"+12 path=abc\n",
            b"11 path=abc\n",
            b"13 path=abc\n",
            b"0 path=abc\n",
            b"9 path=\n",
            b"99999999999999999999 path=abc\n",
            b"11 size=+7\n",
            b"11 size=-7\n",
            b"10 size=x\n",
            b"28 size=9223372036854775808\n",
            b"22 GNU.sparse.major=1\n",
            b"25 SCHILY.realsize=12345\n",
            b"5 abc",
            b"6 ab\n",
            b"path",
        ] {
            assert!(Records::parse(bad).is_err(), "{}", bad.escape_ascii());
        }
    }

    #[test]
    fn extensions_are_one_of_a_kind_and_of_one_kind() {
        use Extension::{Global, LongLink, LongName, Pax};
        let pax = &b"12 path=abc\n"[..];
        for (both, fits) in [
            ([(LongName, &b"abc\0"[..]), (LongLink, b"to\0")], true),
            ([(Global, b"11 a=12345\n"), (Pax, pax)], true),
            ([(LongName, b"abc\0"), (LongName, b"abc\0")], false),
            ([(Pax, pax), (Pax, b"10 size=7\n")], false),
            ([(Pax, pax), (LongName, b"abc\0")], false),
            ([(LongName, b"abc\0"), (Pax, pax)], false),
            ([(Pax, pax), (Global, b"11 a=12345\n")], false),
        ] {
            let mut pending = Pending::default();
            let result = both.iter().try_for_each(|(kind, data)| pending.add(*kind, data));
            assert_eq!(result.is_ok(), fits, "{both:?}");
        }
        assert!(Pending::default().add(Global, pax).is_err());
    }
}
