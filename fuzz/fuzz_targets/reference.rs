//! References: whatever is taken is written back as something that means the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oci_bundle::archive::Expectation;
use oci_bundle::oci::{Digest, Reference};

fuzz_target!(|text: &str| {
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
});
