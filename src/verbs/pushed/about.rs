//! What the images are that were brought to a registry, for whoever files what crossed.

use std::collections::{BTreeSet, HashMap};

use crate::oci::Digest;
use crate::store::Contents;
use crate::transfer::Pushed;
use crate::verbs::announced::measured;
use crate::verbs::report::{MANY_REFERRERS, ReferrerReport, texts};

/// What one of them is.
#[derive(Default)]
pub(super) struct About {
    pub(super) platforms: Vec<String>,
    pub(super) bytes: u64,
    pub(super) referrers: Option<Vec<ReferrerReport>>,
}

/// What each of them is, by its digest: many names may be one content.
pub(super) struct Abouts {
    each: HashMap<Digest, About>,
    /// There is so much to say about referrers that it is said once of each content.
    once: bool,
}

impl Abouts {
    pub(super) fn new(contents: &Contents, images: &[Pushed]) -> Self {
        let digests: BTreeSet<&Digest> = images.iter().map(|pushed| &pushed.image.digest).collect();
        let digests: Vec<&Digest> = digests.into_iter().collect();
        let about = |(digest, referrers): (&&Digest, Option<Vec<ReferrerReport>>)| {
            let (platforms, bytes) = (texts(&contents.platforms(digest)), measured(contents, digest).1);
            ((*digest).clone(), About { platforms, bytes, referrers })
        };
        let each: HashMap<_, _> = digests.iter().zip(ReferrerReport::of_each(contents, &digests)).map(about).collect();
        let lines = |pushed: &Pushed| each.get(&pushed.image.digest)?.referrers.as_ref().map(Vec::len);
        let once = images.iter().filter_map(lines).sum::<usize>() > MANY_REFERRERS;
        Self { each, once }
    }

    /// What the next of these images is, in the order of the report.
    pub(super) fn next(&mut self, digest: &Digest) -> About {
        let Some(about) = self.each.get_mut(digest) else { return About::default() };
        let referrers = if self.once { about.referrers.take() } else { about.referrers.clone() };
        About { platforms: about.platforms.clone(), bytes: about.bytes, referrers }
    }
}
