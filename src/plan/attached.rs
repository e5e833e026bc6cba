//! What refers to the content of a walk: signatures, lists of ingredients, attestations. They are
//! asked for where their subject was found, and looked at one level after they were listed.
//!
//! distribution-spec v1.1 "Listing Referrers". A list is believed only as far as the manifests in it
//! go: each has to name its subject itself.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::error::{Error, NextStep};
use crate::oci::{Descriptor, Digest, Manifest, Reference};
use crate::store::{Place, ReferrerSource};

/// One that was listed, and is not known to be what it was listed as.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) descriptor: Descriptor,
    /// The places that list it.
    pub(super) places: Vec<Place>,
    /// What it was listed for.
    subjects: Vec<Digest>,
}

impl Candidate {
    /// Whether the manifest refers to what it was listed for.
    pub(super) fn is_what_it_was_listed_as(&self, manifest: &Manifest) -> bool {
        manifest.subject().is_some_and(|subject| self.subjects.contains(&subject.digest))
    }

    /// What it was listed for, for a message.
    pub(super) fn subject(&self) -> String {
        self.subjects.iter().map(Digest::as_str).collect::<Vec<_>>().join(", ")
    }
}

/// A subject to ask about.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) place: Place,
    pub(super) digest: Digest,
    /// Which of those of its place it is, from 0 on.
    turn: usize,
    /// Nobody has asked in its neighbourhood yet.
    is_first: bool,
}

impl Subject {
    /// Ascending from what others wait for. The first question to a host, and the first at a place,
    /// may find out something for all that follow.
    pub(super) fn rank(&self) -> usize {
        if self.is_first { 0 } else { 2 + self.turn }
    }
}

/// What could not be had, and everything whose referrers that concerns.
#[derive(Debug)]
pub(super) struct Missed {
    pub(super) digest: Digest,
    pub(super) subjects: Vec<Digest>,
    pub(super) error: Error,
}

/// The search for referrers during one walk.
#[derive(Debug, Default)]
pub(super) struct Search {
    asked: HashSet<(Place, Digest)>,
    /// How many of each place were asked about.
    counts: HashMap<Place, usize>,
    /// Where somebody was asked already.
    neighbourhoods: HashSet<usize>,
    next: Vec<(Place, Digest)>,
    candidates: BTreeMap<Digest, Candidate>,
    /// What refers to something in the walk.
    pub(super) found: BTreeSet<Digest>,
    /// What cosign attached to something in the walk, by name.
    pub(super) tagged: BTreeSet<(Reference, Digest)>,
    refused: BTreeMap<Place, Missed>,
    lost: Vec<Missed>,
}

impl Search {
    /// Something whose referrers are wanted too.
    pub(super) fn look_at(&mut self, place: Place, digest: &Digest) {
        let pair = (place, digest.clone());
        if self.asked.insert(pair.clone()) {
            self.next.push(pair);
        }
    }

    /// The questions that have come up since the last time.
    pub(super) fn subjects(&mut self, source: &dyn ReferrerSource) -> Vec<Subject> {
        let next = std::mem::take(&mut self.next);
        let turns: Vec<usize> = next
            .iter()
            .map(|(place, _)| {
                let count = self.counts.entry(*place).or_default();
                *count += 1;
                *count - 1
            })
            .collect();
        let mut subjects = Vec::with_capacity(next.len());
        for ((place, digest), turn) in next.into_iter().zip(turns) {
            let is_first = self.neighbourhoods.insert(source.neighbourhood(place));
            subjects.push(Subject { place, digest, turn, is_first });
        }
        subjects
    }

    /// Takes note of what a place lists.
    pub(super) fn listed(&mut self, subject: &Subject, listed: Vec<Descriptor>) {
        for descriptor in listed {
            self.look_at(subject.place, &descriptor.digest);
            let digest = descriptor.digest.clone();
            let new = || Candidate { descriptor, places: Vec::new(), subjects: Vec::new() };
            let candidate = self.candidates.entry(digest).or_insert_with(new);
            if !candidate.places.contains(&subject.place) {
                candidate.places.push(subject.place);
            }
            if !candidate.subjects.contains(&subject.digest) {
                candidate.subjects.push(subject.digest.clone());
            }
        }
    }

    /// What was listed since the last time, by digest.
    pub(super) fn candidates(&mut self) -> Vec<Candidate> {
        std::mem::take(&mut self.candidates).into_values().collect()
    }

    /// A place does not say what refers to a manifest. Once for each place is enough.
    pub(super) fn refused(&mut self, subject: Subject, error: Error) {
        let Subject { place, digest, .. } = subject;
        let new = || Missed {
            digest: digest.clone(),
            subjects: Vec::new(),
            error: error.or_else_do(NextStep::LeaveOutReferrers),
        };
        self.refused.entry(place).or_insert_with(new).subjects.push(digest);
    }

    /// Something that was listed cannot be had.
    pub(super) fn lost(&mut self, candidate: Candidate, error: Error) {
        let Candidate { descriptor, subjects, .. } = candidate;
        self.lost.push(Missed {
            digest: descriptor.digest,
            subjects,
            error: error.or_else_do(NextStep::LeaveOutReferrers),
        });
    }

    /// Everything that could not be had.
    pub(super) fn missed(self) -> impl Iterator<Item = Missed> {
        self.refused.into_values().chain(self.lost)
    }
}
