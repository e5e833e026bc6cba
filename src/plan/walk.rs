//! From roots to the whole closure: every node once, parents before children, with sizes; and where
//! that is wanted, what refers to any of it.
//!
//! Level by level, the questions of a level side by side; what comes out depends on the content
//! alone, never on which answer came first.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::attached::{Candidate, Missed, Search, Subject};
use super::budget::Budget;
use super::graph::{Graph, MAX_NODES};
use super::questions::{Answer, Listed, Question, There};
use crate::error::{Error, NextStep, Result};
use crate::oci::{Descriptor, Digest, Manifest, Role};
use crate::store::{Contents, Event, Node, Place, ReferrerSource, Root, RootName, Source, Watch, side_by_side};

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
    let (graph, search) = (Graph::default(), Search::default());
    Walk { source, referrers: None, budget, watch, graph, search, said: Vec::new() }.run(starts, jobs)
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
    let referrers = Some(source);
    let (graph, search) = (Graph::default(), Search::default());
    Walk { source, referrers, budget, watch, graph, search, said: Vec::new() }.run(starts, jobs)
}

struct Walk<'a> {
    source: &'a dyn Source,
    referrers: Option<&'a dyn ReferrerSource>,
    budget: &'a Budget,
    watch: &'a dyn Watch,
    graph: Graph,
    search: Search,
    /// What the roots are said to be, and how long.
    said: Vec<(Digest, u64)>,
}

