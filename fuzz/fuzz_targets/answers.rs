//! What token servers answer, and how registries say what is wrong: no panic, whatever it is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oci_bundle::registry::fuzzing::{error_body, token};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(token) = token(bytes) {
        assert!(!token.is_empty());
    }
    let (code, message) = error_body(bytes);
    for text in [code, message] {
        assert!(text.chars().count() <= 301, "{} characters", text.chars().count());
    }
});
