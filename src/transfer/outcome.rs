//! What a push did, image by image.

use std::sync::Arc;

use super::needs::Image;
use super::tags::Before;
use crate::error::Error;
use crate::store::{Event, Watch};

/// How an image ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// It is not there, or not whole.
    Failed,
    /// What is here of it is there, and the rest has to come from elsewhere before anything names it.
    Incomplete,
    /// Everything was there before.
    Present,
    /// It is there now.
    Pushed,
    /// Its tag names another, and stays.
    Skipped,
}

impl Status {
    /// The word for it in the report.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Incomplete => "incomplete",
            Self::Present => "present",
            Self::Pushed => "pushed",
            Self::Skipped => "skipped",
        }
    }
}

/// One line of the report.
#[derive(Clone, Debug)]
pub(crate) struct Pushed {
    /// Which image.
    pub(crate) image: Image,
    /// How it ended.
    pub(crate) status: Status,
    /// Why it failed. Shared: one missing layer may fail many images.
    pub(crate) error: Option<Arc<Error>>,
}

impl Pushed {
    /// The line of an image about which there is nothing to do, of which whoever watches is told.
    pub(crate) fn without_error(image: Image, status: Status, watch: &dyn Watch) -> Self {
        report(&image, status, None, watch);
        Self { image, status, error: None }
    }

    /// The line of an image of which a part has to come from elsewhere, of which whoever watches is told.
    pub(crate) fn incomplete(image: Image, error: Arc<Error>, watch: &dyn Watch) -> Self {
        report(&image, Status::Incomplete, Some(&error), watch);
        Self { image, status: Status::Incomplete, error: Some(error) }
    }

    /// The line of an image that cannot be brought over, of which whoever watches is told.
    pub(crate) fn failed(image: Image, error: Arc<Error>, watch: &dyn Watch) -> Self {
        report(&image, Status::Failed, Some(&error), watch);
        Self { image, status: Status::Failed, error: Some(error) }
    }
}

/// What a push did. Blobs are counted per repository.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// A line for every image, in the order given.
    pub(crate) images: Vec<Pushed>,
    /// What their tags named before.
    pub(crate) before: Before,
    /// Blobs taken over from another repository.
    pub(crate) mounted: u64,
    /// Blobs that were there.
    pub(crate) present: u64,
    /// Blobs sent.
    pub(crate) sent: u64,
    /// Their length in bytes.
    pub(crate) bytes_sent: u64,
}

impl Outcome {
    /// Adds what a second push did, which found what the first had brought.
    pub(crate) fn add(&mut self, second: Self) {
        self.images.extend(second.images);
        self.before.add(second.before);
        self.mounted += second.mounted;
        self.sent += second.sent;
        self.bytes_sent += second.bytes_sent;
    }
}

/// Tells whoever watches how an image ended.
pub(crate) fn report(image: &Image, status: Status, error: Option<&Error>, watch: &dyn Watch) {
    let target = image.target.to_string();
    watch.on(Event::Image { status: status.as_str(), target: &target, digest: &image.digest, error });
}
