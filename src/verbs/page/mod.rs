//! What bundles hold, as one page for people: the packing slip that lies beside the drive, and what a registry shows at
//! `/`. One file that loads nothing, reads without its script, and is the same for the same bundle. Whatever comes from
//! outside is text in it: escaped by the templates (maud), and without characters that fool a reader.

mod commands;
mod contents;
mod images;
mod room;
mod words;

use data_encoding::BASE64;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use super::list::{Listed, ListedImage, Unlisted};
use crate::error::size;
use words::{count, plain, text};

const STYLE: &str = include_str!("page.css");
/// Finds and copies; nothing is to be read only with it.
const SCRIPT: &str = include_str!("page.js");

/// A page about some bundles.
pub struct Page<'a> {
    bundles: &'a [Listed],
    unlisted: &'a [Unlisted],
    served: Option<Served<'a>>,
}

/// What an image is called where it is served.
type NameOf<'a> = dyn Fn(&ListedImage) -> Option<String> + 'a;

/// Whoever serves them.
struct Served<'a> {
    registry: String,
    name_of: Box<NameOf<'a>>,
}

impl<'a> Page<'a> {
    /// About these, in their order.
    pub fn new(bundles: &'a [Listed]) -> Self {
        Self { bundles, unlisted: &[], served: None }
    }

    /// These have no list, and the page says why.
    #[cfg(feature = "serve")]
    #[must_use]
    pub(super) fn unlisted(self, unlisted: &'a [Unlisted]) -> Self {
        Self { unlisted, ..self }
    }

    /// Their images can be had from a registry, `HOST[:PORT]`. `name_of` is the name there to pull an image by, without
    /// a digest: `HOST[:PORT]/REPOSITORY:TAG`.
    #[must_use]
    pub fn served(self, registry: impl Into<String>, name_of: impl Fn(&ListedImage) -> Option<String> + 'a) -> Self {
        Self { served: Some(Served { registry: registry.into(), name_of: Box::new(name_of) }), ..self }
    }

    /// What a browser may do with it: nothing but show it, and run the one script that is in it. It stands in the page;
    /// a server says it too (`Content-Security-Policy`).
    pub fn policy() -> String {
        let hash = |text: &str| BASE64.encode(&Sha256::digest(text));
        format!(
            "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
            hash(STYLE),
            hash(SCRIPT)
        )
    }

    /// The page.
    pub fn html(&self) -> String {
        let title = self.title();
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(Self::policy());
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="referrer" content="no-referrer";
                    title { (title) ": what is in it" }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    a .skip href="#images" { "Skip to the images" }
                    header .top {
                        p .kicker { "Container images in a bundle" }
                        h1 { bdi { (title) } }
                        p .lede { (self.lede()) }
                    }
                    main {
                        @for (at, bundle) in self.bundles.iter().enumerate() { (self.bundle(at, bundle)) }
                        @for one in self.unlisted { (contents::not_listed(one)) }
                    }
                    footer {
                        p {
                            "Written by " code { "bundle list --format html" } ", version " (env!("CARGO_PKG_VERSION"))
                            ", from the lists in the bundle. No layer was read for it: " code { "bundle verify" }
                            " reads every byte. This page loads nothing from anywhere."
                        }
                        p .sign { "Arrived on " span .line {} " checked by " span .line {} }
                    }
                    p .said role="status" {}
                    script { (PreEscaped(SCRIPT)) }
                }
            }
        };
        page.into_string()
    }

    fn title(&self) -> String {
        match (&self.served, self.bundles) {
            (Some(served), _) => plain(&served.registry),
            (None, [bundle]) => contents::file_name(bundle),
            (None, several) => count(several.len() as u64, "bundle"),
        }
    }

    fn lede(&self) -> Markup {
        let images = self.bundles.iter().map(|bundle| bundle.images.len() as u64).sum();
        let bytes = self.bundles.iter().map(|bundle| bundle.bytes).sum();
        html! {
            (count(images, "image")) " · " (size(bytes))
            @if !self.unlisted.is_empty() { " · " (count(self.unlisted.len() as u64, "file")) " without a list" }
            @if self.served.is_some() { " · a registry to read from" }
        }
    }

    /// One bundle. Its parts have the headings below that of the page, or below its own where there are several.
    fn bundle(&self, at: usize, bundle: &Listed) -> Markup {
        let is_alone = self.bundles.len() + self.unlisted.len() == 1;
        let level = if is_alone { 2 } else { 3 };
        let id = |part: &str| if at == 0 { part.to_owned() } else { format!("{part}-{}", at + 1) };
        // Of several bundles each part says of which it is.
        let label = |id: &str| if is_alone { id.to_owned() } else { format!("{id} {}", self::label(at)) };
        let part = |name: &str, title: &str, body: Option<Markup>| {
            let id = id(name);
            html! {
                @if let Some(body) = body {
                    section aria-labelledby=(label(&id)) { (heading(level, &id, title)) (body) }
                }
            }
        };
        let registry = self.served.as_ref().map(|served| served.registry.as_str());
        let pull = |image: &ListedImage| self.served.as_ref().and_then(|served| (served.name_of)(image));
        let find = id("find");
        let how = if registry.is_some() { "How to use it" } else { "On the other side" };
        html! {
            div .bundle {
                @if !is_alone { (heading(2, &self::label(at), &contents::file_name(bundle))) }
                (part("what", "What it is", Some(contents::identity(bundle))))
                (part("how", how, Some(commands::lines(bundle, registry))))
                (part("room", "What takes the room", room::bars(bundle)))
                (part("images", "Images", Some(images::list(bundle, level + 1, &find, &pull))))
                (part("left-out", "Left out, and why", contents::left_out(bundle)))
                (part("damaged", "Damaged", contents::damaged(bundle)))
            }
        }
    }
}

/// What the heading of a bundle among several is found by.
fn label(at: usize) -> String {
    format!("bundle-{}", at + 1)
}

/// A heading of this level.
fn heading(level: u8, id: &str, title: &str) -> Markup {
    let title = html! { bdi { (text(title)) } };
    match level {
        2 => html! { h2 id=(id) { (title) } },
        3 => html! { h3 id=(id) { (title) } },
        _ => html! { h4 id=(id) { (title) } },
    }
}
