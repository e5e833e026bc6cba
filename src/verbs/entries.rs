//! From the entries of bundles to where a walk begins: what each is called, and what a layout of another
//! tool holds without saying so.

use std::collections::{HashMap, HashSet};

use super::superseded::Aside;
use crate::archive::{Bundle, Bundles, IndexEntry, nothing_named};
use crate::error::{Error, Result};
use crate::oci::{Descriptor, Digest, Manifest, Reference, parse_digest_tag};
use crate::plan::{Platforms, Start};
use crate::store::{Contents, Place, RootName};

/// One entry of a layout that cannot be used, which concerns no other.
#[derive(Debug)]
pub(super) struct Unusable {
    /// Its name, its digest, or which one it is.
    pub(super) label: String,
    /// What is wrong with it.
    pub(super) error: Error,
}

/// Where a walk begins, and what cannot be used.
pub(super) struct Entries {
    pub(super) starts: Vec<Start>,
    pub(super) unusable: Vec<Unusable>,
}

impl Entries {
    /// The entries of all these bundles, but those that do not count in each of them. `name` is the repository of what
    /// has none.
    ///
    /// # Errors
    /// When a bundle names nothing, or something cannot be named so.
    pub(super) fn of(bundles: &Bundles, name: Option<&Reference>, aside: &[Aside]) -> Result<Self> {
        let mut entries = Self { starts: Vec::new(), unusable: Vec::new() };
        let mut seen = HashSet::new();
        for (number, bundle) in bundles.iter().enumerate() {
            let here = |e: Error| e.at(bundle.path().display());
            for bad in &bundle.index().bad {
                let error = Error::content(bad.error.to_string());
                let error = bad.error.next_steps().into_iter().fold(error, Error::or_else_do);
                entries.unusable.push(Unusable { label: bad.label.clone(), error });
            }
            let mut own: Vec<(RootName, Descriptor)> = Vec::new();
            for IndexEntry { name: called, descriptor } in &bundle.index().entries {
                let called = if bundle.is_ours() {
                    called.clone()
                } else {
                    full_name(called, descriptor, name).map_err(here)?
                };
                own.push((called, descriptor.clone()));
            }
            if !bundle.is_ours() && !bundle.is_salvaged() {
                own.extend(lone(bundle, name)?);
                entries.one_size_each(bundle, &mut own);
            }
            if let Some(aside) = aside.get(number).filter(|aside| !aside.is_empty()) {
                own.retain(|(called, descriptor)| !aside.contains(&(called.clone(), descriptor.digest.clone())));
            }
            for (called, descriptor) in own {
                // One entry that stands there twice is one root.
                let Descriptor { digest, media_type, size, .. } = descriptor.clone();
                if seen.insert((called.clone(), digest, media_type, size)) {
                    let places = bundles.holding(&descriptor);
                    entries.starts.push(Start {
                        name: called,
                        descriptor,
                        manifest: None,
                        places,
                        platforms: Platforms::default(),
                    });
                }
            }
        }
        Ok(entries)
    }

    /// Of entries that give one digest two sizes, those that are wrong stand for nothing.
    fn one_size_each(&mut self, bundle: &Bundle, own: &mut Vec<(RootName, Descriptor)>) {
        let mut sizes: HashMap<Digest, u64> = HashMap::new();
        for (_, descriptor) in own.iter() {
            let there = bundle.size_of(&descriptor.digest).unwrap_or(descriptor.size);
            sizes.entry(descriptor.digest.clone()).or_insert(there);
        }
        let mut counts: HashMap<Digest, HashSet<u64>> = HashMap::new();
        for (_, descriptor) in own.iter() {
            counts.entry(descriptor.digest.clone()).or_default().insert(descriptor.size);
        }
        own.retain(|(called, descriptor)| {
            let Descriptor { digest, size, .. } = descriptor;
            let is_contradicted = counts.get(digest).is_some_and(|sizes| sizes.len() > 1);
            if !is_contradicted || sizes.get(digest) == Some(size) {
                return true;
            }
            let is = sizes.get(digest).copied().unwrap_or_default();
            let error = Error::content(format!("{digest} is said to be {size} bytes long, and is {is}"));
            self.unusable.push(Unusable { label: label(called, digest), error });
            false
        });
    }
}

fn label(name: &RootName, digest: &Digest) -> String {
    match name {
        RootName::Full(name) => name.name(),
        RootName::Tag(tag) => tag.clone(),
        RootName::None => digest.to_string(),
    }
}

