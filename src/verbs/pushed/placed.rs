//! Where each image goes at a registry, and with it what refers to it.

use std::collections::HashMap;
use std::sync::Arc;

use super::single::Single;
use crate::error::Result;
use crate::oci::{Attached, Digest, Reference};
use crate::plan::{Assignment, Naming, assign};
use crate::store::{Contents, Root, RootName};
use crate::transfer::{ExistingTag, Image};
use crate::verbs::called::{Called, called};

/// Gives every image its place, and what a tag attaches to one. `name` is the repository of what has only a tag, or
/// no name at all; `single` is what takes the place of indexes.
///
/// # Errors
/// Names that collide, or content that has no name.
pub(super) fn place(
    contents: &Contents,
    name: Option<&Reference>,
    single: Option<&Single<'_>>,
    naming: &Naming,
    existing_tag: ExistingTag,
) -> Result<Vec<Image>> {
    let of = |digest: &Digest| single.map_or(digest, |single| single.of(digest)).clone();
    let keeps = |root: &Root| single.is_none_or(|single| single.keeps(contents.subject_by_tag(root)));
    let Called { names, attached } = called(contents, name, of, keeps)?;
    // Many names may be one content.
    let mut known: HashMap<Digest, Arc<[Digest]>> = HashMap::new();
    let image = |a: Assignment| {
        let referrers = known.entry(a.digest.clone()).or_insert_with(|| contents.referrer_digests(&a.digest).into());
        // A list that is alone in a file is one all the same.
        let kind = RootName::Full(a.name.clone()).attached().filter(|kind| *kind == Attached::Referrers);
        let attached = attached.get(&a.name).copied().or(kind);
        let referrers = referrers.clone();
        // A list has two owners: it is merged, and never replaced.
        let is_index = contents.node(&a.digest).is_some_and(|node| node.media_type().is_index());
        let is_list = attached == Some(Attached::Referrers) && is_index;
        let existing_tag = if is_list { ExistingTag::Overwrite } else { existing_tag };
        Image { name: a.name, digest: a.digest, target: a.target, referrers, existing_tag, attached }
    };
    naming.check(names.iter().map(|(name, _)| &name.repository))?;
    Ok(assign(names, naming)?.into_iter().map(image).collect())
}
