//! From roots to the whole closure: every node once, parents before children, with sizes; and where
//! that is wanted, what refers to any of it.
//!
//! Level by level, the questions of a level side by side; what comes out depends on the content
//! alone, never on which answer came first.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::attached::{Candidate, LEAVE_OUT, Missed, Search, Subject};
use super::graph::{Graph, MAX_NODES};
use crate::error::{Error, Result};
use crate::oci::{Descriptor, Digest, Manifest, Repository, Role};
use crate::store::{Contents, Event, Node, ReferrerSource, Root, Source, Watch, side_by_side};

/// More levels than any image has (design limit; an image has two or three).
const MAX_DEPTH: usize = 16;

/// A root whose own manifest is known.
#[derive(Clone, Debug)]
pub struct Found {
    /// The image's name, if it has one.
    pub name: Option<String>,
    /// Where it was found.
    pub repository: Repository,
    /// What was found.
    pub manifest: Manifest,
}

/// Content that could not be had, and whom that concerns.
#[derive(Debug)]
pub struct Failure {
    /// Which content.
    pub digest: Digest,
    /// The names of the images that need it.
    pub images: Vec<String>,
    /// Why.
    pub error: Error,
}

/// Walks everything below the roots.
///
/// What is found of images that are not whole is part of the contents all the same.
///
/// # Errors
/// When two documents contradict each other about one digest, or the graph is absurd.
pub fn walk(
    source: &dyn Source,
    roots: Vec<Found>,
    jobs: usize,
    watch: &dyn Watch,
) -> Result<(Contents, Vec<Failure>)> {
    Walk { source, referrers: None, watch, graph: Graph::default(), search: Search::default() }.run(roots, jobs)
}

/// The same, and everything that refers to what is found, which become roots without a name.
///
/// # Errors
/// As for [`walk`].
pub fn walk_with_referrers(
    source: &dyn Source,
    referrers: &dyn ReferrerSource,
    roots: Vec<Found>,
    jobs: usize,
    watch: &dyn Watch,
) -> Result<(Contents, Vec<Failure>)> {
    let referrers = Some(referrers);
    Walk { source, referrers, watch, graph: Graph::default(), search: Search::default() }.run(roots, jobs)
}

struct Walk<'a> {
    source: &'a dyn Source,
    referrers: Option<&'a dyn ReferrerSource>,
    watch: &'a dyn Watch,
    graph: Graph,
    search: Search,
}

enum Question {
    Candidate(Candidate),
    Content(usize, Box<Node>),
    Subject(Subject),
}

enum Answer {
    Candidate(Candidate, Result<Box<Manifest>>),
    Content(usize, Result<There>),
    Subject(Subject, Result<Vec<Descriptor>>),
}

/// What some content turned out to be.
enum There {
    Absent,
    Blob,
    Manifest(Box<Manifest>),
}

