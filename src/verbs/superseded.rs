//! Of one name in a delta and in what that rests on, the delta's counts (`docs/format.md`, "Several files together").

use std::collections::{HashMap, HashSet};

use crate::archive::Bundle;
use crate::oci::Digest;
use crate::store::{Contents, Root, RootName};

/// Entries of one file that do not count beside the others.
pub(super) type Aside = HashSet<(RootName, Digest)>;

/// For each of these files, each with what is in it alone, the entries that a delta among the others replaces; and
/// with them what refers to nothing that is left.
pub(super) fn superseded(alone: &[(&Bundle, &Contents)]) -> Vec<Aside> {
    let mut named: HashMap<String, Vec<(usize, &Digest)>> = HashMap::new();
    for (at, (_, contents)) in alone.iter().enumerate() {
        for root in &contents.roots {
            if let RootName::Full(name) = &root.name {
                named.entry(name.name()).or_default().push((at, &root.digest));
            }
        }
    }
    named.retain(|_, uses| uses.iter().any(|(_, digest)| *digest != uses[0].1));
    let mut rests: HashMap<(usize, usize), bool> = HashMap::new();
    let mut rests_on = |one: usize, other: usize| {
        let bundles = (alone[one].0, alone[other].0);
        *rests
            .entry((one, other))
            .or_insert_with(|| bundles.0.rests_on_others().any(|d| bundles.1.size_of(&d).is_some()))
    };
    let mut replaced: Vec<HashSet<String>> = vec![HashSet::new(); alone.len()];
    for (name, uses) in named {
        for (at, digest) in &uses {
            let mut by = uses.iter().filter(|(_, other)| other != digest).map(|(other, _)| *other);
            if by.any(|other| rests_on(other, *at) && !rests_on(*at, other)) {
                replaced[*at].insert(name.clone());
            }
        }
    }
    alone.iter().zip(replaced).map(|((_, contents), names)| aside(contents, &names)).collect()
}

/// The roots of these names, and what is attached to them alone.
fn aside(contents: &Contents, names: &HashSet<String>) -> Aside {
    if names.is_empty() {
        return Aside::new();
    }
    let is_replaced = |root: &Root| root.name.full().is_some_and(|name| names.contains(&name.name()));
    let kept: Vec<&Root> = contents.images().filter(|root| !is_replaced(root)).collect();
    let mut stays: HashSet<&Digest> = kept.iter().map(|root| &root.digest).collect();
    let attached: Vec<Digest> = kept.iter().flat_map(|root| contents.all_referrer_digests(&root.digest)).collect();
    stays.extend(&attached);
    let goes = contents.roots.iter().filter(|root| is_replaced(root) || !stays.contains(&root.digest));
    goes.map(|root| (root.name.clone(), root.digest.clone())).collect()
}
