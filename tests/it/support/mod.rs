//! What the tests, the demo and the benchmarks stand on: a registry in this process that can be made
//! to fail in every way a real one does, certificates, a faulty network, and running the program.
//!
//! Nothing here uses the library under test, so that a mistake in it cannot hide itself.
#![allow(unreachable_pub, reason = "what is public is for the tests, the demo and the fixtures")]

pub mod certs;
pub mod client;
pub mod fixtures;
pub mod gateway;
pub mod layout;
pub mod proxy;
pub mod registry;
pub mod run;
pub mod schema;
pub mod terminal;
pub mod tunnel;
pub mod weak_certs;
