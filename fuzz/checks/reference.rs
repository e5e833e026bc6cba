//! References: whatever is taken is written back as something that means the same.

use crate::Expectation;
use crate::oci::{Digest, Reference};

pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(reference) = text.parse::<Reference>() {
        assert_eq!(reference.to_string().parse(), Ok(reference.clone()));
        let again: Reference = reference.name().parse().expect("a name is a reference");
        assert_eq!(again.name(), reference.name());
        assert!(!reference.repository.path().split('/').any(|part| matches!(part, "" | "." | "..")));
    }
    if let Ok(digest) = text.parse::<Digest>() {
        assert_eq!(digest.as_str(), text);
        assert!(digest.hex().bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
    }
    if let Ok(expectation) = text.parse::<Expectation>() {
        assert_eq!(expectation.to_string().parse(), Ok(expectation));
    }
}
