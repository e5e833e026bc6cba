//! Which images some bundles hold, and where each of them goes.
//!
//! What has a full name goes where the naming rules say; a bare tag needs a repository from whoever
//! imports it; a referrer follows its subject; and what only repeats a part of an image is none.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::archive::{Bundles, IndexEntry};
use crate::error::{Error, Result};
use crate::oci::{Digest, Reference, Repository};
use crate::plan::{Assignment, Failure, Found, Naming, assign, walk};
use crate::store::{Contents, Source, Watch};
use crate::transfer::Image;

/// Everything that the bundles' entries stand for; `name` is the repository of bare tags. A manifest
/// that cannot be read leaves open what else is missing, so nothing is pushed then.
pub(super) fn read(bundles: &Bundles, name: Option<&Repository>, watch: &dyn Watch) -> Result<Contents> {
    let mut roots = Vec::new();
    let mut seen: HashSet<(Option<String>, Digest)> = HashSet::new();
    for bundle in bundles.iter() {
        let at = |e: Error| e.at(bundle.path().display());
        for entry in &bundle.index().entries {
            let name = full_name(entry, name).map_err(at)?;
            let digest = &entry.descriptor.digest;
            if !seen.insert((name.clone(), digest.clone())) {
                continue;
            }
            let label = name.clone().unwrap_or_else(|| digest.to_string());
            let manifest = bundle.manifest(&nowhere()?, &entry.descriptor).map_err(|e| at(e.at(label)))?;
            roots.push(Found { name, repository: nowhere()?, manifest });
        }
    }
    let at = |e: Error| e.at(bundles.label());
    let (contents, failures) = walk(bundles, roots, 1, watch).map_err(at)?;
    match failures.into_iter().next() {
        Some(Failure { images, error, .. }) => Err(at(error.at(images.join(", ")))),
        None => contents.check_spread().map(|()| contents).map_err(at),
    }
}

/// Content in a bundle is found by digest alone.
fn nowhere() -> Result<Repository> {
    Ok(Repository::new("bundle.invalid", "content")?)
}

fn full_name(entry: &IndexEntry, repository: Option<&Repository>) -> Result<Option<String>> {
    match (&entry.name, &entry.tag, repository) {
        (Some(name), ..) => Ok(Some(name.clone())),
        (None, None, _) => Ok(None),
        (None, Some(tag), Some(repository)) => {
            let tag = tag.parse().map_err(|e| Error::usage(format!("`{}`: {e}", tag.escape_debug())))?;
            Ok(Some(Reference { repository: repository.clone(), tag: Some(tag), digest: None }.name()))
        }
        (None, Some(tag), None) => Err(Error::Usage {
            message: format!("`{}` is a tag, and nothing says of which repository", tag.escape_debug()),
            hint: Some("name the repository, as in --name registry.example/team/app".into()),
        }),
    }
}

/// Gives every image its place, and with it what refers to it.
///
/// # Errors
/// Names that collide, or content that has no name.
pub(super) fn place(contents: &Contents, name: Option<&Repository>, naming: &Naming) -> Result<Vec<Image>> {
    let below = contents.below(contents.roots.iter().filter(|r| r.name.is_some()).map(|r| &r.digest));
    let mut names = Vec::new();
    for root in &contents.roots {
        match (&root.name, name) {
            (Some(name), _) => names.push((name.clone(), root.digest.clone())),
            (None, _) if contents.subject(root).is_some() || below.contains(&root.digest) => {}
            (None, Some(repository)) => {
                let reference =
                    Reference { repository: repository.clone(), tag: None, digest: Some(root.digest.clone()) };
                names.push((reference.name(), root.digest.clone()));
            }
            (None, None) => {
                return Err(Error::Usage {
                    message: format!("{} has no name", root.digest),
                    hint: Some("name its repository, as in --name registry.example/team/app".into()),
                });
            }
        }
    }
    let image = |a: Assignment| {
        let referrers = contents.referrer_digests(&a.digest);
        Image { name: a.name, digest: a.digest, target: a.target, referrers }
    };
    Ok(assign(names, naming)?.into_iter().map(image).collect())
}

/// What is wrong with an image, or with what refers to it.
pub(super) fn damage<'a>(damaged: &'a HashMap<Digest, Arc<Error>>, image: &Image) -> Option<&'a Arc<Error>> {
    damaged.get(&image.digest).or_else(|| image.referrers.iter().find_map(|digest| damaged.get(digest)))
}

/// What is wrong, by the digests of the roots it hurts: blobs that should be there and are not.
pub(super) fn missing_blobs(bundles: &Bundles, contents: &Contents) -> HashMap<Digest, Arc<Error>> {
    let lost: HashMap<&Digest, Arc<Error>> = contents
        .blobs()
        .filter_map(|node| Some((&node.descriptor.digest, Arc::new(bundles.holds(&node.descriptor).err()?))))
        .collect();
    let mut damaged = HashMap::new();
    if !lost.is_empty() {
        for root in &contents.roots {
            let closure = contents.closure(&root.digest);
            if let Some(error) = closure.iter().find_map(|n| lost.get(&n.descriptor.digest)) {
                damaged.insert(root.digest.clone(), error.clone());
            }
        }
    }
    damaged
}
