//! Everything that can go wrong, as one type. [`Error::kind`] says what it means, and
//! [`Error::next_steps`] what the person who reads the message can do.
//!
//! Messages are one line in lower case without a full stop, the outermost place first and the cause
//! last.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::file::{kind_of_io, step_for_io};
use super::kind::Kind;
use super::next_step::NextStep;
use super::size::size;
use super::status::{for_status, kind_of_status};
use crate::oci::{BadContent, Invalid};

/// A result of this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

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
        #[source]
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
    // Rounded, both may be the same.
    #[error(
        "{}: the bundle needs {} ({needed} bytes), and files here end at {} ({limit} bytes)",
        path.display(), size(*needed), size(*limit)
    )]
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
    /// An error with one more thing that can be done about it.
    #[error("{cause}")]
    OrElse {
        /// What happened.
        #[source]
        cause: Box<Error>,
        /// What else to do.
        next: NextStep,
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
    #[error("{}: the bundle needs {}, {} are free", path.display(), size(*needed), size(*free))]
    NoSpace {
        /// The output file.
        path: PathBuf,
        /// Bytes still to be written.
        needed: u64,
        /// Bytes free on the file system.
        free: u64,
    },
    /// A registry that asks to be left alone for longer than is waited for.
    #[error("{request}: {reason}; it asks to come back at {until}")]
    ComeBack {
        /// Method and URL, without its query; or a host.
        request: String,
        /// What it answered, in its own words.
        reason: String,
        /// When, as in `20:04 UTC`.
        until: String,
    },
    /// A proxy that does not let a request through, or that cannot be reached.
    #[error("through the proxy {proxy}: {reason}")]
    Proxy {
        /// Its host and port, and the variable that names it.
        proxy: String,
        /// What was asked of it, and what came of that.
        reason: String,
        /// What it answered, if it did.
        status: Option<u16>,
    },
    /// More came than there is room for, where nobody could know before how much it is.
    #[error("{}: more than {most} bytes are to be unpacked, and there is no room for them", path.display())]
    NoRoom {
        /// The directory for temporary files.
        path: PathBuf,
        /// Bytes that there was room for, less what is left to others.
        most: u64,
    },
    /// Something we or the far end will not do until someone changes something.
    #[error("{reason}")]
    Refused {
        /// What was refused and why.
        reason: String,
        /// What to do about it.
        next: Option<NextStep>,
    },
    /// What went wrong at each of the places that might have done.
    #[error("{}", each(.0))]
    Several(Vec<Error>),
    /// An error that several images share.
    #[error("{0}")]
    Shared(#[source] Arc<Error>),
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
    /// An error with something that is known besides.
    #[error("{cause} ({note})")]
    Noted {
        /// What happened.
        #[source]
        cause: Box<Error>,
        /// A few words.
        note: String,
    },
    /// An error of which more is known than it says by itself.
    #[error("{cause}")]
    Advised {
        /// What happened.
        #[source]
        cause: Box<Error>,
        /// What to do, in place of what would be said.
        next: Vec<NextStep>,
    },
    /// Something that is not done, and will be when somebody has gone on from here.
    #[error("{reason}")]
    Undone {
        /// What is not done and why.
        reason: String,
        /// How to go on.
        next: Option<NextStep>,
    },
    /// A command line that cannot be carried out as given.
    #[error("{message}")]
    Usage {
        /// What is wrong with it.
        message: String,
        /// What to type instead.
        next: Option<NextStep>,
    },
}

/// Every error once, in order.
fn each(errors: &[Error]) -> String {
    let mut texts: Vec<String> = Vec::with_capacity(errors.len());
    for text in errors.iter().map(ToString::to_string) {
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts.join("; ")
}

pub(super) fn described(code: &str, message: &str) -> String {
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
    pub(crate) fn refused(reason: impl Into<String>, next: NextStep) -> Self {
        Self::Refused { reason: reason.into(), next: Some(next) }
    }

    /// Something that is not done, with the way to go on.
    pub fn undone(reason: impl Into<String>, next: NextStep) -> Self {
        Self::Undone { reason: reason.into(), next: Some(next) }
    }

    /// A command line that cannot be carried out.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), next: None }
    }

    /// What went wrong at each of the places that were tried, one after the other.
    pub(crate) fn all(mut errors: Vec<Self>) -> Self {
        match errors.len() {
            0 => Self::content("it is nowhere"),
            1 => errors.remove(0),
            _ => Self::Several(errors),
        }
    }

    /// A file operation that failed; made for `map_err`.
    pub fn disk(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Disk { doing, path, source }
    }

    /// As [`Error::disk`], for a path that a person typed: one that is not there is for them to
    /// correct.
    pub(crate) fn typed(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Usage {
                message: format!("{}: no such file or directory", path.display()),
                next: Some(NextStep::CheckPath),
            },
            _ => Self::Disk { doing, path, source },
        }
    }

    /// An error that travelled through a reader: one of ours comes out as it went in.
    pub(crate) fn from_read(error: io::Error) -> Self {
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
    pub(crate) fn at(self, place: impl ToString) -> Self {
        Self::At { place: place.to_string(), cause: Box::new(self) }
    }

    /// What happened, without the places it happened at; of several, the first.
    pub(crate) fn innermost(&self) -> &Self {
        match self {
            Self::At { cause, .. }
            | Self::OrElse { cause, .. }
            | Self::Noted { cause, .. }
            | Self::Advised { cause, .. } => cause.innermost(),
            Self::Several(errors) => errors.first().map_or(self, Self::innermost),
            Self::Shared(error) => error.innermost(),
            _ => self,
        }
    }

    /// The same error with one more thing that can be done about it.
    #[must_use]
    pub(crate) fn or_else_do(self, next: NextStep) -> Self {
        Self::OrElse { cause: Box::new(self), next }
    }

    /// What it means for whoever has to go on from it.
    pub fn kind(&self) -> Kind {
        match self {
            Self::At { cause, .. }
            | Self::OrElse { cause, .. }
            | Self::Noted { cause, .. }
            | Self::Advised { cause, .. } => cause.kind(),
            // Each would have done: as long as one may pass, trying again may help.
            Self::Several(errors) if errors.iter().any(|e| e.kind() == Kind::Transient) => Kind::Transient,
            Self::Several(errors) => errors.iter().map(Self::kind).reduce(Kind::graver).unwrap_or(Kind::Failed),
            Self::Shared(error) => error.kind(),
            Self::Content { .. } => Kind::Content,
            Self::Disk { source, .. } => kind_of_io(source.kind()),
            Self::FileLimit { .. } | Self::NoRoom { .. } | Self::NoSpace { .. } | Self::Undone { .. } => Kind::Failed,
            Self::Interrupted { signal } => Kind::Interrupted(*signal),
            Self::ComeBack { .. } | Self::Network { .. } => Kind::Transient,
            // What a proxy forbids it will forbid again.
            Self::Proxy { status: Some(status), .. } if !matches!(status, 408 | 429 | 500..) => Kind::Act,
            Self::Proxy { .. } => Kind::Transient,
            Self::Refused { .. } => Kind::Act,
            Self::Status { status, code, message, .. } => kind_of_status(*status, code, message),
            Self::Usage { .. } => Kind::Usage,
        }
    }

    /// What can be done about it: any of these.
    pub fn next_steps(&self) -> Vec<NextStep> {
        match self {
            Self::At { cause, .. } | Self::Noted { cause, .. } => cause.next_steps(),
            Self::Advised { next, .. } => next.clone(),
            Self::OrElse { cause, next } => {
                let mut steps = cause.next_steps();
                steps.push(next.clone());
                steps
            }
            Self::Shared(error) => error.next_steps(),
            Self::Several(errors) => {
                let decisive = errors.iter().find(|error| error.kind() == self.kind());
                decisive.map(Self::next_steps).unwrap_or_default()
            }
            Self::Refused { next, .. } | Self::Undone { next, .. } | Self::Usage { next, .. } => {
                next.iter().cloned().collect()
            }
            Self::NoRoom { .. } | Self::NoSpace { .. } => vec![NextStep::FreeRoomOrWriteElsewhere],
            Self::Disk { source, .. } => step_for_io(source).into_iter().collect(),
            Self::FileLimit { .. } => vec![NextStep::FormatDrive],
            Self::Status { status, code, message, .. } => for_status(*status, code, message).into_iter().collect(),
            Self::ComeBack { until, .. } => vec![NextStep::LogInOrWait { until: until.clone() }],
            Self::Network { reason, .. } if reason.contains("Too many open files") => vec![NextStep::OpenMoreFiles],
            Self::Network { .. } => vec![NextStep::CheckLine],
            Self::Proxy { status: Some(407), .. } => vec![NextStep::LogInToProxy],
            Self::Proxy { .. } => vec![NextStep::CheckProxy],
            Self::Content { .. } | Self::Interrupted { .. } => Vec::new(),
        }
    }

    /// The HTTP status behind this error, if it was an answer.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::At { cause, .. }
            | Self::OrElse { cause, .. }
            | Self::Noted { cause, .. }
            | Self::Advised { cause, .. } => cause.status(),
            Self::Several(errors) => errors.first().and_then(Self::status),
            Self::Shared(error) => error.status(),
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// The error code in the answer behind this error, if there was one.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::At { cause, .. }
            | Self::OrElse { cause, .. }
            | Self::Noted { cause, .. }
            | Self::Advised { cause, .. } => cause.code(),
            Self::Several(errors) => errors.first().and_then(Self::code),
            Self::Shared(error) => error.code(),
            Self::Status { code, .. } => Some(code).filter(|c| !c.is_empty()).map(String::as_str),
            _ => None,
        }
    }

    /// The registry says that something a manifest refers to is not there (distribution-spec v1.1
    /// `MANIFEST_BLOB_UNKNOWN`; distribution answers so for the children of an index too, others with
    /// `MANIFEST_UNKNOWN`).
    pub(crate) fn is_missing_content(&self) -> bool {
        matches!(self.code(), Some("MANIFEST_BLOB_UNKNOWN" | "BLOB_UNKNOWN" | "MANIFEST_UNKNOWN"))
    }
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
