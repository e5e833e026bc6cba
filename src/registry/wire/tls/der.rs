//! As much of DER (X.690) as is read of a certificate here.

/// The content of a value that begins with this tag.
pub(super) fn inside(der: &[u8], tag: u8) -> Option<&[u8]> {
    next(der, tag).map(|(content, _)| content)
}

/// The content of the value with this tag, and what follows it (§8.1).
pub(super) fn next(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = any(der)?;
    (found == tag).then_some((content, rest))
}

/// The tag and the content of a value, and what follows it.
pub(super) fn any(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&length, rest) = rest.split_first()?;
    if length < 0x80 {
        let (content, rest) = rest.split_at_checked(usize::from(length))?;
        return Some((tag, content, rest));
    }
    let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f)).filter(|(digits, _)| digits.len() <= 4)?;
    let length = digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit));
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}
