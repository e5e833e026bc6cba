//! Pushes images to a target: look at everything, ask every repository for leave, then blobs,
//! manifests from the leaves up, and tags last.
//!
//! At no moment does the target hold a manifest or a tag whose content it lacks because of us, so
//! a push can be killed anywhere and run again.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use super::beside::{is_beside, take_over};
use super::brought::Brought;
use super::content::BlobContent;
use super::leave::{nothing_sent, prepare};
use super::needs::{ExistingTag, Image, Need};
use super::outcome::{Outcome, Pushed, Status, report};
use super::proof::Proofs;
use super::schedule::run;
use super::sparse;
use super::steps::{Mount, Step, Steps};
use super::survey::Survey;
use super::tags::Before;
use super::tally::{Tally, note};
use super::turns::Turns;
use crate::error::{Error, Kind, NextStep, Result};
use crate::oci::{Descriptor, Digest, Manifest, Repository, Role};
use crate::store::{Ahead, Contents, Endpoint, Event, Put, Source, Target, Watch};

/// Blobs up to this size, in bytes, may be read into memory before they are sent: one for each worker.
const MOST_HELD: u64 = 256 << 10;
/// Blobs from this size on (bytes) come from another registry few at once: that leaves the processor to the
/// registries, and a line that breaks has cut few of them off before it is known how it breaks.
const LARGE: u64 = 8 << 20;
/// So many of them.
const FEW: usize = 4;
/// One that is slower than this (bytes in a second) is held up by its line: one more may go beside it.
const SLOW: u64 = 4 << 20;

/// Pushes what a survey found missing, and every tag; of the images that wait for more, blobs alone.
pub(crate) fn push(
    contents: &Contents,
    (images, waiting): (&[Image], &[Image]),
    survey: &Survey<'_>,
    source: &dyn Source,
    target: &dyn Target,
    jobs: usize,
    watch: &dyn Watch,
) -> Outcome {
    let refused = prepare(survey, target, jobs);
    if !refused.is_empty() {
        target.finish();
        return nothing_sent(images.iter().chain(waiting), &refused, watch);
    }
    let is_far = source.is_far();
    let large = if is_far { LARGE } else { u64::MAX };
    let steps = Steps::new(images, waiting, survey, contents, large);
    let (items, bytes) = survey.to_send();
    watch.on(Event::Phase { name: "sending", items, bytes });
    watch.on(Event::Images { done: 0, of: images.len() as u64 });
    let done = steps.list.iter().map(|_| OnceLock::new()).collect();
    let work = Work {
        contents,
        images,
        waiting,
        source,
        target,
        watch,
        steps: &steps.list,
        done,
        tally: Tally::default(),
        brought: Brought::new(target, watch),
        proofs: Proofs::default(),
        before: Mutex::default(),
        turns: Turns::new(jobs),
        most_large: AtomicUsize::new(FEW.min(jobs)),
    };
    // Some read what comes next from afar while the others talk to the target.
    let ahead = if is_far { jobs / 2 } else { 0 };
    run(&steps.tasks, jobs + ahead, &work.most_large, |number| {
        // Every step runs once, so the slot is empty.
        let _ = work.done[number].set(work.step(&steps.list[number]).map_err(Arc::new));
    });
    watch.on(Event::Phase { name: "", items: 0, bytes: 0 });
    target.finish();
    work.outcome(survey)
}

type Done = OnceLock<Result<Status, Arc<Error>>>;

struct Work<'a> {
    contents: &'a Contents,
    images: &'a [Image],
    waiting: &'a [Image],
    source: &'a dyn Source,
    target: &'a dyn Target,
    watch: &'a dyn Watch,
    steps: &'a [Step<'a>],
    done: Vec<Done>,
    tally: Tally,
    before: Mutex<Before>,
    brought: Brought<'a>,
    proofs: Proofs,
    turns: Turns,
    most_large: AtomicUsize,
}

