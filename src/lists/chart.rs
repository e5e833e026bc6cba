//! A chart's `Chart.yaml`: the images that its annotations name, as Artifact Hub and `dt` read them.

use super::list::List;
use super::tree::{Node, documents};

/// Annotations whose text is YAML: a list of `{name, image}`.
const ANNOTATIONS: [&str; 3] = ["helm.sh/images", "artifacthub.io/images", "images"];

/// Whether this is one.
pub(super) fn is_chart(document: &Node) -> bool {
    let has = |key: &str| document.text_at(&[key]).is_some();
    matches!(document.text_at(&["apiVersion"]), Some("v1" | "v2")) && has("name") && has("version") && !has("kind")
}

/// Reads such a file.
pub(super) fn read(document: &Node, list: &mut List) {
    let mut found = false;
    for annotation in ANNOTATIONS {
        let Some(node) = document.at(&["annotations", annotation]) else { continue };
        found = true;
        let text = node.text().unwrap_or_default();
        let inner = match documents(text) {
            Ok(inner) => inner,
            Err(error) => {
                list.fault(node.line, format!("annotation {annotation}: {}", error.reason));
                continue;
            }
        };
        for image in inner.iter().flat_map(Node::items) {
            match image.text_at(&["image"]).or_else(|| image.text()) {
                // A text of several lines is said to begin on its first one.
                Some(name) => drop(list.image(node.line + image.line - 1, name)),
                None => list.fault(node.line, format!("annotation {annotation}: an image without `image`")),
            }
        }
    }
    if !found {
        let how = "a chart without the annotation `helm.sh/images`: `helm template CHART | bundle export -f - …`";
        list.leave(document.line, how);
    }
}
