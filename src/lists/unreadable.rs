//! A text that is no document as a whole: what is wrong with it is found as far as it can be read, so that all of it
//! is said at once. Nothing of it is used.

use std::borrow::Cow;

use super::list::{List, Note};
use super::text::{rendering, shown};
use super::tree::{TOO_MUCH, Unreadable};

/// Lines of one document that are passed over to read what is behind them.
const MOST_PASSED: usize = 20;
/// Longer texts are not read again and again, in bytes.
const MOST_AGAIN: usize = 1 << 20;
/// What stands for a hole while the rest is read.
const FILLED: &str = "x";

/// Everything that is wrong with such a text: `read` takes a document that can be read.
pub(super) fn faults(
    text: &str,
    whole: Unreadable,
    read: &dyn Fn(&str, &mut List) -> Result<(), Unreadable>,
) -> Vec<Note> {
    let mut faults = Vec::new();
    let is_too_much = whole.reason.starts_with(TOO_MUCH);
    if text.len() <= MOST_AGAIN && !is_too_much {
        for (before, part) in parts(text) {
            let found = of_part(&part, read);
            faults.extend(found.into_iter().map(|note| Note { line: note.line + before, ..note }));
        }
    }
    let is_said = |note: &Note| note.line == whole.line || rendering(&note.text).is_some();
    if !faults.iter().any(is_said) {
        faults.extend(template(text).or(Some(Note { line: whole.line, text: whole.reason })));
    }
    faults.sort_by_key(|note| note.line);
    faults
}

/// The documents of a text, each with how many lines stand before it.
fn parts(text: &str) -> Vec<(usize, String)> {
    let mut parts = vec![(0, String::new())];
    for (at, line) in text.lines().enumerate() {
        if line == "---" || line.starts_with("--- ") {
            parts.push((at, String::new()));
        }
        if let Some((_, part)) = parts.last_mut() {
            part.push_str(line);
            part.push('\n');
        }
    }
    parts
}

fn of_part(part: &str, read: &dyn Fn(&str, &mut List) -> Result<(), Unreadable>) -> Vec<Note> {
    let mut list = List::default();
    let Err(first) = read(part, &mut list) else { return list.faults };
    let mut lines: Vec<Cow<'_, str>> = part.lines().map(Cow::Borrowed).collect();
    let holes = fill(&mut lines);
    let mut faults: Vec<Note> = match holes.is_empty() {
        true => vec![Note { line: first.line, text: first.reason }],
        false => named_holes(part, &holes),
    };
    // What is behind a line that cannot be read is read without it: only names are looked at then.
    for _ in 0..MOST_PASSED {
        let mut list = List::default();
        match read(&lines.join("\n"), &mut list) {
            Ok(()) => {
                let is_new = |note: &Note| !holes.contains(&note.line) && is_about_a_name(&note.text);
                faults.extend(list.faults.into_iter().filter(is_new));
                break;
            }
            Err(error) => match lines.get_mut(error.line.saturating_sub(1)) {
                Some(line) if !line.trim().is_empty() => *line = Cow::Borrowed(""),
                _ => break,
            },
        }
    }
    faults
}

/// Puts something into the holes of a template; the lines that have any.
fn fill(lines: &mut [Cow<'_, str>]) -> Vec<usize> {
    let mut holes = Vec::new();
    for (at, line) in lines.iter_mut().enumerate().filter(|(_, line)| line.contains("{{")) {
        holes.push(at + 1);
        let is_control = line.trim().starts_with("{{") && line.trim().ends_with("}}");
        let mut filled = String::new();
        let mut rest: &str = line;
        while let Some((before, hole)) = rest.split_once("{{").filter(|_| !is_control) {
            filled.push_str(before);
            filled.push_str(FILLED);
            rest = hole.split_once("}}").map_or("", |(_, behind)| behind);
        }
        filled.push_str(if is_control { "" } else { rest });
        *line = Cow::Owned(filled);
    }
    holes
}

/// The first line with a hole, and each other where an image stands.
fn named_holes(part: &str, holes: &[usize]) -> Vec<Note> {
    let line = |at: usize| part.lines().nth(at - 1).unwrap_or_default().trim();
    let said = holes.iter().enumerate().filter(|(number, at)| *number == 0 || line(**at).contains("image"));
    said.filter_map(|(_, at)| Some(Note { line: *at, text: hole(line(*at))? })).collect()
}

/// The first line of a text that is a template.
fn template(text: &str) -> Option<Note> {
    let (at, line) = text.lines().enumerate().find(|(_, line)| line.contains("{{"))?;
    Some(Note { line: at + 1, text: hole(line.trim())? })
}

fn hole(line: &str) -> Option<String> {
    rendering(line).map(|how| format!("`{}` {how}", shown(line)))
}

/// A fault that stands for itself, whatever is missing around it.
fn is_about_a_name(fault: &str) -> bool {
    fault.starts_with("invalid ") || fault.contains("longer than any name") || rendering(fault).is_some()
}
