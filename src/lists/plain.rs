//! A list in YAML or JSON of nothing but names: `[NAME, …]`, or `images: [NAME, …]`.

use super::list::List;
use super::text::shown;
use super::tree::{Node, Value};

/// Whether a document is one.
pub(super) fn is_plain(document: &Node) -> bool {
    let items = names(document);
    !items.is_empty() && items.iter().all(|item| matches!(item.value, Value::Text(_)))
}

/// Reads one.
pub(super) fn read(document: &Node, list: &mut List) {
    for item in names(document) {
        list.image_at(item);
    }
    for (key, value) in document.entries().iter().filter(|(key, _)| key != "images") {
        list.leave(value.line, format!("{}: not images", shown(key)));
    }
}

fn names(document: &Node) -> &[Node] {
    match document.get("kind") {
        None if document.entries().is_empty() => document.items(),
        None => document.items_at(&["images"]),
        Some(_) => &[],
    }
}
