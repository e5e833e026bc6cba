//! One name a line: `k3s-images.txt`, `rancher-images.txt`, what `kubeadm config images list` and
//! `docker compose config --images` print, hauler's `images.txt`; and oc-mirror's `mapping.txt`, whose
//! lines are `SRC=DST`.

use super::list::List;

/// Whether no line is one of a document: those have colons at their end or before a blank, or begin with a sign.
pub(super) fn is_lines(text: &str) -> bool {
    let mut said = said(text).peekable();
    said.peek().is_some()
        && said.all(|(_, line)| {
            let is_template = line.starts_with("{{");
            let is_mapping = line.ends_with(':') || line.contains(": ") || line.contains(":\t");
            let begins = line.starts_with(['{', '[', '-', '%', '&', '*', '!', '|', '>', '<', '"', '\'']);
            is_template || is_address(line) || !is_mapping && !begins
        })
}

/// Whether more than half of the lines are names: then the others are names that went wrong.
pub(super) fn are_mostly_names(text: &str) -> bool {
    let (mut names, mut others) = (0_usize, 0_usize);
    for (_, line) in said(text) {
        let is_name = !line.contains(char::is_whitespace) && List::typed(line).is_ok();
        *if is_name { &mut names } else { &mut others } += 1;
    }
    names > others
}

/// Whether a line begins with an IPv6 address, as `[fd00::1]:5000/a`.
fn is_address(line: &str) -> bool {
    let Some((inside, after)) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) else { return false };
    let is_part = |b: u8| b.is_ascii_hexdigit() || matches!(b, b':' | b'.');
    inside.contains(':') && inside.bytes().all(is_part) && after.starts_with([':', '/'])
}

/// Reads such a list.
pub(super) fn read(text: &str, list: &mut List) {
    for (number, line) in said(text) {
        // Neither a reference nor a transport has this sign.
        let source = line.split_once('=').map_or(line, |(source, _)| source);
        list.image(number, source);
    }
}

/// The lines that say something, with their numbers; a comment begins a line, or follows a blank.
fn said(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().filter_map(|(at, line)| {
        let line = match line.find(" #").or_else(|| line.find("\t#")) {
            Some(end) => &line[..end],
            None => line,
        };
        let line = line.trim();
        (!line.is_empty() && !line.starts_with('#')).then_some((at + 1, line))
    })
}
