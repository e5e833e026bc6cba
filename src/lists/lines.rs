//! One name a line: `k3s-images.txt`, `rancher-images.txt`, what `kubeadm config images list` and
//! `docker compose config --images` print, hauler's `images.txt`; and oc-mirror's `mapping.txt`, whose
//! lines are `SRC=DST`.

use super::list::List;

/// Whether every line that says something is one word: documents have blanks, brackets or colons at
/// the end of a line.
pub(super) fn is_lines(text: &str) -> bool {
    let mut said = said(text).peekable();
    said.peek().is_some()
        && said.all(|(_, line)| {
            let is_mapping = line.ends_with(':') || line.starts_with(['{', '[', '-', '%', '&', '*', '!', '|', '>']);
            let is_template = line.contains("{{");
            is_template && !line.contains(": ") || !line.contains(char::is_whitespace) && !is_mapping
        })
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
