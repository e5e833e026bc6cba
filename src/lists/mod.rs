//! What people have as lists of images: read to names, each with its line.
//!
//! Formats are told apart by what is in a text, never by the name of its file; each has a file here.
//! What a list names and we do not take is said, and everything wrong with it is said at once.

mod chart;
mod compose;
#[cfg(test)]
mod fixtures;
mod hauler;
#[cfg(test)]
mod hostile;
mod images_lock;
mod kubernetes;
mod lines;
mod list;
mod lock;
mod oc_mirror;
mod plain;
mod read;
mod regsync;
mod skopeo_sync;
#[cfg(test)]
mod tests;
mod text;
mod tree;
mod unreadable;
mod zarf;

pub(crate) use list::{List, Listed, Note, Tags};
pub(crate) use read::{MAX_LIST, read};
