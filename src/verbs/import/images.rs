//! Where each image of some bundles goes, and with it what refers to it.

use std::collections::HashMap;
use std::sync::Arc;

use crate::archive::{Bundle, Bundles};
use crate::error::{Error, NextStep, Result};
use crate::oci::{Attached, Digest, Reference};
use crate::plan::{Assignment, Naming, assign};
use crate::store::{Contents, Node, Presence, Root, RootName, Target};
use crate::transfer::{ExistingTag, Image, Survey, lacking_below};

/// As many missing pieces as are named one by one.
const MOST_LACKS: usize = 3;

/// Gives every image its place, and what a tag attaches to one.
///
/// # Errors
/// Names that collide, or content that has no name.
pub(super) fn place(
    contents: &Contents,
    name: Option<&Reference>,
    naming: &Naming,
    existing_tag: ExistingTag,
) -> Result<Vec<Image>> {
    let mut names: Vec<(Reference, Digest)> = Vec::new();
    let mut attached: HashMap<Reference, Attached> = HashMap::new();
    let tag = name.and_then(|name| name.tag.as_ref());
    let mut lone: Vec<&Digest> = Vec::new();
    for root in contents.images() {
        let digest = root.digest.clone();
        match (&root.name, name) {
            (RootName::Full(name), _) => names.push((name.clone(), digest)),
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

/// That a bundle has the manifest of everything it lists.
///
/// # Errors
/// What is listed without a name and is not there: nobody can tell what it belongs to.
pub(super) fn all_known(contents: &Contents) -> Result<()> {
    let unknown = |root: &&Root| {
        let node = contents.node(&root.digest);
        root.name == RootName::None && node.is_none_or(|node| node.manifest.is_none())
    };
    match contents.roots.iter().find(unknown) {
        Some(root) => {
            let reason = format!("index.json lists {} without a name, and its manifest is not there", root.digest);
            Err(Error::content(reason))
        }
        None => Ok(()),
    }
}

/// That everything an image needs is in the bundles or at the target.
///
/// # Errors
/// What is neither here nor there, or why the target does not say.
pub(super) fn check_whole(
    contents: &Contents,
    image: &Image,
    asked: &Survey<'_>,
    bundles: &Bundles,
    target: &dyn Target,
) -> Result<()> {
    let missing = asked.missing(contents, image);
    if missing.is_empty() {
        return has_all_below(contents, image, target);
    }
    // Where the registry did not say, nobody knows that it is missing.
    if let Some(unsaid) = asked.unsaid(&image.target.repository) {
        return Err(Error::Shared(unsaid));
    }
    Err(lacking(bundles, image, &missing))
}

/// That the target has all of what an image needs and only the target has.
fn has_all_below(contents: &Contents, image: &Image, target: &dyn Target) -> Result<()> {
    let to = &image.target.repository;
    for node in image.parts(contents).filter(|node| node.is_manifest() && node.presence == Presence::Missing) {
        if let Some(digest) = lacking_below(target, to, &node.descriptor)? {
            let manifest = &node.descriptor.digest;
            let reason = format!("{to}@{manifest} is there, and {digest} is neither below it nor in a bundle");
            return Err(Error::content(reason));
        }
    }
    Ok(())
}

fn nameless(message: String) -> Error {
    Error::Usage { message, next: Some(NextStep::NameRepository) }
}

/// What an image needs and is neither in the bundles nor at the target.
fn lacking(bundles: &Bundles, image: &Image, missing: &[&Node]) -> Error {
    let lacks: Vec<Error> = missing.iter().take(MOST_LACKS).map(|node| bundles.lack(&node.descriptor)).collect();
    let error = Error::all(lacks);
    let error = match missing.len().checked_sub(MOST_LACKS).filter(|more| *more > 0) {
        Some(more) => Error::content(format!("{error}; and {more} more")),
        None => error,
    };
    // What a bundle lacks was damaged on the way; a node's export lacks it from the start.
    if bundles.iter().any(Bundle::is_ours) {
        return error;
    }
    error.or_else_do(NextStep::ExportWhole { name: image.name.to_string() })
}
