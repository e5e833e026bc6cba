//! `Kind`: what an error means. It alone decides the exit status and whether trying again may help.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

/// What an error means for whoever has to go on from it. The exit statuses are documented in
/// `docs/cli.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// It needs a person: credentials, permission, certificate, policy, a missing image. Exit 4.
    Act,
    /// The content is corrupt, truncated, malformed or not the expected one. Exit 3.
    Content,
    /// A local failure that the same request will not get past by itself: disk, memory. Exit 1.
    Failed,
    /// A signal asked to stop; the number is the signal's. Exit 128 + n.
    Interrupted(i32),
    /// The network or the far end, for now: worth repeating. Exit 1.
    Transient,
    /// The command line cannot be carried out as given. Exit 2.
    Usage,
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl JsonSchema for Kind {
    fn schema_name() -> Cow<'static, str> {
        "Kind".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": ["act", "content", "failed", "interrupted", "transient", "usage"] })
    }
}

impl Kind {
    /// The process's exit status.
    pub fn exit_status(self) -> u8 {
        match self {
            Self::Failed | Self::Transient => 1,
            Self::Usage => 2,
            Self::Content => 3,
            Self::Act => 4,
            Self::Interrupted(signal) => 128u8.wrapping_add(u8::try_from(signal).unwrap_or(0)),
        }
    }

    /// The word that stands for this kind in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Act => "act",
            Self::Content => "content",
            Self::Failed => "failed",
            Self::Interrupted(_) => "interrupted",
            Self::Transient => "transient",
            Self::Usage => "usage",
        }
    }

    /// Of several failures the one that decides the exit status: a signal, then bad content, then
    /// what needs a person, then the rest.
    pub fn graver(self, other: Self) -> Self {
        let weight = |kind| match kind {
            Self::Transient => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Act => 3,
            Self::Content => 4,
            Self::Interrupted(_) => 5,
        };
        if weight(other) > weight(self) { other } else { self }
    }
}
