//! Whether everything that images need is in the bundles, or at the target.

use super::lacking::Lacking;
use crate::archive::{Bundle, Bundles};
use crate::error::{Error, NextStep, Result};
use crate::store::{Contents, Node, Presence, Root, RootName, Target};
use crate::transfer::{Image, Survey, lacking_below};

/// As many missing pieces as are named one by one.
const MOST_LACKS: usize = 3;

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
    lacking: &Lacking,
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
    let mut first = missing.iter().filter(|node| node.rests_on_base());
    match missing.iter().find(|node| node.is_delta()).or_else(|| first.next()) {
        Some(node) => Err(lacking.error(node, missing.len(), image)),
        None => Err(lacks(bundles, image, &missing)),
    }
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

/// What an image needs and is neither in the bundles nor at the target.
fn lacks(bundles: &Bundles, image: &Image, missing: &[&Node]) -> Error {
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
