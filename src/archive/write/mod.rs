//! Writes a bundle: into a partial file beside its place, each byte once and at its final offset,
//! going on from what an earlier export left there.

mod document;
mod filled;
mod finished;
mod front;
mod head;
mod journal;
mod moves;
mod output;
mod partial;
mod read_back;
mod resume;
mod stopped;
mod writer;

pub(crate) use document::DocumentPlace;
pub(crate) use finished::{
    AtPlace, PartsBefore, at_place, check_room_beside, is_whole, others_beside, remove as remove_volume,
};
pub(crate) use journal::{Journal as VolumesJournal, Progress as VolumesProgress};
pub(crate) use output::Output;
pub(crate) use stopped::{Leftover, Stopped};
pub(crate) use writer::Written;
