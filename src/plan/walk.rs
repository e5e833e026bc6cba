//! From roots to the whole closure: every node once, parents before children, with sizes; and where
//! that is wanted, what refers to any of it.
//!
//! Level by level, the questions of a level side by side; what comes out depends on the content
//! alone, never on which answer came first.

use std::collections::HashSet;
use std::sync::Arc;

use super::attached::{Candidate, Missed, Search};
use super::budget::Budget;
use super::chosen::Chosen;
use super::graph::Graph;
use super::platforms::Platforms;
use super::questions::{Answer, Asker, Question, There};
use crate::error::{Error, NextStep, Result};
use crate::oci::{Descriptor, Digest, Manifest, Role};
use crate::store::{Contents, Event, Place, ReferrerSource, Root, RootName, Source, Watch, side_by_side};

/// More levels than any image has (design limit; an image has two or three). The first is the roots.
const MAX_LEVELS: usize = 17;

/// Where a walk begins.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    /// What the root is called.
    pub(crate) name: RootName,
    /// What it is.
    pub(crate) descriptor: Descriptor,
    /// Its manifest, where that is in hand.
    pub(crate) manifest: Option<Manifest>,
    /// Where it can be had.
    pub(crate) places: Vec<Place>,
    /// Which of its platforms are wanted.
    pub(crate) platforms: Platforms,
}

/// Content that could not be had, and whom that concerns.
#[derive(Debug)]
pub(crate) struct Failure {
    /// Which content.
    pub(crate) digest: Digest,
    /// The names of the images that need it.
    pub(crate) images: Vec<String>,
    /// Why.
    pub(crate) error: Arc<Error>,
}

/// Walks everything below the roots.
///
/// What is found of images that are not whole is part of the contents all the same.
///
/// # Errors
/// When two documents contradict each other about one digest, the graph is absurd, or its manifests are more
/// than the budget allows. Manifests at the start are counted by whoever fetched them.
pub(crate) fn walk(
    source: &dyn Source,
    starts: Vec<Start>,
    jobs: usize,
    budget: &Budget,
    watch: &dyn Watch,
) -> Result<(Contents, Vec<Failure>)> {
    Walk::new(source, None, budget, watch).run(starts, jobs)
}

/// The same, and everything that refers to what is found, which become roots without a name.
///
/// # Errors
/// As for [`walk`].
pub(crate) fn walk_with_referrers(
    source: &dyn ReferrerSource,
    starts: Vec<Start>,
    jobs: usize,
    budget: &Budget,
    watch: &dyn Watch,
) -> Result<(Contents, Vec<Failure>)> {
    Walk::new(source, Some(source), budget, watch).run(starts, jobs)
}

struct Walk<'a> {
    asker: Asker<'a>,
    watch: &'a dyn Watch,
    graph: Graph,
    search: Search,
    chosen: Chosen,
    /// What the roots are said to be, and how long.
    said: Vec<(Digest, u64)>,
}

impl<'a> Walk<'a> {
    fn new(
        source: &'a dyn Source,
        referrers: Option<&'a dyn ReferrerSource>,
        budget: &'a Budget,
        watch: &'a dyn Watch,
    ) -> Self {
        let (graph, search, chosen) = (Graph::default(), Search::default(), Chosen::default());
        Self { asker: Asker { source, referrers, budget }, watch, graph, search, chosen, said: Vec::new() }
    }

