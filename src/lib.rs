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

mod archive;
mod error;
#[cfg(fuzzing)]
#[path = "../fuzz/checks/mod.rs"]
pub mod fuzzing;
pub mod oci;
mod plan;
pub mod registry;
mod store;
mod transfer;
mod verbs;

pub use archive::Expectation;
pub use error::{Error, Kind, NextStep, Result};
pub use store::{Event, Quiet, Watch};
pub use verbs::{export, import, list, login, report, verify};
