//! `skopeo sync --src yaml`, and mindthegap's `images.yaml`: hosts, with the tags of each repository.

use super::list::List;
use super::text::shown;
use super::tree::{Node, Value};
use crate::oci::Host;

/// What a host may have (skopeo-sync(1)).
const KEYS: [&str; 7] =
    ["images", "images-by-tag-regex", "images-by-semver", "credentials", "tls-verify", "cert-dir", "helm-charts"];

/// Whether every key is a host, with keys of this format.
pub(super) fn is_sync(document: &Node) -> bool {
    let entries = document.entries();
    !entries.is_empty()
        && entries.iter().all(|(host, node)| {
            let known = |(key, _): &(String, Node)| KEYS.contains(&key.as_str());
            host.parse::<Host>().is_ok() && !node.entries().is_empty() && node.entries().iter().any(known)
        })
}

/// Reads such a list.
pub(super) fn read(document: &Node, list: &mut List) {
    for (host, node) in document.entries() {
        for (key, value) in node.entries() {
            match key.as_str() {
                "images" => images(host, value, list),
                "images-by-tag-regex" => by(host, value, list, |tags, what| tags.allow.push(what)),
                "images-by-semver" => by(host, value, list, |tags, what| tags.versions.push(what)),
                "credentials" => list.leave(value.line, "credentials: not read from a list (`bundle login`)"),
                "tls-verify" | "cert-dir" => list.leave(value.line, format!("{key}: a flag of the command")),
                other => list.leave(value.line, format!("{}: not images", shown(other))),
            }
        }
    }
}

fn images(host: &str, node: &Node, list: &mut List) {
    for (path, tags) in node.entries() {
        let repository = format!("{host}/{path}");
        match &tags.value {
            Value::List(items) if !items.is_empty() => {
                for item in items {
                    match item.text() {
                        Some(what) => list.image_of(item.line, &repository, what),
                        None => list.fault(item.line, "neither a tag nor a digest"),
                    }
                }
            }
            Value::List(_) | Value::Null => drop(list.repository(tags.line, &repository)),
            _ => list.fault(tags.line, format!("{}: no list of tags", shown(path))),
        }
    }
}

fn by(host: &str, node: &Node, list: &mut List, put: impl Fn(&mut super::list::Tags, String)) {
    for (path, condition) in node.entries() {
        match condition.text() {
            Some(text) => {
                if let Some(tags) = list.repository(condition.line, &format!("{host}/{path}")) {
                    put(tags, text.to_owned());
                }
            }
            None => list.fault(condition.line, format!("{}: no condition for its tags", shown(path))),
        }
    }
}
