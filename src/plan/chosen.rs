//! Which platforms of each manifest of a walk are wanted, and what has to be asked to know.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::graph::Graph;
use super::platforms::{Platforms, is_silent};
use super::questions::Question;
use crate::error::{Error, Result};
use crate::oci::{Descriptor, Digest, Manifest, Platform};
use crate::store::Place;

/// The choice as far as the walk has come.
#[derive(Default)]
pub(super) struct Chosen {
    /// Something is not wanted.
    is_any: bool,
    /// By node, what of it is wanted.
    of: HashMap<usize, Platforms>,
    /// Where images run of which no index says it.
    known: HashMap<Digest, Option<Platform>>,
    asked: HashSet<Digest>,
    next: Vec<Question>,
    /// Indexes that wait for an answer.
    waiting: BTreeSet<usize>,
    failed: Vec<(Digest, Error)>,
}

impl Chosen {
    /// A root, of which these platforms are wanted. A single image says in its config where it runs.
    pub(super) fn begin(&mut self, manifest: &Manifest, places: &[Place], platforms: &Platforms) {
        self.is_any |= platforms.are_chosen();
        if platforms.are_chosen() && !manifest.media_type().is_index() && manifest.is_image() {
            self.ask(&manifest.descriptor(), places.to_vec(), Some(manifest.clone()));
        }
    }

    pub(super) fn is_any(&self) -> bool {
        self.is_any
    }

    /// Of a manifest, these platforms are wanted too; true if that is more than before.
    pub(super) fn reach(&mut self, at: usize, platforms: &Platforms) -> bool {
        if !self.is_any {
            return false;
        }
        match self.of.get_mut(&at) {
            Some(before) => before.join(platforms),
            None => {
                self.of.insert(at, platforms.clone());
                false
            }
        }
    }

    /// What of a manifest is wanted.
    pub(super) fn of(&self, at: usize) -> Platforms {
        self.of.get(&at).cloned().unwrap_or_default()
    }

    /// Which of the successors of a manifest are wanted, where not all are; `None` where that has to be asked first.
    pub(super) fn wants(
        &mut self,
        at: usize,
        manifest: &Manifest,
        places: impl Fn(&Descriptor) -> Vec<Place>,
    ) -> Option<Vec<bool>> {
        let platforms = self.of(at);
        if !platforms.are_chosen() || !manifest.media_type().is_index() {
            return Some(Vec::new());
        }
        let unknown = |digest: &Digest| !self.known.contains_key(digest);
        let silent = manifest.successors().filter(|s| is_silent(s.descriptor, s.role));
        let silent: Vec<&Descriptor> = silent.map(|s| s.descriptor).filter(|d| unknown(&d.digest)).collect();
        if !silent.is_empty() {
            for descriptor in silent {
                self.ask(descriptor, places(descriptor), None);
            }
            self.waiting.insert(at);
            return None;
        }
        let entries: Vec<&Descriptor> = manifest.successors().map(|s| s.descriptor).collect();
        Some(platforms.choose(&entries, &self.known))
    }

    fn ask(&mut self, descriptor: &Descriptor, places: Vec<Place>, manifest: Option<Manifest>) {
        if self.asked.insert(descriptor.digest.clone()) {
            self.next.push(Question::Platform(Box::new(descriptor.clone()), places, manifest));
        }
    }

    /// The questions that have come up since the last time.
    pub(super) fn questions(&mut self) -> Vec<Question> {
        std::mem::take(&mut self.next)
    }

    /// The indexes that waited for an answer.
    pub(super) fn waiting(&mut self) -> BTreeSet<usize> {
        std::mem::take(&mut self.waiting)
    }

    pub(super) fn learn(&mut self, digest: Digest, answer: Result<Option<Platform>>) {
        let platform = answer.unwrap_or_else(|error| {
            self.failed.push((digest.clone(), error));
            None
        });
        self.known.insert(digest, platform);
    }

    /// Tells the graph what was found out; what could not be.
    pub(super) fn finish(self, graph: &mut Graph) -> Vec<(Digest, Error)> {
        for (digest, platform) in self.known {
            if let Some(&at) = graph.at.get(&digest) {
                graph.nodes[at].platform = platform;
            }
        }
        self.failed
    }
}
