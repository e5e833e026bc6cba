//! The library's surface is narrow: what is public is promised.

use std::path::Path;

use crate::layering::source_files;

/// Two hundred for six commands, and what eight more brought with them: their builders and their reports, keys and what
/// is required of them. Types, functions, methods, constants and modules that others may use. Fields and variants come
/// with their type, and what is given out under a second path counts once.
const MOST: usize = 320;
const KINDS: [&str; 8] = ["async", "const", "enum", "fn", "mod", "struct", "trait", "type"];

#[test]
fn no_more_is_public_than_can_be_promised() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut public = Vec::new();
    for file in source_files(&src) {
        // The program is no library.
        if file.starts_with(src.join("bin")) {
            continue;
        }
        let text = std::fs::read_to_string(&file).expect("a source file");
        for line in text.lines().map(str::trim_start) {
            // What says `pub` and is not to be reached from outside is refused by `unreachable_pub`.
            let item = line.strip_prefix("pub ").and_then(|rest| rest.split(' ').next());
            public.extend(item.filter(|kind| KINDS.contains(kind)).map(|_| format!("{}: {line}", file.display())));
        }
    }
    assert!(public.len() > 50, "they are found: {public:#?}");
    assert!(public.len() <= MOST, "{} items are public: {public:#?}", public.len());
}
