//! What the target has of what the images need there. Changes nothing.
//!
//! Of an image that is there, everything is asked for: a registry may have lost a part. Where no
//! manifest is there yet, most is missing, and small blobs are not asked for one by one: sending them
//! finds out in fewer requests. What cannot be sent is always asked for.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::needs::{Image, Need, Needs, collect};
use crate::error::{Error, Kind, Result};
use crate::oci::{Descriptor, Digest, Repository};
use crate::store::{Contents, Endpoint, Event, Node, Presence, Reason, Target, Watch, side_by_side};

/// Blobs from this size on (bytes) are asked for always: to know how much there is to send.
const WORTH_ASKING: u64 = 1 << 20;

/// Whether something is at the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AtTarget {
    /// It is.
    There,
    /// It is not, or the target does not say.
    Missing,
    /// Nobody asked.
    Unasked,
}

/// What the target has of what it needs.
#[derive(Clone, Debug)]
pub(crate) struct Survey<'a> {
    /// Per repository.
    needs: Needs<'a>,
    /// Whether it is there, in the order of the needs.
    has: HashMap<Repository, Vec<AtTarget>>,
    /// The first answer that was no answer but a refusal. A push finds out whether it matters.
    pub(crate) refused: Option<Arc<Error>>,
    /// Repositories that would not say of everything whether they have it, each with the first reason.
    unsaid: HashMap<Repository, Arc<Error>>,
}

impl<'a> Survey<'a> {
    /// The repositories that something has to be sent to.
    pub(super) fn lacking(&self) -> BTreeSet<&Repository> {
        self.unmet().map(|(to, ..)| to).collect()
    }

    /// Whether something of an image or of what refers to it has to be sent; its tag is not looked
    /// at.
    pub(crate) fn lacks(&self, contents: &Contents, image: &Image) -> bool {
        let parts: HashSet<&Digest> = image.parts(contents).map(|n| &n.descriptor.digest).collect();
        let unmet = self.in_repository(&image.target.repository).filter(|(need, has)| is_unmet(need, *has));
        unmet.into_iter().any(|(need, _)| parts.contains(&need.node.descriptor.digest))
    }

