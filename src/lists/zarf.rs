//! `zarf.yaml`: the images of all components.

use super::list::List;
use super::tree::{Node, Value};

/// Reads such a package.
pub(super) fn read(document: &Node, list: &mut List) {
    for component in document.items_at(&["components"]) {
        for (key, value) in component.entries() {
            match key.as_str() {
                "images" => value.items().iter().for_each(|image| one(image, list)),
                "repos" | "files" | "charts" | "dataInjections" | "imageArchives" => {
                    list.leave(value.line, format!("{key}: not images"));
                }
                _ => {}
            }
        }
    }
}

fn one(image: &Node, list: &mut List) {
    if matches!(image.value, Value::Text(_)) {
        list.image_at(image);
        return;
    }
    let Some(name) = image.get("name") else { return list.fault(image.line, "an image without `name`") };
    let source = image.get("source").and_then(|source| Some((source.line, source.text()?.to_owned())));
    let source = source.and_then(|(line, text)| list.reference(line, &text));
    if let Some(listed) = list.image_at(name) {
        listed.source = source;
    }
}
