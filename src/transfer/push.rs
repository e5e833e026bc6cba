//! Pushes images to a target: look at everything, ask every repository for leave, then blobs,
//! manifests from the leaves up, and tags last.
//!
//! At no moment does the target hold a manifest or a tag whose content it lacks because of us, so
//! a push can be killed anywhere and run again.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use crate::error::{Error, Kind, Result};
use crate::oci::{Descriptor, Digest, Repository, Role};
use crate::store::{Contents, Event, Put, Source, Target, Watch, side_by_side};

use super::BlobContent;
use super::needs::{Image, Need};
use super::schedule::run;
use super::steps::{Step, Steps};
use super::survey::Survey;

/// How an image ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// It is not there, or not whole.
    Failed,
    /// Everything was there before.
    Present,
    /// It is there now.
    Pushed,
}

impl Status {
    /// The word for it in the report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Present => "present",
            Self::Pushed => "pushed",
        }
    }
}

/// One line of the report.
#[derive(Clone, Debug)]
pub struct Pushed {
    /// Which image.
    pub image: Image,
    /// How it ended.
    pub status: Status,
    /// Why it failed. Shared: one missing layer may fail many images.
    pub error: Option<Arc<Error>>,
}

/// What a push did. Blobs are counted per repository.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// A line for every image, in the order given.
    pub images: Vec<Pushed>,
    /// Blobs taken over from another repository.
    pub mounted: u64,
    /// Blobs that were there.
    pub present: u64,
    /// Blobs sent.
    pub sent: u64,
    /// Their length in bytes.
    pub bytes_sent: u64,
}

/// Pushes what a survey found missing, and every tag.
pub fn push(
    contents: &Contents,
    images: &[Image],
    survey: &Survey<'_>,
    source: &dyn Source,
    target: &dyn Target,
    jobs: usize,
    watch: &dyn Watch,
) -> Outcome {
    let refused = prepare(survey, target, jobs);
    if !refused.is_empty() {
        target.finish();
        return nothing_sent(images, &refused, watch);
    }
    let steps = Steps::new(images, survey, contents);
    let (items, bytes) = survey.to_send();
    watch.on(Event::Phase { name: "sending", items, bytes });
    let done = steps.list.iter().map(|_| OnceLock::new()).collect();
    let work = Work { contents, images, source, target, watch, steps: &steps.list, done };
    run(&steps.tasks, jobs, |place| {
        // Every step runs once, so the slot is empty.
        let _ = work.done[place].set(work.step(&steps.list[place]).map_err(Arc::new));
    });
    watch.on(Event::Phase { name: "", items: 0, bytes: 0 });
    target.finish();
    work.outcome(survey)
}

/// Asks for leave to send everywhere before anything is sent anywhere.
fn prepare(survey: &Survey<'_>, target: &dyn Target, jobs: usize) -> HashMap<Repository, Arc<Error>> {
    let lacking: Vec<Repository> = survey.lacking().into_iter().cloned().collect();
    let answers = side_by_side(lacking, jobs, |repository| {
        let answer = target.prepare(&repository);
        answer.err().map(|e| (repository.clone(), Arc::new(e.at(repository))))
    });
    answers.into_iter().flatten().collect()
}

fn nothing_sent(images: &[Image], refused: &HashMap<Repository, Arc<Error>>, watch: &dyn Watch) -> Outcome {
    let others = refused.keys().map(ToString::to_string).min().unwrap_or_default();
    let others = Arc::new(Error::Refused { reason: format!("nothing was sent, since {others} refused"), hint: None });
    let line = |image: &Image| {
        let error = refused.get(&image.target.repository).unwrap_or(&others).clone();
        report(image, Status::Failed, Some(&error), watch);
        Pushed { image: image.clone(), status: Status::Failed, error: Some(error) }
    };
    Outcome { images: images.iter().map(line).collect(), ..Outcome::default() }
}

/// Tells whoever watches how an image ended.
pub(super) fn report(image: &Image, status: Status, error: Option<&Error>, watch: &dyn Watch) {
    let target = image.target.to_string();
    watch.on(Event::Image { status: status.as_str(), target: &target, digest: &image.digest, error });
}

/// What a step came to: whether the target had to be changed, and bytes sent.
#[derive(Clone, Copy, Debug)]
enum Did {
    Image(Status),
    Manifest,
    Put(Put),
}

