//! What people have as lists of images: read to names, each with its line.
//!
//! Formats are told apart by what is in a text, never by the name of its file; each has a file here.
//! What a list names and we do not take is said, and everything wrong with it is said at once.

mod chart;
mod compose;
mod hauler;
mod images_lock;
mod kubernetes;
mod lines;
mod oc_mirror;
mod regsync;
mod skopeo_sync;
mod tree;
mod zarf;

use crate::oci::{Digest, Reference, Repository, Tag};
use tree::{Node, Value};

/// Longer texts are no lists that a person has, in bytes.
pub(crate) const MAX_LIST: u64 = 64 << 20;

/// What a list says.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct List {
    /// The images that it names.
    pub(crate) images: Vec<Listed>,
    /// The repositories of which it wants some or all tags.
    pub(crate) repositories: Vec<Tags>,
    /// Regular expressions of names that are not to be taken.
    pub(crate) blocked: Vec<Note>,
    /// What it has besides, and is not taken.
    pub(crate) left: Vec<Note>,
    /// What looks like a name of an image at a place that need not be one.
    pub(crate) maybe: Vec<Note>,
    /// What is wrong with it; then nothing of it is to be used.
    pub(crate) faults: Vec<Note>,
}

/// An image that a list names.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Listed {
    /// Its name.
    pub(crate) reference: Reference,
    /// Where it stands, counted from 1.
    pub(crate) line: usize,
    /// Where to take it from instead, if the list says so.
    pub(crate) source: Option<Reference>,
    /// The platforms that the list wants of it, as written; none for all.
    pub(crate) platforms: Vec<String>,
}

/// Tags of a repository. Without a condition, all of them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tags {
    /// Whose.
    pub(crate) repository: Repository,
    /// Where it stands, counted from 1.
    pub(crate) line: usize,
    /// Regular expressions, one of which the whole tag must match.
    pub(crate) allow: Vec<String>,
    /// Regular expressions, none of which it may match.
    pub(crate) deny: Vec<String>,
    /// Ranges of versions, one of which it must be in.
    pub(crate) versions: Vec<String>,
}

/// A line and something about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    /// Counted from 1; 0 for the whole.
    pub(crate) line: usize,
    /// What there is to say.
    pub(crate) text: String,
}

impl List {
    /// Reads a list of any of the formats.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut list = Self::default();
        let text = match text_of(bytes) {
            Ok(text) => text,
            Err(reason) => {
                list.fault(0, reason);
                return list;
            }
        };
        if lines::is_lines(&text) {
            lines::read(&text, &mut list);
        } else {
            match tree::documents(&text) {
                Ok(documents) => documents.iter().for_each(|document| read_document(document, &mut list)),
                Err(error) => match template(&text) {
                    Some((line, how)) => list.fault(line, how),
                    None => list.fault(error.line, error.reason),
                },
            }
        }
        list
    }

    fn fault(&mut self, line: usize, text: impl Into<String>) {
        self.faults.push(Note { line, text: text.into() });
    }

    fn leave(&mut self, line: usize, text: impl Into<String>) {
        self.left.push(Note { line, text: text.into() });
    }

    /// A name of an image, or a fault.
    fn image(&mut self, line: usize, text: &str) -> Option<&mut Listed> {
        let reference = self.reference(line, text)?;
        self.images.push(Listed { reference, line, source: None, platforms: Vec::new() });
        self.images.last_mut()
    }

    fn reference(&mut self, line: usize, text: &str) -> Option<Reference> {
        let text = text.trim();
        if let Some(how) = rendering(text) {
            self.fault(line, format!("`{}` {how}", text.escape_debug()));
            return None;
        }
        let text = text.strip_prefix("docker://").unwrap_or(text);
        match text.parse() {
            Ok(reference) => Some(reference),
            Err(e) => {
                self.fault(line, e.to_string());
                None
            }
        }
    }

    /// The image that a node names.
    fn image_at(&mut self, node: &Node) -> Option<&mut Listed> {
        match node.text() {
            Some(text) if !text.trim().is_empty() => self.image(node.line, text),
            _ => {
                self.fault(node.line, "no name of an image stands where one has to");
                None
            }
        }
    }

    /// A repository with a tag or a digest.
    fn image_of(&mut self, line: usize, repository: &str, what: &str) {
        let separator = if what.parse::<Digest>().is_ok() { '@' } else { ':' };
        if separator == ':' && what.parse::<Tag>().is_err() && rendering(what).is_none() {
            self.fault(line, format!("invalid tag `{}`", what.escape_debug()));
            return;
        }
        self.image(line, &format!("{repository}{separator}{what}"));
    }

    /// A repository without tag or digest.
    fn repository(&mut self, line: usize, text: &str) -> Option<&mut Tags> {
        let reference = self.reference(line, text)?;
        let repository = reference.repository.clone();
        self.repositories.push(Tags { repository, line, allow: Vec::new(), deny: Vec::new(), versions: Vec::new() });
        self.repositories.last_mut()
    }
}

/// Each format that has documents takes those that it knows by their form.
fn read_document(document: &Node, list: &mut List) {
    let kind = document.text_at(&["kind"]).unwrap_or_default();
    let version = document.text_at(&["apiVersion"]).unwrap_or_default();
    match kind {
        "ZarfPackageConfig" => return zarf::read(document, list),
        "ImageSetConfiguration" => return oc_mirror::read(document, list),
        "ImagesLock" => return images_lock::read(document, version, list),
        _ if version.starts_with("content.hauler.cattle.io/") => return hauler::read(document, kind, list),
        _ => {}
    }
    if regsync::is_regsync(document) {
        regsync::read(document, list);
    } else if compose::is_compose(document) {
        compose::read(document, list);
    } else if chart::is_chart(document) {
        chart::read(document, list);
    } else if skopeo_sync::is_sync(document) {
        skopeo_sync::read(document, list);
    } else if !kind.is_empty() || matches!(document.value, Value::List(_)) || document.get("image").is_some() {
        kubernetes::read(document, list);
    } else {
        list.fault(document.line, "no list of images that we know, and nothing that Kubernetes runs");
    }
}

/// UTF-8, with or without a byte order mark; UTF-16 as PowerShell writes it.
fn text_of(bytes: &[u8]) -> Result<String, String> {
    let utf16 = |bytes: &[u8], read: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| read([pair[0], pair[1]])).collect();
        String::from_utf16(&units).map_err(|_| "not a text in UTF-16".to_owned())
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => {
            let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
            let text = std::str::from_utf8(bytes).map_err(|e| {
                let line = 1 + bytes[..e.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
                format!("not a text: byte {} (line {line}) is not UTF-8", e.valid_up_to())
            })?;
            if text.contains('\0') { Err("not a text: it has NUL bytes".into()) } else { Ok(text.into()) }
        }
    }
}

/// How to render what still has holes in it.
fn rendering(text: &str) -> Option<&'static str> {
    if text.contains("{{") {
        Some("is a template: render it first (`helm template CHART | bundle export -f - …`)")
    } else if text.contains("${") || text.contains("$(") {
        Some("has a variable: fill it in first (`docker compose config --images | bundle export -f - …`, or envsubst)")
    } else {
        None
    }
}

/// The first line of a text that is a template.
fn template(text: &str) -> Option<(usize, String)> {
    let (number, line) = text.lines().enumerate().find(|(_, line)| line.contains("{{"))?;
    let how = rendering(line)?;
    Some((number + 1, format!("`{}` {how}", line.trim().escape_debug())))
}

#[cfg(test)]
mod tests;
