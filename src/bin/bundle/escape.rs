//! Text from outside, made harmless for whoever reads it: what moves a cursor, turns the direction of writing or
//! cannot be seen is shown by its number, and what is long without end is cut. The one place for it, for lines of
//! text, for JSON, and for what the parser of the command line has to say.

use std::fmt::Write as _;

use oci_bundle::oci::is_misleading;

/// As much of a line, or of one text in JSON, as is shown, in bytes: more than any of ours is long.
const MOST: usize = 16 << 10;

/// One line of text.
pub(crate) fn harmless(line: &str) -> String {
    let (shown, cut) = beginning(line);
    let mut out = String::with_capacity(shown.len());
    for c in shown.chars() {
        match c {
            // Writing to a string does not fail.
            c if is_misleading(c) => _ = write!(out, "{}", c.escape_unicode()),
            c => out.push(c),
        }
    }
    out + &cut
}

/// Several lines, with what was typed by a person in them: a line feed in that is not one of ours.
pub(crate) fn harmless_lines(text: &str, typed: impl IntoIterator<Item = String>) -> String {
    let mut text = text.to_owned();
    for word in typed {
        let shown = harmless(&word);
        if shown != word && word.contains('\n') {
            text = text.replace(&word, &shown);
        }
    }
    text.split('\n').map(harmless).collect::<Vec<_>>().join("\n")
}

/// A JSON document as a serializer wrote it, with the same value but for what is cut.
pub(crate) fn harmless_json(document: &str) -> String {
    let mut out = String::with_capacity(document.len());
    // Outside strings there is only ASCII, and no quotation mark but those around them.
    let mut rest = document;
    while let Some((outside, string)) = rest.split_once('"') {
        let end = end_of_string(string);
        let (text, after) = string.split_at(end);
        out.push_str(outside);
        out.push('"');
        push_json_text(&mut out, text);
        let (quote, after) = after.split_at(after.len().min(1));
        out.push_str(quote);
        rest = after;
    }
    out + rest
}

/// Where the string ends that begins here, without its quotation mark.
fn end_of_string(string: &str) -> usize {
    let mut from = 0;
    while let Some(at) = string[from..].find('"').map(|at| from + at) {
        if backslashes_before(string, at).is_multiple_of(2) {
            return at;
        }
        from = at + 1;
    }
    string.len()
}

fn backslashes_before(text: &str, at: usize) -> usize {
    text.as_bytes()[..at].iter().rev().take_while(|b| **b == b'\\').count()
}

fn push_json_text(out: &mut String, text: &str) {
    let (shown, cut) = beginning(text);
    let shown = if cut.is_empty() { shown } else { whole_escapes(shown) };
    if shown.is_ascii() && !shown.contains('\u{7f}') {
        out.push_str(shown);
    } else {
        for c in shown.chars() {
            if !is_misleading(c) {
                out.push(c);
                continue;
            }
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string does not fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out.push_str(&cut);
}

/// The same without an escape at its end that is cut in two.
fn whole_escapes(shown: &str) -> &str {
    let Some(at) = shown.rfind('\\').filter(|at| backslashes_before(shown, *at).is_multiple_of(2)) else {
        return shown;
    };
    let needed = if shown[at + 1..].starts_with('u') { 6 } else { 2 };
    if shown.len() - at < needed { &shown[..at] } else { shown }
}

fn beginning(text: &str) -> (&str, String) {
    if text.len() <= MOST {
        return (text, String::new());
    }
    let end = (0..=MOST).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    (&text[..end], said_to_be_cut(text.len()))
}

fn said_to_be_cut(len: usize) -> String {
    format!("… (cut: {len} bytes)")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of every kind one that misleads.
    const MISLEADING: &str = "\u{1b}\u{7}\r\u{7f}\u{9b}\u{85}\u{ad}\u{61c}\u{200b}\u{200d}\u{200e}\u{202e}\u{2028}\u{2060}\u{2066}\u{feff}\u{fe0f}\u{3164}\u{2800}\u{a0}\u{fffe}\u{e0041}\u{e0101}\u{1fffe}";

    #[test]
    fn what_could_fool_a_reader_is_shown_by_its_number() {
        assert_eq!(harmless("name\u{1b}]52;c;x\u{7}"), "name\\u{1b}]52;c;x\\u{7}");
        assert_eq!(harmless("a\rb\u{9b}c\u{202e}d\ne"), "a\\u{d}b\\u{9b}c\\u{202e}d\\u{a}e");
        assert_eq!(harmless("é…✓ 字 ß"), "é…✓ 字 ß");
        for c in MISLEADING.chars() {
            assert_eq!(harmless(&format!("a{c}b")), format!("a{}b", c.escape_unicode()));
        }
    }

    #[test]
    fn json_has_the_same_value_and_nothing_in_it_that_misleads() {
        let text = format!("é…✓ \"quoted\" \\ {MISLEADING}\u{1f600}");
        let value = serde_json::json!({"a": [text.clone(), 1, null], text: {"b": "\\\\"}});
        let written = value.to_string();
        let shown = harmless_json(&written);
        assert!(!shown.chars().any(is_misleading), "{shown}");
        assert!(shown.contains("\\u202e") && shown.contains("\\udb40\\udc41") && shown.contains("é…✓"));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).expect("JSON"), value);
    }

    #[test]
    fn what_has_no_end_is_cut_and_its_length_said() {
        let long = "é".repeat(15 << 20);
        let shown = harmless(&long);
        assert!(shown.len() < 17 << 10 && shown.ends_with("… (cut: 31457280 bytes)"), "{}", shown.len());
        for filler in ["x", "\\", "\"", "\u{1}", "é", "\u{202e}", "\u{1f600}"] {
            for shift in 0..7 {
                let text = format!("{}{}", "y".repeat(shift), filler.repeat(40 << 10));
                let shown = harmless_json(&serde_json::json!({"a": text, "b": "c"}).to_string());
                let value: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
                let begins = value["a"].as_str().and_then(|a| a.split_once("… (cut: ")).expect("cut").0;
                assert!(text.starts_with(begins) && begins.len() < MOST + 4, "{filler:?}");
                assert_eq!(value["b"], "c");
            }
        }
    }

    #[test]
    fn a_line_feed_that_was_typed_begins_no_line() {
        let typed = "x\nbundle: all is well\u{202e}".to_owned();
        let text = format!("error: invalid value '{typed}'\n\nFor more information, try '--help'.\n");
        let shown = harmless_lines(&text, [typed]);
        let wanted =
            "error: invalid value 'x\\u{a}bundle: all is well\\u{202e}'\n\nFor more information, try '--help'.\n";
        assert_eq!(shown, wanted);
    }
}
