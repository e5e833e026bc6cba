//! Images chosen by their names, of those that some files hold.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, NextStep};
use crate::oci::{Invalid, Reference};
use crate::plan::Pattern;

/// A name of an image, or what several have in common: `*` stands for any characters, `?` for one.
#[derive(Clone, Debug)]
pub struct NamePattern(Wanted);

#[derive(Clone, Debug)]
enum Wanted {
    /// The full name of an image.
    Name(String),
    Glob(Pattern),
}

impl FromStr for NamePattern {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let wanted = match text.contains(['*', '?']) {
            true => Wanted::Glob(text.parse()?),
            false => Wanted::Name(text.parse::<Reference>()?.name()),
        };
        Ok(Self(wanted))
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Wanted::Name(name) => name,
            Wanted::Glob(pattern) => pattern.as_str(),
        })
    }
}

impl NamePattern {
    pub(super) fn fits(&self, name: &Reference) -> bool {
        let full = name.name();
        match &self.0 {
            Wanted::Name(wanted) => *wanted == full,
            Wanted::Glob(pattern) => pattern.fits(&full),
        }
    }
}

/// What is wrong with patterns of which no image has the name.
pub(super) fn all_used(only: &[NamePattern], used: &[bool]) -> Vec<Error> {
    let unused = only.iter().zip(used).filter(|(_, used)| !**used);
    let error = |(pattern, _): (&NamePattern, _)| Error::Usage {
        message: format!("--only {pattern}: no image here has this name"),
        next: Some(NextStep::PrefixFromBundle),
    };
    unused.map(error).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_for_the_whole_name() {
        for (pattern, name, wanted) in [
            ("quay.io/org/*", "quay.io/org/app/web:1", true),
            ("*:1", "quay.io/org/app:1", true),
            ("*:1", "quay.io/org/app:1.2", false),
            ("quay.io/*/app:?", "quay.io/org/app:1", true),
            ("quay.io/*/app:?", "quay.io/org/app:10", false),
            ("*", "x/y:z", true),
            ("app:1", "docker.io/library/app:1", true),
            ("app", "docker.io/library/app:1", false),
        ] {
            let name: Reference = name.parse().expect("a name");
            assert_eq!(pattern.parse::<NamePattern>().expect("a pattern").fits(&name), wanted, "{pattern} {name}");
        }
    }
}
