//! Writes a bundle: into a partial file beside its place, each byte once and at its final offset,
//! going on from what an earlier export left there.

mod filled;
mod front;
mod head;
mod moves;
mod output;
mod partial;
mod read_back;
mod resume;
mod stopped;
mod writer;

pub(crate) use output::Output;
pub(crate) use stopped::{Leftover, Stopped};
pub(crate) use writer::Written;
