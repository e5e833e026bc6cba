//! The integration tests: one binary, whose modules share the in-process registry.

mod fixtures;
mod layering;
mod resume;
mod resume_other;
mod resume_support;
mod support;
mod support_faults;
mod support_registry;
mod support_run;

/// The program under test.
fn bundle() -> support::run::Run {
    support::run::Run::new(env!("CARGO_BIN_EXE_bundle"))
}
