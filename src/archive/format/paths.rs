//! The names of entries in a layout (image-spec v1.1.1 `image-layout.md`), and of what is ours in it.

use crate::oci::Digest;

/// The marker file of a layout and all it holds.
pub(crate) const OCI_LAYOUT: (&str, &[u8]) = ("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#);
pub(crate) const INDEX_JSON: &str = "index.json";
/// Where hauler 2 (`store save --containerd`) lists everything; `index.json` has the images alone then.
pub(crate) const HAULER_INDEX: &str = "hauler-index.json";
pub(crate) const BUNDLE_JSON: &str = "bundle.json";
/// docker's own list of images; ours too, where it was asked for.
pub(crate) const MANIFEST_JSON: &str = "manifest.json";

/// The name of a blob in a layout.
pub(crate) fn blob_path(digest: &Digest) -> String {
    format!("blobs/{}/{}", digest.algorithm().as_str(), digest.hex())
}

/// The digest that a path below `blobs/` names.
pub(crate) fn digest_of(path: &str) -> Option<Digest> {
    let (algorithm, hex) = path.strip_prefix("blobs/")?.split_once('/')?;
    let digest: Digest = format!("{algorithm}:{hex}").parse().ok()?;
    debug_assert_eq!(blob_path(&digest), path);
    Some(digest)
}

/// The name of the difference that stands for a layer.
pub(crate) fn delta_path(layer: &Digest) -> String {
    format!("deltas/{}/{}", layer.algorithm().as_str(), layer.hex())
}

/// The layer that the difference at a path below `deltas/` stands for.
pub(crate) fn delta_of(path: &str) -> Option<Digest> {
    path.strip_prefix("deltas/")?.replacen('/', ":", 1).parse().ok()
}

/// The name of a part of a blob.
pub(crate) fn part_path(digest: &Digest, number: u32) -> String {
    format!("parts/{}/{}/{number:03}", digest.algorithm().as_str(), digest.hex())
}

/// The name of the checksum that follows a part.
pub(crate) fn part_sum_path(digest: &Digest, number: u32) -> String {
    format!("{}.sha256", part_path(digest, number))
}

/// The part that a path below `parts/` names, and whether it is the checksum of it.
pub(crate) fn part_of(path: &str) -> Option<(Digest, u32, bool)> {
    let (name, is_sum) = path.strip_suffix(".sha256").map_or((path, false), |name| (name, true));
    let (folder, number) = name.strip_prefix("parts/")?.rsplit_once('/')?;
    let digest: Digest = folder.replacen('/', ":", 1).parse().ok()?;
    let number = number.parse().ok()?;
    (part_path(&digest, number) == name).then_some((digest, number, is_sum))
}
