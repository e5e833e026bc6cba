//! The bundle on disk: a plain tar that is a valid OCI image layout (image-spec v1.1.1
//! `image-layout.md`). `docs/format.md` is its specification.
//!
//! `format` says what stands where, `write` puts it there, `read` opens what anybody wrote and never
//! extracts any of it. Reading and writing do not know each other.

mod file_system;
mod format;
mod read;
mod write;

pub(crate) use format::docker_list::to_bytes as docker_list;
pub(crate) use format::index_json::IndexEntry;
pub(crate) use format::inventory::{InventoryJson, MAX_INVENTORY, Whereabouts, Witness};
pub(crate) use format::layout::Layout;
pub(crate) use format::paths::{blob_path, delta_path, part_path};
pub(crate) use format::table::{Part, Piece, Volumes};
pub(crate) use format::volume_names::{number_in, undivided, volume_path};
pub(crate) use format::volumes::divide;
pub use read::Expectation;
#[cfg(feature = "serve")]
pub(crate) use read::Stamp;
pub(crate) use read::{Bundle, Bundles, Spooling, ZstdFrames, check_bundle, check_images, nothing_named};
pub(crate) use write::{
    AtPlace, DocumentPlace, Leftover, Output, PartsBefore, Stopped, VolumesJournal, VolumesProgress, Written, at_place,
    check_room_beside, is_whole, others_beside, remove_volume,
};
