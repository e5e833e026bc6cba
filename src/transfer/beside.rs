//! A source that is the same registry as the target: content need not move there.

use crate::error::Result;
use crate::oci::Repository;
use crate::store::{Node, Source, Target};

/// Whether one of the places of a blob is the same registry as the target.
pub(super) fn is_beside(source: &dyn Source, node: &Node) -> bool {
    node.places.iter().any(|place| source.beside(*place).is_some())
}

/// Takes a blob over from where the source has it, if that is the same registry; false if it has to be sent. Whether
/// we may is for the registry to say: it knows who may read there.
///
/// # Errors
/// When the target cannot be asked.
pub(super) fn take_over(source: &dyn Source, target: &dyn Target, to: &Repository, node: &Node) -> Result<bool> {
    let beside = node.places.iter().filter_map(|place| source.beside(*place));
    for from in beside.filter(|from| from != to) {
        if target.take_over(to, &from, &node.descriptor)? {
            return Ok(true);
        }
    }
    Ok(false)
}
