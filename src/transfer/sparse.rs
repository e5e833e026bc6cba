//! Indexes of which platforms were left out: a registry takes them only if it has those already, or does not ask.

use crate::error::{Error, Kind, NextStep};
use crate::oci::{Manifest, Repository, Role};
use crate::store::{Contents, Endpoint, Target};

/// Whether a manifest names one that was left out for its platform and that the target does not have.
pub(super) fn lacks_platforms(contents: &Contents, target: &dyn Target, to: &Repository, manifest: &Manifest) -> bool {
    let children = manifest.successors().filter(|s| s.role == Role::Manifest);
    let nodes = children.filter_map(|s| contents.node(&s.descriptor.digest));
    let mut others = nodes.filter(|node| node.is_of_other_platform());
    others.any(|node| !matches!(target.has(to, Endpoint::Manifests, &node.descriptor), Ok(true)))
}

/// Whether a registry may answer so because of what it lacks: most name it, some only say that it is no good.
pub(super) fn may_be_refused_for_that(error: &Error) -> bool {
    let is_no_good = matches!(error.status(), Some(400 | 404 | 409 | 412 | 422 | 500));
    error.is_missing_content() || (error.kind() == Kind::Act && is_no_good)
}

/// With the two ways out.
pub(super) fn refused(error: Error) -> Error {
    let error = error.at("platforms of it are in neither place");
    error.advised([NextStep::BringAllPlatformsOrOne])
}
