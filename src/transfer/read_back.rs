//! Reads everything that images consist of back from the target, and hashes it: what stood there
//! before, too. A registry answers for content that its storage has damaged as if nothing were wrong.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::content::BlobContent;
use super::needs::{Image, collect};
use super::outcome::{Outcome, Pushed, Status, report};
use crate::error::{Error, Kind, NextStep, Result};
use crate::oci::{Descriptor, Digest, Repository, Role, Tag};
use crate::store::{Contents, Copies, Endpoint, Event, Node, Presence, Settling, Target, Watch, side_by_side};

/// What hashes wrong is asked for once more before it counts as damaged there.
const MOST_CORRUPT: u32 = 2;
/// As many damaged pieces as one message names.
const MOST_NAMED: usize = 20;

const NOT_THERE: &str = "is not there";

/// What was read back.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReadBack {
    /// Blobs that are right, counted per repository.
    pub(crate) blobs: u64,
    /// Manifests that are right, counted per repository.
    pub(crate) manifests: u64,
    /// Tags that lead to what they should.
    pub(crate) tags: u64,
    /// The length of all these, in bytes.
    pub(crate) bytes: u64,
    /// What is wrong or gone.
    pub(crate) damaged: Vec<Damaged>,
}

/// Content that the target does not serve as it was pushed.
#[derive(Clone, Debug)]
pub(crate) struct Damaged {
    /// Where.
    pub(crate) repository: Repository,
    /// Which content.
    pub(crate) digest: Digest,
    /// What is wrong, in one line.
    pub(crate) message: String,
}

/// One thing to read back.
#[derive(Clone, Copy)]
enum Piece<'a> {
    Blob(&'a Descriptor),
    Manifest(&'a Descriptor),
    /// The tag of the image at this place.
    Tag(&'a Descriptor, &'a Tag, usize),
}

impl<'a> Piece<'a> {
    fn descriptor(self) -> &'a Descriptor {
        match self {
            Self::Blob(descriptor) | Self::Manifest(descriptor) | Self::Tag(descriptor, ..) => descriptor,
        }
    }
}

/// Why something did not pass.
enum Wrong {
    Damaged(String),
    Unread(Arc<Error>),
}

/// Reads back all images that are there, from `target` and, for blobs, from the same registry as a
/// source. Images that are not there as they should be are failed in the outcome.
pub(crate) fn read_back(
    contents: &Contents,
    outcome: &mut Outcome,
    target: &dyn Target,
    copies: &dyn Copies,
    jobs: usize,
    watch: &dyn Watch,
) -> ReadBack {
    let images: Vec<Image> = outcome.images.iter().filter(|i| is_there(i)).map(|i| i.image.clone()).collect();
    let needs = collect(contents, &images);
    let mut pieces: Vec<(&Repository, Piece<'_>)> = Vec::new();
    for (repository, needs) in &needs {
        // What was left out need not be there.
        let needed = needs
            .iter()
            .filter(|need| !matches!(need.node.presence, Presence::LeftOut(reason) if reason.is_for_good()));
        pieces.extend(needed.map(|need| match need.by {
            Endpoint::Manifests => (repository, Piece::Manifest(&need.node.descriptor)),
            Endpoint::Blobs => (repository, Piece::Blob(&need.node.descriptor)),
        }));
    }
    for (place, image) in images.iter().enumerate() {
        if let (Some(tag), Some(node)) = (&image.target.tag, contents.node(&image.digest)) {
            // A list has other writers: its tag was looked at when it was merged.
            if node.manifest.as_ref().is_some_and(|manifest| image.is_list(manifest)) {
                continue;
            }
            pieces.push((&image.target.repository, Piece::Tag(&node.descriptor, tag, place)));
        }
    }
    let bytes = pieces.iter().map(|(_, piece)| piece.descriptor().size).sum();
    watch.on(Event::Phase { name: "reading back", items: pieces.len() as u64, bytes });
    let pushed = outcome.images.iter().filter(|i| i.status == Status::Pushed);
    let fresh: HashSet<Repository> = pushed.map(|i| i.image.target.repository.clone()).collect();
    let reader = Reader { target, copies, watch, fresh };
    let answers = side_by_side(pieces, jobs, |(repository, piece)| (repository, piece, reader.read(repository, piece)));
    watch.on(Event::Phase { name: "", items: 0, bytes: 0 });

    let mut back = ReadBack::default();
    let mut content: HashMap<(&Repository, &Digest), Wrong> = HashMap::new();
    let mut tags: HashMap<usize, Wrong> = HashMap::new();
    for (repository, piece, answer) in answers {
        let Descriptor { digest, size, .. } = piece.descriptor();
        let Some(wrong) = answer else {
            back.bytes += size;
            match piece {
                Piece::Blob(_) => back.blobs += 1,
                Piece::Manifest(_) => back.manifests += 1,
                Piece::Tag(..) => back.tags += 1,
            }
            continue;
        };
        if let Wrong::Damaged(message) = &wrong {
            let (repository, digest, message) = (repository.clone(), digest.clone(), message.clone());
            back.damaged.push(Damaged { repository, digest, message });
        }
        match piece {
            Piece::Tag(_, _, place) => tags.insert(place, wrong),
            _ => content.insert((repository, digest), wrong),
        };
    }
    if content.is_empty() && tags.is_empty() {
        return back;
    }
    let there = outcome.images.iter_mut().filter(|i| is_there(i));
    for (place, pushed) in there.enumerate() {
        let repository = &pushed.image.target.repository;
        // What refers to an image counts with it, and may share content with it.
        let mut seen = HashSet::new();
        let below =
            pushed.image.parts(contents).map(|node| &node.descriptor.digest).filter(|digest| seen.insert(*digest));
        let wrong = below.filter_map(|digest| content.get(&(repository, digest))).chain(tags.get(&place));
        if let Some(error) = verdict(&pushed.image, wrong) {
            report(&pushed.image, Status::Failed, Some(&error), watch);
            (pushed.status, pushed.error) = (Status::Failed, Some(Arc::new(error)));
        }
    }
    back
}

fn is_there(pushed: &Pushed) -> bool {
    !matches!(pushed.status, Status::Failed | Status::Incomplete | Status::Skipped)
}

/// What is wrong with an image, if anything is: damage before what could not be read.
fn verdict<'a>(image: &Image, wrong: impl Iterator<Item = &'a Wrong>) -> Option<Error> {
    let (mut damaged, mut unread): (Vec<&str>, Option<&Arc<Error>>) = (Vec::new(), None);
    for wrong in wrong {
        match wrong {
            Wrong::Damaged(message) => damaged.push(message),
            Wrong::Unread(error) => {
                let graver = unread.is_none_or(|other| other.kind().graver(error.kind()) != other.kind());
                unread = if graver { Some(error) } else { unread };
            }
        }
    }
    let at = |error: Error| error.at(image.name.name());
    if damaged.is_empty() {
        return unread.map(|error| at(Error::Shared(error.clone())));
    }
    let more = damaged.len().saturating_sub(MOST_NAMED);
    damaged.truncate(MOST_NAMED);
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    let error = Error::refused(
        format!("damaged copy at the registry: {}{more}", damaged.join(", ")),
        NextStep::DeleteDamagedCopies,
    );
    Some(at(error.at(&image.target.repository)))
}

