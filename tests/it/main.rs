//! The integration tests: one binary, whose modules share the in-process registry.

mod bad_source;
mod bundle_file;
mod deterministic;
mod fixtures;
mod foreign_layouts;
mod kill;
mod layering;
mod list;
mod output_path;
mod reader_deep;
mod reader_every_byte;
mod reader_expect;
mod reader_hostile;
mod reader_parts;
mod reader_spooled;
mod reader_vast;
mod round_trip;
mod scene;
mod sharing;
mod stop;
mod support;
mod support_faults;
mod support_registry;
mod support_run;

/// The program under test.
fn bundle() -> support::run::Run {
    support::run::Run::new(env!("CARGO_BIN_EXE_bundle"))
}
