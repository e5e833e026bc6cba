//! A compose file: the image of every service, for the platform that it names.

use super::list::List;
use super::text::shown;
use super::tree::Node;

/// Whether this is one: `services`, each of which has an image or is built.
pub(super) fn is_compose(document: &Node) -> bool {
    let is_service =
        |(_, node): &(String, Node)| ["image", "build", "extends"].iter().any(|key| node.get(key).is_some());
    document.get("kind").is_none()
        && document.get("services").is_some_and(|services| services.entries().iter().any(is_service))
}

/// Reads such a file.
pub(super) fn read(document: &Node, list: &mut List) {
    for (name, service) in document.get("services").map_or(&[][..], Node::entries) {
        match service.get("image") {
            Some(image) => {
                if let Some(listed) = list.image_at(image) {
                    listed.platforms.extend(service.text_at(&["platform"]).map(str::to_owned));
                }
            }
            None => list.leave(service.line, format!("service {}: built, not pulled", shown(name))),
        }
    }
}
