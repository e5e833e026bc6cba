//! From a text to what it says: each format takes the documents that it knows by their form.

use std::panic::resume_unwind;
use std::thread;

use super::list::List;
use super::text::{shown, text_of};
use super::tree::{Node, Unreadable, Value, documents};
use super::unreadable::faults;
use super::{
    chart, compose, hauler, images_lock, kubernetes, lines, lock, oc_mirror, plain, regsync, skopeo_sync, zarf,
};

/// Longer texts are no lists that a person has, in bytes.
pub(crate) const MAX_LIST: u64 = 64 << 20;

/// What the deepest document takes, in bytes: threads of others may have less.
const STACK: usize = 16 << 20;

/// Reads a list of any of the formats.
pub(crate) fn read(bytes: &[u8]) -> List {
    let read = thread::scope(|scope| {
        let begun = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || read_here(bytes));
        begun.map(thread::ScopedJoinHandle::join)
    });
    let reason = match read {
        Ok(Ok(list)) => return list,
        Ok(Err(panic)) => resume_unwind(panic),
        Err(e) => format!("no thread to read it: {e}"),
    };
    let mut list = List::default();
    list.fault(0, reason);
    list
}

fn read_here(bytes: &[u8]) -> List {
    let mut list = List::default();
    if bytes.len() as u64 > MAX_LIST {
        list.fault(0, format!("longer than {} MiB: no list of images", MAX_LIST >> 20));
        return list;
    }
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
            Ok(documents) if documents.is_empty() => list.fault(0, "there is nothing in it"),
            Ok(documents) => documents.iter().for_each(|document| read_document(document, &mut list)),
            Err(error) => list.faults = faults(&text, error, &read_part),
        }
        if !list.faults.is_empty() && lines::are_mostly_names(&text) {
            list = List::default();
            lines::read(&text, &mut list);
        }
    }
    list
}

fn read_part(text: &str, list: &mut List) -> Result<(), Unreadable> {
    let documents = documents(text)?;
    documents.iter().for_each(|document| read_document(document, list));
    Ok(())
}

/// Each format that has documents takes those that it knows by their form.
fn read_document(document: &Node, list: &mut List) {
    let kind = document.text_at(&["kind"]).unwrap_or_default();
    let version = document.text_at(&["apiVersion"]).unwrap_or_default();
    let reader: fn(&Node, &mut List) = match kind {
        "ZarfPackageConfig" => zarf::read,
        "ImageSetConfiguration" => oc_mirror::read,
        "ImagesLock" => images_lock::read,
        _ if version.starts_with("content.hauler.cattle.io/") => hauler::read,
        _ if lock::is_lock(document) => lock::read,
        _ if regsync::is_regsync(document) => regsync::read,
        _ if compose::is_compose(document) => compose::read,
        _ if chart::is_chart(document) => chart::read,
        _ if skopeo_sync::is_sync(document) => skopeo_sync::read,
        _ if plain::is_plain(document) => plain::read,
        _ if !kind.is_empty() || matches!(document.value, Value::List(_)) || document.get("image").is_some() => {
            // What runs charts takes keys that are there twice, and so some charts have them.
            return kubernetes::read(document, list);
        }
        _ => return list.fault(document.line, "no list of images that we know, and nothing that Kubernetes runs"),
    };
    match document.repeated() {
        Some((line, key)) => list.fault(line, format!("the key `{}` is there twice", shown(key))),
        None => reader(document, list),
    }
}
