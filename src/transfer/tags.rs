//! What the tags of the images name at the target before anything is done. Changes nothing.

use std::collections::HashMap;

use super::needs::Image;
use crate::error::Result;
use crate::oci::{Digest, Reference};
use crate::store::{Target, Watch, side_by_side};

/// What was found under each tag that is there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Before(HashMap<Reference, Digest>);

impl Before {
    /// A tag named this.
    pub(super) fn note(&mut self, at: &Reference, digest: Digest) {
        self.0.insert(at.clone(), digest);
    }

    /// Adds what others named.
    pub(super) fn add(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// What the tag of an image named.
    pub(crate) fn of(&self, image: &Image) -> Option<&Digest> {
        self.0.get(&image.target)
    }
}

/// Asks what the tags of these images name.
///
/// # Errors
/// When the target cannot be reached. A tag that it will not speak of counts as one that is not there.
pub(crate) fn tags_before(images: &[Image], target: &dyn Target, jobs: usize, watch: &dyn Watch) -> Result<Before> {
    let tagged: Vec<&Reference> = images.iter().map(|image| &image.target).filter(|t| t.tag.is_some()).collect();
    let answers = side_by_side(tagged, jobs, |at| {
        let answer = match &at.tag {
            Some(tag) if watch.stopped().is_none() => target.tagged(&at.repository, tag),
            _ => Ok(None),
        };
        (at, answer)
    });
    let mut before = HashMap::new();
    for (at, answer) in answers {
        match answer {
            Ok(found) => before.extend(found.map(|digest| (at.clone(), digest))),
            Err(e) if e.status().is_some() => {}
            Err(e) => return Err(e.at(at)),
        }
    }
    Ok(Before(before))
}
