//! Keeps `docs/reliability.md` true: every line is there, and every test it names exists and runs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The lines that have to be there, by section. A section that is not named here may have any.
const LINES: [(char, u32); 13] = [
    ('A', 14),
    ('B', 13),
    ('C', 11),
    ('D', 26),
    ('E', 5),
    ('F', 5),
    ('G', 12),
    ('H', 15),
    ('K', 11),
    ('L', 12),
    ('N', 14),
    ('S', 5),
    ('T', 12),
];

/// Why a line may be without a test.
const REASONS: [&str; 2] = ["not yet: ", "cannot be tested: "];

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A line of a table.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) number: String,
    happens: String,
    pub(crate) tests: Vec<String>,
}

pub(crate) fn lines(text: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    for row in text.lines().filter(|row| row.starts_with("| ") && !row.starts_with("| #")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [number, _, happens, tests] = cells[..] else { panic!("a line of a table has four cells: {row}") };
        let named = tests.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        lines.push(Line { number: number.into(), happens: happens.into(), tests: named });
    }
    lines
}

/// Every test that runs, as `module::name`; the modules of `src` with their whole path.
pub(crate) fn tests() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for dir in ["src", "tests/it"] {
        let dir = root().join(dir);
        for file in files(&dir) {
            let module = file.strip_prefix(&dir).expect("below it").with_extension("");
            let mut parts: Vec<&str> = module.iter().filter_map(|part| part.to_str()).collect();
            if parts.last() == Some(&"mod") {
                parts.pop();
            }
            let module = parts.join("::");
            found.extend(
                tests_in(&fs::read_to_string(&file).expect("a source file")).map(|name| format!("{module}::{name}")),
            );
        }
    }
    found
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The functions of a file that are tests and not ignored.
fn tests_in(text: &str) -> impl Iterator<Item = &str> {
    let mut attributes = Vec::new();
    text.lines().filter_map(move |line| {
        let line = line.trim();
        if line.starts_with("#[") {
            attributes.push(line);
            return None;
        }
        let is_test = attributes.contains(&"#[test]") && !attributes.iter().any(|a| a.starts_with("#[ignore"));
        if !line.starts_with("//") {
            attributes.clear();
        }
        let name = line.strip_prefix("fn ")?.split('(').next()?;
        is_test.then_some(name)
    })
}

#[test]
fn every_line_of_the_tables_is_there_and_names_tests_that_run() {
    let text = fs::read_to_string(root().join("docs/reliability.md")).expect("docs/reliability.md");
    let lines = lines(&text);
    let known = tests();
    let mut wrong = Vec::new();
    let mut by_number: BTreeMap<&str, &Line> = BTreeMap::new();
    for line in &lines {
        if by_number.insert(&line.number, line).is_some() {
            wrong.push(format!("{} stands there twice", line.number));
        }
        let excused = REASONS.iter().any(|reason| line.happens.starts_with(reason));
        if line.tests.is_empty() != excused {
            wrong.push(format!("{} needs either a test or one of {REASONS:?}", line.number));
        }
        for test in line.tests.iter().filter(|test| !known.contains(*test)) {
            wrong.push(format!("{}: no test `{test}` is run", line.number));
        }
    }
    for (section, count) in LINES {
        for number in (1..=count).map(|n| format!("{section}{n}")).filter(|n| !by_number.contains_key(n.as_str())) {
            wrong.push(format!("{number} is missing"));
        }
    }
    assert!(wrong.is_empty(), "docs/reliability.md:\n{}", wrong.join("\n"));
}

#[test]
fn an_ignored_or_absent_test_is_not_taken_for_one() {
    let text = "#[test]\nfn one() {}\n#[test]\n#[ignore = \"slow\"]\nfn two() {}\nfn three() {}\n    #[test]\n    /// Why.\n    fn four() {}\n";
    assert_eq!(tests_in(text).collect::<Vec<_>>(), ["one", "four"]);
    let rows = lines("| # | a | b | c |\n|---|---|---|---|\n| A1 | x | y | `m::one`, `m::two` |\n");
    assert_eq!((rows.len(), rows[0].number.as_str(), rows[0].tests.len()), (1, "A1", 2));
    assert!(tests().contains("reliability::an_ignored_or_absent_test_is_not_taken_for_one"));
}
