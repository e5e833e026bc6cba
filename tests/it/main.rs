//! The integration tests: one binary, whose modules share the in-process registry.

mod access;
mod attacker_clock;
mod attacker_credentials;
mod attacker_echo;
mod attacker_reach;
mod bad_source;
mod bundle_file;
mod deterministic;
mod durable;
mod embedded_data;
mod exhaustion;
mod fault_auth;
mod fault_download;
mod fault_limits;
mod fault_process;
mod fault_push;
mod fault_redirect;
mod fault_referrers;
mod fault_scene;
mod fault_secrets;
mod fault_upload;
mod fixtures;
mod foreign_layouts;
mod forged_contents;
mod fresh_repository;
mod import_check;
mod kill;
mod layer_urls;
mod layering;
mod line;
mod list;
mod login;
mod memory;
mod misleading;
mod naming;
mod origin;
mod output_path;
mod places;
mod policy;
mod possession;
mod reader_deep;
mod reader_documents;
mod reader_every_byte;
mod reader_expect;
mod reader_hostile;
mod reader_parts;
mod reader_pinned;
mod reader_spooled;
mod reader_vast;
mod referrer_scene;
mod referrers;
mod referrers_import;
mod reliability;
mod resume;
mod resume_other;
mod resume_support;
mod round_trip;
mod scene;
mod security;
mod seeds;
mod sharing;
mod source_paths;
mod stop;
mod support;
mod support_faults;
mod support_registry;
mod support_run;
mod surface;
mod trust;
mod verify;

/// The program under test.
fn bundle() -> support::run::Run {
    support::run::Run::new(env!("CARGO_BIN_EXE_bundle"))
}
