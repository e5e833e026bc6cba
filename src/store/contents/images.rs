//! Which of the roots are images, and which images some content belongs to.

use std::collections::HashSet;

use super::graph::Contents;
use super::node::{Root, RootName};
use crate::oci::{Attached, Digest};

/// As many names as a person would look through, for all damage taken together.
const MOST_NAMES: usize = 100_000;

impl Contents {
    /// The roots that are images, in order: those with a name, those with a tag alone and, of the others,
    /// those that are neither part of such an image nor refer to one. What has a name beside others is
    /// called by that: CRI gives an image three, of which one names nothing.
    pub(crate) fn images(&self) -> impl Iterator<Item = &Root> {
        let is_called = |root: &&Root| root.name != RootName::None;
        let below = self.below(self.roots.iter().filter(is_called).map(|root| &root.digest));
        let is_part = move |root: &Root| self.at(&root.digest).is_some_and(|at| below.contains(&at));
        // Without its manifest, nobody knows what something without a name is.
        let is_known = |root: &Root| self.node(&root.digest).is_some_and(|node| node.manifest.is_some());
        let is_own = move |root: &Root| is_known(root) && !self.is_referrer(root) && !is_part(root);
        let is_tagged = |root: &Root| self.subject_by_tag(root).is_some();
        let full = |root: &&Root| root.name.full().is_some();
        let named: HashSet<&Digest> = self.roots.iter().filter(full).map(|root| &root.digest).collect();
        let has_other_name = move |root: &Root| root.name.full().is_none() && named.contains(&root.digest);
        self.roots.iter().filter(move |root| {
            let is_image = if is_called(root) { !is_tagged(root) } else { is_own(root) };
            is_image && !has_other_name(root)
        })
    }

    /// The roots that a tag of a digest attaches to something here, each with what it is.
    pub(crate) fn attached_by_tag(&self) -> impl Iterator<Item = (&Root, Attached)> {
        let attached = |root: &'_ Root| self.subject_by_tag(root).and_then(|_| root.name.attached());
        self.roots.iter().filter_map(move |root| Some((root, attached(root)?)))
    }

    /// All names are tags of one repository: there, a tag alone tells one from the others.
    pub(crate) fn is_of_one_repository(&self) -> bool {
        let mut names = self.roots.iter().filter_map(|root| root.name.full());
        let Some(first) = names.next() else { return false };
        first.tag.is_some() && names.all(|name| name.tag.is_some() && name.repository == first.repository)
    }

    /// A root without a name that refers to something here: it belongs to that, then.
    pub(crate) fn is_referrer(&self, root: &Root) -> bool {
        root.name == RootName::None && self.at(&root.digest).is_some_and(|at| self.subjects.contains_key(&at))
    }

    /// The names of the images that this content is part of. What refers to an image is part of it.
    pub(crate) fn images_with(&self, digest: &Digest) -> Vec<String> {
        let mut above: Vec<usize> = self.at(digest).into_iter().collect();
        let mut seen: HashSet<usize> = above.iter().copied().collect();
        let mut numbers: Vec<usize> = Vec::new();
        let mut next = 0;
        while let Some(&at) = above.get(next) {
            next += 1;
            numbers.extend(self.named.get(&at).into_iter().flatten());
            let subject = self.subjects.get(&at);
            above.extend(self.parents[at].iter().chain(subject).filter(|parent| seen.insert(**parent)));
        }
        let is_own = |number: &usize| !self.is_referrer(&self.roots[*number]);
        if numbers.iter().any(is_own) {
            numbers.retain(is_own);
        }
        numbers.sort_unstable();
        numbers.into_iter().map(|number| self.roots[number].label()).collect()
    }

    /// The same for several pieces of content. Where that would be more names than anyone reads,
    /// the later pieces get one name each.
    pub(crate) fn images_with_each<'a>(&self, content: impl IntoIterator<Item = &'a Digest>) -> Vec<Vec<String>> {
        let mut given = 0;
        let names = |digest| {
            let few = given < MOST_NAMES;
            let names = if few { self.images_with(digest) } else { self.image_with(digest).into_iter().collect() };
            given += names.len();
            names
        };
        content.into_iter().map(names).collect()
    }

    /// One of the images that this content is part of: the way up along first parents ends at one.
    pub(crate) fn image_with(&self, digest: &Digest) -> Option<String> {
        let mut at = self.at(digest)?;
        let mut label = None;
        // No way up is longer, unless digests were not checked.
        for _ in 0..self.nodes.len() {
            let number = self.named.get(&at).and_then(|numbers| numbers.first());
            label = number.map(|number| self.roots[*number].label()).or(label);
            at = match self.subjects.get(&at).or_else(|| self.parents[at].first()) {
                Some(up) if number.is_none() || self.subjects.contains_key(&at) => *up,
                _ => break,
            };
        }
        label
    }
}
