//! Which of the images that some files hold are packed: all, or those with certain names; and with them what refers to
//! them.

use std::collections::{BTreeMap, HashSet};

use crate::error::{Error, NextStep};
use crate::oci::{Digest, Reference};
use crate::plan::{Platforms, Start};
use crate::store::{Root, RootName};
use crate::verbs::chosen_names::{NamePattern, all_used};
use crate::verbs::opened::Opened;

/// Where the walk of what is packed begins.
///
/// # Errors
/// Images without a name, one name with two contents, or a pattern that is for none of them.
pub(super) fn starts(
    opened: &Opened,
    only: &[NamePattern],
    name: Option<&Reference>,
) -> Result<Vec<Start>, Vec<Error>> {
    let contents = &opened.contents;
    let mut errors: Vec<Error> = Vec::new();
    let mut named: BTreeMap<String, (&Root, RootName)> = BTreeMap::new();
    let mut chosen: Vec<&Digest> = Vec::new();
    let mut used = vec![false; only.len()];
    for root in contents.images() {
        let called = match (&root.name, name) {
            (RootName::Full(full), _) => full.clone(),
            (_, Some(name)) => {
                let digest = name.tag.is_none().then(|| root.digest.clone());
                Reference { digest, ..name.clone() }
            }
            _ => {
                let error = Error::usage(format!("{} has no name that says of which repository it is", root.shown()));
                errors.push(at_files(error.advised([NextStep::NameRepository]), opened, &root.digest));
                continue;
            }
        };
        let fitting: Vec<usize> = (0..only.len()).filter(|at| only[*at].fits(&called)).collect();
        fitting.iter().for_each(|at| used[*at] = true);
        if fitting.is_empty() && !only.is_empty() {
            continue;
        }
        chosen.push(&root.digest);
        let full = called.name();
        match named.get(&full) {
            Some((other, _)) if other.digest != root.digest => {
                let [one, two] = [&other.digest, &root.digest].map(|digest| {
                    let files = files_with(opened, digest).join(", ");
                    format!("{digest} ({files})")
                });
                let message = format!("`{full}` names both {one} and {two}");
                errors.push(Error::Usage { message, next: Some(NextStep::PackApart) });
            }
            _ => {
                named.insert(full, (root, RootName::Full(called)));
            }
        }
    }
    errors.extend(all_used(only, &used));
    if errors.is_empty() && named.is_empty() {
        errors.push(Error::usage("there is no image to pack"));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let attached: HashSet<Digest> = chosen.iter().flat_map(|digest| contents.all_referrer_digests(digest)).collect();
    let by_tag: HashSet<&RootName> = contents.attached_by_tag().map(|(root, _)| &root.name).collect();
    let is_attached = |root: &&Root| {
        let belongs = attached.contains(&root.digest);
        belongs && (contents.is_referrer(root) || (by_tag.contains(&root.name) && root.name.full().is_some()))
    };
    let images = named.into_values().map(|(root, name)| (name, &root.digest));
    let others = contents.roots.iter().filter(is_attached).map(|root| (root.name.clone(), &root.digest));
    let start = |(name, digest): (RootName, &Digest)| {
        let node = contents.node(digest)?;
        let descriptor =
            node.manifest.as_ref().map_or_else(|| node.descriptor.clone(), |manifest| manifest.descriptor());
        let places = opened.bundles.holding(&descriptor);
        Some(Start { name, descriptor, manifest: None, places, platforms: Platforms::default() })
    };
    Ok(images.chain(others).filter_map(start).collect())
}

fn at_files(error: Error, opened: &Opened, digest: &Digest) -> Error {
    error.at(files_with(opened, digest).join(", "))
}

/// The files that have an entry for this.
fn files_with(opened: &Opened, digest: &Digest) -> Vec<String> {
    let has = |bundle: &&crate::archive::Bundle| {
        bundle.index().entries.iter().any(|entry| entry.descriptor.digest == *digest)
    };
    opened.bundles.iter().filter(has).map(|bundle| bundle.path().display().to_string()).collect()
}
