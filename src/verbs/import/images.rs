//! Where each image of some bundles goes, and with it what refers to it.

use crate::error::{Error, NextStep, Result};
use crate::oci::{Digest, Reference, Repository};
use crate::plan::{Assignment, Naming, assign};
use crate::store::{Contents, RootName};
use crate::transfer::Image;

/// Gives every image its place.
///
/// # Errors
/// Names that collide, or content that has no name.
pub(super) fn place(contents: &Contents, name: Option<&Repository>, naming: &Naming) -> Result<Vec<Image>> {
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
    let image = |a: Assignment| {
        let referrers = contents.referrer_digests(&a.digest).into();
        Image { name: a.name, digest: a.digest, target: a.target, referrers }
    };
    Ok(assign(names, naming)?.into_iter().map(image).collect())
}

fn nameless(message: String) -> Error {
    Error::Usage { message, next: Some(NextStep::NameRepository) }
}
