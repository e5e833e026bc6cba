//! Carry container images across an air gap in one file, with every digest unchanged.
//!
//! Everything is a copy of a content-addressed graph between two ends: a *source* resolves
//! references and opens content by descriptor, a *sink* says what it has and takes content, and the
//! *plan* between them is the whole closure, known before the first layer moves.
//!
//! The rooms, and who may import whom (kept by `tests/it/layering.rs`):
//!
//! ```text
//! oci ← error ← store ← { plan ← transfer | registry | archive } ← verbs ← bin
//! ```
//!
//! `docs/architecture.md` has the picture, `docs/format.md` the file format.

#![forbid(unsafe_code)]

pub mod archive;
pub mod error;
pub mod oci;
pub mod plan;
pub mod registry;
pub mod store;
pub mod transfer;
pub mod verbs;

pub use error::{Error, Kind, Result};
pub use verbs::{export, import, list, login, verify};