/// Said to be absent, rather than wrong.
fn is_absent(answer: &Result<()>) -> bool {
    answer.as_ref().is_err_and(|e| e.status() == Some(404) || e.to_string().ends_with(NOT_THERE))
}

struct Reader<'a> {
    target: &'a dyn Target,
    copies: &'a dyn Copies,
    watch: &'a dyn Watch,
    /// What this run has pushed to: it may not show everything yet.
    fresh: HashSet<Repository>,
}

impl Reader<'_> {
    /// Reads one piece; `None` if it is right.
    fn read(&self, from: &Repository, piece: Piece<'_>) -> Option<Wrong> {
        let Descriptor { digest, size, .. } = piece.descriptor();
        if let Some(signal) = self.watch.stopped() {
            return Some(Wrong::Unread(Arc::new(Error::Interrupted { signal })));
        }
        let look = || match piece {
            Piece::Blob(descriptor) => {
                self.watch.on(Event::BlobStarted { digest, size: *size, of: from.path() });
                let answer = self.blob(from, descriptor);
                self.watch.on(Event::BlobEnded { digest });
                answer
            }
            Piece::Manifest(_) => self.manifest(from, None, digest).map_err(|e| e.at(format!("{from}@{digest}"))),
            Piece::Tag(_, tag, _) => self.manifest(from, Some(tag), digest).map_err(|e| e.at(format!("{from}:{tag}"))),
        };
        let mut settling = Settling::default();
        let answer = loop {
            let answer = look();
            let is_settled = answer.is_ok() || !self.fresh.contains(from) || !is_absent(&answer);
            match if is_settled { Ok(false) } else { settling.wait(self.watch) } {
                Ok(true) => {}
                Ok(false) => break answer,
                Err(e) => break Err(e),
            }
        };
        match answer {
            Ok(()) => None,
            Err(e) if e.status() == Some(404) => Some(Wrong::Damaged(format!("{digest} {NOT_THERE}"))),
            Err(e) if e.kind() == Kind::Content => Some(Wrong::Damaged(e.innermost().to_string())),
            Err(e) => Some(Wrong::Unread(Arc::new(e))),
        }
    }

    fn blob(&self, from: &Repository, descriptor: &Descriptor) -> Result<()> {
        let Descriptor { media_type, digest, size, .. } = descriptor;
        // Nothing but what the registry itself holds may stand in for it.
        let descriptor = Descriptor::new(media_type.clone(), digest.clone(), *size);
        let node = Node::new(descriptor, Role::Layer, vec![self.copies.place_of(from)]);
        BlobContent::new(self.copies, &node, self.watch).check()
    }

    fn manifest(&self, from: &Repository, tag: Option<&Tag>, digest: &Digest) -> Result<()> {
        let mut wrong = String::new();
        for _ in 0..MOST_CORRUPT {
            let Some(bytes) = self.target.read_back(from, tag, digest)? else {
                wrong = match tag {
                    Some(tag) => format!("the tag `{tag}` {NOT_THERE}"),
                    None => format!("{digest} {NOT_THERE}"),
                };
                break;
            };
            let actual = Digest::of(digest.algorithm(), &bytes);
            if actual == *digest {
                self.watch.on(Event::Advanced { digest, bytes: bytes.len() as u64 });
                return Ok(());
            }
            wrong = match tag {
                Some(tag) => format!("the tag `{tag}` gives {actual} instead of {digest}"),
                None => format!("content of {digest} hashes to {actual}"),
            };
        }
        Err(Error::content(wrong))
    }
}
