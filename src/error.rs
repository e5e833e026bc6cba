//! The one error type. [`Error::kind`] alone decides the exit status and whether trying again may
//! help; [`Error::hint`] is the next step for the person who reads the message.
//!
//! Messages are one line in lower case without a full stop, the outermost place first and the cause
//! last.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::oci::{BadContent, Invalid};

/// A result of this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What an error means for whoever has to go on from it. The exit statuses are documented in
/// `docs/cli.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Someone must act: credentials, permission, certificate, policy, a missing image. Exit 4.
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
    /// what someone must act on, then the rest.
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

/// Everything that can go wrong, in the terms of the person who has to deal with it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An error with the place it happened at, outside in.
    #[error("{place}: {cause}")]
    At {
        /// An image, digest, host or path.
        place: String,
        /// What happened there.
        cause: Box<Error>,
    },
    /// Content that is not what it has to be.
    #[error("{reason}")]
    Content {
        /// What is wrong with it.
        reason: String,
    },
    /// A failing file operation.
    #[error("{}: {doing}: {source}", path.display())]
    Disk {
        /// The operation, as in "write" or "open".
        doing: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file of this size cannot exist on this file system.
    #[error("{}: the bundle needs {needed} bytes, and files here end at {limit} bytes", path.display())]
    FileLimit {
        /// The output file.
        path: PathBuf,
        /// Length of the bundle in bytes.
        needed: u64,
        /// The file system's limit in bytes.
        limit: u64,
    },
    /// Somebody asked us to stop.
    #[error("interrupted")]
    Interrupted {
        /// The signal's number.
        signal: i32,
    },
    /// An error with another next step than its own.
    #[error("{cause}")]
    Hinted {
        /// What happened.
        cause: Box<Error>,
        /// What to do about it.
        hint: String,
    },
    /// A request that got no answer, or not the whole of it.
    #[error("{request}: {reason}")]
    Network {
        /// Method and URL, without its query.
        request: String,
        /// What broke.
        reason: String,
    },
    /// Not enough room, known before anything large was fetched.
    #[error("{}: the bundle needs {needed} bytes, {free} are free", path.display())]
    NoSpace {
        /// The output file.
        path: PathBuf,
        /// Bytes still to be written.
        needed: u64,
        /// Bytes free on the file system.
        free: u64,
    },
    /// Something we or the far end will not do until someone changes something.
    #[error("{reason}")]
    Refused {
        /// What was refused and why.
        reason: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// An error that several images share.
    #[error("{0}")]
    Shared(Arc<Error>),
    /// An answer other than the one needed.
    #[error("{request}: {status}{}", described(code, message))]
    Status {
        /// Method and URL, without its query.
        request: String,
        /// The HTTP status.
        status: u16,
        /// The first error code in the body, if any.
        code: String,
        /// The first error message in the body, if any.
        message: String,
    },
    /// A command line that cannot be carried out as given.
    #[error("{message}")]
    Usage {
        /// What is wrong with it.
        message: String,
        /// What to type instead.
        hint: Option<String>,
    },
}

fn described(code: &str, message: &str) -> String {
    match (code, message) {
        ("", "") => String::new(),
        (text, "") | ("", text) => format!(" {text}"),
        (code, message) => format!(" {code}: {message}"),
    }
}

impl Error {
    /// Bad content, described.
    pub fn content(reason: impl Into<String>) -> Self {
        Self::Content { reason: reason.into() }
    }

    /// A refusal with the next step.
    pub fn refused(reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Refused { reason: reason.into(), hint: Some(hint.into()) }
    }

    /// A command line that cannot be carried out.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: None }
    }

    /// A file operation that failed; made for `map_err`.
    pub fn disk(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Disk { doing, path, source }
    }

    /// As [`Error::disk`], for a path that a person typed: one that is not there is for them to
    /// correct.
    pub fn typed(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                Self::usage(format!("{}: no such file or directory", path.display()))
            }
            _ => Self::Disk { doing, path, source },
        }
    }

    /// An error that travelled through a reader: one of ours comes out as it went in.
    pub fn from_read(error: io::Error) -> Self {
        if let Some(bad) = BadContent::of(&error) {
            return bad.clone().into();
        }
        match error.downcast::<Self>() {
            Ok(ours) => ours,
            Err(other) => Self::Network { request: "read".into(), reason: other.to_string() },
        }
    }

    /// The same error with an outer place in front.
    #[must_use]
    pub fn at(self, place: impl ToString) -> Self {
        Self::At { place: place.to_string(), cause: Box::new(self) }
    }

    /// The same error with one more thing that can be done about it.
    #[must_use]
    pub fn or_else_do(self, what: &str) -> Self {
        let hint = self.hint().map_or_else(|| what.to_owned(), |own| format!("{own}; or {what}"));
        Self::Hinted { cause: Box::new(self), hint }
    }

    /// What it means for whoever has to go on from it.
    pub fn kind(&self) -> Kind {
        match self {
            Self::At { cause, .. } | Self::Hinted { cause, .. } => cause.kind(),
            Self::Shared(error) => error.kind(),
            Self::Content { .. } => Kind::Content,
            Self::Disk { .. } | Self::FileLimit { .. } | Self::NoSpace { .. } => Kind::Failed,
            Self::Interrupted { signal } => Kind::Interrupted(*signal),
            Self::Network { .. } => Kind::Transient,
            Self::Refused { .. } => Kind::Act,
            Self::Status { status, code, message, .. } => kind_of_status(*status, code, message),
            Self::Usage { .. } => Kind::Usage,
        }
    }

    /// The next step, where there is one to name.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::At { cause, .. } => cause.hint(),
            Self::Shared(error) => error.hint(),
            Self::Hinted { hint, .. } => Some(hint.clone()),
            Self::Refused { hint, .. } | Self::Usage { hint, .. } => hint.clone(),
            Self::NoSpace { .. } => Some("free some room there, or name another place with -o or --tmpdir".into()),
            Self::Disk { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                Some("free some room there, or write to another drive with -o".into())
            }
            Self::Disk { source, .. } if source.kind() == io::ErrorKind::FileTooLarge => Some(
                "a file cannot be that long there: see `ulimit -f`, format the drive as exFAT or ext4, or export fewer \
                 images at a time"
                    .into(),
            ),
            Self::FileLimit { .. } => {
                Some("format the drive as exFAT or ext4, or export fewer images at a time".into())
            }
            Self::Status { status, code, .. } => hint_for_status(*status, code),
            Self::Network { .. } => Some("check the host name and the line, then run the same command again".into()),
            _ => None,
        }
    }

    /// The HTTP status behind this error, if it was an answer.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::At { cause, .. } | Self::Hinted { cause, .. } => cause.status(),
            Self::Shared(error) => error.status(),
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// The error code in the answer behind this error, if there was one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::At { cause, .. } | Self::Hinted { cause, .. } => cause.code(),
            Self::Shared(error) => error.code(),
            Self::Status { code, .. } => Some(code).filter(|c| !c.is_empty()).map(String::as_str),
            _ => None,
        }
    }

    /// The registry says that something a manifest refers to is not there (distribution-spec v1.1
    /// `MANIFEST_BLOB_UNKNOWN`; distribution answers so for the children of an index too).
    pub fn is_missing_content(&self) -> bool {
        matches!(self.code(), Some("MANIFEST_BLOB_UNKNOWN" | "BLOB_UNKNOWN"))
    }
}