impl Walk<'_> {
    fn run(mut self, starts: Vec<Start>, jobs: usize) -> Result<(Contents, Vec<Failure>)> {
        let mut roots = Vec::with_capacity(starts.len());
        let mut parents = Vec::new();
        let mut asked = Vec::new();
        for Start { name, descriptor, manifest, places } in starts {
            roots.push(Root { name, digest: descriptor.digest.clone() });
            self.said.push((descriptor.digest.clone(), descriptor.size));
            match manifest {
                Some(manifest) => parents.extend(self.take_in(manifest, &places)?),
                None => asked.extend(self.graph.note(&descriptor, Role::Manifest, &places)?),
            }
            for place in places {
                self.look_at(place, &descriptor.digest);
            }
        }
        for _ in 0..MAX_LEVELS {
            let questions = self.questions(parents, std::mem::take(&mut asked))?;
            if questions.is_empty() {
                return Ok(self.finish(roots));
            }
            let listed = AtomicUsize::new(0);
            let answers = side_by_side(questions, jobs, |question| match self.watch.stopped() {
                Some(_) => None,
                None => Some(self.ask(question, &listed)),
            });
            if let Some(signal) = self.watch.stopped() {
                return Err(Error::Interrupted { signal });
            }
            self.budget.check()?;
            parents = self.learn(answers.into_iter().flatten())?;
        }
        self.too_deep(parents, roots)
    }

    fn too_deep(mut self, level: Vec<usize>, roots: Vec<Root>) -> Result<(Contents, Vec<Failure>)> {
        let deepest: Vec<Digest> = level.iter().map(|at| self.graph.nodes[*at].descriptor.digest.clone()).collect();
        let referrers = self.referrers.is_some();
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
    fn take_in(&mut self, manifest: Manifest, places: &[Place]) -> Result<Option<usize>> {
        for place in places {
            self.look_at(*place, manifest.digest());
        }
        let descriptor = manifest.descriptor();
        self.graph.note(&descriptor, Role::Manifest, places)?;
        let at = self.graph.at[&descriptor.digest];
        let is_new = self.graph.nodes[at].manifest.is_none();
        if is_new {
            self.graph.is_there(at);
            self.graph.nodes[at].manifest = Some(manifest);
        }
        Ok(is_new.then_some(at))
    }

    fn look_at(&mut self, place: Place, digest: &Digest) {
        if self.referrers.is_some() {
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
        let subjects = self.referrers.map(|source| self.search.subjects(source));
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
            for successor in manifest.successors() {
                let (descriptor, role) = (successor.descriptor, successor.role);
                let mut seen = HashSet::new();
                let all = near.iter().flat_map(|near| self.source.places(descriptor, *near));
                let places: Vec<Place> = all.filter(|place| seen.insert(*place)).collect();
                let noted = self.graph.note(descriptor, role, &places).map_err(|e| e.at(manifest.digest()))?;
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

    fn ask(&self, question: Question, listed: &AtomicUsize) -> Answer {
        match question {
            Question::Candidate(candidate) => {
                let Candidate { descriptor, places, .. } = &*candidate;
                let manifest = self.manifest(places, descriptor);
                Answer::Candidate(candidate, manifest)
            }
            Question::Content(at, node) => Answer::Content(at, self.look_up(&node)),
            Question::Subject(subject) => {
                let Subject { place, digest, .. } = &subject;
                let answer = self.referrers.map_or(Ok(Listed::default()), |source| {
                    let listed = source.referrers(*place, digest);
                    let both = listed.and_then(|listed| Ok((listed, source.tagged(*place, digest)?)));
                    both.map_err(|e| source.blame(*place, digest, e))
                });
                let answer = answer.and_then(|(descriptors, tagged)| {
                    // All answers are held at once.
                    if listed.fetch_add(descriptors.len(), Ordering::Relaxed) + descriptors.len() > MAX_NODES {
                        return Err(Error::content(format!("more than {MAX_NODES} referrers are listed")));
                    }
                    Ok((descriptors, tagged))
                });
                Answer::Subject(subject, answer)
            }
        }
    }

    /// A manifest from the first of these places that gives it whole.
    fn manifest(&self, places: &[Place], descriptor: &Descriptor) -> Result<Box<Manifest>> {
        let Descriptor { digest, size, .. } = descriptor;
        let mut failures = Vec::new();
        self.budget.take(*size)?;
        for place in places {
            match self.source.manifest(*place, descriptor) {
                Ok(manifest) => {
                    self.budget.take(manifest.held().saturating_sub(*size))?;
                    return Ok(Box::new(manifest));
                }
                Err(e) => failures.push(self.source.blame(*place, digest, e)),
            }
        }
        self.budget.give_back(*size);
        Err(Error::all(failures))
    }

    fn look_up(&self, node: &Node) -> Result<There> {
        let Node { descriptor, places, .. } = node;
        if node.is_manifest() {
            return if places.is_empty() {
                Ok(There::Absent)
            } else {
                self.manifest(places, descriptor).map(There::Manifest)
            };
        }
        if descriptor.data.is_some() {
            return Ok(There::Blob);
        }
        let mut failures = Vec::new();
        for place in places {
            match self.source.has_blob(*place, descriptor) {
                Ok(true) => return Ok(There::Blob),
                Ok(false) => {}
                Err(e) => failures.push(self.source.blame(*place, &descriptor.digest, e)),
            }
        }
        if node.role == Role::Unknown {
            self.budget.check()?;
            for place in places {
                match self.source.document(*place, descriptor) {
                    Ok(Some(bytes)) => {
                        self.budget.take(bytes.len() as u64)?;
                        return Ok(There::Bytes(bytes));
                    }
                    Ok(None) => {}
                    Err(e) => failures.push(self.source.blame(*place, &descriptor.digest, e)),
                }
            }
        }
        if !descriptor.urls.is_empty() && self.source.fetches_urls() {
            return Ok(There::Blob);
        }
        if failures.is_empty() { Ok(There::Absent) } else { Err(Error::all(failures)) }
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
                Answer::Content(at, Ok(There::Absent)) => self.graph.is_absent(at),
                Answer::Content(at, Err(error)) => {
                    if self.graph.nodes[at].manifest.is_none() {
                        self.graph.failed.insert(at, error);
                    }
                }
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
                        level.extend(self.take_in(manifest, &[subject.place])?);
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
        self.take_in(manifest, &candidate.places)
    }

    fn finish(&mut self, mut roots: Vec<Root>) -> (Contents, Vec<Failure>) {
        let (graph, search) = (std::mem::take(&mut self.graph), std::mem::take(&mut self.search));
        let found = search.found.iter();
        roots.extend(found.map(|digest| Root { name: RootName::None, digest: digest.clone() }));
        let named: HashSet<RootName> = roots.iter().map(|root| root.name.clone()).collect();
        let tagged = search.tagged.iter().map(|(name, digest)| (RootName::Full(name.clone()), digest.clone()));
        roots.extend(tagged.filter(|(name, _)| !named.contains(name)).map(|(name, digest)| Root { name, digest }));
        let (contents, failures) = graph.finish(roots);
        let mut failures = failures;
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
