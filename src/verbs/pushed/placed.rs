//! Where each image goes at a registry, and with it what refers to it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::single::Single;
use crate::error::Result;
use crate::oci::{Attached, Digest, Reference};
use crate::plan::{Assignment, Naming, assign};
use crate::store::{Contents, Root, RootName};
use crate::transfer::{ExistingTag, Image};
use crate::verbs::called::{Called, called};
use crate::verbs::chosen_names::{NamePattern, all_used};

/// Gives every image its place, and what a tag attaches to one. `name` is the repository of what has only a tag, or
/// no name at all; `single` is what takes the place of indexes; where there are patterns in `only`, an image has a name
/// that fits one of them.
///
/// # Errors
/// Names that collide, content that has no name, or a pattern that is for no image.
pub(super) fn place(
    contents: &Contents,
    name: Option<&Reference>,
    only: &[NamePattern],
    single: Option<&Single<'_>>,
    naming: &Naming,
    existing_tag: ExistingTag,
) -> Result<Vec<Image>> {
    let of = |digest: &Digest| single.map_or(digest, |single| single.of(digest)).clone();
    let chosen = chosen(contents, name, only)?;
    let is_chosen = |root: &Root| chosen.as_ref().is_none_or(|chosen| chosen.attached.contains(&root.digest));
    let keeps =
        |root: &Root| is_chosen(root) && single.is_none_or(|single| single.keeps(contents.subject_by_tag(root)));
    let Called { mut names, attached } = called(contents, name, of, keeps)?;
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
    if let Some(chosen) = &chosen {
        names.retain(|(name, _)| attached.contains_key(name) || chosen.fits(name));
    }
    Ok(assign(names, naming)?.into_iter().map(image).collect())
}

/// Images that somebody chose by their names, and what tags attach to them.
struct Chosen<'a> {
    only: &'a [NamePattern],
    attached: HashSet<Digest>,
}

impl Chosen<'_> {
    fn fits(&self, name: &Reference) -> bool {
        self.only.iter().any(|pattern| pattern.fits(name))
    }
}

/// None where all are wanted.
fn chosen<'a>(contents: &Contents, name: Option<&Reference>, only: &'a [NamePattern]) -> Result<Option<Chosen<'a>>> {
    if only.is_empty() {
        return Ok(None);
    }
    let names = called(contents, name, Clone::clone, |_| false)?.names;
    let fits = |pattern: &NamePattern| names.iter().any(|(name, _)| pattern.fits(name));
    let used: Vec<bool> = only.iter().map(fits).collect();
    if let Some(error) = all_used(only, &used).into_iter().next() {
        return Err(error);
    }
    let mut chosen = Chosen { only, attached: HashSet::new() };
    let digests = names.iter().filter(|(name, _)| chosen.fits(name)).map(|(_, digest)| digest);
    chosen.attached = digests.flat_map(|digest| contents.all_referrer_digests(digest)).collect();
    Ok(Some(chosen))
}
