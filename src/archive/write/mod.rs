//! Writes a bundle: into a partial file beside its place, each byte once and at its final offset,
//! going on from what an earlier export left there.

mod front;
mod head;
mod moves;
mod output;
mod read_back;
mod resume;
mod standing;
mod writer;

pub use output::{Kept, Output, Stopped};
pub use writer::{Writer, Written};
