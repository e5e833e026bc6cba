//! The integration tests: one binary, whose modules share the in-process registry.

mod fixtures;
mod layering;
mod reader_every_byte;
mod reader_hostile;
mod reader_parts;
mod reader_vast;
mod support;
mod support_faults;
mod support_registry;
mod support_run;

/// The program under test.
fn bundle() -> support::run::Run {
    support::run::Run::new(env!("CARGO_BIN_EXE_bundle"))
}
