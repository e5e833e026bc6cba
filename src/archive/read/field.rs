//! The fields of a tar header, read so that no other reader can see another value: digits and
//! nothing around them, names with nothing behind their NUL.
//!
//! POSIX.1-2017 pax, "ustar Interchange Format"; base-256 sizes as GNU tar writes them.

use tar::Header;

/// The longest name of an entry, in bytes.
pub(crate) const MAX_LONG_NAME: usize = 4 << 10;

/// That the checksum fits: the sum of the unsigned bytes, its own field taken as spaces.
pub(crate) fn check_sum(header: &Header) -> Result<(), &'static str> {
    let bytes = header.as_bytes();
    let stated = octal(&header.as_old().cksum).ok_or("not a tar header")?;
    let sum: u64 = bytes[..148].iter().chain(&bytes[156..]).map(|b| u64::from(*b)).sum::<u64>() + 8 * 32;
    if stated == sum { Ok(()) } else { Err("the checksum of a tar header is wrong") }
}

/// That mode, owner, group, time and device are numbers. Nothing here uses them, but some tar
/// programs stop at others, and Python takes them for the end.
pub(crate) fn check_numbers(header: &Header) -> Result<(), &'static str> {
    let old = header.as_old();
    let most_time = 1 << 40;
    for (field, most) in [
        (&old.mode[..], 0o7_777_777),
        (&old.uid, u32::MAX.into()),
        (&old.gid, u32::MAX.into()),
        (&old.mtime, most_time),
    ] {
        let number = match field {
            [0, ..] if field.iter().all(|b| *b == 0) => Some(0),
            [0x80, rest @ ..] => rest.iter().try_fold(0_u64, |n, b| n.checked_mul(256)?.checked_add((*b).into())),
            _ => octal(field),
        };
        number.filter(|n| *n <= most).ok_or("a header field that is no number")?;
    }
    for field in [&header.as_bytes()[329..337], &header.as_bytes()[337..345]] {
        let is_unset = field.iter().all(|b| *b == 0);
        if !is_unset && octal(field).is_none() {
            return Err("a header field that is no number");
        }
    }
    Ok(())
}

/// Octal digits, or base-256 with the first bit set.
pub(crate) fn size(header: &Header) -> Result<u64, &'static str> {
    let field = &header.as_old().size;
    if field[0] & 0x80 == 0 {
        return octal(field).ok_or("a size that is no number");
    }
    // Eleven more bytes can hold, of which a file offset uses eight; negative ones begin with 0xff.
    let (high, low) = field.split_at(4);
    let number = low.try_into().map(u64::from_be_bytes).ok().filter(|n| i64::try_from(*n).is_ok());
    number.filter(|_| high == [0x80, 0, 0, 0]).ok_or("an absurd size")
}

/// Prefix and name.
pub(crate) fn name(header: &Header) -> Result<Vec<u8>, &'static str> {
    let name = up_to_nul(&header.as_old().name)?;
    // Python joins the prefix whatever the magic; GNU's own format has other fields there.
    let prefix = &header.as_bytes()[345..500];
    match header.as_ustar() {
        Some(_) if prefix[0] != 0 => Ok([up_to_nul(prefix)?, b"/", name].concat()),
        Some(_) if prefix.iter().all(|b| *b == 0) => Ok(name.to_vec()),
        None if prefix.iter().all(|b| *b == 0) => Ok(name.to_vec()),
        _ => Err("a name that tar programs understand differently"),
    }
}

/// Where a link leads.
pub(crate) fn link(header: &Header) -> Result<Vec<u8>, &'static str> {
    up_to_nul(&header.as_old().linkname).map(<[u8]>::to_vec)
}

/// The name in the data of a GNU long name entry, which ends with one NUL.
pub(crate) fn long_name(data: &[u8]) -> Result<Vec<u8>, &'static str> {
    let name = data.strip_suffix(b"\0").unwrap_or(data);
    let is_name = !name.is_empty() && !name.contains(&0) && name.len() <= MAX_LONG_NAME;
    if is_name { Ok(name.to_vec()) } else { Err("a long name that is no name") }
}

/// Spaces, octal digits, then only spaces and NULs. No sign, and not nothing.
fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?;
    let digits = text.trim_end_matches(['\0', ' ']).trim_start_matches(' ');
    let is_octal = !digits.is_empty() && digits.bytes().all(|b| matches!(b, b'0'..=b'7'));
    u64::from_str_radix(digits, 8).ok().filter(|_| is_octal)
}

fn up_to_nul(field: &[u8]) -> Result<&[u8], &'static str> {
    let len = field.iter().position(|b| *b == 0).unwrap_or(field.len());
    if field[len..].iter().any(|b| *b != 0) {
        return Err("a name goes on after a NUL");
    }
    Ok(&field[..len])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sized(field: &[u8; 12]) -> Result<u64, &'static str> {
        let mut header = Header::new_ustar();
        header.as_old_mut().size = *field;
        size(&header)
    }

    #[test]
    fn a_size_is_digits_and_nothing_else() {
        assert_eq!(sized(b"00000000017\0"), Ok(15));
        assert_eq!(sized(b"        17 \0"), Ok(15));
        assert_eq!(sized(b"\x80\0\0\0\0\0\0\x02\0\0\0\0"), Ok(8 << 30));
        for bad in [
            b"            ",
            b"\0\0\0\0\0\0\0\0\0\0\0\0",
            b"-0000000017\0",
            b"+0000000017\0",
            b"00000000018\0",
            b"0000017\x000001",
            b"000 0000017\0",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\x80\0\0\x01\0\0\0\0\0\0\0\0",
            b"\x80\0\0\0\x80\0\0\0\0\0\0\0",
        ] {
            assert!(sized(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_name_that_hides_something_is_refused() {
        let named = |magic: &[u8; 8], name_field: &[u8], prefix: &[u8]| {
            let mut header = Header::new_ustar();
            let bytes = header.as_mut_bytes();
            bytes[..name_field.len()].copy_from_slice(name_field);
            bytes[257..265].copy_from_slice(magic);
            bytes[345..345 + prefix.len()].copy_from_slice(prefix);
            name(&header)
        };
        let (ustar, gnu, old) = (b"ustar\x0000", b"ustar  \0", &[0; 8]);
        assert_eq!(named(ustar, b"index.json", b"").as_deref(), Ok(&b"index.json"[..]));
        assert_eq!(named(ustar, b"index.json", b"a").as_deref(), Ok(&b"a/index.json"[..]));
        assert_eq!(named(gnu, b"index.json", b"").as_deref(), Ok(&b"index.json"[..]));
        assert_eq!(named(old, b"index.json", b"").as_deref(), Ok(&b"index.json"[..]));
        assert!(named(ustar, b"index.json\0evil", b"").is_err());
        assert!(named(ustar, b"index.json", b"a\0b").is_err());
        assert!(named(ustar, b"index.json", b"\0b").is_err());
        assert!(named(gnu, b"index.json", b"a").is_err());
        assert!(named(old, b"index.json", b"a").is_err());
    }
}
