//! What the tests, the demo and the benchmarks stand on: a registry in this process that can be made
//! to fail in every way a real one does, certificates, a faulty network, and running the program.
//!
//! Nothing here uses the library under test, so that a mistake in it cannot hide itself.
#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "each of the tests, the demo and the benchmarks uses a part"
)]

pub mod certs;
pub mod client;
pub mod fixtures;
pub mod layout;
pub mod proxy;
pub mod registry;
pub mod run;
pub mod tunnel;
