//! Text for a person: what comes from outside is made harmless, numbers are made readable.

use bytesize::ByteSize;
use oci_bundle::registry::redacted;

use super::escape::harmless;

/// Text from outside, as a line for a person: without any secret of the run, and harmless.
pub(crate) fn escaped(text: &str) -> String {
    harmless(&redacted(text))
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
