//! How errors reach a person: one line each, then what to do about it.

use std::fmt::Write as _;
use std::io::Write as _;

use oci_bundle::export::ExportFailed;
use oci_bundle::{Error, Kind};

use super::report;

/// What a command failed with.
pub(crate) struct Failure {
    /// What is still to be said; empty where the report has said it.
    pub(crate) errors: Vec<Error>,
    /// Decides the exit status.
    pub(crate) kind: Kind,
    /// How to go on, after all errors.
    pub(crate) go_on: Option<String>,
}

impl Failure {
    /// Everything was said; only the status is left.
    pub(crate) fn reported(kind: Kind) -> Self {
        Self { errors: Vec::new(), kind, go_on: None }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { kind: error.kind(), errors: vec![error], go_on: None }
    }
}

impl From<ExportFailed> for Failure {
    fn from(failed: ExportFailed) -> Self {
        let go_on = failed.kept.as_ref().map(|kept| {
            let path = kept.path.display();
            match kept.bytes {
                Some((bytes, all)) => {
                    let (bytes, all) = (report::size(bytes), report::size(all));
                    format!("run the same command again to go on: {bytes} of {all} are kept in {path}")
                }
                None => format!("run the same command again to go on: what was fetched before is kept in {path}"),
            }
        });
        Self { kind: failed.kind(), errors: failed.errors, go_on }
    }
}

/// Prints an error and its hint to standard error.
pub(crate) fn print(error: &Error) {
    let mut stderr = std::io::stderr().lock();
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(stderr, "bundle: {}", escaped(&error.to_string()));
    if let Some(hint) = error.hint() {
        let _ = writeln!(stderr, "hint: {}", escaped(&hint));
    }
}

/// Prints how to go on to standard error.
pub(crate) fn print_hint(hint: &str) {
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(std::io::stderr().lock(), "hint: {}", escaped(hint));
}

/// Text from outside, without anything that would move a cursor or turn the direction of writing.
pub(crate) fn escaped(text: &str) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_fool_a_terminal_is_escaped() {
        assert_eq!(escaped("name\u{1b}]52;c;x\u{7}"), "name\\u{1b}]52;c;x\\u{7}");
        assert_eq!(escaped("a\rb\u{9b}c\u{202e}d"), "a\\u{d}b\\u{9b}c\\u{202e}d");
        assert_eq!(escaped("é…✓"), "é…✓");
    }
}
