//! Which of the images are in bundles. Nobody is asked for anything.

use std::collections::HashMap;
use std::path::PathBuf;

use super::platforms::missing_platforms;
use super::report::There;
use crate::archive::Bundle;
use crate::error::{Error, Result};
use crate::oci::{Descriptor, Digest, Reference};
use crate::plan::Platforms;
use crate::store::{Contents, Presence, Root, Watch};
use crate::verbs::opened::{Input, Opened};
use crate::verbs::report::ReadBundle;

/// Bundles that are looked into.
pub(super) struct Bundled {
    opened: Opened,
    /// Their roots by name.
    named: HashMap<String, Digest>,
}

impl Bundled {
    /// Opens them, which are as expected.
    ///
    /// # Errors
    /// When one cannot be read, or is not as expected.
    pub(super) fn open(input: &Input, watch: &dyn Watch) -> Result<Self> {
        let bundles = input.open(watch).into_iter().collect::<Result<Vec<Bundle>>>()?;
        bundles.iter().try_for_each(|bundle| input.check(bundle))?;
        input.check_together(bundles.iter())?;
        let mut opened = Opened::new(bundles, None, 1, input.max_manifests, watch)?;
        opened.check()?;
        input.check_pinned(&opened.contents).map_err(|e| e.at(opened.bundles.label()))?;
        let of_name = |root: &Root| Some((root.name.full()?.name(), root.digest.clone()));
        let named = opened.contents.roots.iter().filter_map(of_name).collect();
        Ok(Self { opened, named })
    }

    /// What they are.
    pub(super) fn read(&self) -> Vec<ReadBundle> {
        let each = self.opened.bundles.iter();
        each.map(|bundle| ReadBundle::new(bundle.path().to_owned(), bundle.index().digest.clone())).collect()
    }

    /// What they have of an image.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub(super) fn look(&self, image: &Reference, platforms: &Platforms) -> Result<There> {
        let contents = &self.opened.contents;
        let Some(digest) = self.find(image) else { return Ok(There::Missing) };
        if let Some(other) = image.digest.as_ref().filter(|pinned| **pinned != digest) {
            return Ok(There::Different { digest, pinned: other.clone() });
        }
        let closure = contents.closure(&digest);
        let lacks = closure.iter().filter(|node| node.presence == Presence::Missing).count();
        let is_bad = self.opened.failure_in(closure.iter().map(|node| &node.descriptor.digest)).is_some();
        if lacks > 0 || is_bad {
            let what = if is_bad {
                "a manifest of it is damaged".into()
            } else {
                format!("{lacks} pieces of it are not there")
            };
            return Ok(There::Incomplete { digest, lacks: vec![what] });
        }
        let Some(manifest) = contents.node(&digest).and_then(|node| node.manifest.as_ref()) else {
            return Ok(There::Missing);
        };
        let places = |descriptor: &Descriptor| self.opened.bundles.holding(descriptor);
        let is_there = |descriptor: &Descriptor| Ok(is_carried(contents, &descriptor.digest));
        let lacks = missing_platforms(&self.opened.bundles, &places, manifest, platforms, &is_there)?;
        Ok(if lacks.is_empty() { There::Present { digest } } else { There::Incomplete { digest, lacks } })
    }

    /// What the name stands for. A digest alone may be part of an image, since that brings it into the same repository.
    fn find(&self, image: &Reference) -> Option<Digest> {
        if let Some(digest) = self.named.get(&image.name()) {
            return Some(digest.clone());
        }
        let digest = image.digest.as_ref().filter(|_| image.tag.is_none())?;
        let contents = &self.opened.contents;
        let node = contents.node(digest).filter(|node| node.is_manifest() && node.is_carried())?;
        let of_repository = |root: &&Root| root.name.full().is_some_and(|name| name.repository == image.repository);
        let holds = |root: &Root| {
            let referrers = contents.all_referrer_digests(&root.digest);
            let mut roots = std::iter::once(&root.digest).chain(&referrers);
            roots.any(|root| {
                contents.closure(root).iter().any(|other| other.descriptor.digest == node.descriptor.digest)
            })
        };
        contents.roots.iter().filter(of_repository).any(holds).then(|| digest.clone())
    }
}

fn is_carried(contents: &Contents, digest: &Digest) -> bool {
    contents.node(digest).is_some_and(|node| node.is_carried())
}

/// That there is something to look into.
///
/// # Errors
/// There is not.
pub(super) fn some(bundles: &[PathBuf], has_registry: bool) -> Result<()> {
    if bundles.is_empty() && !has_registry {
        return Err(Error::usage("nothing to look into: neither a bundle nor a registry is named"));
    }
    Ok(())
}
