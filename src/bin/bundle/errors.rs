//! How errors reach a person: one line each, then what to do about it.

use std::io::Write as _;

use oci_bundle::export::ExportFailed;
use oci_bundle::registry::redacted;
use oci_bundle::{Error, Kind};

use super::escape::{harmless, harmless_lines};
use super::next_steps;
use super::text::{escaped, size};

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

    /// A command line that cannot be carried out, with what to type instead.
    pub(crate) fn usage(message: impl Into<String>, instead: &str) -> Self {
        Self { errors: vec![Error::usage(message)], kind: Kind::Usage, go_on: Some(instead.into()) }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { kind: error.kind(), errors: vec![error], go_on: None }
    }
}

impl From<ExportFailed> for Failure {
    fn from(failed: ExportFailed) -> Self {
        let go_on = failed.leftover.as_ref().map(|path| {
            let path = path.display();
            match failed.leftover_bytes {
                Some((bytes, all)) => {
                    let (bytes, all) = (size(bytes), size(all));
                    format!("run the same command again to go on: {bytes} of {all} are kept in {path}")
                }
                None => format!("run the same command again to go on: what was fetched before is kept in {path}"),
            }
        });
        Self { kind: failed.kind(), errors: failed.errors, go_on }
    }
}

/// Prints an error and what to do about it to standard error.
pub(crate) fn print(error: &Error) {
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(std::io::stderr().lock(), "bundle: {}", escaped(&error.to_string()));
    if let Some(hint) = next_steps::of(error) {
        print_hint(&hint);
    }
}

/// Prints what the parser of the command line has to say. What was typed, or stands in a variable, may be in it. Its
/// colours go where there is something to hide.
pub(crate) fn print_parsing(error: &clap::Error) {
    let text = error.render().to_string();
    let variables = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("BUNDLE_"));
    let typed = std::env::args_os().chain(variables.map(|(_, value)| value));
    let typed = typed.map(|word| word.to_string_lossy().into_owned());
    // clap takes an argument apart, and so may be quoted a part of it.
    let parts = typed.flat_map(|word| {
        let parts: Vec<String> = word.split([',', '=']).map(str::to_owned).collect();
        std::iter::once(word).chain(parts)
    });
    let shown = harmless_lines(&redacted(&text), parts);
    // A closed pipe is nobody's fault.
    let _ = match shown == text {
        true => error.print(),
        false if error.use_stderr() => write!(std::io::stderr().lock(), "{shown}"),
        false => write!(std::io::stdout().lock(), "{shown}"),
    };
}

/// Prints how to go on to standard error. That is our own words, and names that a person typed: a password that
/// is a word must not tear holes in them.
pub(crate) fn print_hint(hint: &str) {
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(std::io::stderr().lock(), "hint: {}", harmless(hint));
}
