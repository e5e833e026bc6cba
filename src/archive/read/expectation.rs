//! `Expectation`: what a person was told about a bundle by a way that the drive did not take.

use std::fmt;
use std::str::FromStr;

use super::bundle::Bundle;
use crate::error::{Error, Result};
use crate::oci::{Digest, Invalid, Reference};

/// A digest that pins a whole bundle, or one of its images.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expectation {
    /// sha256 of `index.json`: everything below it.
    Bundle(Digest),
    /// The image of this name is this content.
    Image(Reference, Digest),
}

impl FromStr for Expectation {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text.contains('@') {
            let reference: Reference = text.parse()?;
            let digest = reference.digest.clone();
            let digest = digest.ok_or_else(|| Invalid::new("expected is NAME@DIGEST or the digest of a bundle"))?;
            return Ok(Self::Image(reference, digest));
        }
        text.parse().map(Self::Bundle)
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bundle(digest) => write!(f, "{digest}"),
            Self::Image(reference, _) => write!(f, "{reference}"),
        }
    }
}

impl Expectation {
    /// True where a bundle meets it, false where it contradicts it, `None` where another bundle may
    /// be meant.
    fn met_by(&self, bundle: &Bundle) -> Option<bool> {
        match self {
            Self::Bundle(digest) => (bundle.index().digest == *digest).then_some(true),
            Self::Image(reference, digest) => {
                // Without a tag any name of the repository will do, or the one by digest.
                let name = reference.name();
                let entry = bundle.index().entries.iter().find(|e| e.name.as_deref() == Some(&name));
                match entry {
                    Some(entry) => Some(entry.descriptor.digest == *digest),
                    None if reference.tag.is_none() => {
                        let of_repository =
                            |name: &String| name.parse().is_ok_and(|r: Reference| r.repository == reference.repository);
                        let mut entries = bundle.index().entries.iter();
                        let found = entries
                            .any(|e| e.descriptor.digest == *digest && e.name.as_ref().is_some_and(of_repository));
                        found.then_some(true)
                    }
                    None => None,
                }
            }
        }
    }
}

/// Checks bundles that are used together: where bundles are pinned, each is one of those; and every
/// expected image is in one of them, and another image under its name in none.
///
/// # Errors
/// Bad content, with what was expected and what is there.
pub fn check_expectations(expectations: &[Expectation], bundles: &[&Bundle]) -> Result<()> {
    let pins: Vec<&Expectation> = expectations.iter().filter(|e| matches!(e, Expectation::Bundle(_))).collect();
    for bundle in bundles {
        let here = |e: Error| e.at(bundle.path().display());
        if !pins.is_empty() && !pins.iter().any(|pin| pin.met_by(bundle) == Some(true)) {
            let expected: Vec<String> = pins.iter().map(ToString::to_string).collect();
            let (expected, actual) = (expected.join(" or "), &bundle.index().digest);
            return Err(here(Error::content(format!("not the expected bundle: it is {actual}, not {expected}"))));
        }
        if let Some(other) = expectations.iter().find(|e| e.met_by(bundle) == Some(false)) {
            return Err(here(Error::content(format!("not the expected image: {other} is another one here"))));
        }
    }
    for expectation in expectations.iter().filter(|e| !pins.contains(e)) {
        if !bundles.iter().any(|bundle| expectation.met_by(bundle) == Some(true)) {
            let place = bundles.iter().map(|b| b.path().display().to_string()).collect::<Vec<_>>().join(", ");
            return Err(Error::content(format!("{expectation} was expected, and is not there")).at(place));
        }
    }
    Ok(())
}
