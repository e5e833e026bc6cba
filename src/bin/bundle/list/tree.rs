//! `list --tree`: what each image consists of, who shares it, and what refers to it.

use std::collections::HashSet;

use oci_bundle::list::{Listed, ListedImage, ListedPiece};
use oci_bundle::oci::Digest;
use oci_bundle::report::ReferrerReport;

use super::words;
use crate::text::size;

/// Something with what is below it.
struct Branch {
    text: String,
    below: Vec<Branch>,
}

/// The trees of all images. What stands somewhere is not told again.
pub(super) fn lines(listed: &Listed, digests: bool) -> Vec<String> {
    let mut told = HashSet::new();
    let mut lines = Vec::new();
    for image in &listed.images {
        let tree = whole(image, digests, &mut told);
        lines.push(tree.text);
        draw(&tree.below, "", &mut lines);
    }
    lines
}

fn draw(branches: &[Branch], before: &str, lines: &mut Vec<String>) {
    for (at, branch) in branches.iter().enumerate() {
        let (here, below) = if at + 1 == branches.len() { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        lines.push(format!("{before}{here}{}", branch.text));
        draw(&branch.below, &format!("{before}{below}"), lines);
    }
}

fn whole<'a>(image: &'a ListedImage, digests: bool, told: &mut HashSet<&'a Digest>) -> Branch {
    let shown = |digest: &Digest| if digests { digest.to_string() } else { digest.short() };
    let mut text = format!("{}  {}  {}", words::name(image), shown(&image.digest), size(image.bytes));
    if image.shared_bytes > 0 {
        text.push_str(&format!(", {} its own", size(image.own_bytes)));
    }
    let mut below = Vec::new();
    let referrers = image.referrers.as_deref().unwrap_or_default();
    // Subjects come first, so that each finds its place below one that is there.
    let mut placed: HashSet<&Digest> = HashSet::new();
    for platform in &image.platforms {
        let mut parts = Vec::new();
        if told.insert(&platform.digest) {
            parts.extend(platform.pieces.iter().map(|piece| leaf(piece, &shown)));
        } else if !platform.pieces.is_empty() {
            parts.push(Branch { text: "(its layers stand above)".into(), below: Vec::new() });
        }
        if platform.digest == image.digest {
            if let Some(platform) = &platform.platform {
                text.push_str(&format!("  {platform}"));
            }
            below.extend(parts);
            continue;
        }
        parts.extend(referring(&platform.digest, referrers, &shown, &mut placed));
        let line = format!("{}  {}  {}", words::platform(platform), shown(&platform.digest), size(platform.bytes));
        below.push(Branch { text: line, below: parts });
    }
    for other in &image.other_platforms {
        let platform = other.platform.as_deref().unwrap_or("-");
        below.push(Branch { text: format!("{platform}  {}  left out", shown(&other.digest)), below: Vec::new() });
    }
    below.extend(referring(&image.digest, referrers, &shown, &mut placed));
    // What refers to a part that has no line.
    for other in referrers.iter().filter(|one| !referrers.iter().take(200).any(|above| above.digest == one.subject)) {
        if placed.insert(&other.digest) {
            let about = format!("refers to {}", shown(&other.subject));
            let mut branch = referrer(other, referrers, &shown, &mut placed);
            branch.text = format!("{}  {about}", branch.text);
            below.push(branch);
        }
    }
    if image.referrers.is_none() {
        below.push(Branch { text: "(its referrers stand above)".into(), below: Vec::new() });
    }
    Branch { text, below }
}

/// What refers to this, each with what refers to that.
fn referring<'a>(
    subject: &Digest,
    all: &'a [ReferrerReport],
    shown: &impl Fn(&Digest) -> String,
    placed: &mut HashSet<&'a Digest>,
) -> Vec<Branch> {
    let mut found = Vec::new();
    for one in all.iter().filter(|one| one.subject == *subject) {
        if placed.insert(&one.digest) {
            found.push(referrer(one, all, shown, placed));
        }
    }
    found
}

fn referrer<'a>(
    one: &'a ReferrerReport,
    all: &'a [ReferrerReport],
    shown: &impl Fn(&Digest) -> String,
    placed: &mut HashSet<&'a Digest>,
) -> Branch {
    let artifact_type = one.artifact_type.as_deref().map(|text| format!("  {text}")).unwrap_or_default();
    let text = format!("{}  {}  {}{artifact_type}", one.kind.as_str(), shown(&one.digest), size(one.bytes));
    Branch { text, below: referring(&one.digest, all, shown, placed) }
}

fn leaf(piece: &ListedPiece, shown: &impl Fn(&Digest) -> String) -> Branch {
    let kind = if piece.is_config { "config" } else { "layer" };
    let mut text = format!("{kind:<6}  {}  {}", shown(&piece.digest), size(piece.bytes));
    if piece.images > 1 {
        text.push_str(&format!("  in {} images", piece.images));
    }
    match piece.absent.as_deref() {
        None => {}
        Some("base") => text.push_str("  rests on a base"),
        Some("delta") => text.push_str("  as what changed since an older layer"),
        Some("missing") => text.push_str("  missing"),
        Some("nondistributable") => text.push_str("  left out (nondistributable)"),
        Some(volume) => text.push_str(&format!("  in {volume}")),
    }
    Branch { text, below: Vec::new() }
}
