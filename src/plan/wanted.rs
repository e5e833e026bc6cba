//! What is asked for: from what was typed to a set of references, normalised, each once, sorted by
//! name.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::oci::Reference;

/// Whether what refers to images comes along: signatures, lists of ingredients and the like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReferrerPolicy {
    /// All there is.
    #[default]
    Auto,
    /// Nothing, and nobody is asked for it.
    None,
    /// All there is, and an image without any is refused.
    Require,
}

/// The references that these texts ask for, in the order of their names.
///
/// # Errors
/// A text that is no reference, or one name asked for with two digests.
pub fn wanted<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Vec<Reference>> {
    let mut by_name: BTreeMap<String, Reference> = BTreeMap::new();
    for text in texts {
        let reference: Reference = text.parse().map_err(|e: crate::oci::Invalid| Error::usage(e.to_string()))?;
        match by_name.get(&reference.name()) {
            Some(other) if other.digest != reference.digest => {
                return Err(Error::usage(format!("`{other}` and `{reference}` give one name two contents")));
            }
            Some(_) => {}
            None => {
                by_name.insert(reference.name(), reference);
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

    #[test]
    fn references_are_normalised_sorted_and_taken_once() {
        let found = wanted(["nginx", "gcr.io/b:1", "docker.io/library/nginx:latest"]).expect("good references");
        let names: Vec<_> = found.iter().map(Reference::name).collect();
        assert_eq!(names, ["docker.io/library/nginx:latest", "gcr.io/b:1"]);
    }

    #[test]
    fn one_name_with_two_digests_is_refused() {
        let with = |c: &str| format!("gcr.io/b:1@sha256:{}", c.repeat(64));
        assert!(wanted([with("a").as_str(), with("b").as_str()]).is_err());
        assert!(wanted([with("a").as_str(), "gcr.io/b:1"]).is_err());
        assert!(wanted([]).is_err());
    }
}
