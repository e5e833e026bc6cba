//! The images: what each is called, how much it takes, where it runs, what vouches for it.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::super::list::{Absent, Listed, ListedImage};
use super::super::report::{ReferrerKind, ReferrerReport};
use super::words::{bytes, copied, count, plain, text};
use crate::error::size;

/// As many rows of one table as are written out.
const MOST: usize = 200;

/// What to call an image.
pub(super) fn name(image: &ListedImage) -> String {
    image.name.clone().or_else(|| image.tag.clone()).unwrap_or_else(|| "(no name)".into())
}

/// All images, and the field to find one. Their headings have this level.
pub(super) fn list(bundle: &Listed, level: u8, find: &str, pull: &dyn Fn(&ListedImage) -> Option<String>) -> Markup {
    let all = bundle.images.len();
    html! {
        @if all == 0 { p { "There is no image in it." } }
        @if all > 1 {
            // Without the script it would find nothing.
            div .search hidden {
                label for=(find) { "Find by name, platform or digest" }
                input type="search" id=(find) autocomplete="off" spellcheck="false";
                output for=(find) { (count(all as u64, "image")) }
            }
        }
        @for image in &bundle.images { (one(image, level, pull(image))) }
    }
}

fn one(image: &ListedImage, level: u8, pull: Option<String>) -> Markup {
    let name = name(image);
    let title = html! { bdi .name { (text(&name)) } };
    html! {
        article .image {
            div .head {
                @if level == 3 { h3 { (title) } } @else { h4 { (title) } }
                p .digest { (copied(&image.digest.to_string(), &format!("the digest of {name}"))) }
            }
            dl .facts {
                div { dt { "Size" } dd { (bytes(image.bytes)) } }
                div { dt { "Its own" } dd { (bytes(image.own_bytes)) } }
                div { dt { "Shared" } dd { (bytes(image.shared_bytes)) } }
            }
            p .where {
                @if image.platforms.iter().any(|one| one.platform.is_some()) {
                    span .hidden { "Platforms: " } (platforms(image))
                } @else { "No platform named" }
                @for (kind, number) in kinds(image) {
                    " " span .badge .(class(kind)) { (counted(kind, number)) }
                }
            }
            @if image.tag.is_some() && image.name.is_none() {
                p .note { "A tag alone: import it with " code { "--name REPO" } "." }
            }
            @for absent in image.absent.iter().filter(|one| one.volume().is_none()) { (lack(absent)) }
            (volumes(image))
            details {
                summary { "Digests and lines to copy" span .hidden { " of " (text(&name)) } }
                (lines(image, &name, pull))
                (platform_table(image, &name))
                (referrer_table(image, &name))
            }
        }
    }
}

/// The names of the platforms, each as one word.
fn platforms(image: &ListedImage) -> Markup {
    let named: Vec<&str> = image.platforms.iter().filter_map(|one| one.platform.as_deref()).collect();
    html! {
        @for (at, platform) in named.iter().take(MOST).enumerate() {
            @if at > 0 { ", " }
            bdi .platform { (text(platform)) }
        }
        @if named.len() > MOST { " and " (named.len() - MOST) " more" }
        @if !image.other_platforms.is_empty() {
            span .note { " (" (count(image.other_platforms.len() as u64, "platform")) " left out)" }
        }
    }
}

fn kinds(image: &ListedImage) -> BTreeMap<ReferrerKind, u64> {
    let mut kinds = BTreeMap::new();
    for referrer in image.referrers.iter().flatten() {
        *kinds.entry(referrer.kind).or_default() += 1;
    }
    kinds
}

fn counted(kind: ReferrerKind, number: u64) -> String {
    match (kind, number) {
        (ReferrerKind::SignatureOrAttestation, 2..) => format!("{number} signatures or attestations"),
        (kind, number) => count(number, kind.as_str()),
    }
}

fn class(kind: ReferrerKind) -> &'static str {
    match kind {
        ReferrerKind::Signature | ReferrerKind::SignatureOrAttestation => "signature",
        ReferrerKind::Attestation => "attestation",
        ReferrerKind::Sbom => "sbom",
        ReferrerKind::Other => "other",
    }
}

/// What of it is not here, and where to get it.
fn lack(absent: &Absent) -> Markup {
    let (pieces, bytes) = (count(absent.count, "piece"), size(absent.bytes));
    match absent.reason.as_str() {
        "base" => {
            html! { p .warn { "Rests on a base: " (pieces) ", " (bytes) ", that the target or the base must have." } }
        }
        "missing" => html! { p .bad { "Incomplete: " (pieces) ", " (bytes) ", missing." } },
        "nondistributable" => html! {
            p .warn { (pieces) ", " (bytes) ", left out: not to be passed on (nondistributable)." }
        },
        other => html! { p .warn { (pieces) ", " (bytes) ", not here: " (other) "." } },
    }
}