/// What an entry of a layout of another tool is called: a tag in this repository is a name, and what
/// looks like a name of docker's is read as docker reads it.
fn full_name(called: &RootName, descriptor: &Descriptor, name: Option<&Reference>) -> Result<RootName> {
    let RootName::Tag(text) = called else { return Ok(called.clone()) };
    let is_attached = parse_digest_tag(text).is_some();
    // A name with a tag is for the only image, whatever it was called.
    if name.is_some_and(|name| name.tag.is_some()) && !is_attached {
        return Ok(called.clone());
    }
    let parsed = text.parse().ok().filter(|_| text.contains([':', '/']));
    let as_docker: Option<Reference> = parsed.filter(|r: &Reference| fits(r, descriptor));
    match (as_docker, name) {
        (Some(named), None) => Ok(RootName::Full(named)),
        (Some(named), Some(name)) => Ok(RootName::Full(Reference { repository: name.repository.clone(), ..named })),
        (None, None) => Ok(called.clone()),
        (None, Some(name)) => {
            let tag = text.parse().map_err(|e| Error::usage(format!("`{}`: {e}", text.escape_debug())))?;
            Ok(RootName::Full(Reference { repository: name.repository.clone(), tag: Some(tag), digest: None }))
        }
    }
}

fn fits(name: &Reference, descriptor: &Descriptor) -> bool {
    name.digest.as_ref().is_none_or(|digest| *digest == descriptor.digest)
}

/// The only image of a layout that names nothing, where somebody says what it is called.
fn lone(bundle: &Bundle, name: Option<&Reference>) -> Result<Option<(RootName, Descriptor)>> {
    if bundle.names_something() {
        return Ok(None);
    }
    let here = |e: Error| e.at(bundle.path().display());
    let manifests: Vec<Manifest> = bundle.blobs().filter_map(|digest| bundle.manifest_if_one(digest)).collect();
    let children: HashSet<&Digest> =
        manifests.iter().flat_map(Manifest::successors).map(|s| &s.descriptor.digest).collect();
    let mut seen = HashSet::new();
    let is_top = |m: &&Manifest| m.subject().is_none() && !children.contains(m.digest());
    let tops: Vec<&Manifest> = manifests.iter().filter(is_top).filter(|m| seen.insert(m.digest())).collect();
    match (tops.as_slice(), name.is_some_and(|name| name.tag.is_some())) {
        ([one], true) => Ok(Some((RootName::None, one.descriptor()))),
        _ => {
            let blobs: HashSet<&Digest> = bundle.blobs().collect();
            Err(here(nothing_named(blobs.len(), bundle.has_docker_list()?)))
        }
    }
}

/// What refers to something here and is only among the blobs of a layout, as cosign 3 saves it; with
/// all its content, or it would make an image incomplete.
pub(super) fn unlisted_referrers(bundles: &Bundles, contents: &Contents) -> Vec<Start> {
    let mut candidates: Vec<(Manifest, Vec<Place>)> = Vec::new();
    let mut seen = HashSet::new();
    for bundle in bundles.iter().filter(|bundle| !bundle.is_ours() && !bundle.is_salvaged()) {
        for digest in bundle.blobs().filter(|digest| contents.node(digest).is_none()) {
            if !seen.insert(digest.clone()) {
                continue;
            }
            let manifest = bundle.manifest_if_one(digest).filter(|manifest| manifest.subject().is_some());
            let is_whole = |m: &Manifest| m.successors().all(|s| !bundles.holding(s.descriptor).is_empty());
            let Some(manifest) = manifest.filter(is_whole) else { continue };
            let places = bundles.holding(&manifest.descriptor());
            candidates.push((manifest, places));
        }
    }
    let mut starts = Vec::new();
    let mut found: HashSet<Digest> = HashSet::new();
    loop {
        let before = starts.len();
        candidates.retain(|(manifest, places)| {
            let subject = manifest.subject().map(|subject| &subject.digest);
            let is_here =
                subject.is_some_and(|s| found.contains(s) || contents.node(s).is_some_and(|n| n.is_manifest()));
            if is_here {
                found.insert(manifest.digest().clone());
                let (name, descriptor) = (RootName::None, manifest.descriptor());
                let platforms = Platforms::default();
                starts.push(Start { name, descriptor, manifest: None, places: places.clone(), platforms });
            }
            !is_here
        });
        if starts.len() == before {
            return starts;
        }
    }
}
