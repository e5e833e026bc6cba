//! Keeps `docs/security.md` true: every line of its tables of promises is there, and every test it names exists and
//! runs.

use std::collections::BTreeSet;
use std::fs;

use crate::reliability::{Line, lines, root, tests};

/// The lines that have to be there, by section.
const LINES: [(char, u32); 4] = [('B', 15), ('D', 2), ('N', 9), ('U', 5)];

#[test]
fn every_promise_is_there_and_names_tests_that_run() {
    let text = fs::read_to_string(root().join("docs/security.md")).expect("docs/security.md");
    // Only the tables of promises have numbers.
    let numbered: String = text.lines().filter(|row| is_numbered(row)).flat_map(|row| [row, "\n"]).collect();
    let lines = lines(&numbered);
    let known = tests();
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for Line { number, tests, .. } in &lines {
        if !seen.insert(number.clone()) {
            wrong.push(format!("{number} stands there twice"));
        }
        if tests.is_empty() {
            wrong.push(format!("{number} names no test"));
        }
        wrong.extend(
            tests.iter().filter(|test| !known.contains(*test)).map(|test| format!("{number}: no test `{test}`")),
        );
    }
    for (section, count) in LINES {
        let all = (1..=count).map(|n| format!("{section}{n}"));
        wrong.extend(all.filter(|number| !seen.contains(number)).map(|number| format!("{number} is missing")));
    }
    assert!(wrong.is_empty(), "docs/security.md:\n{}", wrong.join("\n"));
}

/// `| B1 | …`
fn is_numbered(row: &str) -> bool {
    let first = row.strip_prefix("| ").and_then(|row| row.split(' ').next()).unwrap_or_default();
    let (section, number) = first.split_at_checked(1).unwrap_or_default();
    section.chars().all(|c| c.is_ascii_uppercase()) && number.parse::<u32>().is_ok()
}

#[test]
fn only_lines_with_a_number_are_promises() {
    assert!(is_numbered("| B1 | a | b | `c` |") && is_numbered("| N12 | a | b | c |"));
    for row in ["| # | Threat | Promise | Test |", "|---|---|---|---|", "| who | is believed |", "| 1 | a |", "B1", ""]
    {
        assert!(!is_numbered(row), "{row}");
    }
}

#[test]
fn every_flag_that_the_pages_about_security_name_is_one() {
    let help: String = ["export", "import", "list", "verify", "login"]
        .map(|command| crate::bundle().args([command, "--help"]).run().succeeds().stdout)
        .concat();
    for page in ["docs/security.md", "SECURITY.md"] {
        let text = fs::read_to_string(root().join(page)).expect(page);
        for flag in text.split(['`', ' ', '=', '\n']).filter(|word| word.starts_with("--")) {
            assert!(help.contains(flag), "{page}: {flag}");
        }
        for variable in text.split(['`', ' ', '=', '\n']).filter(|word| word.starts_with("BUNDLE_")) {
            assert!(help.contains(variable), "{page}: {variable}");
        }
    }
}
