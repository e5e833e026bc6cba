//! Opens bundles, and layouts that other tools made, in place: headers are read strictly, content is
//! read where it lies, and nothing is ever extracted.

mod bundle;
mod bundles;
mod expectation;
mod extension;
mod field;
mod layout_directory;
mod scan;
mod slice;
mod spool;
mod tarball;

pub use bundle::Bundle;
pub use bundles::Bundles;
pub use expectation::{Expectation, check_expectations};
pub use spool::Spooling;
