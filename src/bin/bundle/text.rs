//! Text for a person's terminal: what comes from outside is made harmless, numbers are made readable.

use std::fmt::Write as _;

use bytesize::ByteSize;
use oci_bundle::registry::redacted;

/// Text from outside, without any secret of the run, and harmless.
pub(crate) fn escaped(text: &str) -> String {
    harmless(&redacted(text))
}

/// Text without anything that would move a cursor or turn the direction of writing.
pub(crate) fn harmless(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        if c.is_control() || is_format(c) {
            // Writing to a string does not fail.
            let _ = write!(out, "{}", c.escape_unicode());
        } else {
            out.push(c);
        }
        out
    })
}

/// Unicode 16.0 general category Cf, as far as it can mislead a reader.
fn is_format(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// `3 images`, `1 image`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// A size in bytes for a person.
pub(crate) fn size(bytes: u64) -> String {
    indicatif::BinaryBytes(bytes).to_string()
}

/// A size in bytes as people write it: a number, with or without a unit such as `KiB` (1024) or `KB`
/// (1000).
pub(crate) fn parse_size(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(ByteSize(0 | u64::MAX)) => Err("out of range".into()),
        Ok(ByteSize(bytes)) => Ok(bytes),
        Err(_) => Err("a size is a number with a unit, as in 2MiB".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_fool_a_terminal_is_escaped() {
        assert_eq!(escaped("name\u{1b}]52;c;x\u{7}"), "name\\u{1b}]52;c;x\\u{7}");
        assert_eq!(escaped("a\rb\u{9b}c\u{202e}d"), "a\\u{d}b\\u{9b}c\\u{202e}d");
        assert_eq!(escaped("é…✓"), "é…✓");
    }

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, want) in
            [("1", 1), ("500KiB", 512_000), ("2M", 2_000_000), ("1 GB", 1_000_000_000), ("2mib", 2 << 20)]
        {
            assert_eq!(parse_size(text), Ok(want), "{text}");
        }
        for bad in ["", "0", "fast", "1X", "-1", "99999999999T"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }
}
