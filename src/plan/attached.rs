//! What refers to the content of a walk: signatures, lists of ingredients, attestations. They are
//! asked for where their subject was found, and looked at one level after they were listed.
//!
//! distribution-spec v1.1 "Listing Referrers". A list is believed only as far as the manifests in it
//! go: each has to name its subject itself.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::error::Error;
use crate::oci::{Descriptor, Digest, Manifest, Repository};

/// What else can be done where they are in the way.
pub(super) const LEAVE_OUT: &str = "leave out what refers to images with --referrers none";

/// One that was listed, and is not known to be what it was listed as.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) descriptor: Descriptor,
    /// The repositories that list it.
    pub(super) repositories: Vec<Repository>,
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
    pub(super) repository: Repository,
    pub(super) digest: Digest,
    /// How many manifests of the repository are asked about in all, as far as is known.
    pub(super) among: usize,
    /// Its place among those of its repository, from 0 on.
    turn: usize,
    /// Nobody has asked its host yet.
    is_first: bool,
}

impl Subject {
    /// Ascending from what others wait for. The first question to a host, and the first about a
    /// repository, may find out something for all that follow.
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
    asked: HashSet<(Repository, Digest)>,
    /// How many of each repository were asked about.
    counts: HashMap<Repository, usize>,
    hosts: HashSet<String>,
    next: Vec<(Repository, Digest)>,
    candidates: BTreeMap<Digest, Candidate>,
    /// What refers to something in the walk.
    pub(super) found: BTreeSet<Digest>,
    refused: BTreeMap<Repository, Missed>,
    lost: Vec<Missed>,
}

impl Search {
    /// Something whose referrers are wanted too.
    pub(super) fn look_at(&mut self, repository: &Repository, digest: &Digest) {
        let pair = (repository.clone(), digest.clone());
        if self.asked.insert(pair.clone()) {
            self.next.push(pair);
        }
    }

    /// The questions that have come up since the last time.
    pub(super) fn subjects(&mut self) -> Vec<Subject> {
        let next = std::mem::take(&mut self.next);
        let turns: Vec<usize> = next
            .iter()
            .map(|(repository, _)| {
                let count = self.counts.entry(repository.clone()).or_default();
                *count += 1;
                *count - 1
            })
            .collect();
        let mut subjects = Vec::with_capacity(next.len());
        for ((repository, digest), turn) in next.into_iter().zip(turns) {
            let among = self.counts.get(&repository).copied().unwrap_or_default();
            let is_first = self.hosts.insert(repository.host().into());
            subjects.push(Subject { repository, digest, among, turn, is_first });
        }
        subjects
    }

    /// Takes note of what a repository lists.
    pub(super) fn listed(&mut self, subject: &Subject, listed: Vec<Descriptor>) {
        for descriptor in listed {
            self.look_at(&subject.repository, &descriptor.digest);
            let digest = descriptor.digest.clone();
            let new = || Candidate { descriptor, repositories: Vec::new(), subjects: Vec::new() };
            let candidate = self.candidates.entry(digest).or_insert_with(new);
            if !candidate.repositories.contains(&subject.repository) {
                candidate.repositories.push(subject.repository.clone());
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

    /// A repository does not say what refers to a manifest. Once for each repository is enough.
    pub(super) fn refused(&mut self, subject: Subject, error: Error) {
        let Subject { repository, digest, .. } = subject;
        let error = error.at(format!("{repository}@{digest}")).or_else_do(LEAVE_OUT);
        let new = || Missed { digest: digest.clone(), subjects: Vec::new(), error };
        self.refused.entry(repository).or_insert_with(new).subjects.push(digest);
    }

    /// Something that was listed cannot be had.
    pub(super) fn lost(&mut self, candidate: Candidate, error: Error) {
        let Candidate { descriptor, subjects, .. } = candidate;
        self.lost.push(Missed { digest: descriptor.digest, subjects, error: error.or_else_do(LEAVE_OUT) });
    }

    /// Everything that could not be had.
    pub(super) fn missed(self) -> impl Iterator<Item = Missed> {
        self.refused.into_values().chain(self.lost)
    }
}
