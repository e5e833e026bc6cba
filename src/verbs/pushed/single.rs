//! One platform's own manifest in the place of an image: for registries that take no index of which they lack
//! platforms. Its digest is not that of the index, and whoever pinned that will not find it.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::error::{Error, NextStep, Result};
use crate::oci::{Descriptor, Digest, Manifest, Platform};
use crate::plan::Platforms;
use crate::store::{Contents, Event, Node, Watch};
use crate::transfer::Image;

/// What takes the place of each index.
pub(super) struct Single<'a> {
    platform: &'a Platforms,
    of: HashMap<Digest, Digest>,
    /// Everything that is pushed, without what refers to it.
    kept: HashSet<&'a Digest>,
}

impl<'a> Single<'a> {
    /// For each image of these contents.
    ///
    /// # Errors
    /// The images that have no such platform here, or several.
    pub(super) fn new(contents: &'a Contents, platform: &'a Platforms) -> Result<Self> {
        if platform.wanted().len() != 1 {
            return Err(Error::usage(format!("--single-platform is one platform, not `{platform}`")));
        }
        let mut single = Self { platform, of: HashMap::new(), kept: HashSet::new() };
        let mut errors = BTreeMap::new();
        for root in contents.images() {
            if !single.of.contains_key(&root.digest) {
                match chosen(contents, &root.digest, platform) {
                    Ok(digest) => _ = single.of.insert(root.digest.clone(), digest),
                    Err(e) => _ = errors.entry(&root.digest).or_insert_with(|| e.at(root.label())),
                }
            }
        }
        if !errors.is_empty() {
            return Err(Error::all(errors.into_values().collect()));
        }
        let pushed = single.of.values().filter_map(|digest| contents.node(digest));
        let pushed: Vec<&Digest> = pushed.map(|node| &node.descriptor.digest).collect();
        single.kept = contents.digests_below(pushed);
        Ok(single)
    }

    /// What stands for this image.
    pub(super) fn of<'s>(&'s self, image: &'s Digest) -> &'s Digest {
        self.of.get(image).unwrap_or(image)
    }

    /// Whether what a tag attaches to this content has something to be attached to.
    pub(super) fn keeps(&self, subject: Option<&Digest>) -> bool {
        subject.is_some_and(|subject| self.kept.contains(subject))
    }

    /// Says of which images another digest than their own is pushed.
    pub(super) fn say(&self, images: &[Image], watch: &dyn Watch) {
        let indexes: HashMap<&Digest, &Digest> =
            self.of.iter().filter(|(index, own)| index != own).map(|(index, own)| (own, index)).collect();
        for Image { target, digest, .. } in images {
            if let Some(index) = indexes.get(digest) {
                let message = format!(
                    "{target} becomes {digest}, {} alone, and not the index {index}: whoever asks for that digest will \
                     not find it",
                    self.platform
                );
                watch.on(Event::Warning { message: &message });
            }
        }
    }
}

/// The manifest of a platform of an image; an image that is no index stands for itself.
fn chosen(contents: &Contents, image: &Digest, platform: &Platforms) -> Result<Digest> {
    let Some(root) = contents.node(image).filter(|node| node.media_type().is_index()) else {
        return Ok(image.clone());
    };
    let closure = contents.closure(&root.descriptor.digest);
    let mut named: Vec<(&Descriptor, &Node)> = Vec::new();
    for successor in closure.iter().filter_map(|node| node.manifest.as_ref()).flat_map(Manifest::successors) {
        let node = contents.node(&successor.descriptor.digest).filter(|node| node.is_manifest());
        if let Some(node) = node.filter(|node| !node.media_type().is_index()) {
            named.push((successor.descriptor, node));
        }
    }
    let entries: Vec<&Descriptor> = named.iter().map(|(descriptor, _)| *descriptor).collect();
    // What says nothing of where it runs is not what is asked for.
    let says = |descriptor: &Descriptor| descriptor.platform.as_ref().is_some_and(Platform::is_known);
    let chosen = platform.choose(&entries, &HashMap::new());
    let mut found: Vec<&Node> = Vec::new();
    for ((descriptor, node), chosen) in named.iter().zip(chosen) {
        let is_new = || !found.iter().any(|other| other.descriptor.digest == node.descriptor.digest);
        if chosen && says(descriptor) && is_new() {
            found.push(node);
        }
    }
    let there = || {
        let texts: Vec<String> = contents.platforms(image).iter().map(ToString::to_string).collect();
        texts.join(", ")
    };
    match found.as_slice() {
        [one] if one.manifest.is_some() => Ok(one.descriptor.digest.clone()),
        [one] if one.is_of_other_platform() => {
            let reason = format!("{platform} was left out: there is {}", there());
            Err(Error::refused(reason, NextStep::ChooseSinglePlatform))
        }
        [one] => Err(Error::content(format!("{}, for {platform}, is not there", one.descriptor.digest))),
        [] => {
            let reason = format!("it has no {platform}, only {}", there());
            Err(Error::refused(reason, NextStep::ChooseSinglePlatform))
        }
        several => {
            let reason = format!("{platform} is {} of its manifests: {}", several.len(), there());
            Err(Error::refused(reason, NextStep::ChooseSinglePlatform))
        }
    }
}
