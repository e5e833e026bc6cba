//! `ImagesLock`: of imgpkg and kbld (`imgpkg.carvel.dev/v1alpha1`), and of the charts' `dt` (`v0`).

use super::list::List;
use super::tree::Node;
use crate::oci::Reference;

/// What kbld calls the image that it found a digest for.
const KBLD_ID: &str = "kbld.carvel.dev/id";

/// Reads such a lock.
pub(super) fn read(document: &Node, list: &mut List) {
    let version = document.text_at(&["apiVersion"]).unwrap_or_default();
    let is_carvel = version.starts_with("imgpkg.carvel.dev/");
    for image in document.items_at(&["images"]) {
        let Some(name) = image.get("image") else {
            list.fault(image.line, "an image without `image`");
            continue;
        };
        let id = image.text_at(&["annotations", KBLD_ID]).filter(|_| is_carvel);
        let Some(listed) = list.image_at(name) else { continue };
        // The name that people know, at the digest that was found.
        let known = id.and_then(|id| id.parse::<Reference>().ok());
        if let (Some(known), Some(digest)) = (known, listed.reference.digest.clone())
            && known.repository == listed.reference.repository
        {
            listed.reference = Reference { digest: Some(digest), ..known };
        }
        listed.platforms =
            image.items_at(&["digests"]).iter().filter_map(|d| d.text_at(&["arch"])).map(Into::into).collect();
    }
}