type Done = OnceLock<Result<Did, Arc<Error>>>;

struct Work<'a> {
    contents: &'a Contents,
    images: &'a [Image],
    source: &'a dyn Source,
    target: &'a dyn Target,
    watch: &'a dyn Watch,
    steps: &'a [Step<'a>],
    done: Vec<Done>,
}

impl Work<'_> {
    fn step(&self, step: &Step<'_>) -> Result<Did> {
        if let Some(signal) = self.watch.stopped() {
            return Err(Error::Interrupted { signal });
        }
        match step {
            Step::Blob { to, need, origin, elsewhere } => {
                let came = origin.filter(|step| matches!(self.done[*step].get(), Some(Ok(_))));
                let mount_from = elsewhere.or_else(|| came.and_then(|step| self.steps[step].repository()));
                self.put_blob(to, mount_from, need)
            }
            Step::Manifest { to, need, parts } => {
                self.all_done(parts)?;
                self.put_manifest(to, need)
            }
            Step::Image { image, parts, present } => self.finish_image(&self.images[*image], parts, present),
        }
    }

    fn put_blob(&self, to: &Repository, mount_from: Option<&Repository>, need: &Need<'_>) -> Result<Did> {
        let Descriptor { digest, size, .. } = &need.node.descriptor;
        self.watch.on(Event::BlobStarted { digest, size: *size });
        let mut content = BlobContent::new(self.source, need.node, self.watch);
        let put = self.target.put_blob(to, mount_from, &need.node.descriptor, &mut content);
        if matches!(put, Ok(Put::Found)) {
            // It was announced as something to send.
            self.watch.on(Event::Advanced { digest, bytes: *size });
        }
        self.watch.on(Event::BlobEnded { digest });
        // Bad content names its source; the target had nothing to do with it.
        put.map(Did::Put).map_err(|e| if e.kind() == Kind::Content { e } else { e.at(format!("{to}@{digest}")) })
    }

    fn put_manifest(&self, to: &Repository, need: &Need<'_>) -> Result<Did> {
        let Some(manifest) = &need.node.manifest else { return Ok(Did::Manifest) };
        let place = |e: Error| e.at(format!("{to}@{}", manifest.digest()));
        match self.target.put_manifest(to, manifest, None) {
            Err(e) if e.is_missing_content() => {}
            answer => return answer.map(|()| Did::Manifest).map_err(place),
        }
        // The registry said before that it has everything below. It was wrong: send it all again.
        for successor in manifest.successors() {
            let Some(node) = self.contents.node(&successor.descriptor.digest) else { continue };
            let as_manifest = node.manifest.is_some() && successor.role <= Role::Unknown;
            let role = if as_manifest { Role::Manifest } else { Role::Layer };
            let need = Need { node, role };
            if as_manifest {
                self.put_manifest(to, &need)?
            } else {
                self.put_blob(to, None, &need)?
            };
        }
        self.target.put_manifest(to, manifest, None).map(|()| Did::Manifest).map_err(place)
    }

    fn finish_image(&self, image: &Image, parts: &[usize], present: &[&Digest]) -> Result<Did> {
        let result = self.all_done(parts).and_then(|()| self.attach(image, present));
        let result = result.and_then(|()| self.tag(image, parts.is_empty()));
        match result {
            Ok(status) => {
                report(image, status, None, self.watch);
                Ok(Did::Image(status))
            }
            Err(e) => {
                let e = if e.kind() == Kind::Content { e.at(&image.name) } else { e };
                report(image, Status::Failed, Some(&e), self.watch);
                Err(e)
            }
        }
    }

    /// Makes sure of what refers to an image: an import that was killed may have left some of it there
    /// and not in the list.
    fn attach(&self, image: &Image, present: &[&Digest]) -> Result<()> {
        let to = &image.target.repository;
        for digest in &image.referrers {
            let Some(manifest) = self.contents.node(digest).and_then(|node| node.manifest.as_ref()) else { continue };
            let place = |e: Error| e.at(format!("{to}@{digest}"));
            if present.contains(&digest) {
                self.target.list_referrer(to, manifest).map_err(place)?;
            }
            let served = self.target.read_back(to, None, digest).map_err(place)?;
            if served.is_none_or(|bytes| bytes[..] != manifest.bytes()[..]) {
                return Err(place(not_served_by_digest()));
            }
        }
        Ok(())
    }

    /// Sets the tag where it does not stand right, and reads the image back by tag and by digest.
    fn tag(&self, image: &Image, complete: bool) -> Result<Status> {
        let node = self.contents.node(&image.digest).and_then(|n| n.manifest.as_ref());
        let manifest = node.ok_or_else(|| Error::content(format!("{} is not in the bundle", image.digest)))?;
        let to = &image.target.repository;
        let same = |bytes: Option<Vec<u8>>| bytes.is_some_and(|b| b[..] == manifest.bytes()[..]);
        let place = |e: Error| e.at(&image.target);
        let mut status = if complete { Status::Present } else { Status::Pushed };
        if let Some(tag) = &image.target.tag {
            let standing = self.target.read_back(to, Some(tag), &image.digest).map_err(place)?;
            let named = standing.as_deref().map(|bytes| Digest::of(image.digest.algorithm(), bytes));
            if let Some(other) = named.as_ref().filter(|named| **named != image.digest) {
                let message = format!("{} named {other} until now", image.target);
                self.watch.on(Event::Warning { message: &message });
            }
            if named.as_ref() != Some(&image.digest) {
                status = Status::Pushed;
                if let Err(e) = self.target.put_manifest(to, manifest, Some(tag)) {
                    // An immutable tag may name this very content already.
                    if e.kind() != Kind::Act
                        || !same(self.target.read_back(to, Some(tag), &image.digest).map_err(place)?)
                    {
                        return Err(place(with_immutability(e)));
                    }
                }
                if !same(self.target.read_back(to, Some(tag), &image.digest).map_err(place)?) {
                    return Err(place(Error::refused(
                        "the registry does not serve by tag what was pushed",
                        "look for another writer of this tag, or for a cache in front of the registry",
                    )));
                }
            }
        }
        if !same(self.target.read_back(to, None, &image.digest).map_err(place)?) {
            return Err(place(not_served_by_digest()));
        }
        Ok(status)
    }

    /// Fails with the gravest failure among these steps.
    fn all_done(&self, parts: &[usize]) -> Result<()> {
        let failed = parts.iter().filter_map(|step| self.done[*step].get()?.as_ref().err());
        let gravest = failed.reduce(|a, b| if a.kind().graver(b.kind()) == a.kind() { a } else { b });
        gravest.map_or(Ok(()), |e| Err(Error::Shared(e.clone())))
    }

    fn outcome(self, survey: &Survey<'_>) -> Outcome {
        let mut outcome = Outcome { present: survey.present_blobs(), ..Outcome::default() };
        for (step, done) in self.steps.iter().zip(self.done) {
            let done = done.into_inner();
            match (step, done) {
                (Step::Blob { .. }, Some(Ok(Did::Put(Put::Found)))) => outcome.present += 1,
                (Step::Blob { .. }, Some(Ok(Did::Put(Put::Mounted)))) => outcome.mounted += 1,
                (Step::Blob { need, .. }, Some(Ok(Did::Put(Put::Sent)))) => {
                    outcome.sent += 1;
                    outcome.bytes_sent += need.node.descriptor.size;
                }
                (Step::Image { image, .. }, Some(done)) => {
                    let image = self.images[*image].clone();
                    let (status, error) = match done {
                        Ok(Did::Image(status)) => (status, None),
                        Ok(_) => (Status::Pushed, None),
                        Err(e) => (Status::Failed, Some(e)),
                    };
                    outcome.images.push(Pushed { image, status, error });
                }
                _ => {}
            }
        }
        outcome
    }
}

fn not_served_by_digest() -> Error {
    Error::refused(
        "the registry does not serve by digest what was pushed",
        "its storage may be damaged; delete the manifest there and run the import again",
    )
}

/// Registries refuse to move an immutable tag in four different ways.
fn with_immutability(error: Error) -> Error {
    match error.status() {
        Some(400 | 403 | 409 | 412) => Error::refused(
            error.to_string(),
            "if the tag is immutable and names other content there, remove it or the rule that protects it; everything \
             but the tag was pushed",
        ),
        _ => error,
    }
}
