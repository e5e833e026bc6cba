//! The bundle as a whole: what it is, what it lacks, what is left out, what is damaged.

use std::collections::BTreeMap;
use std::path::Path;

use maud::{Markup, html};

use super::super::list::{Listed, Unlisted, VolumesReport};
use super::super::report::LeftOut;
use super::words::{bytes, copied, count, plain, text};
use crate::error::size;

/// As many digests of one reason as are written out.
const MOST: usize = 100;

/// The name of its file: where that lies is nobody's business, and no part of what is in it.
pub(super) fn file_name(bundle: &Listed) -> String {
    of_path(&bundle.bundle)
}

/// The last part of a path.
pub(super) fn of_path(path: &Path) -> String {
    plain(&path.file_name().unwrap_or(path.as_os_str()).to_string_lossy())
}

/// A file that has no list, and why. What of it is right can be had all the same.
pub(super) fn not_listed(file: &Unlisted) -> Markup {
    let name = of_path(&file.bundle);
    let reason = file.reason.replace(&*file.bundle.to_string_lossy(), &name);
    html! {
        div .bundle {
            h2 { bdi { (text(&name)) } }
            p .bad { "There is no list of it: " bdi { (text(&reason)) } }
            p { "What of it is right can be pulled all the same." }
        }
    }
}

/// Its digest, its files, and in how far it is whole.
pub(super) fn identity(bundle: &Listed) -> Markup {
    html! {
        dl .identity {
            div .wide-fact { dt { "Digest of the bundle" } dd { (copied(&bundle.digest.to_string(), "the digest of the bundle")) } }
            div { dt { "Images" } dd { (bundle.images.len()) } }
            div { dt { @if bundle.volumes.is_some() { "Files that are here" } @else { "File" } } dd { (bytes(bundle.bytes)) } }
            @if size(bundle.content.bytes) != size(bundle.bytes) {
                div { dt { "Content" } dd { (bytes(bundle.content.bytes)) } }
            }
            @if bundle.content.shared_bytes > 0 {
                div { dt { "Shared, carried once" } dd { (bytes(bundle.content.shared_bytes)) } }
            }
        }
        (state(bundle))
        @if let Some(volumes) = &bundle.volumes { (volume_table(volumes)) }
    }
}

/// In how far it is whole, as its lists say.
fn state(bundle: &Listed) -> Markup {
    let incomplete = bundle.images.iter().filter(|image| image.missing > 0).count() as u64;
    let missing = bundle.volumes.as_ref().map_or(0, |volumes| volumes.missing.len() as u64);
    let is_whole = incomplete == 0 && missing == 0 && bundle.delta.is_none() && bundle.damaged.is_empty();
    html! {
        @if is_whole { p .good { "By its lists, nothing that it should carry is missing." } }
        @if incomplete > 0 { p .bad { (count(incomplete, "image")) " of " (bundle.images.len()) " incomplete: see below." } }
        @if !bundle.damaged.is_empty() {
            p .bad { (entries(bundle.damaged.len())) " of it cannot be used: see the end of this page." }
        }
        @if missing > 0 { p .warn { (count(missing, "volume")) " of it not here. An import takes volumes in any order." } }
        @if let Some(delta) = &bundle.delta {
            p .warn {
                "A delta: it carries " (count(delta.carried, "blob")) ", " (bytes(delta.bytes_carried)) ", and rests on a base for "
                (count(delta.in_base, "blob")) ", " (bytes(delta.bytes_in_base))
                ". Import it where they are already, or give the base with it."
            }
        }
    }
}

fn volume_table(volumes: &VolumesReport) -> Markup {
    let mut rows: Vec<(u32, String, Option<u64>)> = Vec::new();
    rows.extend(volumes.here.iter().map(|one| (one.number, of_path(&one.bundle), Some(one.bytes))));
    rows.extend(volumes.missing.iter().map(|one| (one.number, of_path(one.bundle.as_ref()), None)));
    rows.sort();
    html! {
        div .wide {
            table {
                caption { "Volumes" }
                thead { tr {
                    th scope="col" { "Volume" } th scope="col" { "File" } th .number scope="col" { "Size" }
                } }
                tbody {
                    @for (number, name, size) in rows {
                        tr {
                            th scope="row" { (number) " of " (volumes.count) }
                            td { bdi { (name) } }
                            td .number { @match size { Some(size) => (bytes(size)), None => strong { "not here" } } }
                        }
                    }
                }
            }
        }
    }
}

/// What it leaves out, by reason.
pub(super) fn left_out(bundle: &Listed) -> Option<Markup> {
    let mut reasons: BTreeMap<&str, Vec<&LeftOut>> = BTreeMap::new();
    for one in &bundle.left_out {
        reasons.entry(&one.reason).or_default().push(one);
    }
    if reasons.is_empty() {
        return None;
    }
    Some(html! {
        @for (reason, pieces) in &reasons {
            @let all = pieces.iter().map(|one| one.bytes).sum();
            p { strong { (count(pieces.len() as u64, "piece")) ", " (bytes(all)) ": " } (why(reason)) }
            details {
                summary { "Which" span .hidden { " were left out: " (reason) } }
                ul .pieces {
                    @for one in pieces.iter().take(MOST) {
                        li {
                            code { (one.digest) } " " (bytes(one.bytes))
                            @if let Some(platform) = &one.platform { " " bdi { (text(platform)) } }
                        }
                    }
                }
                @if pieces.len() > MOST {
                    p .note { "… and " (pieces.len() - MOST) " more: " code { "bundle list --digests" } " names all." }
                }
            }
        }
    })
}

/// What a reason means for whoever has the bundle.
fn why(reason: &str) -> &str {
    match reason {
        "base" => "a base has them. They have to be at the target, or in the base when that is given with this file.",
        "nondistributable" => {
            "layers that their maker does not let others pass on, and that the registry did not have."
        }
        "platform" => "manifests of platforms that were not asked for. The images are whole without them.",
        other => other,
    }
}

/// What of a layout of another tool cannot be used.
pub(super) fn damaged(bundle: &Listed) -> Option<Markup> {
    if bundle.damaged.is_empty() {
        return None;
    }
    Some(html! {
        ul .pieces {
            @for one in bundle.damaged.iter().take(MOST) {
                li {
                    bdi { (text(&one.error.message)) }
                    @if let Some(hint) = &one.error.hint { br; span .note { (text(hint)) } }
                }
            }
        }
        @if bundle.damaged.len() > MOST { p .note { "… and " (bundle.damaged.len() - MOST) " more." } }
    })
}

fn entries(number: usize) -> String {
    if number == 1 { "1 entry".into() } else { format!("{number} entries") }
}
