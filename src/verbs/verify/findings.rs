//! What `verify` finds wrong, one finding for each piece of content.

use std::collections::{HashMap, HashSet};

use super::report::{Finding, FindingKind};
use crate::archive::{blob_path, part_path};
use crate::error::Error;
use crate::oci::Digest;
use crate::store::Contents;

/// Findings, one for each piece of content.
#[derive(Default)]
pub(super) struct Findings {
    /// What is wrong with the file as a whole.
    whole: Vec<Finding>,
    list: Vec<(Digest, FindingKind, String)>,
    places: HashMap<Digest, usize>,
    /// The parts of blobs that are cut.
    parts: HashMap<Digest, u32>,
}

impl Findings {
    /// Takes note of a file that is not the one it must be.
    pub(super) fn add_form(&mut self, error: &Error) {
        let message = error.innermost().to_string();
        let kind = FindingKind::Form.or_unreadable(error);
        self.whole.push(Finding { images: Vec::new(), path: None, ..finding(kind, message, error) });
    }

    /// Takes note of an entry of `index.json` that stands for nothing.
    pub(super) fn add_entry(&mut self, label: &str, error: &Error) {
        let kind = FindingKind::Malformed.or_unreadable(error);
        let message = error.to_string();
        let (images, path) = (vec![label.to_owned()], Some("index.json".into()));
        self.whole.push(Finding { images, path, ..finding(kind, message, error) });
    }

    /// Takes note of something wrong. Wrong bytes explain everything else that is wrong with a piece
    /// of content; apart from that, the first finding stands.
    pub(super) fn add(&mut self, kind: FindingKind, digest: &Digest, error: &Error) {
        let message = error.to_string();
        match self.places.get(digest).map(|place| &mut self.list[*place]) {
            Some(known) if kind == FindingKind::DigestMismatch => (known.1, known.2) = (kind, message),
            Some(_) => {}
            None => {
                self.places.insert(digest.clone(), self.list.len());
                self.list.push((digest.clone(), kind, message));
            }
        }
    }

    /// Takes note of a part of a cut blob that is wrong.
    pub(super) fn add_part(&mut self, kind: FindingKind, digest: &Digest, number: u32, error: &Error) {
        self.add(kind, digest, error);
        self.parts.insert(digest.clone(), number);
    }

    /// Whether something is wrong with this content.
    pub(super) fn has(&self, digest: &Digest) -> bool {
        self.places.contains_key(digest)
    }

    /// The findings, with the names of the images that need the content.
    pub(super) fn named(self, contents: &Contents) -> Vec<Finding> {
        let images = contents.images_with_each(self.list.iter().map(|(digest, ..)| digest));
        let parts = self.parts;
        let path = |digest: &Digest| match parts.get(digest) {
            Some(number) => part_path(digest, *number),
            None => blob_path(digest),
        };
        let finding = |((digest, kind, message), images): ((Digest, _, _), Vec<String>)| {
            let mut seen = HashSet::new();
            let images = images.into_iter().filter(|name| seen.insert(name.clone())).collect();
            Finding {
                kind,
                path: Some(path(&digest)),
                digest: Some(digest),
                images,
                message,
                hint: None,
                next_steps: Vec::new(),
            }
        };
        self.whole.into_iter().chain(self.list.into_iter().zip(images).map(finding)).collect()
    }
}

/// A finding about no content in particular.
fn finding(kind: FindingKind, message: String, error: &Error) -> Finding {
    let (digest, path, images, hint) = (None, None, Vec::new(), None);
    Finding { kind, digest, path, images, message, hint, next_steps: error.next_steps() }
}