impl Walk<'_> {
    fn run(mut self, mut roots: Vec<Found>, jobs: usize) -> Result<(Contents, Vec<Failure>)> {
        // The order of `index.json`: containerd 1.6 stops unpacking at the first named artifact.
        roots.sort_by_cached_key(|r| {
            (r.name.is_none(), !r.manifest.is_image(), r.name.clone(), r.manifest.digest().clone())
        });
        let named = roots.iter().map(|r| Root { name: r.name.clone(), digest: r.manifest.digest().clone() }).collect();
        let mut level = Vec::new();
        for Found { repository, manifest, .. } in roots {
            level.extend(self.take_in(manifest, &repository)?);
        }
        for _ in 0..MAX_DEPTH {
            let questions = self.questions(level)?;
            if questions.is_empty() {
                return Ok(self.finish(named));
            }
            let listed = AtomicUsize::new(0);
            let answers = side_by_side(questions, jobs, |question| match self.watch.stopped() {
                Some(_) => None,
                None => Some(self.ask(question, &listed)),
            });
            if let Some(signal) = self.watch.stopped() {
                return Err(Error::Interrupted { signal });
            }
            level = self.learn(answers.into_iter().flatten())?;
        }
        let deepest = level.first().copied().unwrap_or(self.graph.nodes.len() - 1);
        let deepest = self.graph.nodes[deepest].descriptor.digest.clone();
        let referrers = self.referrers.is_some();
        let (contents, _) = self.finish(named);
        let images = contents.images_with(&deepest);
        let too_deep = |what| Error::content(format!("{what} are nested more than {MAX_DEPTH} deep"));
        let error = if referrers {
            too_deep("indexes and what refers to them").or_else_do(LEAVE_OUT)
        } else {
            too_deep("indexes")
        };
        Err(error.at(images.join(", ")))
    }

    /// Takes a manifest in that somebody else fetched; its place, if it was not there before.
    fn take_in(&mut self, manifest: Manifest, repository: &Repository) -> Result<Option<usize>> {
        self.look_at(repository, manifest.digest());
        let descriptor = manifest.descriptor();
        let place = self.graph.note(&descriptor, Role::Manifest, repository)?;
        let place = place.or(self.graph.places.get(&descriptor.digest).copied());
        let new = place.filter(|place| self.graph.nodes[*place].manifest.is_none());
        if let Some(place) = new {
            self.graph.failed.remove(&place);
            self.graph.nodes[place].manifest = Some(manifest);
        }
        Ok(new)
    }

    fn look_at(&mut self, repository: &Repository, digest: &Digest) {
        if self.referrers.is_some() {
            self.search.look_at(repository, digest);
        }
    }

    /// Everything to ask next, what others wait for first.
    fn questions(&mut self, mut level: Vec<usize>) -> Result<Vec<Question>> {
        let (known, unknown) = self.search.candidates().into_iter().partition::<Vec<_>, _>(|candidate| {
            let place = self.graph.places.get(&candidate.descriptor.digest);
            place.is_some_and(|place| self.graph.nodes[*place].manifest.is_some())
        });
        for candidate in known {
            let place = self.graph.places[&candidate.descriptor.digest];
            if let Some(manifest) = self.graph.nodes[place].manifest.clone() {
                self.judge(candidate, manifest)?;
            }
        }
        let mut questions = Vec::new();
        level.append(&mut self.graph.again);
        while !level.is_empty() {
            questions.extend(self.children(&level)?);
            level = std::mem::take(&mut self.graph.again);
        }
        questions.extend(unknown.into_iter().map(Question::Candidate));
        questions.extend(self.search.subjects().into_iter().map(Question::Subject));
        questions.sort_by_key(|question| match question {
            Question::Subject(subject) => subject.rank(),
            _ => 1,
        });
        Ok(questions)
    }

    /// The new nodes below these, as far as somebody has to be asked about them.
    fn children(&mut self, level: &[usize]) -> Result<Vec<Question>> {
        let mut wanted = Vec::new();
        for &parent in level {
            let Some(manifest) = self.graph.nodes[parent].manifest.clone() else { continue };
            let repositories = self.graph.nodes[parent].repositories.clone();
            for successor in manifest.successors() {
                for repository in &repositories {
                    let place = self
                        .graph
                        .note(successor.descriptor, successor.role, repository)
                        .map_err(|e| e.at(manifest.digest()))?;
                    let asks = successor.role <= Role::Unknown || !successor.descriptor.urls.is_empty();
                    wanted.extend(place.filter(|_| asks));
                    if successor.role == Role::Manifest {
                        self.look_at(repository, &successor.descriptor.digest);
                    }
                }
            }
        }
        let content = |place: usize| Question::Content(place, Box::new(self.graph.nodes[place].clone()));
        Ok(wanted.into_iter().map(content).collect())
    }

    fn ask(&self, question: Question, listed: &AtomicUsize) -> Answer {
        match question {
            Question::Candidate(candidate) => {
                let Candidate { descriptor, repositories, .. } = &candidate;
                let fetch = |repository: &Repository| self.source.manifest(repository, descriptor).map(Box::new);
                let manifest = first(self.source, repositories, &descriptor.digest, fetch);
                Answer::Candidate(candidate, manifest)
            }
            Question::Content(place, node) => {
                let digest = &node.descriptor.digest;
                let there = first(self.source, &node.repositories, digest, |r| ask_at(self.source, r, &node));
                Answer::Content(place, there)
            }
            Question::Subject(subject) => {
                let Subject { repository, digest, among, .. } = &subject;
                let answer = self.referrers.map(|r| r.referrers(repository, digest, *among)).unwrap_or(Ok(Vec::new()));
                let answer = answer.and_then(|descriptors| {
                    // All answers are held at once.
                    if listed.fetch_add(descriptors.len(), Ordering::Relaxed) + descriptors.len() > MAX_NODES {
                        return Err(Error::content(format!("more than {MAX_NODES} referrers are listed")));
                    }
                    Ok(descriptors)
                });
                Answer::Subject(subject, answer)
            }
        }
    }

    /// Takes the answers of a level in; the new manifests among them.
    fn learn(&mut self, answers: impl Iterator<Item = Answer>) -> Result<Vec<usize>> {
        let mut level = Vec::new();
        let mut lists = Vec::new();
        for answer in answers {
            match answer {
                Answer::Candidate(candidate, Ok(manifest)) => level.extend(self.judge(candidate, *manifest)?),
                Answer::Candidate(candidate, Err(error)) => self.search.lost(candidate, error),
                Answer::Content(place, Ok(There::Manifest(manifest))) => {
                    for repository in self.graph.nodes[place].repositories.clone() {
                        self.look_at(&repository, manifest.digest());
                    }
                    if self.graph.nodes[place].manifest.is_none() {
                        self.graph.nodes[place].manifest = Some(*manifest);
                        level.push(place);
                    }
                }
                Answer::Content(_, Ok(There::Blob)) => {}
                Answer::Content(place, Ok(There::Absent)) => {
                    self.graph.absent.insert(place);
                }
                Answer::Content(place, Err(error)) => {
                    if self.graph.nodes[place].manifest.is_none() {
                        self.graph.failed.insert(place, error);
                    }
                }
                Answer::Subject(subject, answer) => lists.push((subject, answer)),
            }
        }
        // Now it is known which of them are subjects at all.
        for (subject, answer) in lists {
            match answer {
                _ if !self.graph.places.contains_key(&subject.digest) => {}
                Ok(listed) => self.search.listed(&subject, listed),
                Err(error) => self.search.refused(subject, error),
            }
        }
        Ok(level)
    }

    /// Takes a candidate in if it refers to what it was listed for; its place, if it is new.
    fn judge(&mut self, candidate: Candidate, manifest: Manifest) -> Result<Option<usize>> {
        if !candidate.is_what_it_was_listed_as(&manifest) {
            let (digest, subject) = (manifest.digest(), candidate.subject());
            let message = format!("{digest} is listed as a referrer of {subject}, but does not refer to it: left out");
            self.watch.on(Event::Warning { message: &message });
            return Ok(None);
        }
        self.search.found.insert(manifest.digest().clone());
        let mut new = None;
        for repository in &candidate.repositories {
            new = self.take_in(manifest.clone(), repository)?.or(new);
        }
        Ok(new)
    }

    fn finish(&mut self, mut roots: Vec<Root>) -> (Contents, Vec<Failure>) {
        let (graph, search) = (std::mem::take(&mut self.graph), std::mem::take(&mut self.search));
        roots.extend(search.found.iter().map(|digest| Root { name: None, digest: digest.clone() }));
        let (contents, failures) = graph.finish(roots);
        let images = contents.images_with_each(failures.iter().map(|(digest, _)| digest));
        let failures = failures.into_iter().zip(images);
        let mut failures: Vec<Failure> =
            failures.map(|((digest, error), images)| Failure { digest, images, error }).collect();
        for Missed { digest, subjects, error } in search.missed() {
            // What refers to something that turned out to be no referrer itself is of no concern.
            if !subjects.iter().any(|subject| contents.node(subject).is_some()) {
                continue;
            }
            let mut images: Vec<String> = subjects.iter().flat_map(|subject| contents.images_with(subject)).collect();
            images.sort();
            images.dedup();
            failures.push(Failure { digest, images, error });
        }
        (contents, failures)
    }
}

