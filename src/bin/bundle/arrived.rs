//! What came of bringing images to a registry, as a person or a program is told.

use std::collections::BTreeMap;

use oci_bundle::Kind;
use oci_bundle::copy::{ImageStatus, PushedBlobs, PushedImage, ReadBackReport};
use oci_bundle::report::{self as reported, LeftOut};
use serde::Serialize;

use super::errors::{Ended, Failure, print_all, print_interrupted};
use super::left_out::{OTHER_PLATFORM, left_out_counts};
use super::progress::Progress;
use super::report;
use super::text::{count, numbers, size};

/// The report of a command that brings images to a registry.
pub(crate) trait Arrived: Serialize {
    /// What all of them have.
    fn seen(&self) -> Seen<'_>;

    /// The kind that decides the exit status; `None` if every image is there.
    fn kind(&self) -> Option<Kind>;

    /// Why images failed, to be told what to do about it.
    fn failures(&mut self) -> Vec<&mut reported::Failure>;
}

/// What there is to tell of it.
pub(crate) struct Seen<'a> {
    pub(crate) images: &'a [PushedImage],
    pub(crate) blobs: &'a PushedBlobs,
    pub(crate) left_out: &'a [LeftOut],
    pub(crate) read_back: Option<&'a ReadBackReport>,
    pub(crate) missing_volumes: &'a [u32],
}

/// Tells it, and ends as it ended.
///
/// # Errors
/// When an image is not there.
pub(crate) fn finish(mut arrived: impl Arrived, dry_run: bool, progress: &Progress) -> Result<(), Failure> {
    let failure = arrived.kind().map(Failure::reported);
    let mut failed = 0;
    for failure in arrived.failures() {
        failure.hint = progress.advice().about(failure.error());
        failed += 1;
    }
    let failed = count(failed, "image");
    let ended = failure.as_ref().map(|f| Ended::new(f, progress.advice(), &format!("{failed} failed")));
    report::ended(progress.talk().json, Some(&arrived), ended);
    if !progress.talk().json {
        tell(progress, &arrived.seen(), dry_run);
        tell_failures(progress, &mut arrived);
    }
    failure.map_or(Ok(()), |failure| Err(failure.with_object()))
}

/// Why images failed. Of those that were interrupted it is enough to know which they are.
fn tell_failures(progress: &Progress, arrived: &mut impl Arrived) {
    let interrupted = |image: &&PushedImage| matches!(image.error.as_ref().map(|e| e.kind), Some(Kind::Interrupted(_)));
    let images = arrived.seen().images;
    let (all, undone) = (images.len(), images.iter().filter(interrupted));
    let undone: Vec<String> = undone.map(|image| image.target.clone()).collect();
    let failures = arrived.failures().into_iter().filter(|failure| !matches!(failure.kind, Kind::Interrupted(_)));
    print_all(failures.map(|failure| failure.error()), progress.advice());
    if !undone.is_empty() {
        let all = count(all as u64, "image");
        let undone = format!("{} of {all} not done: {}", undone.len(), undone.join(", "));
        print_interrupted(&undone, progress.advice());
    }
}

/// One line for each image, by name: with the whole digest, to be pasted elsewhere.
fn tell_images(progress: &Progress, seen: &Seen<'_>, dry_run: bool) {
    let say = |label: &str, text: &str| if dry_run { progress.answer(label, text) } else { progress.say(label, text) };
    for image in seen.images {
        let PushedImage { target, digest, previous_digest: previous, status, .. } = image;
        let previous = previous.as_ref().filter(|_| image.moves_tag());
        match (status, previous) {
            (ImageStatus::Failed, _) => say("failed", target),
            (ImageStatus::Incomplete, _) => say("incomplete", target),
            (ImageStatus::Present, _) => say("present", &format!("{target}  {digest}")),
            (ImageStatus::Skipped, _) => say("skipped", &format!("{target}  {digest}")),
            (ImageStatus::Planned, Some(other)) => {
                say("would move", &format!("{target} from {other} to {digest}"));
            }
            (ImageStatus::Planned, None) => say("would push", &format!("{target}  {digest}")),
            (_, Some(other)) => say("pushed", &format!("{target}  {digest}  (was {other})")),
            (_, None) => say("pushed", &format!("{target}  {digest}")),
        }
    }
}

fn tell(progress: &Progress, seen: &Seen<'_>, dry_run: bool) {
    tell_images(progress, seen, dry_run);
    for LeftOut { digest, bytes, reason, .. } in seen.left_out.iter().filter(|one| one.reason != OTHER_PLATFORM) {
        progress.say("left out", &format!("{digest}  {}, {reason}, and not in the registry", size(*bytes)));
    }
    let images = counted(seen);
    let failed = seen.images.iter().filter(|i| i.status == ImageStatus::Failed).count();
    let blobs = seen.blobs;
    let left_out = left_out_counts(seen.left_out);
    if dry_run {
        let (to_send, bytes) = (count(blobs.to_send, "blob"), size(blobs.bytes_to_send));
        progress.answer("plan", &format!("{images} · {to_send} to send ({bytes}){left_out} · nothing was changed"));
        return;
    }
    if let Some(back) = seen.read_back {
        tell_read_back(progress, back);
    }
    let sent = format!("{} sent ({})", count(blobs.sent, "blob"), size(blobs.bytes_sent));
    let mounted = if blobs.mounted > 0 { format!(" · {} mounted", blobs.mounted) } else { String::new() };
    let incomplete = match seen.images.iter().filter(|i| i.status == ImageStatus::Incomplete).count() {
        0 => String::new(),
        some => {
            let volumes = if seen.missing_volumes.len() == 1 { "volume" } else { "volumes" };
            format!(" · {some} waiting for {volumes} {}", numbers(seen.missing_volumes))
        }
    };
    let label = if failed == 0 && incomplete.is_empty() { "done" } else { "incomplete" };
    let present = blobs.present;
    let skipped = match seen.images.iter().filter(|i| i.status == ImageStatus::Skipped).count() {
        0 => String::new(),
        skipped => format!(" · {skipped} skipped"),
    };
    let skipped = format!("{skipped}{left_out}{incomplete}");
    progress.say(label, &format!("{images} · {sent}{mounted} · {present} already there{skipped} · {failed} failed"));
}

/// How many images, and how many of what is attached to them by a tag.
fn counted(seen: &Seen<'_>) -> String {
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    for attached in seen.images.iter().filter_map(|image| image.attached) {
        *kinds.entry(attached).or_default() += 1;
    }
    let attached: u64 = kinds.values().sum();
    let mut text = count(seen.images.len() as u64 - attached, "image");
    for (kind, number) in kinds {
        let number = if kind == "list of referrers" && number > 1 {
            format!("{number} lists of referrers")
        } else {
            count(number, kind)
        };
        text.push_str(&format!(" · {number}"));
    }
    text
}

fn tell_read_back(progress: &Progress, back: &ReadBackReport) {
    let [blobs, manifests, tags] = [(back.blobs, "blob"), (back.manifests, "manifest"), (back.tags, "tag")]
        .map(|(number, noun)| count(number, noun));
    let (bytes, damaged) = (size(back.bytes), back.damaged.len());
    progress.say("read back", &format!("{blobs} · {manifests} · {tags} · {bytes} · {damaged} damaged"));
}