    /// The content of an image that is neither here nor at the target, and should be.
    pub(crate) fn missing(&self, contents: &'a Contents, image: &Image) -> Vec<&'a Node> {
        let gone: Vec<&Node> = image.parts(contents).filter(|node| node.is_wanting()).collect();
        if gone.is_empty() {
            return gone;
        }
        let met = self.in_repository(&image.target.repository).filter(|(_, has)| *has == AtTarget::There);
        let met: HashSet<&Digest> = met.map(|(need, _)| &need.node.descriptor.digest).collect();
        let mut seen = HashSet::new();
        let digest = |node: &'a Node| &node.descriptor.digest;
        gone.into_iter().filter(|node| !met.contains(digest(node)) && seen.insert(digest(node))).collect()
    }

    /// The content that the bundles leave out for good and the target lacks, by digest.
    pub(crate) fn left_out(&self) -> Vec<(&'a Descriptor, Reason)> {
        let mut lacking = BTreeMap::new();
        for (_, need, has) in self.pairs() {
            if let Presence::LeftOut(reason) = need.node.presence
                && reason.is_for_good()
                && has != AtTarget::There
            {
                lacking.insert(&need.node.descriptor.digest, (&need.node.descriptor, reason));
            }
        }
        lacking.into_values().collect()
    }

    /// The same answers for a part of the images.
    pub(crate) fn of(&self, contents: &'a Contents, images: &[Image]) -> Self {
        let mut known: HashMap<(&Repository, Endpoint, &Digest), AtTarget> = HashMap::new();
        for (to, need, has) in self.pairs() {
            known.insert((to, need.by, &need.node.descriptor.digest), has);
        }
        let needs = collect(contents, images);
        let answer = |(to, needs): (&Repository, &Vec<Need<'a>>)| {
            let has = |need: &Need<'a>| known.get(&(to, need.by, &need.node.descriptor.digest)).copied();
            (to.clone(), needs.iter().map(|need| has(need).unwrap_or(AtTarget::Unasked)).collect())
        };
        let has = needs.iter().map(answer).collect();
        Self { needs, has, refused: self.refused.clone(), unsaid: self.unsaid.clone() }
    }

    /// Why a repository would not say whether it has something.
    pub(crate) fn unsaid(&self, to: &Repository) -> Option<Arc<Error>> {
        self.unsaid.get(to).cloned()
    }

    /// The blobs that are there, counted per repository.
    pub(crate) fn present_blobs(&self) -> u64 {
        self.met().filter(|(_, need)| need.by == Endpoint::Blobs).count() as u64
    }

    /// Every need that is met.
    pub(super) fn met(&self) -> impl Iterator<Item = (&Repository, Need<'a>)> {
        self.pairs().filter(|(.., has)| *has == AtTarget::There).map(|(to, need, _)| (to, need))
    }

    /// Every need that is not known to be met and can be, and what is known of it.
    pub(super) fn unmet(&self) -> impl Iterator<Item = (&Repository, Need<'a>, AtTarget)> {
        self.pairs().filter(|(_, need, has)| is_unmet(need, *has))
    }

    /// The needs of one repository.
    fn in_repository(&self, to: &Repository) -> impl Iterator<Item = (Need<'a>, AtTarget)> {
        let needs = self.needs.get(to).map(Vec::as_slice).unwrap_or_default();
        let has = self.has.get(to).map(Vec::as_slice).unwrap_or_default();
        needs.iter().copied().zip(has.iter().copied())
    }

    /// Every need, repository by repository in their order.
    fn pairs(&self) -> impl Iterator<Item = (&Repository, Need<'a>, AtTarget)> {
        self.needs.keys().flat_map(|to| self.in_repository(to).map(move |(need, has)| (to, need, has)))
    }

    /// Blobs that nobody at the target is known to have, each once: how many, and how long in bytes.
    pub(crate) fn to_send(&self) -> (u64, u64) {
        let met = self.met().filter(|(_, need)| need.by == Endpoint::Blobs);
        let there: HashSet<&Digest> = met.map(|(_, need)| &need.node.descriptor.digest).collect();
        let unmet = self.unmet().filter(|(_, need, _)| need.by == Endpoint::Blobs);
        let missing: HashMap<&Digest, u64> =
            unmet.map(|(_, need, _)| (&need.node.descriptor.digest, need.node.descriptor.size)).collect();
        let sizes = missing.iter().filter(|(digest, _)| !there.contains(*digest)).map(|(_, size)| size);
        sizes.fold((0, 0), |(count, bytes), size| (count + 1, bytes + size))
    }
}

fn is_unmet(need: &Need<'_>, has: AtTarget) -> bool {
    has != AtTarget::There && need.node.is_carried()
}

/// Asks the target about what these images need there, about everything if `all`. Changes nothing.
///
/// # Errors
/// When the target cannot be reached at all. What it will not say counts as missing.
pub(crate) fn survey<'a>(
    contents: &'a Contents,
    images: &[Image],
    target: &dyn Target,
    jobs: usize,
    all: bool,
    watch: &dyn Watch,
) -> Result<Survey<'a>> {
    let needs = collect(contents, images);
    let mut questions: Vec<(&Repository, usize)> = Vec::new();
    let mut later: Vec<(&Repository, usize)> = Vec::new();
    let each = needs.iter().flat_map(|(to, list)| list.iter().enumerate().map(move |(at, need)| (to, at, need)));
    for (to, at, need) in each {
        let is_large = need.node.descriptor.size >= WORTH_ASKING;
        let asks = all || need.by == Endpoint::Manifests || is_large || !need.node.is_carried();
        if asks { questions.push((to, at)) } else { later.push((to, at)) }
    }
    let (has, unsaid) = (HashMap::new(), HashMap::new());
    let mut asking = Asking { needs: &needs, target, jobs, watch, has, refused: None, unsaid };
    for (to, list) in &needs {
        asking.has.insert(to.clone(), vec![AtTarget::Unasked; list.len()]);
    }
    asking.ask(questions)?;
    // A repository that holds an image, or what an interrupted import has left.
    let in_use = |to: &Repository| asking.has.get(to).is_some_and(|has| has.contains(&AtTarget::There));
    let questions = later.into_iter().filter(|(to, _)| in_use(to)).collect();
    asking.ask(questions)?;
    let Asking { has, refused, unsaid, .. } = asking;
    Ok(Survey { needs, has, refused, unsaid })
}

/// Questions under way.
struct Asking<'s, 'a> {
    needs: &'s Needs<'a>,
    target: &'s dyn Target,
    jobs: usize,
    watch: &'s dyn Watch,
    has: HashMap<Repository, Vec<AtTarget>>,
    refused: Option<Arc<Error>>,
    unsaid: HashMap<Repository, Arc<Error>>,
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
            (to, at, if stopped { Ok(false) } else { target.has(to, need.by, &need.node.descriptor) })
        });
        watch.on(Event::Phase { name: "", items: 0, bytes: 0 });
        if let Some(signal) = watch.stopped() {
            return Err(Error::Interrupted { signal });
        }
        let nobody_answers = answers.iter().all(|(.., answer)| answer.as_ref().is_err_and(|e| e.status().is_none()));
        for (to, at, answer) in answers {
            let there = match answer {
                Ok(there) => there,
                // Some registries refuse the question and take the content all the same; and one answer
                // that was lost too often is no reason to end here.
                Err(e) if e.status().is_some() || (e.kind() == Kind::Transient && !nobody_answers) => {
                    let denied = matches!(e.status(), Some(401 | 403));
                    let e = Arc::new(e.at(to));
                    if denied {
                        self.refused.get_or_insert_with(|| e.clone());
                    }
                    self.unsaid.entry(to.clone()).or_insert(e);
                    false
                }
                Err(e) => return Err(e.at(to)),
            };
            if let Some(has) = self.has.get_mut(to) {
                has[at] = if there { AtTarget::There } else { AtTarget::Missing };
            }
        }
        Ok(())
    }
}