/// Asks in each of these repositories until one answers.
fn first<T>(
    source: &dyn Source,
    repositories: &[Repository],
    digest: &Digest,
    ask: impl Fn(&Repository) -> Result<T>,
) -> Result<T> {
    let mut last = None;
    for repository in repositories {
        match ask(repository) {
            Ok(answer) => return Ok(answer),
            Err(e) => last = Some(source.about(repository, digest, e)),
        }
    }
    Err(last.unwrap_or_else(|| Error::content(format!("{digest} is nowhere"))))
}

fn ask_at(source: &dyn Source, repository: &Repository, node: &Node) -> Result<There> {
    let descriptor = &node.descriptor;
    let manifest = || source.manifest(repository, descriptor).map(|m| There::Manifest(Box::new(m)));
    match node.role {
        Role::Manifest => manifest(),
        Role::Unknown if source.has_blob(repository, descriptor)? => Ok(There::Blob),
        Role::Unknown => manifest(),
        _ if descriptor.data.is_some() => Ok(There::Blob),
        // A non-distributable layer: it may be missing, and travels where the registry has it.
        _ if source.has_blob(repository, descriptor)? => Ok(There::Blob),
        _ if source.has_elsewhere(descriptor) => Ok(There::Blob),
        _ => Ok(There::Absent),
    }
}
