//! `Contents`: what there is to move. The plan makes it, the archive lays it out, a registry gets it
//! pushed.

mod docker;
mod graph;
mod images;
mod layer_delta;
mod node;
mod order;
mod platforms;
mod referrers;
mod tagged;

pub(crate) use graph::Contents;
pub(crate) use layer_delta::LayerDelta;
pub(crate) use node::{Node, Presence, Root, RootName};
pub(crate) use referrers::Referrer;