    fn run(mut self, starts: Vec<Start>, jobs: usize) -> Result<(Contents, Vec<Failure>)> {
        let mut roots = Vec::with_capacity(starts.len());
        let mut parents = Vec::new();
        let mut asked = Vec::new();
        for Start { name, descriptor, manifest, places, platforms } in starts {
            roots.push(Root { name, digest: descriptor.digest.clone() });
            self.said.push((descriptor.digest.clone(), descriptor.size));
            match manifest {
                Some(manifest) => {
                    self.chosen.begin(&manifest, &places, &platforms);
                    parents.extend(self.take_in(manifest, &places, &platforms)?);
                }
                None => {
                    asked.extend(self.graph.note(&descriptor, Role::Manifest, &places)?);
                    self.reach(&descriptor.digest, &platforms);
                }
            }
            for place in places {
                self.look_at(place, &descriptor.digest);
            }
        }
        // Where an index does not say which platforms it has, a level more finds out.
        let levels = if self.chosen.is_any() { 2 * MAX_LEVELS } else { MAX_LEVELS };
        for _ in 0..levels {
            let questions = self.questions(parents, std::mem::take(&mut asked))?;
            if questions.is_empty() {
                return Ok(self.finish(roots));
            }
            let listed = Default::default();
            let answers = side_by_side(questions, jobs, |question| match self.watch.stopped() {
                Some(_) => None,
                None => Some(self.asker.ask(question, &listed)),
            });
            if let Some(signal) = self.watch.stopped() {
                return Err(Error::Interrupted { signal });
            }
            self.asker.budget.check()?;
            parents = self.learn(answers.into_iter().flatten())?;
        }
        self.too_deep(parents, roots)
    }

    fn too_deep(mut self, level: Vec<usize>, roots: Vec<Root>) -> Result<(Contents, Vec<Failure>)> {
        let deepest: Vec<Digest> = level.iter().map(|at| self.graph.nodes[*at].descriptor.digest.clone()).collect();
        let referrers = self.asker.referrers.is_some();
        let (contents, mut failures) = self.finish(roots);
        let too_deep = |what| Error::content(format!("{what} are nested more than {} deep", MAX_LEVELS - 1));
        if let Some(first) = deepest.first().filter(|_| referrers) {
            let error = too_deep("indexes and what refers to them").or_else_do(NextStep::LeaveOutReferrers);
            return Err(error.at(contents.images_with(first).join(", ")));
        }
        // What one image leads to concerns no other: it is not whole.
        let images = contents.images_with_each(deepest.iter());
        let failed = deepest.into_iter().zip(images);
        failures.extend(failed.map(|(digest, images)| Failure {
            digest,
            images,
            error: Arc::new(too_deep("indexes")),
        }));
        Ok((contents, failures))
    }

    /// Takes a manifest in that somebody else fetched; where it stands, if it was not there before.
    fn take_in(&mut self, manifest: Manifest, places: &[Place], platforms: &Platforms) -> Result<Option<usize>> {
        for place in places {
            self.look_at(*place, manifest.digest());
        }
        let descriptor = manifest.descriptor();
        self.graph.note(&descriptor, Role::Manifest, places)?;
        let at = self.graph.at[&descriptor.digest];
        self.graph.is_wanted(at);
        self.reach(&descriptor.digest, platforms);
        let is_new = self.graph.nodes[at].manifest.is_none();
        if is_new {
            self.graph.is_there(at);
            self.graph.nodes[at].manifest = Some(manifest);
        }
        Ok(is_new.then_some(at))
    }

    /// A manifest of which these platforms are wanted. Where that is more than before, it is looked through again.
    fn reach(&mut self, digest: &Digest, platforms: &Platforms) {
        let Some(&at) = self.graph.at.get(digest) else { return };
        if self.chosen.reach(at, platforms) && self.graph.nodes[at].manifest.is_some() {
            self.graph.again.insert(at);
        }
    }

    fn look_at(&mut self, place: Place, digest: &Digest) {
        if self.asker.referrers.is_some() {
            self.search.look_at(place, digest);
        }
    }