/// The volumes that it is in, and what of it is in others than those that are here.
fn volumes(image: &ListedImage) -> Markup {
    let listed = |numbers: Vec<String>| match numbers.as_slice() {
        [one] => format!("volume {one}"),
        several => format!("volumes {}", several.join(", ")),
    };
    let elsewhere: Vec<&Absent> = image.absent.iter().filter(|one| one.volume().is_some()).collect();
    let pieces = elsewhere.iter().map(|one| one.count).sum();
    let bytes = elsewhere.iter().map(|one| one.bytes).sum();
    let numbers = elsewhere.iter().filter_map(|one| one.volume()).map(|number| number.to_string()).collect();
    html! {
        @if !elsewhere.is_empty() {
            p .warn { (count(pieces, "piece")) ", " (size(bytes)) ", in " (listed(numbers)) ": not here." }
        }
        @if !image.volumes.is_empty() {
            p .note { "In " (listed(image.volumes.iter().map(u32::to_string).collect())) " of the bundle." }
        }
    }
}

fn lines(image: &ListedImage, name: &str, pull: Option<String>) -> Markup {
    let pinned = |name: &str| match name.contains('@') {
        true => name.to_owned(),
        false => format!("{name}@{}", image.digest),
    };
    html! {
        @if let Some(pull) = &pull {
            p .label { "Pull it" }
            p { (copied(&format!("docker pull {}", pinned(pull)), &format!("the line to pull {name}"))) }
        }
        @if image.name.is_some() {
            p .label { "Its name with its digest, as a workload pins it" }
            p { (copied(&pinned(name), &format!("the pinned name of {name}"))) }
        }
    }
}

fn platform_table(image: &ListedImage, name: &str) -> Markup {
    if image.platforms.is_empty() && image.other_platforms.is_empty() {
        return html! {};
    }
    let more = (image.platforms.len() + image.other_platforms.len()).saturating_sub(2 * MOST);
    html! {
        div .wide {
            table {
                caption { "Platforms" span .hidden { " of " (text(name)) } }
                thead { tr {
                    th scope="col" { "Platform" } th scope="col" { "Manifest" } th .number scope="col" { "Size" }
                } }
                tbody {
                    @for one in image.platforms.iter().take(MOST) {
                        tr {
                            th scope="row" { bdi { (text(one.platform.as_deref().unwrap_or("not named"))) } }
                            td { code { (one.digest) } }
                            td .number { (bytes(one.bytes)) }
                        }
                    }
                    @for one in image.other_platforms.iter().take(MOST) {
                        tr {
                            th scope="row" { bdi { (text(one.platform.as_deref().unwrap_or("not named"))) } }
                            td { code { (one.digest) } }
                            td .number { "left out" }
                        }
                    }
                }
            }
        }
        @if more > 0 { (rest(more)) }
    }
}

fn referrer_table(image: &ListedImage, name: &str) -> Markup {
    let Some(referrers) = &image.referrers else {
        return html! { p .note { "What refers to it is listed at the image of the same digest above." } };
    };
    if referrers.is_empty() {
        return html! {};
    }
    html! {
        div .wide {
            table {
                caption { "Referrers" span .hidden { " to " (text(name)) } }
                thead { tr {
                    th scope="col" { "What it is" } th scope="col" { "Manifest" } th scope="col" { "Refers to" }
                    th .number scope="col" { "Size" }
                } }
                tbody { @for one in referrers.iter().take(MOST) { (referrer(image, one)) } }
            }
        }
        @if referrers.len() > MOST { (rest(referrers.len() - MOST)) }
    }
}

fn referrer(image: &ListedImage, one: &ReferrerReport) -> Markup {
    let platform = image.platforms.iter().find(|platform| platform.digest == one.subject);
    html! {
        tr {
            th scope="row" {
                (one.kind.as_str())
                @if let Some(artifact_type) = one.artifact_type.as_deref().filter(|text| *text != one.kind.as_str()) {
                    br; bdi .note { (text(artifact_type)) }
                }
            }
            td { code { (one.digest) } }
            td .to {
                @if one.subject == image.digest { "the image" }
                @else if let Some(platform) = platform.and_then(|one| one.platform.as_deref()) { bdi { (plain(platform)) } }
                @else { code { (one.subject.short()) } }
            }
            td .number { (bytes(one.bytes)) }
        }
    }
}

fn rest(more: usize) -> Markup {
    html! { p .note { "… and " (more) " more: " code { "bundle list --digests" } " names all." } }
}
