//! `--docker-load`: which manifest of each image goes on the list for Docker.

use std::collections::{BTreeMap, HashMap};

use super::report::few;
use crate::archive::docker_list;
use crate::error::{Error, NextStep, Result};
use crate::oci::{Digest, Manifest, Platform, Reference, Role};
use crate::plan::{Platforms, WantedPlatform, platform_of};
use crate::store::{Contents, Event, Source, Watch, side_by_side};

/// podman reads no longer list (containers/image `MaxTarFileManifestSize`), in bytes.
const MOST_FOR_PODMAN: usize = 1 << 20;

/// The one platform that is meant.
///
/// # Errors
/// It is not one.
pub(super) fn one_platform(platforms: &Platforms) -> Result<&WantedPlatform> {
    match platforms.wanted() {
        [one] => Ok(one),
        _ => {
            let message = "--docker-load takes one platform, as in linux/amd64: a list for Docker has no more";
            Err(Error::Usage { message: message.into(), next: Some(NextStep::ListForDocker) })
        }
    }
}

/// What is wrong with a list for Docker where the file will not be whole, for this flag.
pub(super) fn not_whole(flag: &str) -> Error {
    let message = format!("--docker-load with {flag}: docker takes one file that holds all of its images");
    Error::Usage { message, next: Some(NextStep::ListForDocker) }
}

/// By the names of images, the first manifest of each that is for this platform and there whole. Images that are left
/// aside are said to whoever watches, and what a load by such a list means.
///
/// # Errors
/// No image has the platform, or where one runs cannot be found out.
pub(super) fn choose(
    contents: &Contents,
    source: &dyn Source,
    platform: &WantedPlatform,
    jobs: usize,
    watch: &dyn Watch,
) -> Result<BTreeMap<String, Digest>> {
    let images = contents.roots.iter().filter_map(|root| Some((root.name.full()?, &root.digest)));
    let is_image = |digest: &Digest| contents.node(digest)?.manifest.as_ref().map(Manifest::is_image);
    let images: Vec<(&Reference, &Digest)> = images.filter(|(_, digest)| is_image(digest) == Some(true)).collect();
    let known = known(contents, source, &images, jobs)?;
    let (mut chosen, mut aside) = (BTreeMap::new(), Vec::new());
    for (name, root) in images {
        let manifests = contents.image_manifests(root);
        let runs_on = |manifest: &&Manifest| known.get(manifest.digest()).and_then(Option::as_ref);
        let there: Vec<&Platform> = manifests.iter().filter_map(runs_on).collect();
        let takes = |manifest: &&&Manifest| runs_on(manifest).is_some_and(|own| platform.takes(own, &there));
        let first = manifests.iter().filter(takes).find(|manifest| contents.has_all_of(manifest));
        match first {
            Some(manifest) => drop(chosen.insert(name.name(), manifest.digest().clone())),
            None => aside.push(name.name()),
        }
    }
    if chosen.is_empty() {
        let reason = format!("no image here is for {platform} and complete: the list would be empty");
        return Err(Error::refused(reason, NextStep::ListForDocker));
    }
    if !aside.is_empty() {
        let message = format!("not on the list for Docker, not being for {platform} or not whole: {}", few(&aside));
        watch.on(Event::Warning { message: &message });
    }
    Ok(chosen)
}

/// Says what a load by the list means.
///
/// # Errors
/// When the list cannot be written, which does not happen.
pub(super) fn announce(contents: &Contents, watch: &dyn Watch) -> Result<()> {
    let Some(list) = docker_list(contents)?.map(|bytes| bytes.len()) else { return Ok(()) };
    let listed = contents.docker().len();
    let warn = |message: String| watch.on(Event::Warning { message: &message });
    warn(format!(
        "`docker load` without the containerd store, and `podman load` of several images, take {listed} of the images by \
manifest.json and give them NEW DIGESTS: pins and signatures do not hold for what they load. An import keeps every digest"
    ));
    let nameless: Vec<&str> = contents.docker().keys().filter(|name| name.contains('@')).map(String::as_str).collect();
    if !nameless.is_empty() {
        let nameless: Vec<String> = nameless.into_iter().map(str::to_owned).collect();
        warn(format!("docker and podman load what is named by digest without a name: {}", few(&nameless)));
    }
    if list > MOST_FOR_PODMAN {
        warn(format!("podman reads a manifest.json of {MOST_FOR_PODMAN} bytes at most, and this one has {list}"));
    }
    Ok(())
}

/// Where each manifest of these images runs: as an index says it, else as its config does.
fn known<'a>(
    contents: &'a Contents,
    source: &dyn Source,
    images: &[(&'a Reference, &'a Digest)],
    jobs: usize,
) -> Result<HashMap<&'a Digest, Option<Platform>>> {
    let mut known: HashMap<&Digest, Option<Platform>> = HashMap::new();
    for successor in contents.manifests().flat_map(|(_, manifest)| manifest.successors()) {
        if let (Role::Manifest, Some(platform)) = (successor.role, &successor.descriptor.platform) {
            let platform = Some(platform).filter(|platform| platform.is_known());
            known.entry(&successor.descriptor.digest).or_insert_with(|| platform.cloned());
        }
    }
    let mut silent: BTreeMap<&Digest, &Manifest> = BTreeMap::new();
    for manifest in images.iter().flat_map(|(_, root)| contents.image_manifests(root)) {
        if !known.contains_key(manifest.digest()) {
            silent.insert(manifest.digest(), manifest);
        }
    }
    let answers = side_by_side(silent.into_values().collect(), jobs, |manifest| {
        let node = contents.node(manifest.digest());
        let platform = match node.and_then(|node| node.platform.clone()) {
            Some(platform) => Ok(Some(platform)),
            None => platform_of(source, manifest, node.map(|node| node.places.as_slice()).unwrap_or_default()),
        };
        (manifest.digest(), platform)
    });
    for (digest, platform) in answers {
        let platform = platform.map_err(|e| e.at(contents.image_with(digest).unwrap_or_else(|| digest.to_string())))?;
        known.insert(digest, platform);
    }
    Ok(known)
}