    /// Everything to ask next, what others wait for first.
    fn questions(&mut self, mut parents: Vec<usize>, mut wanted: Vec<usize>) -> Result<Vec<Question>> {
        let is_known = |candidate: &Candidate| self.graph.manifest(&candidate.descriptor.digest).is_some();
        let (known, unknown): (Vec<_>, Vec<_>) = self.search.candidates().into_iter().partition(is_known);
        for candidate in known {
            if let Some(manifest) = self.graph.manifest(&candidate.descriptor.digest).cloned() {
                self.judge(candidate, manifest)?;
            }
        }
        parents.extend(self.chosen.waiting());
        parents.extend(std::mem::take(&mut self.graph.again));
        while !parents.is_empty() {
            wanted.extend(self.children(&parents)?);
            parents = std::mem::take(&mut self.graph.again).into_iter().collect();
        }
        wanted.sort_unstable();
        wanted.dedup();
        let content = |at: usize| Question::Content(at, Box::new(self.graph.nodes[at].clone()));
        let mut questions: Vec<Question> = wanted.into_iter().map(content).collect();
        questions.extend(unknown.into_iter().map(Box::new).map(Question::Candidate));
        questions.extend(self.chosen.questions());
        let subjects = self.asker.referrers.map(|source| self.search.subjects(source));
        questions.extend(subjects.into_iter().flatten().map(Question::Subject));
        questions.sort_by_key(|question| match question {
            Question::Subject(subject) => subject.rank(),
            _ => 1,
        });
        Ok(questions)
    }

    /// The nodes below these that somebody has to be asked about.
    fn children(&mut self, parents: &[usize]) -> Result<Vec<usize>> {
        let mut wanted = Vec::new();
        for &parent in parents {
            let Some(manifest) = self.graph.nodes[parent].manifest.clone() else { continue };
            let near = self.graph.nodes[parent].places.clone();
            let source = self.asker.source;
            let places = |descriptor: &Descriptor| {
                let mut seen = HashSet::new();
                let all = near.iter().flat_map(|near| source.places(descriptor, *near));
                all.filter(|place| seen.insert(*place)).collect::<Vec<Place>>()
            };
            let Some(wants) = self.chosen.wants(parent, &manifest, places) else { continue };
            let platforms = self.chosen.of(parent);
            for (number, successor) in manifest.successors().enumerate() {
                let (descriptor, role) = (successor.descriptor, successor.role);
                let places = places(descriptor);
                let here = |e: Error| e.at(manifest.digest());
                if !wants.get(number).copied().unwrap_or(true) {
                    wanted.extend(self.graph.note_unwanted(descriptor, role, &places).map_err(here)?);
                    continue;
                }
                let mut noted = self.graph.note(descriptor, role, &places).map_err(here)?;
                if role == Role::Manifest {
                    self.reach(&descriptor.digest, &platforms);
                }
                if let Some(&at) = self.graph.at.get(&descriptor.digest)
                    && self.graph.is_wanted(at)
                {
                    wanted.push(at);
                    noted = None;
                }
                let may_be_absent = role != Role::Manifest && (!descriptor.urls.is_empty() || places.is_empty());
                let asks = role <= Role::Unknown || may_be_absent;
                wanted.extend(noted.filter(|at| asks || self.graph.is_wanting(*at)));
                if role == Role::Manifest {
                    for place in places {
                        self.look_at(place, &descriptor.digest);
                    }
                }
            }
        }
        Ok(wanted)
    }

