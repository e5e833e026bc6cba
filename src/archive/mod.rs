//! The bundle on disk: a plain tar that is a valid OCI image layout (image-spec v1.1.1
//! `image-layout.md`). `docs/format.md` is its specification.
//!
//! `format` says what stands where, `write` puts it there, `read` opens what anybody wrote and never
//! extracts any of it. Reading and writing do not know each other.

mod file_system;
mod format;
mod read;
mod write;

pub use format::bundle_json::{Absent, BundleJson, FORMAT_VERSION, Volume};
pub use format::index_json::{IndexEntry, IndexJson};
pub use format::layout::{Layout, Place};
pub use read::{Bundle, Bundles, Expectation, Spooling, check_expectations};
pub use write::{Kept, Output, Stopped, Writer, Written};
