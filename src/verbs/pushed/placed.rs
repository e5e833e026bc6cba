//! Where each image goes at a registry, and with it what refers to it.

use std::collections::HashMap;
use std::sync::Arc;

use super::single::Single;
use crate::error::{Error, NextStep, Result};
use crate::oci::{Attached, Digest, Reference};
use crate::plan::{Assignment, Naming, assign};
use crate::store::{Contents, RootName};
use crate::transfer::{ExistingTag, Image};

/// Gives every image its place, and what a tag attaches to one. `name` is the repository of what has only a tag, or
/// no name at all; `single` is what takes the place of indexes.
///
/// # Errors
/// Names that collide, or content that has no name.
pub(super) fn place(
    contents: &Contents,
    name: Option<&Reference>,
    single: Option<&Single<'_>>,
    naming: &Naming,
    existing_tag: ExistingTag,
) -> Result<Vec<Image>> {
    let mut names: Vec<(Reference, Digest)> = Vec::new();
    let mut attached: HashMap<Reference, Attached> = HashMap::new();
    let tag = name.and_then(|name| name.tag.as_ref());
    let mut lone: Vec<&Digest> = Vec::new();
    for root in contents.images() {
        let digest = single.map_or(&root.digest, |single| single.of(&root.digest)).clone();
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
            (RootName::Tag(tag), None) => {
                return Err(nameless(format!(
                    "`{}` is a tag, and nothing says of which repository",
                    tag.escape_debug()
                )));
            }
            (RootName::None, None) => return Err(nameless(format!("{digest} has no name"))),
        }
    }
    if tag.is_some() {
        only_one(&lone, contents)?;
    }
    for (root, kind) in contents.attached_by_tag() {
        if single.is_some_and(|single| !single.keeps(contents.subject_by_tag(root))) {
            continue;
        }
        let name = match (&root.name, name) {
            (RootName::Full(name), _) => name.clone(),
            (RootName::Tag(text), Some(name)) => {
                let tag = text.parse().map_err(|e| Error::usage(format!("`{}`: {e}", text.escape_debug())))?;
                Reference { repository: name.repository.clone(), tag: Some(tag), digest: None }
            }
            (RootName::Tag(text), None) => {
                return Err(nameless(format!(
                    "`{}` is a tag, and nothing says of which repository",
                    text.escape_debug()
                )));
            }
            (RootName::None, _) => continue,
        };
        attached.insert(name.clone(), kind);
        names.push((name, root.digest.clone()));
    }
    // Many names may be one content.
    let mut known: HashMap<Digest, Arc<[Digest]>> = HashMap::new();
    let image = |a: Assignment| {
        let referrers = known.entry(a.digest.clone()).or_insert_with(|| contents.referrer_digests(&a.digest).into());
        // A list that is alone in a file is one all the same.
        let kind = RootName::Full(a.name.clone()).attached().filter(|kind| *kind == Attached::Referrers);
        let attached = attached.get(&a.name).copied().or(kind);
        let referrers = referrers.clone();
        // A list has two owners: it is merged, and never replaced.
        let is_index = contents.node(&a.digest).is_some_and(|node| node.media_type().is_index());
        let is_list = attached == Some(Attached::Referrers) && is_index;
        let existing_tag = if is_list { ExistingTag::Overwrite } else { existing_tag };
        Image { name: a.name, digest: a.digest, target: a.target, referrers, existing_tag, attached }
    };
    naming.check(names.iter().map(|(name, _)| &name.repository))?;
    Ok(assign(names, naming)?.into_iter().map(image).collect())
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

fn nameless(message: String) -> Error {
    Error::Usage { message, next: Some(NextStep::NameRepository) }
}
