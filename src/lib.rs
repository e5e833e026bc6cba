//! Carry container images across an air gap in one file, with every digest unchanged.
//!
//! Each verb is a builder with a `run` method, and gives back a report: plain values that serialise
//! themselves (serde) and describe their JSON (schemars). What happens meanwhile is told to a [`Watch`].
//!
//! ```
//! use oci_bundle::{Quiet, list::List};
//!
//! // A layout directory, a tar or a gzip of one: all are opened in place.
//! for listed in List::new(["fixtures/images".into()]).run(&Quiet) {
//!     let listed = listed?;
//!     assert_eq!(listed.images.len(), 6);
//!     for image in &listed.images {
//!         println!("{} {}", image.name.as_deref().unwrap_or("-"), image.digest);
//!     }
//! }
//! # Ok::<(), oci_bundle::Error>(())
//! ```
//!
//! From registries into a bundle, and from the bundle into another registry:
//!
//! ```no_run
//! use std::sync::Arc;
//! use oci_bundle::{Expectation, Quiet, export::Export, import::Import};
//!
//! let images = ["gcr.io/google-containers/pause:latest".parse()?];
//! let exported = Export::new(images, "images.tar").run(Arc::new(Quiet))?;
//! let digest = exported.digest.expect("not a dry run");
//!
//! let imported = Import::new(["images.tar".into()], "172.18.0.20".parse()?)
//!     .expect(vec![Expectation::Bundle(digest)])
//!     .run(Arc::new(Quiet))?;
//! assert!(imported.kind().is_none(), "every image arrived");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How it is built
//!
//! Everything is a copy of a content-addressed graph between two ends: a *source* resolves
//! references and opens content by descriptor, a *sink* says what it has and takes content, and the
//! *plan* between them is the whole closure, known before the first layer moves.
//!
//! The rooms, and who may import whom (kept by `tests/it/layering.rs`):
//!
//! ```text
//! oci ← { delta | error ← store ← { lists | runtimes | signature | plan ← transfer | registry | archive } } ← verbs ← bin
//! ```
//!
//! `docs/architecture.md` has the picture, `docs/format.md` the file format.

#![forbid(unsafe_code)]

mod archive;
mod delta;
mod error;
#[cfg(fuzzing)]
#[path = "../fuzz/checks/mod.rs"]
pub mod fuzzing;
mod lists;
pub mod oci;
mod plan;
pub mod registry;
mod runtimes;
mod signature;
mod store;
mod transfer;
mod verbs;

pub use archive::Expectation;
pub use error::{BaseStep, Error, Kind, NextStep, Result, SigningStep, VolumeStep, shell_word, size};
pub use signature::{KeyAlgorithm, PrivateKey, PublicKey, RequiredKey, RequiredKeys, SignedBy};
pub use store::{Event, Quiet, Watch};
pub use verbs::*;
