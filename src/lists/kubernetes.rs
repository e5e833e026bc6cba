//! What Kubernetes runs: manifests, lists of them, what `helm template` and `kustomize build` print.
//!
//! Read are the containers of whatever has a pod template, image volumes, Flux's OCIRepository, and
//! the key `image` of anything else. Text in `args`, `env` and ConfigMaps may name images too: that
//! is said, and not taken.

use super::list::{List, Note};
use super::text::shown;
use super::tree::{Node, Value};
use crate::oci::Reference;

/// Whose items are containers (core/v1 `PodSpec`).
const CONTAINERS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// Reads an object, or whatever has such objects in it.
pub(super) fn read(document: &Node, list: &mut List) {
    if document.text_at(&["kind"]) == Some("OCIRepository") && document.at(&["spec", "url"]).is_some() {
        return flux(document, list);
    }
    walk(document, None, list);
}

/// `within` is the key that this stands under, where what stands there is only perhaps a name.
fn walk(node: &Node, within: Option<&str>, list: &mut List) {
    for item in node.items() {
        if item.text_at(&["kind"]).is_some() && within.is_none() {
            read(item, list);
        } else {
            walk(item, within, list);
        }
    }
    if let (Some(_), Some(text)) = (within, node.text()) {
        perhaps(node.line, text, list);
    }
    let is_config = within.is_none() && matches!(node.text_at(&["kind"]), Some("ConfigMap" | "Secret"));
    for (key, value) in node.entries() {
        match key.as_str() {
            key if within.is_some() => walk(value, Some(key), list),
            "data" | "stringData" | "binaryData" if is_config => walk(value, Some(key), list),
            "args" | "command" | "env" => walk(value, Some(key), list),
            "annotations" | "labels" | "managedFields" => {}
            key if CONTAINERS.contains(&key) => containers(value, list),
            "volumes" => volumes(value, list),
            "image" if value.text().is_some() => custom(value, list),
            _ => walk(value, None, list),
        }
    }
}

fn containers(node: &Node, list: &mut List) {
    for container in node.items() {
        for (key, value) in container.entries() {
            match (key.as_str(), &value.value) {
                // A pod template may leave it to something that fills it in.
                ("image", Value::Null) => list.leave(value.line, "a container without an image"),
                ("image", Value::Text(text)) if text.is_empty() => {
                    list.leave(value.line, "a container without an image")
                }
                ("image", Value::Text(_)) => drop(list.image_at(value)),
                ("args" | "command" | "env", _) => walk(value, Some(key), list),
                _ => walk(value, None, list),
            }
        }
    }
    // Custom resources have maps of this name as well.
    if node.items().is_empty() {
        walk(node, None, list);
    }
}

/// Volumes that are images (core/v1 `ImageVolumeSource`).
fn volumes(node: &Node, list: &mut List) {
    for volume in node.items() {
        match volume.at(&["image", "reference"]) {
            Some(reference) => drop(list.image_at(reference)),
            None => walk(volume, None, list),
        }
    }
    if node.items().is_empty() {
        walk(node, None, list);
    }
}

/// A key `image` of something that is no container: mostly an image, and where not, not a fault.
fn custom(node: &Node, list: &mut List) {
    let Some(text) = node.text().filter(|text| !text.trim().is_empty()) else { return };
    if super::text::rendering(text).is_some() || text.parse::<Reference>().is_ok() {
        list.image(node.line, text);
    } else {
        list.leave(node.line, format!("image: `{}` is no name of a container image", shown(text)));
    }
}

/// A word with a host and a tag or digest in it.
fn perhaps(line: usize, text: &str, list: &mut List) {
    let is_end = |c: char| c.is_whitespace() || "\"'`,;()[]{}=<>".contains(c);
    let words = text.split('\n').enumerate().flat_map(|(at, line)| line.split(is_end).map(move |word| (at, word)));
    for (_, word) in words {
        let Some((host, rest)) = word.split_once('/') else { continue };
        let named = host.contains('.') && !host.starts_with('.') && !host.ends_with(':') && rest.contains([':', '@']);
        if named && word.parse::<Reference>().is_ok() {
            list.maybe.push(Note { line, text: word.to_owned() });
        }
    }
}

/// `source.toolkit.fluxcd.io` `OCIRepository`: an artifact by tag, version or digest.
fn flux(document: &Node, list: &mut List) {
    let Some(url) = document.at(&["spec", "url"]) else { return };
    let text = url.text().unwrap_or_default();
    let Some(repository) = text.strip_prefix("oci://") else {
        return list.fault(url.line, format!("`{}` is no address `oci://…`", shown(text)));
    };
    let stated = |key: &str| document.text_at(&["spec", "ref", key]);
    // Flux's order: the digest before the range, and the range before the tag.
    match (stated("digest"), stated("semver"), stated("tag")) {
        (Some(digest), _, _) => list.image_of(url.line, repository, digest),
        (None, Some(range), _) => {
            if let Some(tags) = list.repository(url.line, repository) {
                tags.versions.push(range.to_owned());
                // Flux takes the highest of them.
                tags.newest = Some(1);
            }
        }
        (None, None, tag) => list.image_of(url.line, repository, tag.unwrap_or("latest")),
    }
}
