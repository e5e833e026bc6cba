//! What is asked for: references, and who asks for them; each once, sorted by name.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::oci::{Invalid, Reference};

/// Whether what refers to images comes along: signatures, lists of ingredients and the like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReferrerPolicy {
    /// All there is.
    #[default]
    Auto,
    /// Nothing, and nobody is asked for it.
    None,
    /// All there is, and an image without any is refused.
    Require,
}

/// Where somebody asks for an image.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// On the command line.
    Argument,
    /// In a file, on this line, counted from 1.
    Line(PathBuf, usize),
}

/// An image that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The image.
    pub reference: Reference,
    /// Who asks for it.
    pub origin: Origin,
}

impl From<Reference> for Wanted {
    fn from(reference: Reference) -> Self {
        Self { reference, origin: Origin::Argument }
    }
}

impl FromStr for Wanted {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        text.parse::<Reference>().map(Self::from)
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::Argument => write!(f, "`{}`", self.reference),
            Origin::Line(file, line) => write!(f, "`{}` ({}:{line})", self.reference, file.display()),
        }
    }
}

/// The images that are asked for, each once, in the order of their names.
///
/// # Errors
/// None at all, or one name asked for with two digests.
pub(crate) fn each_once(wanted: impl IntoIterator<Item = Wanted>) -> Result<Vec<Wanted>> {
    let mut by_name: BTreeMap<String, Wanted> = BTreeMap::new();
    for one in wanted {
        match by_name.entry(one.reference.name()) {
            Entry::Occupied(other) if other.get().reference.digest != one.reference.digest => {
                return Err(Error::usage(format!("{} and {one} give one name two contents", other.get())));
            }
            Entry::Occupied(_) => {}
            Entry::Vacant(place) => {
                place.insert(one);
            }
        }
    }
    if by_name.is_empty() {
        return Err(Error::usage("no image named"));
    }
    Ok(by_name.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(texts: &[&str]) -> Result<Vec<String>> {
        let wanted = texts.iter().map(|text| text.parse().expect("a reference"));
        Ok(each_once(wanted)?.into_iter().map(|one| one.reference.name()).collect())
    }

    #[test]
    fn what_is_asked_for_twice_is_taken_once_and_all_in_the_order_of_names() {
        let found = names(&["quay.io/b:1", "nginx", "docker.io/library/nginx:latest"]).expect("names");
        assert_eq!(found, ["docker.io/library/nginx:latest", "quay.io/b:1"]);
    }

    #[test]
    fn a_name_with_two_contents_is_refused_and_so_is_nothing_at_all() {
        let one = format!("quay.io/b:1@sha256:{}", "1".repeat(64));
        let error = names(&[&one, "quay.io/b:1"]).expect_err("two contents").to_string();
        assert!(error.contains(&one) && error.contains("`quay.io/b:1`"), "{error}");
        assert!(names(&[]).is_err());
    }

    #[test]
    fn who_asks_in_a_file_is_named_with_the_line() {
        let one = Wanted { origin: Origin::Line("images.txt".into(), 7), .."nginx".parse().expect("a reference") };
        assert_eq!(one.to_string(), "`docker.io/library/nginx:latest` (images.txt:7)");
    }
}
