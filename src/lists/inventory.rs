//! An inventory (`docs/format.md`, "Inventories"): what is somewhere is what may be wanted again, by name and digest.

use super::list::List;
use super::tree::Node;
use crate::oci::{Digest, Reference};

/// Whether a document is one.
pub(super) fn is_inventory(document: &Node) -> bool {
    document.get("inventoryVersion").is_some()
}

/// Reads one.
pub(super) fn read(document: &Node, list: &mut List) {
    if document.text_at(&["inventoryVersion"]) != Some("1") {
        return list.fault(document.line, "an inventory of another version than 1");
    }
    for image in document.items_at(&["images"]) {
        let Some(name) = image.get("name") else {
            list.fault(image.line, "an image without `name`");
            continue;
        };
        let digest = image.text_at(&["digest"]).and_then(|digest| digest.parse::<Digest>().ok());
        let Some(digest) = digest else {
            list.fault(image.line, "an image without the digest that it has");
            continue;
        };
        let Some(listed) = list.image_at(name) else { continue };
        if listed.reference.digest.as_ref().is_some_and(|other| *other != digest) {
            list.fault(image.line, "an image with two digests");
            continue;
        }
        listed.reference = Reference { digest: Some(digest), ..listed.reference.clone() };
    }
}
