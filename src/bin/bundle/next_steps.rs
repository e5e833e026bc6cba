//! What a person can do about an error, in words and with the flags of this program.
//!
//! The words of a step are one or several ways, parted by `; or `. Each of them can be gone alone, so
//! one that names a flag which the command does not have is left away. What stands between backticks
//! is to be typed as it is, into a shell or a setting, and is no flag of the command.

use std::collections::BTreeSet;

use clap::Command;
use oci_bundle::{Error, NextStep};

mod base;
mod signing;
mod volumes;
mod words;

use words::words;

/// Parts two ways that do equally well.
const OR: &str = "; or ";

/// What can be said to somebody who typed this command.
#[derive(Clone, Debug, Default)]
pub(crate) struct Advice {
    /// The flags that the command has, as in `--jobs`.
    flags: BTreeSet<String>,
}

impl Advice {
    /// For those who typed this command, with what it takes from the program itself.
    pub(crate) fn for_command(command: &Command) -> Self {
        let flags = command.get_arguments().filter_map(|arg| arg.get_long());
        Self { flags: flags.map(|long| format!("--{long}")).collect() }
    }

    /// All that can be done about an error, in one line.
    pub(crate) fn about(&self, error: &Error) -> Option<String> {
        self.about_steps(&error.next_steps())
    }

    /// The same of steps.
    pub(crate) fn about_steps(&self, steps: &[NextStep]) -> Option<String> {
        let mut ways: Vec<String> = Vec::new();
        for step in steps {
            for way in words(step).split(OR).filter(|way| self.has_all_flags_of(way)) {
                let way = format!("{way}{}", self.of_the_source(way));
                if !ways.contains(&way) {
                    ways.push(way);
                }
            }
        }
        if ways.is_empty() { None } else { Some(ways.join(OR)) }
    }

    /// Where a flag is that of one side, what it is called for the other.
    fn of_the_source(&self, way: &str) -> String {
        let twins = flags_in(way).map(|flag| flag.replacen("--", "--src-", 1)).filter(|twin| self.flags.contains(twin));
        let twins: Vec<String> = twins.collect();
        if twins.is_empty() { String::new() } else { format!(" (for the source: {})", twins.join(", ")) }
    }

    fn has_all_flags_of(&self, way: &str) -> bool {
        flags_in(way).all(|flag| self.flags.contains(flag))
    }
}

/// The flags that some words tell the reader to add to the command.
fn flags_in(words: &str) -> impl Iterator<Item = &str> {
    let outside = words.split('`').step_by(2);
    outside
        .flat_map(|text| text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')))
        .filter(|word| word.strip_prefix("--").is_some_and(|name| name.starts_with(|c: char| c.is_ascii_lowercase())))
}

#[cfg(test)]
mod tests;
