//! What the middle rooms share, so that they need not know each other: where content comes from
//! ([`Source`]), where it goes ([`Sink`], [`Target`]), what there is to move ([`Contents`]) and what
//! to tell whoever watches ([`Event`]).

mod contents;
mod event;
mod old_layers;
mod reason;
mod scratch;
mod settling;
mod sink;
mod source;
mod target;
mod workers;

pub(crate) use contents::{Contents, LayerDelta, Node, Presence, Referrer, Root, RootName};
pub(crate) use event::sleep;
pub use event::{Event, Quiet, Watch};
pub(crate) use old_layers::OldLayers;
pub(crate) use reason::Reason;
pub(crate) use scratch::{Scratch, ScratchFile};
pub(crate) use settling::Settling;
pub(crate) use sink::{Held, Sink};
pub(crate) use source::{Content, Copies, Place, ReferrerSource, Source};
pub(crate) use target::{Ahead, Endpoint, Put, Target};
pub(crate) use workers::{STACK, crew, side_by_side};
