//! What the images are that were brought to a registry, for whoever files what crossed.

use std::collections::{BTreeSet, HashMap};

use crate::oci::Digest;
use crate::store::Contents;
use crate::transfer::Pushed;
use crate::verbs::announced::measured;
use crate::verbs::report::{ReferrerReport, texts};

/// What one of them is.
#[derive(Clone)]
pub(super) struct About {
    pub(super) platforms: Vec<String>,
    pub(super) bytes: u64,
    pub(super) referrers: Option<Vec<ReferrerReport>>,
}

impl About {
    /// What each of these is, by its digest.
    pub(super) fn of_each(contents: &Contents, images: &[Pushed]) -> HashMap<Digest, Self> {
        let digests: BTreeSet<&Digest> = images.iter().map(|pushed| &pushed.image.digest).collect();
        let digests: Vec<&Digest> = digests.into_iter().collect();
        let about = |(digest, referrers): (&&Digest, Option<Vec<ReferrerReport>>)| {
            let (platforms, bytes) = (texts(&contents.platforms(digest)), measured(contents, digest).1);
            ((*digest).clone(), Self { platforms, bytes, referrers })
        };
        digests.iter().zip(ReferrerReport::of_each(contents, &digests)).map(about).collect()
    }
}
