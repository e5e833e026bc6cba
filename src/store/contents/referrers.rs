//! What refers to an image: signatures, lists of ingredients, attestations. They are roots without a
//! name, and belong to the image that their subject is part of.

use std::collections::HashSet;

use super::graph::Contents;
use super::node::RootName;
use crate::oci::{Digest, Manifest};

/// One manifest that refers to a part of an image, or to another one that does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Referrer {
    /// The manifest.
    pub(crate) digest: Digest,
    /// What kind of artifact it is, as far as it says.
    pub(crate) artifact_type: Option<String>,
    /// What it refers to.
    pub(crate) subject: Digest,
    /// All its content in bytes.
    pub(crate) bytes: u64,
    /// The tag that it is found by, where it has one.
    pub(crate) tag: Option<String>,
}

impl Contents {
    /// Everything that refers to this image: a subject before what refers to it, else by digest.
    pub(crate) fn referrers(&self, image: &Digest) -> Vec<Referrer> {
        let found = self.attached_to(image).into_iter();
        found.map(|(referrer, subject, root)| self.referrer(referrer, subject, root)).collect()
    }

    /// Those of them that go where their subject goes by digest alone.
    pub(crate) fn referrer_digests(&self, image: &Digest) -> Vec<Digest> {
        let found = self.attached_to(image).into_iter().filter(|(.., root)| root.is_none());
        found.map(|(at, ..)| self.nodes[at].descriptor.digest.clone()).collect()
    }

    /// All of them, those that a tag attaches too, each once.
    pub(crate) fn all_referrer_digests(&self, image: &Digest) -> Vec<Digest> {
        let mut seen = HashSet::new();
        let found = self.attached_to(image).into_iter().filter(|(at, ..)| seen.insert(*at));
        found.map(|(at, ..)| self.nodes[at].descriptor.digest.clone()).collect()
    }

    /// Whether anything refers to this image, or is attached to it by a tag.
    pub(crate) fn has_referrers(&self, image: &Digest) -> bool {
        !self.attached_to(image).is_empty()
    }

    /// Sorts what refers to something by what that is. What only refers to a part of itself belongs
    /// to no image, and stays a root like others.
    pub(super) fn attach(&mut self) {
        let subjects: Vec<(usize, usize)> = self
            .roots
            .iter()
            .filter(|root| root.name == RootName::None)
            .filter_map(|root| {
                let at = self.at(&root.digest)?;
                let subject = self.at(&self.nodes[at].manifest.as_ref()?.subject()?.digest)?;
                let node = &self.nodes[subject];
                (node.is_manifest() && !node.is_of_other_platform()).then_some((at, subject))
            })
            .collect();
        self.subjects = subjects.into_iter().collect();
        if self.subjects.is_empty() {
            return;
        }
        for (referrer, subject) in &self.subjects {
            self.referrers.entry(*subject).or_default().push(*referrer);
        }
        for list in self.referrers.values_mut() {
            list.sort_by_key(|at| &self.nodes[*at].descriptor.digest);
        }
        let roots = self.roots.iter().filter_map(|root| self.at(&root.digest).map(|at| (root, at)));
        let own = roots.filter(|(root, at)| root.name != RootName::None || !self.subjects.contains_key(at));
        let mut next: Vec<usize> = own.map(|(_, at)| at).collect();
        let mut seen: HashSet<usize> = next.iter().copied().collect();
        while let Some(at) = next.pop() {
            let referrers = self.referrers.get(&at).into_iter().flatten();
            next.extend(self.children[at].iter().chain(referrers).filter(|at| seen.insert(**at)));
        }
        self.subjects.retain(|referrer, _| seen.contains(referrer));
        let subjects = &self.subjects;
        self.referrers.values_mut().for_each(|list| list.retain(|at| subjects.contains_key(at)));
    }

    /// What refers to an image, each with its subject, and the root whose tag says so.
    pub(super) fn attached_to(&self, image: &Digest) -> Vec<(usize, usize, Option<usize>)> {
        let mut found: Vec<(usize, usize, Option<usize>)> = Vec::new();
        if self.subjects.is_empty() && self.tagged.is_empty() {
            return found;
        }
        let mut seen = HashSet::new();
        let mut next = 0;
        let mut root = image;
        loop {
            for node in self.closure(root) {
                let Some(subject) = self.at(&node.descriptor.digest) else { continue };
                let referrers = self.referrers.get(&subject).into_iter().flatten().map(|at| (*at, None));
                let tagged = self.tagged_for(subject).iter();
                let tagged = tagged.filter_map(|number| Some((self.at(&self.roots[*number].digest)?, Some(*number))));
                let new = referrers.chain(tagged).filter(|found| seen.insert(*found));
                found.extend(new.map(|(at, number)| (at, subject, number)));
            }
            let Some((at, ..)) = found.get(next) else { return found };
            root = &self.nodes[*at].descriptor.digest;
            next += 1;
        }
    }

    fn referrer(&self, referrer: usize, subject: usize, root: Option<usize>) -> Referrer {
        let node = &self.nodes[referrer];
        let digest = &node.descriptor.digest;
        Referrer {
            digest: digest.clone(),
            artifact_type: match root.and_then(|root| self.roots[root].name.attached()) {
                Some(attached) => Some(attached.as_str().to_owned()),
                None => node.manifest.as_ref().and_then(Manifest::listed_type).map(str::to_owned),
            },
            subject: self.nodes[subject].descriptor.digest.clone(),
            bytes: self.closure(digest).iter().map(|n| n.descriptor.size).sum(),
            tag: root.and_then(|root| match &self.roots[root].name {
                RootName::Full(reference) => reference.tag.as_ref().map(ToString::to_string),
                RootName::Tag(tag) => Some(tag.clone()),
                RootName::None => None,
            }),
        }
    }
}
