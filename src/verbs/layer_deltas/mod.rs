//! Layers that travel as their difference to an older one that the base has: partners are looked for, differences made
//! and tried out, and all that before the bundle is laid out, since their length is in its head.

mod making;
mod partner;
mod partners;
mod scratched;

use std::collections::{HashMap, HashSet};

use super::bases::Bases;
use crate::error::Error;
use crate::oci::{Descriptor, Digest, Role};
use crate::registry::Registries;
use crate::store::{Contents, Node, Scratch, Watch};
use crate::transfer::{Wanted, fetch};
use making::{Fetching, Making};
use partner::Partner;
use partners::Partners;

pub(super) use scratched::Scratched;

/// Shorter layers are carried whole: a difference has an entry of its own too. In bytes.
const WORTH_TRYING: u64 = 4 << 10;

/// Makes the differences that are worth it. What was fetched for that and is carried whole is not fetched again.
///
/// # Errors
/// The layers that could not be fetched, in file order.
pub(super) fn make<'a>(
    contents: &mut Contents,
    bases: &Bases,
    registries: &'a Registries,
    jobs: usize,
    watch: &dyn Watch,
) -> Result<Scratched<'a>, Vec<(Digest, Error)>> {
    let scratch = Scratch::new(None);
    let partners = Partners::new(bases, registries, contents, watch);
    let mut found: HashMap<Digest, Vec<Partner>> = HashMap::new();
    for node in contents.carried_blobs().filter(|node| may_be(node)) {
        let list = partners.of(node);
        if !list.is_empty() {
            found.insert(node.descriptor.digest.clone(), list);
        }
    }
    // What no file has comes from where it was, if it is still there.
    let mut seen = HashSet::new();
    let far = found.values().flatten().filter(|partner| partner.base.is_none());
    let far = far.filter(|partner| seen.insert(partner.old.digest.clone()));
    let mut far: Vec<Node> =
        far.map(|partner| Node::new(partner.old.clone(), Role::Layer, vec![partner.place])).collect();
    far.sort_by(|one, other| one.descriptor.digest.cmp(&other.descriptor.digest));
    let olds = Fetching::new(&scratch);
    // One that is not there any more is no partner.
    fetch(contents, far.iter().map(Wanted::Whole).collect(), registries, &olds, jobs, watch);
    let making = Making::new(bases, &olds, &found, &scratch, watch);
    let new = contents.carried_blobs().filter(|node| found.contains_key(&node.descriptor.digest));
    let fetched = fetch(contents, new.map(Wanted::Whole).collect(), registries, &making, jobs, watch);
    if !fetched.failures.is_empty() {
        return Err(fetched.failures);
    }
    let (whole, made) = making.into_made();
    contents.carry_deltas(|node| made.get(&node.descriptor.digest).map(|(delta, _)| delta.clone()));
    let deltas = made.into_values().map(|(delta, file)| (delta.digest, file));
    Ok(Scratched::new(registries, whole.into_iter().chain(deltas).collect()))
}

/// Whether a difference may take the place of some content: of a layer in gzip, by what it says of itself.
fn may_be(node: &Node) -> bool {
    let Descriptor { media_type, size, urls, data, .. } = &node.descriptor;
    let is_plain = urls.is_empty() && data.is_none() && !node.is_config && node.role == Role::Layer;
    is_plain && *size >= WORTH_TRYING && media_type.as_str().contains("gzip")
}
