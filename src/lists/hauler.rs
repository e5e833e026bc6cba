//! hauler's manifests (`content.hauler.cattle.io`): `Images`, and the charts of `Charts` that lie in a
//! registry.

use super::list::List;
use super::text::shown;
use super::tree::Node;
use crate::oci::Reference;

/// Reads one document of such a manifest.
pub(super) fn read(document: &Node, list: &mut List) {
    match document.text_at(&["kind"]).unwrap_or_default() {
        "Images" => images(document, list),
        "Charts" => charts(document, list),
        other => list.leave(document.line, format!("{}: not images", shown(other))),
    }
}

fn images(document: &Node, list: &mut List) {
    let annotation = |key: &str| document.text_at(&["metadata", "annotations", key]).map(str::to_owned);
    let registry = annotation("hauler.dev/registry");
    let everywhere = annotation("hauler.dev/platform");
    for image in document.items_at(&["spec", "images"]) {
        let Some(name) = image.get("name") else {
            list.fault(image.line, "an image without `name`");
            continue;
        };
        let platform = image.text_at(&["platform"]).map(str::to_owned).or_else(|| everywhere.clone());
        let text = name.text().unwrap_or_default().trim().to_owned();
        // hauler puts its registry in front of names that have no host of their own.
        let named = match &registry {
            Some(registry) if !has_host(&text) => format!("{registry}/{text}"),
            _ => text,
        };
        if let Some(listed) = list.image(name.line, &named) {
            listed.platforms.extend(platform);
        }
    }
}

fn charts(document: &Node, list: &mut List) {
    for chart in document.items_at(&["spec", "charts"]) {
        let name = chart.text_at(&["name"]).unwrap_or_default();
        let place = chart.text_at(&["repoURL"]).unwrap_or_default();
        let repository = match (name.strip_prefix("oci://"), place.strip_prefix("oci://")) {
            (Some(whole), _) => whole.to_owned(),
            (None, Some(place)) => format!("{}/{name}", place.trim_end_matches('/')),
            (None, None) => {
                list.leave(chart.line, format!("chart {}: not in a registry", shown(name)));
                continue;
            }
        };
        match chart.text_at(&["version"]) {
            // Helm writes `+` of a version as `_` in a tag.
            Some(version) => list.image_of(chart.line, &repository, &version.replace('+', "_")),
            None => list.leave(chart.line, format!("chart {}: no version", shown(&repository))),
        }
    }
}

/// Whether a name says where it is, as Docker reads it.
fn has_host(text: &str) -> bool {
    let first = text.split_once('/').map(|(first, _)| first);
    first.is_some_and(|first| first.contains(['.', ':']) || first == "localhost") || text.parse::<Reference>().is_err()
}
