//! One piece of content, and the entry points that lead to some.

use super::layer_delta::LayerDelta;
use crate::oci::{Descriptor, Digest, Manifest, MediaType, Platform, Reference, Role};
use crate::store::reason::Reason;
use crate::store::source::Place;

/// What a root is called.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum RootName {
    /// An image's full name.
    Full(Reference),
    /// A tag, of which nothing says of which repository: layouts of other tools have such.
    Tag(String),
    /// Nothing: it is there by digest.
    None,
}

impl RootName {
    /// The full name, if it is one.
    pub(crate) fn full(&self) -> Option<&Reference> {
        match self {
            Self::Full(reference) => Some(reference),
            Self::Tag(_) | Self::None => None,
        }
    }
}

/// An entry point into the graph.
#[derive(Clone, Debug)]
pub(crate) struct Root {
    /// What it is called.
    pub(crate) name: RootName,
    /// Which node.
    pub(crate) digest: Digest,
}

impl Root {
    /// What to call it where it matters that it has no full name.
    pub(crate) fn shown(&self) -> String {
        match &self.name {
            RootName::Full(reference) => reference.name(),
            RootName::Tag(tag) => format!("`{}`", tag.escape_debug()),
            RootName::None => self.digest.to_string(),
        }
    }

    /// What to call it in a message.
    pub(crate) fn label(&self) -> String {
        self.name.full().map_or_else(|| self.digest.to_string(), Reference::name)
    }
}

/// Whether content is where its places say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Presence {
    /// It is, as far as is known.
    Carried,
    /// It is not, and need not be.
    LeftOut(Reason),
    /// It is not, and should be.
    Missing,
}

/// One piece of content, whichever way and however often it is referred to.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Type, digest and size; `urls` of any of its descriptors.
    pub(crate) descriptor: Descriptor,
    /// How it is used. Of several uses the first in the order of [`Role`].
    pub(crate) role: Role,
    /// Some manifest names it as its config, whatever else it is used for.
    pub(crate) is_config: bool,
    /// The document itself, for indexes and manifests.
    pub(crate) manifest: Option<Manifest>,
    /// Where it runs, where its config was asked for that.
    pub(crate) platform: Option<Platform>,
    /// Everywhere it can be had from.
    pub(crate) places: Vec<Place>,
    /// Whether it is there.
    pub(crate) presence: Presence,
    /// What is carried in its place, where that is its difference to another.
    pub(crate) delta: Option<LayerDelta>,
}

impl Node {
    /// Content that can be had at these places.
    pub(crate) fn new(descriptor: Descriptor, role: Role, places: Vec<Place>) -> Self {
        let is_config = role == Role::Config;
        let presence = Presence::Carried;
        Self { descriptor, role, is_config, manifest: None, platform: None, places, presence, delta: None }
    }

    /// An index or manifest, in hand or not.
    pub(crate) fn is_manifest(&self) -> bool {
        self.role == Role::Manifest
    }

    /// It is left out, since its platform was not asked for.
    pub(crate) fn is_of_other_platform(&self) -> bool {
        self.presence == Presence::LeftOut(Reason::Platform)
    }

    /// It is where its places say.
    pub(crate) fn is_carried(&self) -> bool {
        self.presence == Presence::Carried
    }

    /// It is not where its places say, and its images are not whole before it is somewhere.
    pub(crate) fn is_wanting(&self) -> bool {
        match self.presence {
            Presence::Carried => false,
            Presence::LeftOut(reason) => !reason.is_for_good(),
            Presence::Missing => true,
        }
    }

    /// It stands in one of the volumes of the bundle, or should.
    pub(crate) fn is_in_bundle(&self) -> bool {
        matches!(self.presence, Presence::Carried | Presence::Missing | Presence::LeftOut(Reason::Volume(_)))
    }

    /// It is left out because a base has it.
    pub(crate) fn rests_on_base(&self) -> bool {
        self.presence == Presence::LeftOut(Reason::Base)
    }

    /// It is carried as its difference to another layer, which is not here.
    pub(crate) fn is_delta(&self) -> bool {
        self.presence == Presence::LeftOut(Reason::Delta)
    }

    /// Its type: a manifest's own where that is known.
    pub(crate) fn media_type(&self) -> &MediaType {
        self.manifest.as_ref().map_or(&self.descriptor.media_type, Manifest::media_type)
    }
}
