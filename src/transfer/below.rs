//! Content that only the target has: a manifest that is in no bundle may be there, and what it names has
//! to be there too, since nobody here can send it.

use std::collections::HashSet;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::oci::{Descriptor, Digest, Manifest, Repository, Role, Said};
use crate::store::{Endpoint, Target};

/// More than any image has (`docs/format.md`, "What is refused of a plan").
const MOST: usize = 1_000_000;

/// The first piece of content that a manifest at the target needs and the target lacks, at any depth.
///
/// # Errors
/// When the target does not say, or serves something else.
pub(crate) fn lacking_below(target: &dyn Target, to: &Repository, manifest: &Descriptor) -> Result<Option<Digest>> {
    let mut seen: HashSet<Digest> = HashSet::new();
    let mut open = vec![manifest.clone()];
    while let Some(next) = open.pop() {
        if !seen.insert(next.digest.clone()) {
            continue;
        }
        if seen.len() > MOST {
            return Err(Error::content(format!("{to}@{}: more than {MOST} pieces of content", manifest.digest)));
        }
        let Some(bytes) = target.read_back(to, None, &next.digest)? else { return Ok(Some(next.digest)) };
        let actual = Digest::of(next.digest.algorithm(), &bytes);
        if actual != next.digest {
            let reason = format!("{to}: content of {} hashes to {actual}", next.digest);
            return Err(Error::content(reason));
        }
        let said = Said { described: Some(&next.media_type), served: None };
        let manifest = Manifest::parse(Arc::from(bytes), next.digest.clone(), said)?;
        for successor in manifest.successors() {
            let descriptor = successor.descriptor;
            match successor.role {
                Role::Manifest => open.push(descriptor.clone()),
                // What may be left out of a bundle may be left out of a registry.
                _ if !descriptor.urls.is_empty() || seen.contains(&descriptor.digest) => {}
                _ if target.has(to, Endpoint::Blobs, descriptor)? => _ = seen.insert(descriptor.digest.clone()),
                Role::Unknown if target.has(to, Endpoint::Manifests, descriptor)? => {}
                _ => return Ok(Some(descriptor.digest.clone())),
            }
        }
    }
    Ok(None)
}
