//! The files for a runtime, and what a node would see.

use std::path::PathBuf;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use super::sources::{Source, Sources};
use crate::error::{Error, Kind};
use crate::oci::{Digest, Host, Reference};
use crate::registry::NodeAnswer;
use crate::runtimes::{Runtime, Setup};
use crate::verbs::report::Failure;

/// One file for nodes.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RuntimeFile {
    /// Its path below the folder that all are written to; as on a node, where it is taken as it is.
    pub path: String,
    /// Where it goes.
    pub place: String,
    /// Where it was written to, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written: Option<PathBuf>,
    /// All of it.
    pub text: String,
}

/// A host that images are named after.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MirroredHost {
    /// Which.
    pub host: Host,
    /// What stands in front of its repositories at the registry; empty for nothing.
    pub namespace: String,
    /// Its images in the bundles.
    pub images: u64,
}

/// What a node would see of one image.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NodeView {
    /// The image, as its source is called.
    pub image: String,
    /// `tag` or `digest`.
    pub by: &'static str,
    /// Host, path and query that were asked for.
    pub asked: String,
    /// `served`, `different`, `missing` or `failed`.
    pub status: &'static str,
    /// The digest that it would get.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The digest in the bundle.
    pub expected: Digest,
    /// Why it would get none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
}

/// The files for a runtime.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MirrorConfigured {
    /// Which.
    pub runtime: &'static str,
    /// The registry that is the mirror.
    pub registry: Host,
    /// Nodes ask the hosts themselves, too: wanted, or nothing can stop it.
    pub fallback: bool,
    /// What it mirrors.
    pub hosts: Vec<MirroredHost>,
    /// The files.
    pub files: Vec<RuntimeFile>,
    /// What to do with them, in order.
    pub steps: Vec<String>,
    /// What to know besides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What a node would see, where that was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub check: Vec<NodeView>,
}

impl MirrorConfigured {
    pub(super) fn new(runtime: Runtime, registry: Host, sources: &Sources, setup: Setup) -> Self {
        let host = |source: &Source| MirroredHost {
            host: source.mirrored.host.clone(),
            namespace: source.mirrored.namespace.clone(),
            images: source.images.len() as u64,
        };
        let Setup { files, steps, notes, falls_back } = setup;
        Self {
            runtime: runtime.as_str(),
            registry,
            fallback: falls_back,
            hosts: sources.0.iter().map(host).collect(),
            files: files.into_iter().map(RuntimeFile::from).collect(),
            steps,
            notes,
            check: Vec::new(),
        }
    }

    /// The kind that decides the exit status; `None` if a node would be served.
    pub fn kind(&self) -> Option<Kind> {
        let kinds = self.check.iter().filter_map(|view| match (view.status, &view.error) {
            (_, Some(error)) => Some(error.kind),
            ("missing" | "different", None) => Some(Kind::Act),
            _ => None,
        });
        kinds.reduce(Kind::graver)
    }

    /// Why nodes would not be served, to be told what to do about it.
    pub fn failures(&mut self) -> impl Iterator<Item = &mut Failure> {
        self.check.iter_mut().filter_map(|view| view.error.as_mut())
    }
}

impl NodeView {
    pub(super) fn new(
        name: &Reference,
        expected: &Digest,
        is_tag: bool,
        asked: String,
        answer: Result<NodeAnswer, Error>,
    ) -> Self {
        let (status, digest, error) = match answer {
            Ok(NodeAnswer::Served(digest)) if digest == *expected => ("served", Some(digest), None),
            Ok(NodeAnswer::Served(digest)) => ("different", Some(digest), None),
            Ok(NodeAnswer::Missing) => ("missing", None, None),
            Err(error) => ("failed", None, Some(Failure::new(Arc::new(error)))),
        };
        let by = if is_tag { "tag" } else { "digest" };
        Self { image: name.name(), by, asked, status, digest, expected: expected.clone(), error }
    }
}
