//! From a text to what it says: each format takes the documents that it knows by their form.

use super::list::List;
use super::text::{template, text_of};
use super::tree::{Node, Value, documents};
use super::{chart, compose, hauler, images_lock, inventory, kubernetes, lines, oc_mirror, regsync, skopeo_sync, zarf};

/// Longer texts are no lists that a person has, in bytes.
pub(crate) const MAX_LIST: u64 = 64 << 20;

/// Reads a list of any of the formats.
pub(crate) fn read(bytes: &[u8]) -> List {
    let mut list = List::default();
    let text = match text_of(bytes) {
        Ok(text) => text,
        Err(reason) => {
            list.fault(0, reason);
            return list;
        }
    };
    if lines::is_lines(&text) {
        lines::read(&text, &mut list);
    } else {
        match documents(&text) {
            Ok(documents) => documents.iter().for_each(|document| read_document(document, &mut list)),
            Err(error) => match template(&text) {
                Some((line, how)) => list.fault(line, how),
                None => list.fault(error.line, error.reason),
            },
        }
    }
    list
}

/// Each format that has documents takes those that it knows by their form.
fn read_document(document: &Node, list: &mut List) {
    let kind = document.text_at(&["kind"]).unwrap_or_default();
    let version = document.text_at(&["apiVersion"]).unwrap_or_default();
    match kind {
        "ZarfPackageConfig" => return zarf::read(document, list),
        "ImageSetConfiguration" => return oc_mirror::read(document, list),
        "ImagesLock" => return images_lock::read(document, version, list),
        _ if version.starts_with("content.hauler.cattle.io/") => return hauler::read(document, kind, list),
        _ => {}
    }
    if inventory::is_inventory(document) {
        inventory::read(document, list);
    } else if regsync::is_regsync(document) {
        regsync::read(document, list);
    } else if compose::is_compose(document) {
        compose::read(document, list);
    } else if chart::is_chart(document) {
        chart::read(document, list);
    } else if skopeo_sync::is_sync(document) {
        skopeo_sync::read(document, list);
    } else if !kind.is_empty() || matches!(document.value, Value::List(_)) || document.get("image").is_some() {
        kubernetes::read(document, list);
    } else {
        list.fault(document.line, "no list of images that we know, and nothing that Kubernetes runs");
    }
}
