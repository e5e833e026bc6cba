//! `Expectation`: what a person was told about a bundle by a way that the drive did not take.

use std::fmt;
use std::str::FromStr;

use super::bundle::Bundle;
use crate::archive::format::index_json::IndexEntry;
use crate::error::{Error, NextStep, Result};
use crate::oci::{Digest, Invalid, Reference};
use crate::store::RootName;

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
    /// Whether it pins this very image. Without a tag, any name of the repository will do; and what has
    /// no name, since it refers to an image, is pinned by its digest in whichever repository.
    pub(crate) fn pins(&self, name: &RootName, digest: &Digest) -> bool {
        let Self::Image(pinned, content) = self else { return false };
        content == digest
            && match name {
                RootName::Full(name) => {
                    pinned.name() == name.name() || (pinned.tag.is_none() && pinned.repository == name.repository)
                }
                RootName::None => pinned.tag.is_none(),
                RootName::Tag(_) => false,
            }
    }

    /// True where a bundle meets it, false where it contradicts it, `None` where another bundle may
    /// be meant.
    fn met_by(&self, bundle: &Bundle) -> Option<bool> {
        let entries = || bundle.index().entries.iter();
        match self {
            Self::Bundle(digest) => (bundle.index().digest == *digest).then_some(true),
            Self::Image(expected, digest) => {
                let name = expected.name();
                let names_it = |r: &Reference| r.name() == name;
                if let Some(entry) = entries().find(|e| e.name.full().is_some_and(names_it)) {
                    return Some(entry.descriptor.digest == *digest);
                }
                let is_it = |e: &&IndexEntry| self.pins(&e.name, &e.descriptor.digest);
                entries().find(is_it).map(|_| true)
            }
        }
    }
}

/// That a bundle is one of those which are pinned, if any are, and that no pinned image is another
/// one here.
///
/// # Errors
/// Bad content, with what was expected and what is there.
pub(crate) fn check_bundle(expectations: &[Expectation], bundle: &Bundle) -> Result<()> {
    let here = |e: Error| e.at(bundle.path().display());
    // Content alone, which counts where something that is pinned names it.
    if bundle.is_salvaged() && !bundle.names_something() {
        return Ok(());
    }
    let pins: Vec<&Expectation> = expectations.iter().filter(|e| matches!(e, Expectation::Bundle(_))).collect();
    if !pins.is_empty() && !pins.iter().any(|pin| pin.met_by(bundle) == Some(true)) {
        let expected: Vec<String> = pins.iter().map(ToString::to_string).collect();
        let (expected, actual) = (expected.join(" or "), &bundle.index().digest);
        let other = Error::content(format!("not the expected bundle: it is {actual}, not {expected}"));
        return Err(here(other.advised([NextStep::PinIndex])));
    }
    match expectations.iter().find(|e| e.met_by(bundle) == Some(false)) {
        Some(other) => Err(here(Error::content(format!("not the expected image: {other} is another one here")))),
        None => Ok(()),
    }
}

/// That each pinned image is in one of the bundles, which are used together.
///
/// # Errors
/// Bad content, with the first that is in none.
pub(crate) fn check_images<'a>(
    expectations: &[Expectation],
    bundles: impl Iterator<Item = &'a Bundle> + Clone,
) -> Result<()> {
    for expectation in expectations.iter().filter(|e| matches!(e, Expectation::Image(..))) {
        if !bundles.clone().any(|bundle| expectation.met_by(bundle) == Some(true)) {
            let place = bundles.map(|b| b.path().display().to_string()).collect::<Vec<_>>().join(", ");
            return Err(Error::content(format!("{expectation} was expected, and is not there")).at(place));
        }
    }
    Ok(())
}
