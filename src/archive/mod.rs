//! The bundle on disk: a plain tar that is a valid OCI image layout (image-spec v1.1.1
//! `image-layout.md`). `docs/format.md` is its specification.
//!
//! Writing: [`Layout`] says where every byte goes, [`Output`] takes up what an earlier export left
//! there, [`Writer`] puts the rest in its place. Reading: [`Bundle`]
//! scans headers strictly and opens content in place; nothing is ever extracted.

mod bundle_json;
mod bundles;
mod directory;
mod expectation;
mod extension;
mod field;
mod file_system;
mod front;
mod header;
mod index_json;
mod journal;
mod layout;
mod moves;
mod output;
mod read_back;
mod reader;
mod resume;
mod scan;
mod slice;
mod spool;
mod standing;
mod tarball;
mod writer;

pub use bundle_json::{Absent, BundleJson, FORMAT_VERSION, Volume};
pub use bundles::Bundles;
pub use expectation::{Expectation, check_expectations};
pub use index_json::{IndexEntry, IndexJson};
pub use layout::{Layout, Place};
pub use output::{Kept, Output, Stopped};
pub use reader::Bundle;
pub use spool::Spooling;
pub use writer::{Writer, Written};

/// The marker file of a layout and all it holds (image-spec v1.1.1 `image-layout.md`).
const OCI_LAYOUT: (&str, &[u8]) = ("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#);
const INDEX_JSON: &str = "index.json";
const BUNDLE_JSON: &str = "bundle.json";
