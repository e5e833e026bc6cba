//! What token servers answer, and how registries say what is wrong: no panic, whatever it is.
use crate::registry::fuzzing::{code_and_message, token};

pub fn check(bytes: &[u8]) {
    if let Ok((token, _)) = token(bytes) {
        assert!(!token.is_empty());
    }
    let (code, message) = code_and_message(bytes);
    for text in [code, message] {
        assert!(text.chars().count() <= 301, "{} characters", text.chars().count());
    }
}
