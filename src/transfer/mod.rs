//! Moves content between a source and where it goes, with bounded workers. What is repeated here is
//! *content*: a body continued at byte N, a corrupt one fetched once more, the next repository that
//! has it. What is repeated in the registry room is a *request*.

mod content;
mod fetch;
mod needs;
mod push;
mod read_back;
mod schedule;
mod steps;
mod survey;

pub use content::BlobContent;
pub use fetch::{Fetched, fetch};
pub use needs::{Image, Need, Needs};
pub use push::{Outcome, Pushed, Status, push};
pub use read_back::{Damaged, ReadBack, read_back};
pub use survey::{Standing, Survey, survey};
