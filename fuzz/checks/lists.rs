//! Lists of images: whatever stands in one, it is read to names that are names, with lines that are there.

use crate::lists::read;
use crate::oci::Reference;

pub fn check(bytes: &[u8]) {
    let list = read(bytes);
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
    for listed in &list.images {
        let name = listed.reference.to_string();
        assert_eq!(name.parse::<Reference>().as_ref(), Ok(&listed.reference));
        assert!(listed.line <= lines, "{name} on line {} of {lines}", listed.line);
    }
    for note in list.faults.iter().chain(&list.left).chain(&list.maybe) {
        assert!(!note.text.is_empty() && note.text.len() < 10_000, "{}", note.text.len());
    }
    assert!(list.maybe.iter().all(|note| note.text.parse::<Reference>().is_ok()));
}
