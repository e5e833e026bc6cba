//! What a list says, however it is written.

use super::text::{has_user, rendering, shown};
use super::tree::Node;
use crate::oci::{Digest, Invalid, Reference, Repository, Tag};

/// No name of an image is longer, in bytes: a host of 253, a path of 255, a tag of 128 and a digest.
const MOST_NAME: usize = 1_000;

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
    /// Regular expressions, one of which has to be found in the tag.
    pub(crate) allow: Vec<String>,
    /// Regular expressions, none of which may be found in it.
    pub(crate) deny: Vec<String>,
    /// Ranges of versions, one of which it must be in.
    pub(crate) versions: Vec<String>,
    /// Only so many, from the highest version down.
    pub(crate) newest: Option<usize>,
    /// The platforms that the list wants of them, as written; none for all.
    pub(crate) platforms: Vec<String>,
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
    pub(super) fn fault(&mut self, line: usize, text: impl Into<String>) {
        self.faults.push(Note { line, text: text.into() });
    }

    pub(super) fn leave(&mut self, line: usize, text: impl Into<String>) {
        self.left.push(Note { line, text: text.into() });
    }

    /// A name of an image, or a fault.
    pub(super) fn image(&mut self, line: usize, text: &str) -> Option<&mut Listed> {
        let reference = self.reference(line, text)?;
        self.images.push(Listed { reference, line, source: None, platforms: Vec::new() });
        self.images.last_mut()
    }

    pub(super) fn reference(&mut self, line: usize, text: &str) -> Option<Reference> {
        match Self::typed(text) {
            Ok(reference) => Some(reference),
            Err(reason) => {
                self.fault(line, reason);
                None
            }
        }
    }

    /// A name as people write it: with a scheme that says nothing, or a chart's version.
    ///
    /// # Errors
    /// Why it is none.
    pub(crate) fn typed(text: &str) -> Result<Reference, String> {
        let text = text.trim();
        if let Some(how) = rendering(text) {
            return Err(format!("`{}` {how}", shown(text)));
        }
        if text.len() > MOST_NAME {
            return Err(format!("`{}` is longer than any name of an image", shown(text)));
        }
        let parsed = match (text.strip_prefix("docker://"), text.strip_prefix("oci://")) {
            (Some(name), _) => name.parse(),
            // Helm writes `+` of a version as `_` in a tag.
            (None, Some(chart)) => chart.replace('+', "_").parse(),
            (None, None) => text.parse(),
        };
        parsed.map_err(|e: Invalid| match has_user(text) {
            true => format!("invalid reference `{}`: a name has no user and no password in it", shown(text)),
            false => e.to_string(),
        })
    }

    /// The image that a node names.
    pub(super) fn image_at(&mut self, node: &Node) -> Option<&mut Listed> {
        match node.text() {
            Some(text) if !text.trim().is_empty() => self.image(node.line, text),
            _ => {
                self.fault(node.line, "no name of an image stands where one has to");
                None
            }
        }
    }

    /// A repository with a tag or a digest.
    pub(super) fn image_of(&mut self, line: usize, repository: &str, what: &str) {
        let separator = if what.parse::<Digest>().is_ok() { '@' } else { ':' };
        if separator == ':' && what.parse::<Tag>().is_err() && rendering(what).is_none() {
            self.fault(line, format!("invalid tag `{}`", shown(what)));
            return;
        }
        self.image(line, &format!("{repository}{separator}{what}"));
    }

    /// A repository without tag or digest.
    pub(super) fn repository(&mut self, line: usize, text: &str) -> Option<&mut Tags> {
        let reference = self.reference(line, text)?;
        let repository = reference.repository.clone();
        self.repositories.push(Tags {
            repository,
            line,
            allow: Vec::new(),
            deny: Vec::new(),
            versions: Vec::new(),
            newest: None,
            platforms: Vec::new(),
        });
        self.repositories.last_mut()
    }
}
