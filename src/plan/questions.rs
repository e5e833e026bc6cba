//! What a walk asks, and what it is told.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::attached::{Candidate, Subject};
use super::budget::Budget;
use super::graph::MAX_NODES;
use crate::error::{Error, Kind, Result};
use crate::oci::{Descriptor, Digest, Manifest, Platform, Reference, Role, VerifyReader};
use crate::store::{Node, Place, ReferrerSource, Source};

/// A config larger than this, in bytes, is not looked into for a platform.
const MAX_CONFIG: u64 = 4 << 20;
/// How often a config is asked for whose body breaks off.
const MOST_CONFIGS: u32 = 3;

pub(super) enum Question {
    Candidate(Box<Candidate>),
    Content(usize, Box<Node>),
    /// Where an image runs that no index says it of. Its manifest, where that is in hand.
    Platform(Box<Descriptor>, Vec<Place>, Option<Manifest>),
    Subject(Subject),
}

pub(super) enum Answer {
    Candidate(Box<Candidate>, Result<Box<Manifest>>),
    Content(usize, Result<There>),
    Platform(Digest, Result<Option<Platform>>),
    Subject(Subject, Result<Listed>),
}

/// What a place has that refers to a manifest: by its subject, and by a tag.
pub(super) type Listed = (Vec<Descriptor>, Vec<(Reference, Manifest)>);

/// What some content turned out to be.
pub(super) enum There {
    Absent,
    Blob,
    /// A blob that came with the answer.
    Bytes(Arc<[u8]>),
    Manifest(Box<Manifest>),
}

/// Whoever puts the questions.
pub(super) struct Asker<'a> {
    pub(super) source: &'a dyn Source,
    pub(super) referrers: Option<&'a dyn ReferrerSource>,
    pub(super) budget: &'a Budget,
}

impl Asker<'_> {
    pub(super) fn ask(&self, question: Question, listed: &AtomicUsize) -> Answer {
        match question {
            Question::Candidate(candidate) => {
                let Candidate { descriptor, places, .. } = &*candidate;
                let manifest = self.manifest(places, descriptor);
                Answer::Candidate(candidate, manifest)
            }
            Question::Content(at, node) => Answer::Content(at, self.look_up(&node)),
            Question::Platform(descriptor, places, manifest) => {
                let platform = self.platform(&descriptor, &places, manifest);
                Answer::Platform(descriptor.digest, platform)
            }
            Question::Subject(subject) => {
                let Subject { place, digest, .. } = &subject;
                let answer = self.referrers.map_or(Ok(Listed::default()), |source| {
                    let listed = source.referrers(*place, digest);
                    let both = listed.and_then(|listed| Ok((listed, source.tagged(*place, digest)?)));
                    both.map_err(|e| source.blame(*place, digest, e))
                });
                let answer = answer.and_then(|(descriptors, tagged)| {
                    // All answers are held at once.
                    if listed.fetch_add(descriptors.len(), Ordering::Relaxed) + descriptors.len() > MAX_NODES {
                        return Err(Error::content(format!("more than {MAX_NODES} referrers are listed")));
                    }
                    Ok((descriptors, tagged))
                });
                Answer::Subject(subject, answer)
            }
        }
    }

    /// A manifest from the first of these places that gives it whole.
    fn manifest(&self, places: &[Place], descriptor: &Descriptor) -> Result<Box<Manifest>> {
        let Descriptor { digest, size, .. } = descriptor;
        let mut failures = Vec::new();
        self.budget.take(*size)?;
        for place in places {
            match self.source.manifest(*place, descriptor) {
                Ok(manifest) => {
                    self.budget.take(manifest.held().saturating_sub(*size))?;
                    return Ok(Box::new(manifest));
                }
                Err(e) => failures.push(self.source.blame(*place, digest, e)),
            }
        }
        self.budget.give_back(*size);
        Err(Error::all(failures))
    }

    fn look_up(&self, node: &Node) -> Result<There> {
        let Node { descriptor, places, .. } = node;
        if node.is_manifest() {
            return if places.is_empty() {
                Ok(There::Absent)
            } else {
                self.manifest(places, descriptor).map(There::Manifest)
            };
        }
        if descriptor.data.is_some() {
            return Ok(There::Blob);
        }
        let mut failures = Vec::new();
        for place in places {
            match self.source.has_blob(*place, descriptor) {
                Ok(true) => return Ok(There::Blob),
                Ok(false) => {}
                Err(e) => failures.push(self.source.blame(*place, &descriptor.digest, e)),
            }
        }
        if node.role == Role::Unknown {
            self.budget.check()?;
            for place in places {
                match self.source.document(*place, descriptor) {
                    Ok(Some(bytes)) => {
                        self.budget.take(bytes.len() as u64)?;
                        return Ok(There::Bytes(bytes));
                    }
                    Ok(None) => {}
                    Err(e) => failures.push(self.source.blame(*place, &descriptor.digest, e)),
                }
            }
        }
        if !descriptor.urls.is_empty() && self.source.fetches_urls() {
            return Ok(There::Blob);
        }
        if failures.is_empty() { Ok(There::Absent) } else { Err(Error::all(failures)) }
    }

    /// Where an image runs, as its config says.
    fn platform(
        &self,
        descriptor: &Descriptor,
        places: &[Place],
        manifest: Option<Manifest>,
    ) -> Result<Option<Platform>> {
        let manifest = match manifest {
            Some(manifest) => manifest,
            None => {
                let manifest = *self.manifest(places, descriptor)?;
                self.budget.give_back(manifest.held().max(descriptor.size));
                manifest
            }
        };
        platform_of(self.source, &manifest, places)
    }
}

/// Where a single image runs, as its config says; these places have its manifest.
///
/// # Errors
/// When none of them gives the config away.
pub(crate) fn platform_of(source: &dyn Source, manifest: &Manifest, places: &[Place]) -> Result<Option<Platform>> {
    let is_readable = |config: &&Descriptor| manifest.is_image() && config.size <= MAX_CONFIG;
    let Some(config) = manifest.config().filter(is_readable) else { return Ok(None) };
    if let Some(data) = &config.data {
        return Ok(Platform::of_config(data));
    }
    let mut failures = Vec::new();
    for place in places.iter().flat_map(|near| source.places(config, *near)) {
        let mut left = MOST_CONFIGS;
        loop {
            left -= 1;
            match read(source, place, config) {
                Ok(bytes) => return Ok(Platform::of_config(&bytes)),
                Err(e) if left > 0 && e.kind() == Kind::Transient => {}
                Err(e) => {
                    failures.push(source.blame(place, &config.digest, e));
                    break;
                }
            }
        }
    }
    if failures.is_empty() { Ok(None) } else { Err(Error::all(failures)) }
}

fn read(source: &dyn Source, place: Place, config: &Descriptor) -> Result<Vec<u8>> {
    let content = source.open(place, config, 0)?;
    let mut bytes = Vec::new();
    let mut reader = VerifyReader::new(content, &config.digest, config.size);
    reader.read_to_end(&mut bytes).map_err(Error::from_read)?;
    Ok(bytes)
}
