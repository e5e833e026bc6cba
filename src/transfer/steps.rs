//! The steps of a push and their order: a blob before the manifests that need it, a subject before
//! its referrers, a tag after everything below it.

use std::collections::HashMap;

use crate::oci::{Digest, Repository, Role};
use crate::store::Contents;

use super::needs::{Image, Need};
use super::schedule::Task;
use super::survey::{Standing, Survey};

/// One thing to do.
pub(super) enum Step<'a> {
    /// Bring a blob into a repository; `origin` is the step that brings it into another one first,
    /// `elsewhere` a repository that had it, or this one where nobody asked yet.
    Blob { to: &'a Repository, need: Need<'a>, origin: Option<usize>, elsewhere: Option<&'a Repository> },
    /// Put a manifest by digest, after everything it refers to.
    Manifest { to: &'a Repository, need: Need<'a>, parts: Vec<usize> },
    /// Tag an image and read it back. `present` are the manifests that refer to it and were there.
    Image { image: usize, parts: Vec<usize>, present: Vec<&'a Digest> },
}

/// The steps of a push, and what each of them waits for.
pub(super) struct Steps<'a> {
    pub(super) list: Vec<Step<'a>>,
    pub(super) tasks: Vec<Task>,
}

impl<'a> Step<'a> {
    /// The repository a blob is brought into.
    pub(super) fn repository(&self) -> Option<&'a Repository> {
        match self {
            Self::Blob { to, .. } => Some(to),
            _ => None,
        }
    }
}

/// A step is found again by repository, whether as a manifest, and digest.
type Key<'a> = (&'a Repository, bool, &'a Digest);

impl<'a> Steps<'a> {
    /// What has to be done about everything that the survey found missing.
    pub(super) fn new(images: &'a [Image], survey: &'a Survey<'a>, contents: &'a Contents) -> Self {
        let mut steps = Self { list: Vec::new(), tasks: Vec::new() };
        let mut done: HashMap<Key<'a>, usize> = HashMap::new();
        steps.add_blobs(survey, contents, &mut done);
        let manifests: Vec<_> = survey.unmet().filter(|(_, need, _)| need.role == Role::Manifest).collect();
        // Their places first: a subject may stand after what refers to it.
        let places = steps.list.len()..;
        done.extend(
            manifests
                .iter()
                .zip(places)
                .map(|((to, need, _), place)| ((*to, true, &need.node.descriptor.digest), place)),
        );
        for (to, need, _) in manifests {
            steps.add_manifest(to, need, &done);
        }
        for (place, image) in images.iter().enumerate() {
            // Everything below, not just the root: a root that was there may have lost a layer.
            let to = &image.target.repository;
            let below = image.roots().flat_map(|root| contents.closure(root)).map(|node| &node.descriptor.digest);
            let parts: Vec<usize> = below
                .flat_map(|digest| [false, true].map(|m| (to, m, digest)))
                .filter_map(|key| done.get(&key).copied())
                .collect();
            let present = image.referrers.iter().filter(|digest| !done.contains_key(&(to, true, *digest))).collect();
            let task = Task { after: parts.clone(), urgent: true };
            steps.add(Step::Image { image: place, parts, present }, task);
        }
        steps
    }

    /// Blobs in file order, so the drive is read front to back; each is sent to one repository and
    /// mounted from there into the others.
    fn add_blobs(&mut self, survey: &'a Survey<'a>, contents: &'a Contents, done: &mut HashMap<Key<'a>, usize>) {
        let mut elsewhere: HashMap<&Digest, &Repository> = HashMap::new();
        for (repository, need) in survey.met().filter(|(_, need)| need.role != Role::Manifest) {
            elsewhere.entry(&need.node.descriptor.digest).or_insert(repository);
        }
        let mut missing: HashMap<&Digest, Vec<_>> = HashMap::new();
        for (to, need, standing) in survey.unmet().filter(|(_, need, _)| need.role != Role::Manifest) {
            missing.entry(&need.node.descriptor.digest).or_default().push((to, need, standing == Standing::Unasked));
        }
        for node in &contents.nodes {
            let digest = &node.descriptor.digest;
            let elsewhere = elsewhere.get(digest).copied();
            let mut first = None;
            for (to, need, unasked) in missing.remove(digest).unwrap_or_default() {
                let origin = first.filter(|_| elsewhere.is_none());
                let urgent = origin.is_some() || elsewhere.is_some();
                let elsewhere = elsewhere.or_else(|| (unasked && origin.is_none()).then_some(to));
                let task = Task { after: origin.into_iter().collect(), urgent };
                let step = self.add(Step::Blob { to, need, origin, elsewhere }, task);
                first = first.or(Some(step));
                done.insert((to, false, digest), step);
            }
        }
    }

    fn add_manifest(&mut self, to: &'a Repository, need: Need<'a>, done: &HashMap<Key<'a>, usize>) {
        let find = |as_manifest, digest| done.get(&(to, as_manifest, digest)).copied();
        let manifest = need.node.manifest.as_ref();
        let parts: Vec<usize> = manifest
            .into_iter()
            .flat_map(|m| m.successors())
            .flat_map(|s| [false, true].map(|m| find(m, &s.descriptor.digest)))
            .flatten()
            .collect();
        // A subject comes first where it travels too, whether or not it arrives.
        let subject = manifest.and_then(|m| m.subject()).and_then(|s| find(true, &s.digest));
        let after = parts.iter().copied().chain(subject).collect();
        self.add(Step::Manifest { to, need, parts }, Task { after, urgent: true });
    }

    fn add(&mut self, step: Step<'a>, task: Task) -> usize {
        self.list.push(step);
        self.tasks.push(task);
        self.list.len() - 1
    }
}
