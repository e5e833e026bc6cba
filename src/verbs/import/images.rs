//! Where each image of some bundles goes, and with it what refers to it.

use std::collections::HashMap;
use std::sync::Arc;

use crate::archive::Bundles;
use crate::error::{Error, NextStep, Result};
use crate::oci::{Digest, Reference, Repository};
use crate::plan::{Assignment, Naming, assign};
use crate::store::{Contents, Presence, Root, RootName, Target};
use crate::transfer::{ExistingTag, Image, Survey, lacking_below};

/// Gives every image its place.
///
/// # Errors
/// Names that collide, or content that has no name.
pub(super) fn place(
    contents: &Contents,
    name: Option<&Repository>,
    naming: &Naming,
    existing_tag: ExistingTag,
) -> Result<Vec<Image>> {
    let mut names: Vec<(Reference, Digest)> = Vec::new();
    for root in contents.images() {
        let digest = root.digest.clone();
        match (&root.name, name) {
            (RootName::Full(name), _) => names.push((name.clone(), digest)),
            (_, Some(repository)) => {
                let repository = repository.clone();
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
    let unknown = |root: &&Root| {
        let node = contents.node(&root.digest);
        root.name == RootName::None && node.is_none_or(|node| node.manifest.is_none())
    };
    if let Some(root) = contents.roots.iter().find(unknown) {
        let reason = format!("index.json lists {} without a name, and its manifest is not there", root.digest);
        return Err(Error::content(reason));
    }
    // Many names may be one content.
    let mut known: HashMap<Digest, Arc<[Digest]>> = HashMap::new();
    let image = |a: Assignment| {
        let referrers = known.entry(a.digest.clone()).or_insert_with(|| contents.referrer_digests(&a.digest).into());
        Image { name: a.name, digest: a.digest, target: a.target, referrers: referrers.clone(), existing_tag }
    };
    naming.check(names.iter().map(|(name, _)| &name.repository))?;
    Ok(assign(names, naming)?.into_iter().map(image).collect())
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
    Err(Error::all(missing.iter().map(|node| bundles.lack(&node.descriptor)).collect()))
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
