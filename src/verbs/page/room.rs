//! What takes the room: a bar for each of the largest, and for what is shared.

use maud::{Markup, html};

use super::super::list::{Listed, ListedImage};
use super::images::name;
use super::words::{bytes, count, share, text};

/// As many images as have a bar of their own.
const MOST: usize = 12;

/// One bar.
struct Bar {
    label: String,
    bytes: u64,
    class: &'static str,
}

/// The bars, which are together all content of the bundle, each piece once; `None` where there is none.
pub(super) fn bars(bundle: &Listed) -> Option<Markup> {
    let content = &bundle.content;
    if content.bytes == 0 {
        return None;
    }
    let bars = largest(bundle);
    let longest = bars.iter().map(|bar| bar.bytes).max().unwrap_or_default().max(1);
    Some(html! {
        p {
            (count(content.count, "piece")) " of content, " (bytes(content.bytes)) " in all, each carried once. "
            @if content.shared_bytes > 0 {
                "An image's own part is what would go with it; what several images share is counted by itself."
            }
        }
        table .room {
            caption .hidden { "Parts of the content by size" }
            thead { tr {
                th scope="col" { "Part" }
                td .bar-cell {}
                th .number scope="col" { "Size" }
                th .number scope="col" { "Share" }
            } }
            tbody {
                @for bar in &bars {
                    tr {
                        th scope="row" { bdi { (text(&bar.label)) } }
                        td .bar-cell { (drawn(bar, longest)) }
                        td .number { (bytes(bar.bytes)) }
                        td .number { (share(bar.bytes, content.bytes)) }
                    }
                }
            }
        }
    })
}

/// The numbers stand beside it.
fn drawn(bar: &Bar, longest: u64) -> Markup {
    // In hundredths, whole numbers: the same on every machine.
    let width = (u128::from(bar.bytes) * 10_000 / u128::from(longest)).max(u128::from(bar.bytes > 0) * 50);
    html! {
        svg viewBox="0 0 10000 100" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            rect .track width="10000" height="100" {}
            rect .(bar.class) width=(width) height="100" {}
        }
    }
}

fn largest(bundle: &Listed) -> Vec<Bar> {
    let content = &bundle.content;
    let mut images: Vec<&ListedImage> = bundle.images.iter().filter(|image| image.own_bytes > 0).collect();
    images.sort_by_key(|image| std::cmp::Reverse(image.own_bytes));
    let (first, rest) = images.split_at(if images.len() > MOST + 1 { MOST } else { images.len() });
    let own = |image: &&ListedImage| Bar { label: name(image), bytes: image.own_bytes, class: "own" };
    let mut bars: Vec<Bar> = first.iter().map(own).collect();
    if !rest.is_empty() {
        let label = format!("{} more images", rest.len());
        bars.push(Bar { label, bytes: rest.iter().map(|image| image.own_bytes).sum(), class: "own" });
    }
    let others = [
        ("Shared by several images".to_owned(), content.shared_bytes, "shared"),
        ("Signatures, SBOMs and other referrers".to_owned(), content.referrer_bytes, "attached"),
    ];
    let others = others.into_iter().filter(|(_, bytes, _)| *bytes > 0);
    bars.extend(others.map(|(label, bytes, class)| Bar { label, bytes, class }));
    bars
}
