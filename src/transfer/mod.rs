//! Moves content between a source and where it goes, with bounded workers. What is repeated here is
//! *content*: a body continued at byte N, a corrupt one fetched once more, the next place that has it.
//! What is repeated in the registry room is a *request*.

mod below;
mod beside;
mod brought;
mod checkpoints;
mod content;
mod cut_content;
mod fetch;
mod leave;
mod needs;
mod outcome;
mod proof;
mod push;
mod read_back;
mod schedule;
mod sparse;
mod steps;
mod survey;
mod tags;
mod tally;
mod turns;

pub(crate) use below::lacking_below;
pub(crate) use cut_content::CutContent;
pub(crate) use fetch::{Wanted, fetch, read_blob};
pub use needs::ExistingTag;
pub(crate) use needs::Image;
pub(crate) use outcome::{Outcome, Pushed, Status};
pub(crate) use push::{names_another, push};
pub(crate) use read_back::{Damaged, ReadBack, read_back};
pub(crate) use survey::{Survey, survey};
pub(crate) use tags::{Before, tags_before};
