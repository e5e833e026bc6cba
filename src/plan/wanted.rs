//! What is asked for: references, and who asks for them; each once, sorted by name.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::platforms::Platforms;
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
    /// In a file, on this line, counted from 1; 0 for the whole of it.
    Line(PathBuf, usize),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argument => f.write_str("the command line"),
            Self::Line(file, 0) => write!(f, "{}", file.display()),
            Self::Line(file, line) => write!(f, "{}:{line}", file.display()),
        }
    }
}

/// An image that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The image.
    pub reference: Reference,
    /// Everywhere that it is asked for.
    pub origins: Vec<Origin>,
    /// What is fetched in its place; it keeps its name.
    pub source: Option<Reference>,
    /// Which of its platforms whoever asks for it wants.
    pub platforms: Platforms,
}

impl Wanted {
    /// The files and lines that ask for it; `None` where nothing but the command line does.
    pub(crate) fn lines(&self) -> Option<String> {
        let in_files = self.origins.iter().filter(|origin| **origin != Origin::Argument);
        let lines: Vec<String> = in_files.map(ToString::to_string).collect();
        if lines.is_empty() { None } else { Some(lines.join(", ")) }
    }
}

impl From<Reference> for Wanted {
    fn from(reference: Reference) -> Self {
        Self { reference, origins: vec![Origin::Argument], source: None, platforms: Platforms::default() }
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
        match self.lines() {
            None => write!(f, "`{}`", self.reference),
            Some(lines) => write!(f, "`{}` ({lines})", self.reference),
        }
    }
}

/// The images that are asked for, each once with everywhere that it is asked for, in the order of
/// their names.
///
/// # Errors
/// None at all, or every name that is asked for with two digests.
pub(crate) fn each_once(wanted: impl IntoIterator<Item = Wanted>) -> Result<Vec<Wanted>, Vec<Error>> {
    let mut by_name: BTreeMap<String, Wanted> = BTreeMap::new();
    let mut errors = Vec::new();
    for one in wanted {
        match by_name.entry(one.reference.name()) {
            Entry::Occupied(other) if other.get().reference.digest != one.reference.digest => {
                errors.push(Error::usage(format!("{} and {one} give one name two contents", other.get())));
            }
            Entry::Occupied(other)
                if one.source.is_some() && other.get().source.is_some() && other.get().source != one.source =>
            {
                errors.push(Error::usage(format!("{} and {one} are to come from two places", other.get())));
            }
            Entry::Occupied(mut same) => {
                let same = same.get_mut();
                same.source = same.source.take().or(one.source);
                same.platforms.join(&one.platforms);
                let origins = &mut same.origins;
                one.origins.into_iter().for_each(|origin| {
                    if !origins.contains(&origin) {
                        origins.push(origin)
                    }
                });
            }
            Entry::Vacant(place) => {
                place.insert(one);
            }
        }
    }
    if by_name.is_empty() {
        errors.push(Error::usage("no image named"));
    }
    if errors.is_empty() { Ok(by_name.into_values().collect()) } else { Err(errors) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(texts: &[&str]) -> Result<Vec<String>, Vec<Error>> {
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
        let error = names(&[&one, "quay.io/b:1"]).expect_err("two contents")[0].to_string();
        assert!(error.contains(&one) && error.contains("`quay.io/b:1`"), "{error}");
        assert!(names(&[]).is_err());
    }

    #[test]
    fn an_image_that_several_ask_for_is_wanted_with_all_that_any_of_them_wants() {
        let of = |platforms: &str| Wanted {
            platforms: platforms.parse().expect("platforms"),
            .."nginx".parse().expect("a reference")
        };
        let both = each_once([of("linux/amd64"), of("linux/arm64")]).expect("one image");
        assert_eq!(both[0].platforms.to_string(), "linux/amd64,linux/arm64");
        let all = each_once([of("linux/amd64"), "nginx".parse().expect("a reference")]).expect("one image");
        assert!(!all[0].platforms.are_chosen());
    }

    #[test]
    fn who_asks_in_files_is_named_with_every_line() {
        let at = |file: &str, line| Wanted {
            origins: vec![Origin::Line(file.into(), line)],
            .."nginx".parse().expect("a reference")
        };
        let all = [at("images.txt", 7), "nginx:latest".parse().expect("a reference"), at("b.yaml", 1), at("b.yaml", 1)];
        let once = each_once(all).expect("one image");
        assert_eq!(once.len(), 1);
        assert_eq!(once[0].to_string(), "`docker.io/library/nginx:latest` (images.txt:7, b.yaml:1)");
    }
}