/// 408, 429 and 5xx pass; but a 500 whose code or words say that the content itself was refused
/// will be the same the next time (distribution 2.8 answers so to layers with urls).
fn kind_of_status(status: u16, code: &str, message: &str) -> Kind {
    let permanent = code.ends_with("_INVALID") || code == "UNSUPPORTED" || message.contains("invalid URL on layer");
    match status {
        408 | 429 | 507 => Kind::Transient,
        500..=599 if !permanent => Kind::Transient,
        _ => Kind::Act,
    }
}

fn hint_for_status(status: u16, code: &str) -> Option<String> {
    let hint = match (status, code) {
        (401, _) => "check the credentials: docker config, --authfile or --username with --password-stdin",
        (403, _) => "the account needs the right to do this; check the repository's permissions",
        (404, "NAME_UNKNOWN") => "create the project or repository in the registry first, or check the name",
        (404, _) => "check the name and the tag",
        (413, _) => "raise the body limit of the registry or of the proxy in front of it",
        (415, _) => "the registry refuses this media type; allow it there (zot: http.compat docker2s2)",
        (429, _) => "the registry limits requests: wait, log in, or lower --jobs",
        _ => return None,
    };
    Some(hint.into())
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        Self::other(error)
    }
}

impl From<BadContent> for Error {
    fn from(bad: BadContent) -> Self {
        Self::content(bad.to_string())
    }
}

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        Self::content(invalid.to_string())
    }
}
