//! Real lists, in `fixtures/lists/`: each is read to exactly what the file beside it says.

use std::fs;
use std::path::Path;

use super::{List, Tags};

/// What a list says, a line each, in the order of the alphabet.
fn said(list: &List) -> String {
    let tags = |tags: &Tags| {
        let mut line = format!("tags {}", tags.repository);
        for (what, values) in [("allow", &tags.allow), ("deny", &tags.deny), ("versions", &tags.versions)] {
            if !values.is_empty() {
                line.push_str(&format!(" {what}={}", values.join(",")));
            }
        }
        tags.newest.iter().for_each(|newest| line.push_str(&format!(" newest={newest}")));
        line
    };
    let images = list.images.iter().map(|listed| format!("image {}", listed.reference));
    let left = list.left.iter().map(|note| format!("left {}", note.text));
    let maybe = list.maybe.iter().map(|note| format!("maybe {}", note.text));
    let mut lines: Vec<String> = images.chain(list.repositories.iter().map(tags)).chain(left).chain(maybe).collect();
    lines.sort();
    lines.join("\n") + "\n"
}

#[test]
fn every_real_list_is_read_to_exactly_what_it_names() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/lists");
    let mut read = 0;
    for entry in fs::read_dir(folder).expect("the lists") {
        let path = entry.expect("an entry").path();
        let beside = path.with_file_name(format!("{}.names", path.file_name().expect("a name").to_string_lossy()));
        let Ok(names) = fs::read_to_string(&beside) else { continue };
        let bytes = fs::read(&path).expect("a list");
        let list = super::read(&bytes);
        assert_eq!(list.faults, [], "{}", path.display());
        assert_eq!(said(&list), names, "{}", path.display());
        assert!(!format!("{list:?}").contains("canary"), "{}: no credentials are read", path.display());
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
        let all = list.images.iter().map(|listed| listed.line).chain(list.left.iter().map(|note| note.line));
        assert!(all.into_iter().all(|line| (1..=lines).contains(&line)), "{}", path.display());
        read += 1;
    }
    assert!(read >= 20, "{read} lists");
}
