//! What the program does: each verb joins two ends and reports what came of it. None prints anything.

mod announced;
mod bases;
mod called;
mod chosen_names;
mod docker_list;
mod entries;
mod layer_deltas;
mod opened;
mod planned;
mod pushed;
pub mod report;
mod report_place;
mod signed;
mod superseded;
mod written;

pub mod check;
pub mod copy;
pub mod export;
pub mod images;
pub mod import;
pub mod inventory;
pub mod keygen;
pub mod list;
pub mod login;
pub mod mirror_config;
pub mod pack;
pub mod page;
#[cfg(feature = "serve")]
pub mod serve;
pub mod sign;
pub mod verify;
