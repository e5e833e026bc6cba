//! Who may import whom. The rooms and their directions are in `docs/architecture.md`; this test
//! reads the `use` lines and paths of every source file and fails on any other direction.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Per room, the rooms it may name.
fn allowed() -> BTreeMap<&'static str, &'static [&'static str]> {
    let middle: &[&str] = &["oci", "error", "store"];
    let offline: &[&str] = &["oci", "error", "store", "plan", "archive"];
    BTreeMap::from([
        ("oci", &[] as &[&str]),
        ("error", &["oci"]),
        ("store", &["oci", "error"]),
        ("plan", middle),
        ("transfer", &["oci", "error", "store", "plan"]),
        ("registry", middle),
        ("archive", middle),
        ("export", &["oci", "error", "store", "plan", "transfer", "registry", "archive"]),
        ("import", &["oci", "error", "store", "plan", "transfer", "registry", "archive"]),
        ("login", &["oci", "error", "store", "registry"]),
        // Offline by construction.
        ("verify", offline),
        ("list", offline),
    ])
}

#[test]
fn rooms_import_only_in_the_direction_of_the_picture() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let allowed = allowed();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for file in sources(&src) {
        let inside = file.strip_prefix(&src).expect("below src");
        let room = inside.components().next().and_then(|c| c.as_os_str().to_str()).expect("a name");
        let room = room.strip_suffix(".rs").unwrap_or(room);
        if matches!(room, "lib" | "bin") {
            continue;
        }
        seen += 1;
        let Some(may) = allowed.get(room) else {
            wrong.push(format!("{}: the room `{room}` is not in the picture", inside.display()));
            continue;
        };
        let text = fs::read_to_string(&file).expect("readable");
        for (number, line) in text.lines().enumerate().filter(|(_, l)| !l.trim_start().starts_with("//")) {
            for named in rooms_named(line) {
                if named != room && allowed.contains_key(named.as_str()) && !may.contains(&named.as_str()) {
                    wrong.push(format!("{}:{}: `{room}` names `{named}`", inside.display(), number + 1));
                }
            }
        }
    }
    assert!(seen > 20, "only {seen} files looked at");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_command_knows_the_library_only_by_its_public_face() {
    let bin = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin/bundle");
    for file in sources(&bin) {
        let text = fs::read_to_string(&file).expect("readable");
        assert!(!text.contains("#[path"), "{} includes a file of the library", file.display());
    }
}

/// What follows `crate::`, also inside braces: `crate::{Error, Result}` names the error room.
fn rooms_named(line: &str) -> Vec<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut named = Vec::new();
    for (at, prefix) in line.match_indices("crate::") {
        let rest = &line[at + prefix.len()..];
        match rest.strip_prefix('{') {
            Some(list) => named.extend(list.split(['{', ',', '}']).map(|part| word(part.trim()))),
            None => named.push(word(rest)),
        }
    }
    named
        .into_iter()
        .map(|n| if matches!(n.as_str(), "Error" | "Kind" | "Result") { "error".into() } else { n })
        .collect()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found
}
