//! regsync's configuration: images, and repositories with conditions for their tags.

use super::list::List;
use super::text::{rendering, shown};
use super::tree::Node;

/// Whether this is one: `version: 1` and `sync`.
pub(super) fn is_regsync(document: &Node) -> bool {
    document.text_at(&["version"]) == Some("1") && document.get("sync").is_some()
}

/// Reads such a configuration.
pub(super) fn read(document: &Node, list: &mut List) {
    if let Some(credentials) = document.get("creds") {
        list.leave(credentials.line, "creds: not read from a list (`bundle login`)");
    }
    for step in document.items_at(&["sync"]) {
        let Some(source) = step.get("source") else {
            list.fault(step.line, "a step without `source`");
            continue;
        };
        let name = source.text().unwrap_or_default();
        match step.text_at(&["type"]) {
            Some("image") => {
                if let Some(listed) = list.image_at(source) {
                    listed.platforms = platforms(step);
                }
            }
            Some("repository") => repository(step, source.line, name, list),
            Some("registry") => match rendering(name) {
                Some(how) => list.fault(source.line, format!("`{}` {how}", shown(name))),
                None => list.leave(source.line, format!("{}: a whole registry; name its repositories", shown(name))),
            },
            _ => list.fault(step.line, "a step without a `type` that we know: image or repository"),
        }
    }
}

fn repository(step: &Node, line: usize, name: &str, list: &mut List) {
    let texts = |key: &str| -> Vec<String> {
        // One alone need not be in a list.
        let one = step.at(&["tags", key]).filter(|node| node.text().is_some());
        one.into_iter().chain(step.items_at(&["tags", key])).filter_map(Node::text).map(str::to_owned).collect()
    };
    // regsync compares whole tags.
    let whole = |texts: Vec<String>| texts.into_iter().map(|text| format!("^(?:{text})$")).collect();
    let (allow, deny) = (whole(texts("allow")), whole(texts("deny")));
    let versions = texts("semverRange");
    if let Some(tags) = list.repository(line, name) {
        (tags.allow, tags.deny, tags.versions) = (allow, deny, versions);
        tags.platforms = platforms(step);
    }
}

/// One platform whose manifest takes the image's place there, or several that are taken of it.
fn platforms(step: &Node) -> Vec<String> {
    let several = step.items_at(&["platforms"]).iter();
    step.get("platform").into_iter().chain(several).filter_map(Node::text).map(str::to_owned).collect()
}
