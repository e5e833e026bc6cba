//! What the target has of what the images need there. Looks at everything, changes nothing.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::oci::{Digest, Repository, Role};
use crate::store::{Contents, Event, Target, Watch, side_by_side};

use super::needs::{Image, Need, Needs, collect};

/// What the target has of what it needs.
#[derive(Clone, Debug)]
pub struct Survey<'a> {
    /// Per repository.
    pub needs: Needs<'a>,
    /// Whether it is there, in the order of the needs.
    pub has: HashMap<Repository, Vec<bool>>,
    /// The first answer that was no answer but a refusal. A push finds out whether it matters.
    pub refused: Option<Arc<Error>>,
}

impl<'a> Survey<'a> {
    /// The repositories that lack something.
    pub fn lacking(&self) -> Vec<&Repository> {
        let lacks = |r: &&Repository| self.has.get(*r).is_none_or(|has| has.contains(&false));
        self.needs.keys().filter(lacks).collect()
    }

    /// Whether something of an image or of what refers to it is missing; its tag is not looked at.
    pub fn lacks(&self, contents: &Contents, image: &Image) -> bool {
        let repository = &image.target.repository;
        let nodes = image.roots().flat_map(|root| contents.closure(root));
        let parts: HashSet<&Digest> = nodes.map(|n| &n.descriptor.digest).collect();
        let needs = self.needs.get(repository).into_iter().flatten();
        let met = self.has.get(repository).into_iter().flatten();
        needs.zip(met).any(|(need, has)| !has && parts.contains(&need.node.descriptor.digest))
    }

    /// The blobs that are there, counted per repository.
    pub fn present_blobs(&self) -> u64 {
        self.pairs(true).filter(|(_, need)| need.role != Role::Manifest).count() as u64
    }

    /// Every need that is met (`there`) or not met, repository by repository in their order.
    pub(super) fn pairs(&self, there: bool) -> impl Iterator<Item = (&Repository, Need<'a>)> {
        let of = move |(repository, needs): (_, &'_ Vec<Need<'a>>)| {
            let met = self.has.get(repository).map(Vec::as_slice).unwrap_or_default();
            let pairs = needs.iter().zip(met).filter(move |(_, has)| **has == there);
            pairs.map(move |(need, _)| (repository, *need)).collect::<Vec<_>>()
        };
        self.needs.iter().flat_map(of)
    }

    /// Blobs that nobody at the target has, each once: how many, and how long in bytes.
    pub fn to_send(&self) -> (u64, u64) {
        let blobs = |there| self.pairs(there).filter(|(_, need)| need.role != Role::Manifest);
        let there: HashSet<&Digest> = blobs(true).map(|(_, need)| &need.node.descriptor.digest).collect();
        let missing: HashMap<&Digest, u64> =
            blobs(false).map(|(_, need)| (&need.node.descriptor.digest, need.node.descriptor.size)).collect();
        let sizes = missing.iter().filter(|(digest, _)| !there.contains(*digest)).map(|(_, size)| size);
        sizes.fold((0, 0), |(count, bytes), size| (count + 1, bytes + size))
    }
}

/// Asks the target about everything that these images need there. Changes nothing.
///
/// # Errors
/// When the target cannot be reached at all. What it will not say counts as missing.
pub fn survey<'a>(
    contents: &'a Contents,
    images: &[Image],
    target: &dyn Target,
    jobs: usize,
    watch: &dyn Watch,
) -> Result<Survey<'a>> {
    let needs = collect(contents, images);
    let questions: Vec<(&Repository, Need<'a>)> =
        needs.iter().flat_map(|(repository, list)| list.iter().map(move |need| (repository, *need))).collect();
    watch.on(Event::Phase { name: "checking", items: questions.len() as u64, bytes: 0 });
    let answers = side_by_side(questions, jobs, |(repository, need)| {
        if watch.stopped().is_some() {
            return (repository, Ok(false));
        }
        (repository, target.has(repository, need.role, &need.node.descriptor))
    });
    watch.on(Event::Phase { name: "", items: 0, bytes: 0 });
    if let Some(signal) = watch.stopped() {
        return Err(Error::Interrupted { signal });
    }
    let mut has: HashMap<Repository, Vec<bool>> = HashMap::new();
    let mut refused = None;
    for (repository, answer) in answers {
        let there = match answer {
            Ok(there) => there,
            // Some registries refuse the question and take the content all the same.
            Err(e) if e.status().is_some() => {
                let denied = matches!(e.status(), Some(401 | 403));
                refused = refused.or_else(|| denied.then(|| Arc::new(e.at(repository))));
                false
            }
            Err(e) => return Err(e.at(repository)),
        };
        has.entry(repository.clone()).or_default().push(there);
    }
    Ok(Survey { needs, has, refused })
}
