//! What the images of bundles are called: by their own names, or by the one that somebody gives to what has none.

use std::collections::HashMap;

use crate::error::{Error, NextStep, Result};
use crate::oci::{Attached, Digest, Reference};
use crate::store::{Contents, Root, RootName};

/// Names, each with its content.
pub(super) struct Called {
    /// In the order of the bundle; what a tag attaches to an image comes after all of them.
    pub(super) names: Vec<(Reference, Digest)>,
    /// Of these, what is attached.
    pub(super) attached: HashMap<Reference, Attached>,
}

/// The names of all images, and of what tags attach to them. `name` is the repository of what has only a tag, or no name
/// at all; with a tag it is the name of the only such image. `of` is the content that takes the place of an image, and
/// `keeps` says whether something attached is wanted.
///
/// # Errors
/// Content that has no name.
pub(super) fn called(
    contents: &Contents,
    name: Option<&Reference>,
    of: impl Fn(&Digest) -> Digest,
    keeps: impl Fn(&Root) -> bool,
) -> Result<Called> {
    let mut names: Vec<(Reference, Digest)> = Vec::new();
    let mut attached: HashMap<Reference, Attached> = HashMap::new();
    let tag = name.and_then(|name| name.tag.as_ref());
    let mut lone: Vec<&Digest> = Vec::new();
    for root in contents.images() {
        let digest = of(&root.digest);
        match (&root.name, name) {
            (RootName::Full(name), _) => {
                let own = name.digest.as_ref().map(|_| digest.clone());
                names.push((Reference { digest: own, ..name.clone() }, digest));
            }
            (_, Some(name)) if tag.is_some() => {
                if !lone.contains(&&root.digest) {
                    lone.push(&root.digest);
                    names.push((Reference { digest: None, ..name.clone() }, digest));
                }
            }
            (_, Some(name)) => {
                let repository = name.repository.clone();
                names.push((Reference { repository, tag: None, digest: Some(digest.clone()) }, digest));
            }
            (RootName::Tag(tag), None) => return Err(tag_alone(tag)),
            (RootName::None, None) => return Err(nameless(format!("{digest} has no name"))),
        }
    }
    if tag.is_some() {
        only_one(&lone, contents)?;
    }
    for (root, kind) in contents.attached_by_tag().filter(|(root, _)| keeps(root)) {
        let name = match (&root.name, name) {
            (RootName::Full(name), _) => name.clone(),
            (RootName::Tag(text), Some(name)) => {
                let tag = text.parse().map_err(|e| Error::usage(format!("`{}`: {e}", text.escape_debug())))?;
                Reference { repository: name.repository.clone(), tag: Some(tag), digest: None }
            }
            (RootName::Tag(text), None) => return Err(tag_alone(text)),
            (RootName::None, _) => continue,
        };
        attached.insert(name.clone(), kind);
        names.push((name, root.digest.clone()));
    }
    Ok(Called { names, attached })
}

/// A name with a tag can only be that of one image.
fn only_one(lone: &[&Digest], contents: &Contents) -> Result<()> {
    match lone.len() {
        1 => Ok(()),
        0 => {
            let names: Vec<String> =
                contents.images().filter_map(|root| root.name.full().map(Reference::name)).collect();
            let message = format!("--name with a tag, and everything has a name: {}", few(&names));
            Err(Error::Usage { message, next: Some(NextStep::AddMapping) })
        }
        count => {
            let digests: Vec<String> = lone.iter().map(ToString::to_string).collect();
            let message =
                format!("--name with a tag is for a single image, and {count} have no name: {}", few(&digests));
            Err(Error::Usage { message, next: Some(NextStep::NameRepository) })
        }
    }
}

/// The first of many.
fn few(texts: &[String]) -> String {
    match texts {
        [one, two, three, _, ..] => format!("{one}, {two}, {three} and {} more", texts.len() - 3),
        few => few.join(", "),
    }
}

fn tag_alone(tag: &str) -> Error {
    nameless(format!("`{}` is a tag, and nothing says of which repository", tag.escape_debug()))
}

fn nameless(message: String) -> Error {
    Error::Usage { message, next: Some(NextStep::NameRepository) }
}