impl Work<'_> {
    /// Does one thing. What it comes to means something for images only.
    fn step(&self, step: &Step<'_>) -> Result<Status> {
        if let Some(signal) = self.watch.stopped() {
            return Err(Error::Interrupted { signal });
        }
        let reads_first = self.reads_first(step);
        let _turn = (!reads_first).then(|| self.turns.take());
        match step {
            Step::Blob { to, need, mount } => {
                let ahead = match mount {
                    Mount::After(step) if matches!(self.done[*step].get(), Some(Ok(_))) => {
                        self.steps[*step].repository().map_or(Ahead::Nothing, Ahead::Mount)
                    }
                    Mount::From(repository) => Ahead::Mount(repository),
                    Mount::Nowhere { unasked: true } => Ahead::Ask,
                    Mount::After(_) | Mount::Nowhere { .. } => Ahead::Nothing,
                };
                self.put_blob(to, ahead, need, reads_first)?;
            }
            Step::Manifest { to, need, parts } => {
                self.all_done(parts)?;
                self.put_manifest(to, need)?;
            }
            Step::Whole { to, referrers, parts, present } => {
                self.all_done(parts)?;
                self.attach(to, referrers, present)?;
            }
            Step::Parts { parts, .. } => {
                self.all_done(parts)?;
                return Ok(Status::Incomplete);
            }
            Step::Image { image, whole, complete } => {
                return self.finish_image(&self.images[*image], *whole, *complete);
            }
        }
        Ok(Status::Pushed)
    }

    /// Whether this is a blob that is read into memory before the target is asked for anything.
    fn reads_first(&self, step: &Step<'_>) -> bool {
        let Step::Blob { need, mount: Mount::Nowhere { unasked: true }, .. } = step else { return false };
        need.node.descriptor.size <= MOST_HELD && !is_beside(self.source, need.node)
    }

    /// `reads_first`: whoever brings it has no turn at the target yet.
    fn put_blob(&self, to: &Repository, ahead: Ahead<'_>, need: &Need<'_>, reads_first: bool) -> Result<()> {
        let Descriptor { digest, size, .. } = &need.node.descriptor;
        self.watch.on(Event::BlobStarted { digest, size: *size, of: to.path() });
        let started = Instant::now();
        let put = self.put_content(to, ahead, need, reads_first);
        let is_slow = started.elapsed().as_millis() > u128::from(size / (SLOW / 1_000));
        if *size >= LARGE && is_slow && matches!(put, Ok(Put::Sent)) {
            self.most_large.fetch_add(1, Ordering::Relaxed);
        }
        if matches!(put, Ok(Put::Found)) {
            // It was announced as something to send.
            self.watch.on(Event::Advanced { digest, bytes: *size });
        }
        self.watch.on(Event::BlobEnded { digest });
        // Bad content names its source; the target had nothing to do with it.
        let put = put.map_err(|e| if e.kind() == Kind::Content { e } else { e.at(format!("{to}@{digest}")) })?;
        if put != Put::Found {
            self.brought.note(to, digest);
        }
        self.tally.add(to, put, &need.node.descriptor);
        Ok(())
    }

    /// Where one place has bad content, the next one may have it right.
    fn put_content(&self, to: &Repository, mut ahead: Ahead<'_>, need: &Need<'_>, reads_first: bool) -> Result<Put> {
        if take_over(self.source, self.target, to, need.node)? {
            self.proofs.is_known(&need.node.descriptor.digest);
            return Ok(Put::Mounted);
        }
        let is_held = need.node.descriptor.size <= MOST_HELD;
        if ahead == Ahead::Ask && !is_held {
            // Without a mount, since that is worth no second reading.
            if matches!(self.target.has(to, Endpoint::Blobs, &need.node.descriptor), Ok(true)) {
                return Ok(Put::Found);
            }
            ahead = Ahead::Nothing;
        }
        let mut content = BlobContent::new(self.source, need.node, self.watch);
        // Both may end in a mount, and that the target has something proves nothing about what is here.
        let proof = match ahead {
            // Most likely it is sent, and it is small: it is read once for both.
            Ahead::Ask => self.proofs.held(self.source, need.node, self.watch).map(|held| content.hold(held)),
            Ahead::Mount(_) => self.proofs.check(self.source, need.node, self.watch),
            Ahead::Nothing => Ok(()),
        };
        let _turn = reads_first.then(|| self.turns.take());
        if let Err(e) = proof {
            // What the repository itself has need not be sent.
            let is_there = matches!(self.target.has(to, Endpoint::Blobs, &need.node.descriptor), Ok(true));
            return if is_there { Ok(Put::Found) } else { Err(e) };
        }
        loop {
            match self.target.put_blob(to, ahead, &need.node.descriptor, &mut content) {
                Err(e) if e.kind() == Kind::Content => content.try_next(e)?,
                answer => {
                    if matches!(answer, Ok(Put::Sent)) {
                        self.proofs.is_known(&need.node.descriptor.digest);
                    }
                    return answer;
                }
            }
            ahead = Ahead::Nothing;
        }
    }

    fn put_manifest(&self, to: &Repository, need: &Need<'_>) -> Result<()> {
        let Some(manifest) = &need.node.manifest else { return Ok(()) };
        let place = |e: Error| e.at(format!("{to}@{}", manifest.digest()));
        match self.target.put_manifest(to, manifest, None) {
            Err(e) if sparse::may_be_refused_for_that(&e) && self.lacks_platforms(to, manifest) => {
                return Err(place(sparse::refused(e)));
            }
            Err(e) if self.brought.lacks_ours(to, manifest, &e) || e.is_missing_content() => {}
            answer => return answer.map(|()| self.brought.note(to, manifest.digest())).map_err(place),
        }
        // The registry said before that it has some of what is below. It was wrong: send that again.
        for successor in manifest.successors() {
            let node = self.contents.node(&successor.descriptor.digest).filter(|node| node.is_carried());
            let Some(node) = node.filter(|node| !self.brought.wrote(to, &node.descriptor.digest)) else { continue };
            if successor.role == Role::Manifest {
                self.put_manifest(to, &Need { node, by: Endpoint::Manifests })?;
            } else {
                self.put_blob(to, Ahead::Nothing, &Need { node, by: Endpoint::Blobs }, false)?;
                note(&self.tally.resent, to, &node.descriptor.digest);
            }
        }
        self.brought.put_when_shown(to, manifest, None).map_err(place)
    }

    fn lacks_platforms(&self, to: &Repository, manifest: &Manifest) -> bool {
        sparse::lacks_platforms(self.contents, self.target, to, manifest)
    }

    fn finish_image(&self, image: &Image, whole: usize, complete: bool) -> Result<Status> {
        match self.all_done(&[whole]).and_then(|()| self.tag(image, complete)) {
            Ok(status) => {
                report(image, status, None, self.watch);
                Ok(status)
            }
            Err(e) => {
                let e = if e.kind() == Kind::Content { e.at(image.name.name()) } else { e };
                report(image, Status::Failed, Some(&e), self.watch);
                Err(e)
            }
        }
    }

    /// Makes sure of what refers to an image: an import that was killed may have left some of it there
    /// and not in the list.
    fn attach(&self, to: &Repository, referrers: &[Digest], present: &HashSet<&Digest>) -> Result<()> {
        for digest in referrers {
            let Some(manifest) = self.contents.node(digest).and_then(|node| node.manifest.as_ref()) else { continue };
            let place = |e: Error| e.at(format!("{to}@{digest}"));
            if present.contains(digest) {
                self.target.list_referrer(to, manifest).map_err(place)?;
            }
            let served = self.brought.read_back(to, None, manifest).map_err(place)?;
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
        let tag = image.target.tag.as_ref();
        if let Some(tag) = tag.filter(|_| image.is_list(manifest)) {
            if self.target.merge_list(to, manifest, tag).map_err(place)? {
                status = Status::Pushed;
            }
        } else if let Some(tag) = tag {
            let standing = self.target.read_back(to, Some(tag), &image.digest).map_err(place)?;
            let named = standing.as_deref().map(|bytes| Digest::of(image.digest.algorithm(), bytes));
            if named.as_ref() != Some(&image.digest) {
                if let Some(other) = &named {
                    match image.existing_tag {
                        ExistingTag::Fail => return Err(names_another(image, other)),
                        ExistingTag::Overwrite => {}
                        ExistingTag::Skip => return Ok(Status::Skipped),
                    }
                }
                status = Status::Pushed;
                if let Err(e) = self.brought.put_when_shown(to, manifest, Some(tag)) {
                    // An immutable tag may name this very content already.
                    if e.kind() != Kind::Act
                        || !same(self.target.read_back(to, Some(tag), &image.digest).map_err(place)?)
                    {
                        return Err(place(with_immutability(e)));
                    }
                }
                if !same(self.brought.read_back(to, Some(tag), manifest).map_err(place)?) {
                    return Err(place(Error::refused(
                        "the registry does not serve by tag what was pushed",
                        NextStep::FindOtherWriter,
                    )));
                }
                if let Some(other) = &named {
                    let message = format!("{} named {other} until now", image.target);
                    self.watch.on(Event::Warning { message: &message });
                }
            }
            if let Some(named) = named {
                self.before.lock().unwrap_or_else(PoisonError::into_inner).note(&image.target, named);
            }
        }
        if !same(self.brought.read_back(to, None, manifest).map_err(place)?) {
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
        let present = self.tally.present(survey);
        let Tally { mounted, sent, bytes_sent, .. } = self.tally;
        let [mounted, sent, bytes_sent] = [mounted, sent, bytes_sent].map(AtomicU64::into_inner);
        let before = self.before.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut outcome = Outcome { images: Vec::new(), before, mounted, present, sent, bytes_sent };
        for (step, done) in self.steps.iter().zip(self.done) {
            let Some(done) = done.into_inner() else { continue };
            let image = match step {
                Step::Image { image, .. } => self.images[*image].clone(),
                Step::Parts { image, .. } => self.waiting[*image].clone(),
                _ => continue,
            };
            let (status, error) = match done {
                Ok(status) => (status, None),
                Err(e) => (Status::Failed, Some(e)),
            };
            outcome.images.push(Pushed { image, status, error });
        }
        outcome
    }
}

/// The tag of an image stands for another one, and is to stay.
pub(crate) fn names_another(image: &Image, other: &Digest) -> Error {
    Error::refused(format!("the tag names {other} already"), NextStep::AllowOverwriting).at(&image.target)
}

fn not_served_by_digest() -> Error {
    Error::refused("the registry does not serve by digest what was pushed", NextStep::DeleteDamagedManifest)
}

/// Registries refuse to move an immutable tag in four different ways.
fn with_immutability(error: Error) -> Error {
    match error.status() {
        Some(400 | 403 | 409 | 412) => Error::refused(error.to_string(), NextStep::ReleaseTag),
        _ => error,
    }
}
