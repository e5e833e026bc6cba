//! Our own lock, which `bundle export --lock` writes: images by name, each with its digest.

use super::list::List;
use super::tree::Node;
use crate::oci::{Digest, Reference};

/// The key that makes it one; its value is the version.
const KEY: &str = "bundleLock";

/// Whether a document is one.
pub(super) fn is_lock(document: &Node) -> bool {
    document.get(KEY).is_some()
}

/// Reads one.
pub(super) fn read(document: &Node, list: &mut List) {
    if document.text_at(&[KEY]) != Some("1") {
        return list.fault(document.line, "a lock of another version than 1");
    }
    for image in document.items_at(&["images"]) {
        let Some(name) = image.get("name") else {
            list.fault(image.line, "an image without `name`");
            continue;
        };
        let Some(digest) = image.text_at(&["digest"]).and_then(|digest| digest.parse::<Digest>().ok()) else {
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
