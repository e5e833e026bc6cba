//! What every repository of the target needs for the images that go there.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::oci::{Attached, Digest, Manifest, Reference, Repository, Role};
use crate::store::{Contents, Endpoint, Node};

/// What is done about a tag at the target that names another image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExistingTag {
    /// The image fails, and the tag stays.
    Fail,
    /// It is moved to the image.
    #[default]
    Overwrite,
    /// It stays, and the image is left out.
    Skip,
}

/// An image and its place at the target.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    /// Its name in the bundle.
    pub(crate) name: Reference,
    /// Its manifest.
    pub(crate) digest: Digest,
    /// Where it goes.
    pub(crate) target: Reference,
    /// What refers to it and goes into the same repository: subjects first.
    pub(crate) referrers: Arc<[Digest]>,
    /// What is done where its tag names another.
    pub(crate) existing_tag: ExistingTag,
    /// What it is, where its tag is made from a digest.
    pub(crate) attached: Option<Attached>,
}

impl Image {
    /// What it is, and in which repository, whatever it is called there.
    pub(crate) fn content(&self) -> (Repository, Digest) {
        (self.target.repository.clone(), self.digest.clone())
    }

    /// An index of referrers under the tag of their subject: it has other writers too.
    pub(super) fn is_list(&self, manifest: &Manifest) -> bool {
        self.attached == Some(Attached::Referrers) && manifest.media_type().is_index()
    }

    /// Its manifest, and those that refer to it.
    pub(super) fn roots(&self) -> impl Iterator<Item = &Digest> {
        std::iter::once(&self.digest).chain(self.referrers.iter())
    }

    /// Everything that it consists of, and what refers to it.
    pub(crate) fn parts<'a>(&self, contents: &'a Contents) -> impl Iterator<Item = &'a Node> {
        self.roots().flat_map(|root| contents.closure(root))
    }
}

/// A piece of content that has to be in a repository.
#[derive(Clone, Copy, Debug)]
pub(super) struct Need<'a> {
    /// The content.
    pub(super) node: &'a Node,
    /// As what.
    pub(super) by: Endpoint,
}

/// Per repository, what has to be there: blobs in file order, then manifests, children first.
pub(super) type Needs<'a> = BTreeMap<Repository, Vec<Need<'a>>>;

/// Collects the needs of these images.
pub(super) fn collect<'a>(contents: &'a Contents, images: &[Image]) -> Needs<'a> {
    // Rank in the archive: blobs come in its order, manifests in the reverse of it, so children
    // stand before their parents whatever their depth.
    let rank: HashMap<&Digest, usize> =
        contents.nodes.iter().enumerate().map(|(i, n)| (&n.descriptor.digest, i)).collect();
    let mut needs: BTreeMap<Repository, HashMap<(&Digest, Endpoint), Need<'a>>> = BTreeMap::new();
    let mut seen = HashSet::new();
    for image in images {
        // Its other names in the same repository need nothing else.
        if !seen.insert((&image.target.repository, &image.digest)) {
            continue;
        }
        let wanted = needs.entry(image.target.repository.clone()).or_default();
        for root in image.roots().filter_map(|root| contents.node(root)) {
            let by = Endpoint::Manifests;
            wanted.insert((&root.descriptor.digest, by), Need { node: root, by });
        }
        for successor in image.parts(contents).flat_map(|node| node.manifest.iter().flat_map(Manifest::successors)) {
            let Some(node) = contents.node(&successor.descriptor.digest) else { continue };
            // Position decides, not what the content is besides.
            let by = if successor.role == Role::Manifest { Endpoint::Manifests } else { Endpoint::Blobs };
            wanted.insert((&node.descriptor.digest, by), Need { node, by });
        }
    }
    let in_order = |wanted: HashMap<_, Need<'a>>| {
        let mut list: Vec<Need<'a>> = wanted.into_values().collect();
        list.sort_by_key(|need| {
            let rank = rank.get(&need.node.descriptor.digest).copied().unwrap_or(usize::MAX);
            match need.by {
                Endpoint::Blobs => (0, rank),
                Endpoint::Manifests => (1, usize::MAX - rank),
            }
        });
        list
    };
    needs.into_iter().map(|(repository, wanted)| (repository, in_order(wanted))).collect()
}
