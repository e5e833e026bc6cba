//! `Capabilities`: what one host turned out not to take. Learned as a run goes on, said once, and
//! never asked for again: a refused optimisation is never a refused image.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use super::ladder::Ladder;
use crate::error::Error;
use crate::store::{Event, Watch};

/// Something that a host may do without, and most take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Feature {
    /// Content on the request that closes an upload.
    BodyOnPut,
    /// `Expect: 100-continue` (RFC 9110 §10.1.1).
    Expect,
    /// Questions by HEAD.
    Head,
    /// The length in an answer to HEAD.
    HeadLength,
    /// Bodies of any length.
    LargeBodies,
    /// So many requests at once.
    ManyRequests,
    /// Taking a blob over from another repository.
    Mount,
    /// The same within one repository, which opens an upload where the blob is not there.
    MountWithin,
    /// Content in several requests.
    Patch,
    /// The rest of a blob, from some byte on (RFC 9110 §14.2).
    Range,
    /// The referrers API (distribution-spec v1.1 end-12).
    Referrers,
}

impl Feature {
    fn name(self) -> &'static str {
        match self {
            Self::BodyOnPut => "no content on the closing PUT",
            Self::Expect => "no Expect: 100-continue",
            Self::Head => "no HEAD, so GET is used",
            Self::HeadLength => "no length in answers to HEAD",
            Self::LargeBodies => "no large bodies, so blobs go in chunks",
            Self::ManyRequests => "fewer requests at once",
            Self::Mount => "no mounts",
            Self::MountWithin => "no mounts within a repository",
            Self::Patch => "no PATCH, so blobs go whole",
            Self::Range => "no Range, so an interrupted blob is read from its start",
            Self::Referrers => "no referrers API, so tags are used",
        }
    }
}

/// What was learned about one host.
#[derive(Default)]
pub(super) struct Capabilities {
    lacking: Mutex<BTreeSet<Feature>>,
    /// How it takes uploads.
    pub(super) ladder: Ladder,
    /// Whether it has the referrers API, or why that cannot be known; held while the first question
    /// finds out.
    pub(super) referrers: Mutex<Option<Result<bool, Arc<Error>>>>,
}

impl Capabilities {
    /// Whether it is worth a try.
    pub(super) fn takes(&self, feature: Feature) -> bool {
        !self.lacking.lock().unwrap_or_else(PoisonError::into_inner).contains(&feature)
    }

    /// It turned out not to, at `host` and for this reason: said the first time.
    pub(super) fn lacks(&self, feature: Feature, host: &str, reason: &str, watch: &dyn Watch) {
        if self.lacking.lock().unwrap_or_else(PoisonError::into_inner).insert(feature) {
            let what = format!("{} ({reason})", feature.name());
            watch.on(Event::Learned { host, what: &what });
        }
    }
}