    /// Takes the answers of a level in; the new manifests among them.
    fn learn(&mut self, answers: impl Iterator<Item = Answer>) -> Result<Vec<usize>> {
        let mut level = Vec::new();
        let mut lists = Vec::new();
        for answer in answers {
            match answer {
                Answer::Candidate(candidate, Ok(manifest)) => level.extend(self.judge(*candidate, *manifest)?),
                Answer::Candidate(candidate, Err(error)) => self.search.lost(*candidate, error),
                Answer::Content(at, Ok(There::Manifest(manifest))) => {
                    for place in self.graph.nodes[at].places.clone() {
                        self.look_at(place, manifest.digest());
                    }
                    self.graph.is_there(at);
                    if self.graph.nodes[at].manifest.is_none() {
                        self.graph.nodes[at].manifest = Some(*manifest);
                        level.push(at);
                    }
                }
                Answer::Content(at, Ok(There::Blob)) => self.graph.is_there(at),
                Answer::Content(at, Ok(There::Bytes(bytes))) => {
                    self.graph.nodes[at].descriptor.data = Some(bytes);
                    self.graph.is_there(at);
                }
                Answer::Content(at, Ok(There::Absent)) => {
                    let reason = self.asker.source.leaves_out(&self.graph.nodes[at].descriptor.digest);
                    self.graph.is_absent(at, reason);
                }
                Answer::Content(at, Err(error)) => {
                    if self.graph.nodes[at].manifest.is_none() {
                        self.graph.failed.insert(at, error);
                    }
                }
                Answer::Platform(digest, answer) => self.chosen.learn(digest, answer),
                Answer::Subject(subject, answer) => lists.push((subject, answer)),
            }
        }
        // Now it is known which of them are subjects at all.
        for (subject, answer) in lists {
            match answer {
                _ if !self.graph.at.contains_key(&subject.digest) => {}
                Ok((listed, tagged)) => {
                    self.search.listed(&subject, listed);
                    for (name, manifest) in tagged {
                        self.search.tagged.insert((name, manifest.digest().clone()));
                        level.extend(self.take_in(manifest, &[subject.place], &Platforms::default())?);
                    }
                }
                Err(error) => self.search.refused(subject, error),
            }
        }
        Ok(level)
    }

    /// Takes a candidate in if it refers to what it was listed for; where it stands, if it is new.
    fn judge(&mut self, candidate: Candidate, manifest: Manifest) -> Result<Option<usize>> {
        if !candidate.is_what_it_was_listed_as(&manifest) {
            let (digest, subject) = (manifest.digest(), candidate.subject());
            let message = format!("{digest} is listed as a referrer of {subject}, but does not refer to it: left out");
            self.watch.on(Event::Warning { message: &message });
            return Ok(None);
        }
        self.search.found.insert(manifest.digest().clone());
        self.take_in(manifest, &candidate.places, &Platforms::default())
    }

    fn finish(&mut self, mut roots: Vec<Root>) -> (Contents, Vec<Failure>) {
        let (mut graph, search) = (std::mem::take(&mut self.graph), std::mem::take(&mut self.search));
        let unread = std::mem::take(&mut self.chosen).finish(&mut graph);
        let found = search.found.iter();
        roots.extend(found.map(|digest| Root { name: RootName::None, digest: digest.clone() }));
        let named: HashSet<RootName> = roots.iter().map(|root| root.name.clone()).collect();
        let tagged = search.tagged.iter().map(|(name, digest)| (RootName::Full(name.clone()), digest.clone()));
        roots.extend(tagged.filter(|(name, _)| !named.contains(name)).map(|(name, digest)| Root { name, digest }));
        let (contents, failures) = graph.finish(roots);
        let mut failures = failures;
        failures.extend(unread);
        for (digest, size) in std::mem::take(&mut self.said) {
            let other = contents.node(&digest).map(|node| node.descriptor.size).filter(|other| *other != size);
            if let Some(other) = other {
                let error = Error::content(format!("{digest} is said to be {other} and {size} bytes long"));
                failures.push((digest, error));
            }
        }
        let images = contents.images_with_each(failures.iter().map(|(digest, _)| digest));
        let failures = failures.into_iter().zip(images);
        let mut failures: Vec<Failure> =
            failures.map(|((digest, error), images)| Failure { digest, images, error: Arc::new(error) }).collect();
        for Missed { digest, subjects, error } in search.missed() {
            // What refers to something that turned out to be no referrer itself is of no concern.
            if !subjects.iter().any(|subject| contents.node(subject).is_some()) {
                continue;
            }
            let mut images: Vec<String> = subjects.iter().flat_map(|subject| contents.images_with(subject)).collect();
            images.sort();
            images.dedup();
            failures.push(Failure { digest, images, error: Arc::new(error) });
        }
        (contents, failures)
    }
}
