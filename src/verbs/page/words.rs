//! Numbers and text as the page says them.

use std::fmt::Write as _;

use maud::{Markup, html};

use crate::error::size;
use crate::oci::is_misleading;

/// Of one text from outside as much as is shown, in bytes.
const MOST: usize = 1 << 10;

/// Text from outside, in which no character fools a reader. It is no markup: the templates escape it.
pub(super) fn plain(text: &str) -> String {
    let end = (0..=text.len().min(MOST)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    let mut out = String::with_capacity(end);
    for c in text[..end].chars() {
        match c {
            // Writing to a string does not fail.
            c if is_misleading(c) => _ = write!(out, "{}", c.escape_unicode()),
            c => out.push(c),
        }
    }
    if end < text.len() {
        // Writing to a string does not fail.
        let _ = write!(out, "… (cut: {} bytes)", text.len());
    }
    out
}

/// The same, escaped.
pub(super) fn text(text: &str) -> Markup {
    html! { (plain(text)) }
}

/// `3 images`, `1 image`.
pub(super) fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// A size for a person, with the number of bytes for a program.
pub(super) fn bytes(number: u64) -> Markup {
    html! { data value=(number) { (size(number)) } }
}

/// So much of all in hundredths: whole ones, but never 0 for something.
pub(super) fn share(part: u64, all: u64) -> String {
    let hundredths = u128::from(part) * 100;
    let all = u128::from(all.max(1));
    match (hundredths + all / 2) / all {
        0 if part > 0 => "< 1 %".into(),
        whole => format!("{whole} %"),
    }
}

/// Something to copy; `what` says what it is. The script puts the button there.
pub(super) fn copied(value: &str, what: &str) -> Markup {
    html! { code .copied data-what=(plain(what)) { (text(value)) } }
}
