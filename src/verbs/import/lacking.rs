//! What a delta rests on, and is neither in the files nor at the target.

use std::collections::{BTreeMap, HashSet};

use schemars::JsonSchema;
use serde::Serialize;

use crate::error::{BaseStep, Error};
use crate::oci::{Digest, Reference};
use crate::store::{Contents, Node};
use crate::transfer::{Image, Survey};

/// As many images as a command is made for.
const MOST_IMAGES: usize = 8;

/// As many names as a person would look through, for all content taken together.
const MOST_NAMES: usize = 100_000;

/// Content that a base should have.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct LackingContent {
    /// Which.
    pub digest: Digest,
    /// Its length in bytes.
    pub bytes: u64,
    /// The images that need it where it is not, by their names in the bundle.
    pub images: Vec<String>,
}

/// All of that.
pub(super) struct Lacking {
    /// By digest.
    pub(super) list: Vec<LackingContent>,
    /// The images that cannot be completed.
    images: Vec<String>,
    /// There are more of them than are in that list.
    more: bool,
}

impl Lacking {
    /// What these images need, a base should have, and the target lacks.
    pub(super) fn of(contents: &Contents, images: &[Image], asked: &Survey<'_>) -> Self {
        let mut found: BTreeMap<Digest, LackingContent> = BTreeMap::new();
        let mut concerned: Vec<String> = Vec::new();
        let (mut more, mut named) = (false, 0);
        let rests_on = |node: &Node| node.rests_on_base() || node.is_delta();
        let rests = contents.nodes.iter().any(rests_on);
        for image in images.iter().filter(|_| rests) {
            // A repository that does not say is another failure.
            if asked.unsaid(&image.target.repository).is_some() {
                continue;
            }
            let missing = asked.missing(contents, image).into_iter().filter(|node| rests_on(node));
            let mut is_whole = true;
            for node in missing {
                is_whole = false;
                let digest = &node.descriptor.digest;
                let (bytes, images) = (node.descriptor.size, Vec::new());
                let new = || LackingContent { digest: digest.clone(), bytes, images };
                let names = &mut found.entry(digest.clone()).or_insert_with(new).images;
                if names.is_empty() || named < MOST_NAMES {
                    named += 1;
                    names.push(image.name.name());
                }
            }
            more |= !is_whole && concerned.len() == MOST_IMAGES;
            if !is_whole && concerned.len() < MOST_IMAGES {
                // A tag may have moved since: what is missing is in this very content.
                let pinned = Reference { digest: Some(image.digest.clone()), ..image.name.clone() };
                concerned.push(pinned.to_string());
            }
        }
        let mut list: Vec<LackingContent> = found.into_values().collect();
        for one in &mut list {
            let mut seen = HashSet::new();
            one.images.retain(|name| seen.insert(name.clone()));
        }
        Self { list, images: concerned, more }
    }

    /// Why an image is not begun: it needs this, and so much in all.
    pub(super) fn error(&self, first: &Node, count: usize, image: &Image) -> Error {
        let more = if count > 1 { format!(" and {} more are", count - 1) } else { " is".to_owned() };
        let to = &image.target.repository;
        let digest = &first.descriptor.digest;
        let reason = match first.delta.as_ref().filter(|_| first.is_delta()) {
            Some(delta) => {
                let old = &delta.from;
                format!(
                    "{digest}{more} carried as what changed since {old}, which is neither in these files nor in {to}"
                )
            }
            None => format!("{digest}{more} left to a base, and neither in these files nor in {to}"),
        };
        Error::refused(reason, BaseStep::GiveBase { images: self.images.clone(), more: self.more }.into())
    }
}
