//! `Setup`: the files of a runtime, where they go, and what is to be done then.

use serde::Serialize;

use crate::error::{Error, Result};

/// Stands where the password of the nodes goes: we write none.
pub(super) const PASSWORD: &str = "PASSWORD";

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NodeFile {
    /// Its path below the folder that all are written to: as on the node, where it is taken as it is.
    pub(crate) path: String,
    /// Where it goes.
    pub(crate) place: String,
    pub(crate) text: String,
}

/// What a runtime needs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Setup {
    pub(crate) files: Vec<NodeFile>,
    /// What to do once they are there, in order.
    pub(crate) steps: Vec<String>,
    /// What the runtime cannot do, or does whatever the files say.
    pub(crate) notes: Vec<String>,
    /// Nodes may ask the hosts themselves, whatever was wanted.
    pub(crate) falls_back: bool,
}

impl Setup {
    /// One that does as the files say.
    pub(super) fn new(fallback: bool) -> Self {
        Self { falls_back: fallback, ..Self::default() }
    }

    pub(super) fn add(&mut self, path: impl Into<String>, place: impl Into<String>, text: impl Into<String>) {
        self.files.push(NodeFile { path: path.into(), place: place.into(), text: text.into() });
    }

    /// A file that is taken over as it is, at this absolute path of each node.
    pub(super) fn add_on_node(&mut self, path: &str, text: impl Into<String>) {
        self.add(path.trim_start_matches('/'), format!("each node: {path}"), text);
    }

    pub(super) fn step(&mut self, step: impl Into<String>) {
        self.steps.push(step.into());
    }

    pub(super) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }
}

/// As a shell takes it for one word.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A document as YAML.
pub(super) fn yaml(document: &impl Serialize) -> Result<String> {
    serde_saphyr::to_string(document).map_err(|e| Error::content(format!("YAML: {e}")))
}

/// A document as TOML.
pub(super) fn toml(document: &impl Serialize) -> Result<String> {
    ::toml::to_string(document).map_err(|e| Error::content(format!("TOML: {e}")))
}
