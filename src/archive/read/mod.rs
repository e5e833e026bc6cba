//! Opens bundles, and layouts that other tools made, in place: headers are read strictly, content is
//! read where it lies, and nothing is ever extracted.

mod bundle;
mod bundles;
mod cut_blobs;
mod expectation;
mod extension;
mod field;
mod form;
mod frames;
mod layout_directory;
mod old_dump;
#[cfg(feature = "serve")]
mod piece;
mod rebuilding;
mod rebuilt;
mod recognised;
mod salvage;
mod scan;
mod signed;
mod slice;
mod spool;
mod tarball;
mod volumes;

pub(crate) use bundle::Bundle;
pub(crate) use bundles::Bundles;
pub use expectation::Expectation;
pub(crate) use expectation::{check_bundle, check_images};
pub(crate) use frames::ZstdFrames;
#[cfg(feature = "serve")]
pub(crate) use piece::Stamp;
pub(crate) use recognised::nothing_named;
pub(crate) use spool::Spooling;
