//! `list --digests`: every digest whole, to be pasted elsewhere.

use oci_bundle::list::{Listed, ListedImage, ListedPlatform, OtherPlatform};
use oci_bundle::report::ReferrerReport;

use super::words::{self, lacks};
use crate::text::size;

/// A paragraph for each image.
pub(super) fn lines(listed: &Listed) -> Vec<String> {
    let mut lines = Vec::new();
    for image in &listed.images {
        lines.push(words::name(image));
        lines.push(format!("  {}  {}", image.digest, sizes(image)));
        for platform in &image.platforms {
            let ListedPlatform { digest, bytes, .. } = platform;
            lines.push(format!("  {:<16} {digest}  {}", words::platform(platform), size(*bytes)));
        }
        for OtherPlatform { platform, digest, .. } in &image.other_platforms {
            lines.push(format!("  {:<16} {digest}  left out", platform.as_deref().unwrap_or("-")));
        }
        lines.extend(lacks(image));
        match &image.referrers {
            Some(referrers) => lines.extend(referrers.iter().map(referrer)),
            None => lines.push("  referrers: those of the same digest above".into()),
        }
    }
    lines
}

fn sizes(image: &ListedImage) -> String {
    let mut text = size(image.bytes);
    if image.shared_bytes > 0 {
        text.push_str(&format!(", {} of it shared", size(image.shared_bytes)));
    }
    text
}

fn referrer(referrer: &ReferrerReport) -> String {
    let ReferrerReport { digest, subject, bytes, kind, .. } = referrer;
    let (artifact_type, size) = (referrer.artifact_type.as_deref().unwrap_or("-"), size(*bytes));
    format!("  {:<16} {digest}  {size}, {artifact_type}, refers to {}", kind.as_str(), subject.short())
}
