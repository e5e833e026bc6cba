//! oc-mirror's `ImageSetConfiguration`: its additional images. Releases, operators and charts have to
//! be worked out by oc-mirror itself.

use super::list::{List, Note};
use super::text::shown;
use super::tree::Node;

/// Reads such a configuration, of version 1 or 2.
pub(super) fn read(document: &Node, list: &mut List) {
    let Some(mirror) = document.get("mirror") else { return list.fault(document.line, "no `mirror`") };
    for (key, value) in mirror.entries() {
        match key.as_str() {
            "additionalImages" => value.items().iter().for_each(|image| one(image, list)),
            "blockedImages" => {
                for blocked in value.items() {
                    match blocked.get("name").and_then(|name| Some((name.line, name.text()?))) {
                        Some((line, text)) => list.blocked.push(Note { line, text: text.to_owned() }),
                        None => list.fault(blocked.line, "a blocked image without `name`"),
                    }
                }
            }
            "platform" | "operators" | "helm" | "samples" => {
                let how = "not images: `oc-mirror --dry-run` writes a mapping.txt that names them";
                list.leave(value.line, format!("{key}: {how}"));
            }
            other => list.leave(value.line, format!("{}: not images", shown(other))),
        }
    }
}

fn one(image: &Node, list: &mut List) {
    let Some(name) = image.get("name") else { return list.fault(image.line, "an image without `name`") };
    for key in ["targetRepo", "targetTag"] {
        if let Some(value) = image.get(key) {
            list.leave(value.line, format!("{key}: `bundle import --map` names the place at the target"));
        }
    }
    let platforms: Vec<String> =
        image.items_at(&["platforms"]).iter().filter_map(Node::text).map(str::to_owned).collect();
    if let Some(listed) = list.image_at(name) {
        listed.platforms = platforms;
    }
}
