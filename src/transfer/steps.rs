//! The steps of a push and their order: a blob before the manifests that need it, a subject before
//! its referrers, a tag after everything below it.

use std::collections::{HashMap, HashSet};

use super::needs::{Image, Need};
use super::schedule::Task;
use super::survey::{AtTarget, Survey};
use crate::oci::{Digest, Manifest, Repository};
use crate::store::{Contents, Endpoint};

/// What a blob may be taken over from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mount<'a> {
    /// The step that brings it into another repository first.
    After(usize),
    /// A repository that has it.
    From(&'a Repository),
    /// Nobody has it, as far as is known.
    Nowhere {
        /// Nobody asked this repository.
        unasked: bool,
    },
}

/// One thing to do.
pub(super) enum Step<'a> {
    /// Bring a blob into a repository.
    Blob { to: &'a Repository, need: Need<'a>, mount: Mount<'a> },
    /// Put a manifest by digest, after everything it refers to.
    Manifest { to: &'a Repository, need: Need<'a>, parts: Vec<usize> },
    /// See that an image is there, and what refers to it is found. `present` are the manifests that refer to it and
    /// were there. Once for all its names in one repository.
    Whole { to: &'a Repository, referrers: &'a [Digest], parts: Vec<usize>, present: HashSet<&'a Digest> },
    /// See that what is here of an image that waits for more is there.
    Parts { image: usize, parts: Vec<usize> },
    /// Tag an image and read it back, after the step `whole`. `complete`: everything was there before.
    Image { image: usize, whole: usize, complete: bool },
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

/// A step is found again by repository, endpoint and digest.
type Key<'a> = (&'a Repository, Endpoint, &'a Digest);

const BOTH: [Endpoint; 2] = [Endpoint::Blobs, Endpoint::Manifests];

impl<'a> Steps<'a> {
    /// What has to be done about everything that the survey found missing. Of images that wait for more, blobs alone
    /// are brought. Blobs from `large` bytes on go few at once.
    pub(super) fn new(
        images: &'a [Image],
        waiting: &'a [Image],
        survey: &'a Survey<'a>,
        contents: &'a Contents,
        large: u64,
    ) -> Self {
        let mut steps = Self { list: Vec::new(), tasks: Vec::new() };
        let mut done: HashMap<Key<'a>, usize> = HashMap::new();
        steps.add_blobs(survey, contents, large, &mut done);
        let of_whole =
            |image: &'a Image| image.parts(contents).map(|node| (&image.target.repository, &node.descriptor.digest));
        let may: Option<HashSet<(&Repository, &Digest)>> =
            (!waiting.is_empty()).then(|| images.iter().flat_map(of_whole).collect());
        let may = |to, digest| may.as_ref().is_none_or(|may| may.contains(&(to, digest)));
        let manifests = survey.unmet().filter(|(_, need, _)| need.by == Endpoint::Manifests);
        let manifests: Vec<_> = manifests.filter(|(to, need, _)| may(to, &need.node.descriptor.digest)).collect();
        // Their numbers first: a subject may stand after what refers to it.
        let numbers = steps.list.len()..;
        let keys = manifests.iter().map(|(to, need, _)| (*to, need.by, &need.node.descriptor.digest));
        done.extend(keys.zip(numbers));
        for (to, need, _) in manifests {
            steps.add_manifest(to, need, &done);
        }
        let mut wholes: HashMap<(&Repository, &Digest), (usize, bool)> = HashMap::new();
        for (number, image) in images.iter().enumerate() {
            let to = &image.target.repository;
            if let Some((whole, complete)) = wholes.get(&(to, &image.digest)).copied() {
                let task = Task { after: vec![whole], urgent: true, large: false };
                steps.add(Step::Image { image: number, whole, complete }, task);
                continue;
            }
            // Everything below, not just the root: a root that was there may have lost a layer.
            let below = image.parts(contents).map(|node| &node.descriptor.digest);
            let parts: Vec<usize> = below
                .flat_map(|digest| BOTH.map(|by| (to, by, digest)))
                .filter_map(|key| done.get(&key).copied())
                .collect();
            let was_there = |digest: &&Digest| !done.contains_key(&(to, Endpoint::Manifests, *digest));
            let present = image.referrers.iter().filter(was_there).collect();
            let task = Task { after: parts.clone(), urgent: true, large: false };
            let complete = parts.is_empty();
            let whole = steps.add(Step::Whole { to, referrers: &image.referrers, parts, present }, task);
            wholes.insert((to, &image.digest), (whole, complete));
            let task = Task { after: vec![whole], urgent: true, large: false };
            steps.add(Step::Image { image: number, whole, complete }, task);
        }
        for (number, image) in waiting.iter().enumerate() {
            let to = &image.target.repository;
            let keys = image.parts(contents).map(|node| (to, Endpoint::Blobs, &node.descriptor.digest));
            let parts: Vec<usize> = keys.filter_map(|key| done.get(&key).copied()).collect();
            let task = Task { after: parts.clone(), urgent: true, large: false };
            steps.add(Step::Parts { image: number, parts }, task);
        }
        steps
    }

    /// Blobs in file order, so the drive is read front to back; each is sent to one repository and
    /// mounted from there into the others.
    fn add_blobs(
        &mut self,
        survey: &'a Survey<'a>,
        contents: &'a Contents,
        large: u64,
        done: &mut HashMap<Key<'a>, usize>,
    ) {
        let mut there: HashMap<&Digest, &Repository> = HashMap::new();
        for (repository, need) in survey.met().filter(|(_, need)| need.by == Endpoint::Blobs) {
            there.entry(&need.node.descriptor.digest).or_insert(repository);
        }
        let mut missing: HashMap<&Digest, Vec<_>> = HashMap::new();
        for (to, need, has) in survey.unmet().filter(|(_, need, _)| need.by == Endpoint::Blobs) {
            let unasked = has == AtTarget::Unasked;
            missing.entry(&need.node.descriptor.digest).or_default().push((to, need, unasked));
        }
        for node in &contents.nodes {
            let digest = &node.descriptor.digest;
            let mut first = None;
            for (to, need, unasked) in missing.remove(digest).unwrap_or_default() {
                let mount = match (there.get(digest), first) {
                    (Some(from), _) => Mount::From(from),
                    (None, Some(first)) => Mount::After(first),
                    (None, None) => Mount::Nowhere { unasked },
                };
                let after = if let Mount::After(step) = mount { vec![step] } else { Vec::new() };
                let urgent = !matches!(mount, Mount::Nowhere { .. });
                let task = Task { after, urgent, large: need.node.descriptor.size >= large };
                let step = self.add(Step::Blob { to, need, mount }, task);
                first = first.or(Some(step));
                done.insert((to, Endpoint::Blobs, digest), step);
            }
        }
    }

    fn add_manifest(&mut self, to: &'a Repository, need: Need<'a>, done: &HashMap<Key<'a>, usize>) {
        let find = |by, digest| done.get(&(to, by, digest)).copied();
        let manifest = need.node.manifest.as_ref();
        let parts: Vec<usize> = manifest
            .into_iter()
            .flat_map(Manifest::successors)
            .flat_map(|s| BOTH.map(|by| find(by, &s.descriptor.digest)))
            .flatten()
            .collect();
        // A subject comes first where it travels too, whether or not it arrives.
        let subject = manifest.and_then(Manifest::subject).and_then(|s| find(Endpoint::Manifests, &s.digest));
        let after = parts.iter().copied().chain(subject).collect();
        self.add(Step::Manifest { to, need, parts }, Task { after, urgent: true, large: false });
    }

    fn add(&mut self, step: Step<'a>, task: Task) -> usize {
        self.list.push(step);
        self.tasks.push(task);
        self.list.len() - 1
    }
}
