//! Writes `fixtures/images/` and `fixtures/schema1.json` anew: `cargo run --example fixtures [DIR]`.

use std::path::{Path, PathBuf};

#[path = "../tests/it/support/mod.rs"]
#[allow(dead_code, unused_imports, reason = "this needs a part of it")]
mod support;

fn main() {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    support::fixtures::write(&std::env::args_os().nth(1).map_or(default, PathBuf::from));
}
