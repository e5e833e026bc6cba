//! What the target has of what the images need there. Changes nothing.
//!
//! Of an image that is there, everything is asked for: a registry may have lost a part. Where no
//! manifest is there yet, most is missing, and small blobs are not asked for one by one: sending them
//! finds out in fewer requests.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::oci::{Digest, Repository, Role};
use crate::store::{Contents, Event, Target, Watch, side_by_side};

use super::needs::{Image, Need, Needs, collect};

/// Blobs from this size on (bytes) are asked for always: to know how much there is to send.
const WORTH_ASKING: u64 = 1 << 20;

/// Whether something is at the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is.
    There,
    /// It is not, or the target does not say.
    Missing,
    /// Nobody asked.
    Unasked,
}

/// What the target has of what it needs.
#[derive(Clone, Debug)]
pub struct Survey<'a> {
    /// Per repository.
    pub needs: Needs<'a>,
    /// Whether it is there, in the order of the needs.
    pub has: HashMap<Repository, Vec<Standing>>,
    /// The first answer that was no answer but a refusal. A push finds out whether it matters.
    pub refused: Option<Arc<Error>>,
}

impl<'a> Survey<'a> {
    /// The repositories that lack something.
    pub fn lacking(&self) -> Vec<&Repository> {
        let lacks = |r: &&Repository| self.has.get(*r).is_none_or(|has| has.iter().any(|s| *s != Standing::There));
        self.needs.keys().filter(lacks).collect()
    }

    /// Whether something of an image or of what refers to it is missing; its tag is not looked at.
    pub fn lacks(&self, contents: &Contents, image: &Image) -> bool {
        let repository = &image.target.repository;
        let nodes = image.roots().flat_map(|root| contents.closure(root));
        let parts: HashSet<&Digest> = nodes.map(|n| &n.descriptor.digest).collect();
        let needs = self.needs.get(repository).into_iter().flatten();
        let met = self.has.get(repository).into_iter().flatten();
        needs.zip(met).any(|(need, has)| *has != Standing::There && parts.contains(&need.node.descriptor.digest))
    }

    /// The blobs that are there, counted per repository.
    pub fn present_blobs(&self) -> u64 {
        self.met().filter(|(_, need)| need.role != Role::Manifest).count() as u64
    }

    /// Every need that is met.
    pub(super) fn met(&self) -> impl Iterator<Item = (&Repository, Need<'a>)> {
        self.pairs().filter(|(.., standing)| *standing == Standing::There).map(|(to, need, _)| (to, need))
    }

    /// Every need that is not known to be met, and what is known of it.
    pub(super) fn unmet(&self) -> impl Iterator<Item = (&Repository, Need<'a>, Standing)> {
        self.pairs().filter(|(.., standing)| *standing != Standing::There)
    }

    /// Every need, repository by repository in their order.
    fn pairs(&self) -> impl Iterator<Item = (&Repository, Need<'a>, Standing)> {
        let of = move |(repository, needs): (_, &'_ Vec<Need<'a>>)| {
            let has = self.has.get(repository).map(Vec::as_slice).unwrap_or_default();
            needs.iter().zip(has).map(move |(need, has)| (repository, *need, *has)).collect::<Vec<_>>()
        };
        self.needs.iter().flat_map(of)
    }

    /// Blobs that nobody at the target is known to have, each once: how many, and how long in bytes.
    pub fn to_send(&self) -> (u64, u64) {
        let met = self.met().filter(|(_, need)| need.role != Role::Manifest);
        let there: HashSet<&Digest> = met.map(|(_, need)| &need.node.descriptor.digest).collect();
        let unmet = self.unmet().filter(|(_, need, _)| need.role != Role::Manifest);
        let missing: HashMap<&Digest, u64> =
            unmet.map(|(_, need, _)| (&need.node.descriptor.digest, need.node.descriptor.size)).collect();
        let sizes = missing.iter().filter(|(digest, _)| !there.contains(*digest)).map(|(_, size)| size);
        sizes.fold((0, 0), |(count, bytes), size| (count + 1, bytes + size))
    }
}

/// Asks the target about what these images need there, about everything if `all`. Changes nothing.
///
/// # Errors
/// When the target cannot be reached at all. What it will not say counts as missing.
pub fn survey<'a>(
    contents: &'a Contents,
    images: &[Image],
    target: &dyn Target,
    jobs: usize,
    all: bool,
    watch: &dyn Watch,
) -> Result<Survey<'a>> {
    let needs = collect(contents, images);
    let mut survey = Survey { has: HashMap::new(), refused: None, needs };
    let mut questions: Vec<(&Repository, usize)> = Vec::new();
    let mut later: Vec<(&Repository, usize)> = Vec::new();
    let places =
        survey.needs.iter().flat_map(|(to, list)| list.iter().enumerate().map(move |(at, need)| (to, at, need)));
    for (to, at, need) in places {
        let asks = all || need.role == Role::Manifest || need.node.descriptor.size >= WORTH_ASKING;
        if asks { questions.push((to, at)) } else { later.push((to, at)) }
    }
    let mut asking = Asking { needs: &survey.needs, target, jobs, watch, has: HashMap::new(), refused: None };
    asking.ask(questions)?;
    // A repository that holds an image, or what an interrupted import has left.
    let in_use = |to: &Repository| asking.has.get(to).is_some_and(|has| has.contains(&Standing::There));
    let questions = later.into_iter().filter(|(to, _)| in_use(to)).collect();
    asking.ask(questions)?;
    (survey.has, survey.refused) = (asking.has, asking.refused);
    Ok(survey)
}

/// Questions under way.
struct Asking<'s, 'a> {
    needs: &'s Needs<'a>,
    target: &'s dyn Target,
    jobs: usize,
    watch: &'s dyn Watch,
    has: HashMap<Repository, Vec<Standing>>,
    refused: Option<Arc<Error>>,
}

impl Asking<'_, '_> {
    /// Asks for these needs, side by side.
    fn ask(&mut self, questions: Vec<(&Repository, usize)>) -> Result<()> {
        if questions.is_empty() {
            return Ok(());
        }
        let Self { needs, target, watch, .. } = *self;
        watch.on(Event::Phase { name: "checking", items: questions.len() as u64, bytes: 0 });
        let answers = side_by_side(questions, self.jobs, |(to, at)| {
            let need = needs[to][at];
            let stopped = watch.stopped().is_some();
            (to, at, if stopped { Ok(false) } else { target.has(to, need.role, &need.node.descriptor) })
        });
        watch.on(Event::Phase { name: "", items: 0, bytes: 0 });
        if let Some(signal) = watch.stopped() {
            return Err(Error::Interrupted { signal });
        }
        for (to, at, answer) in answers {
            let there = match answer {
                Ok(there) => there,
                // Some registries refuse the question and take the content all the same.
                Err(e) if e.status().is_some() => {
                    let denied = matches!(e.status(), Some(401 | 403));
                    let first = denied && self.refused.is_none();
                    self.refused = self.refused.take().or_else(|| first.then(|| Arc::new(e.at(to))));
                    false
                }
                Err(e) => return Err(e.at(to)),
            };
            let has = self.has.entry(to.clone()).or_insert_with(|| vec![Standing::Unasked; needs[to].len()]);
            has[at] = if there { Standing::There } else { Standing::Missing };
        }
        Ok(())
    }
}
