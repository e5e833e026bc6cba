//! Text for a person: what comes from outside is made harmless, numbers are made readable.

use bytesize::ByteSize;
use oci_bundle::registry::redacted;
pub(crate) use oci_bundle::{shell_word, size};

use super::escape::harmless;

/// Text from outside, as a line for a person: without any secret of the run, and harmless.
pub(crate) fn escaped(text: &str) -> String {
    harmless(&redacted(text))
}

/// `3 images`, `1 image`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// `2, 4 to 7 and 9`.
pub(crate) fn numbers(numbers: &[u32]) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for &number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    let run = |(first, last): &(u32, u32)| match last - first {
        0 => vec![first.to_string()],
        1 => vec![first.to_string(), last.to_string()],
        _ => vec![format!("{first} to {last}")],
    };
    let texts: Vec<String> = runs.iter().flat_map(run).collect();
    match texts.as_slice() {
        [many @ .., last] if !many.is_empty() => format!("{} and {last}", many.join(", ")),
        few => few.join(""),
    }
}

/// As much of a line as there are columns for.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return text.to_owned();
    }
    let kept: String = text.chars().take(columns.saturating_sub(1)).collect();
    format!("{kept}…")
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
    fn sizes_have_the_unit_that_makes_them_short() {
        for (bytes, want) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.00 KiB"),
            (75_530_752, "72.03 MiB"),
            (1_048_575, "1024.00 KiB"),
            (1 << 40, "1.00 TiB"),
            (u64::MAX, "16.00 EiB"),
        ] {
            assert_eq!(size(bytes), want, "{bytes}");
        }
    }

    #[test]
    fn a_line_is_cut_where_the_columns_end() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdef", 5), "abcd…");
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
