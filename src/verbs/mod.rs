//! What the program does: each verb joins two ends and reports what came of it. None prints anything.

mod entries;
mod opened;
mod planned;
mod pushed;
pub mod report;

pub mod check;
pub mod copy;
pub mod export;
pub mod images;
pub mod import;
pub mod list;
pub mod login;
pub mod verify;
