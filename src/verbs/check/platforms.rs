//! Which of the wanted platforms of an image are not there.

use std::collections::{HashMap, HashSet};

use crate::error::{Error, Result};
use crate::oci::{Descriptor, Digest, Manifest, Platform, Role};
use crate::plan::{Platforms, is_silent, platform_of};
use crate::store::{Place, Source};

/// More manifests than any image has.
const MOST: usize = 100_000;

/// The wanted platforms that an image has not, or whose manifests are not there. `places` are those that may have
/// content of it. What says nothing of where it runs lacks none.
///
/// # Errors
/// When the source does not say.
pub(super) fn missing_platforms(
    source: &dyn Source,
    places: &dyn Fn(&Descriptor) -> Vec<Place>,
    root: &Manifest,
    wanted: &Platforms,
    is_there: &dyn Fn(&Descriptor) -> Result<bool>,
) -> Result<Vec<String>> {
    if !wanted.are_chosen() {
        return Ok(Vec::new());
    }
    let mut entries: Vec<(Descriptor, Platform)> = Vec::new();
    if !root.media_type().is_index() {
        let descriptor = root.descriptor();
        let platform = platform_of(source, root, &places(&descriptor))?;
        entries.extend(platform.map(|platform| (descriptor, platform)));
    }
    let mut open = vec![root.clone()];
    let mut seen = HashSet::new();
    while let Some(index) = open.pop().filter(|manifest| manifest.media_type().is_index()) {
        for successor in index.successors().filter(|s| s.role == Role::Manifest) {
            let descriptor = successor.descriptor;
            if !seen.insert(descriptor.digest.clone()) && descriptor.platform.is_none() {
                continue;
            }
            if seen.len() > MOST {
                return Err(Error::content(format!("{}: more than {MOST} manifests", root.digest())));
            }
            match &descriptor.platform {
                Some(platform) if platform.is_known() => entries.push((descriptor.clone(), platform.clone())),
                None if descriptor.media_type.is_index() => open.extend(manifest(source, places, descriptor)?),
                None if is_silent(descriptor, successor.role) => {
                    let manifest = manifest(source, places, descriptor)?;
                    let platform = manifest.map(|manifest| platform_of(source, &manifest, &places(descriptor)));
                    let platform = platform.transpose()?.flatten();
                    entries.extend(platform.map(|platform| (descriptor.clone(), platform)));
                }
                _ => {}
            }
        }
    }
    let there: Vec<&Platform> = entries.iter().map(|(_, platform)| platform).collect();
    let mut known: HashMap<&Digest, bool> = HashMap::new();
    let mut missing = Vec::new();
    for platform in wanted.wanted() {
        let mut taken = entries.iter().filter(|(_, own)| platform.takes(own, &there)).peekable();
        let mut lacks = taken.peek().is_none() && !entries.is_empty();
        for (descriptor, _) in taken {
            let is_there = match known.get(&descriptor.digest) {
                Some(is_there) => *is_there,
                None => is_there(descriptor)?,
            };
            known.insert(&descriptor.digest, is_there);
            lacks |= !is_there;
        }
        if lacks {
            missing.push(platform.to_string());
        }
    }
    Ok(missing)
}

/// A manifest below; `None` where it is not there.
fn manifest(
    source: &dyn Source,
    places: &dyn Fn(&Descriptor) -> Vec<Place>,
    descriptor: &Descriptor,
) -> Result<Option<Manifest>> {
    for place in places(descriptor) {
        match source.manifest(place, descriptor) {
            Ok(manifest) => return Ok(Some(manifest)),
            Err(e) if e.status() == Some(404) => {}
            Err(e) => return Err(source.blame(place, &descriptor.digest, e)),
        }
    }
    Ok(None)
}
