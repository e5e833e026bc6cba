//! What is behind an error, apart from where it happened: to say it briefly, and once.

use super::failure::{Error, described};

impl Error {
    /// What happened, without the places and requests it happened at.
    pub(crate) fn cause(&self) -> String {
        match self.innermost() {
            Self::Network { reason, .. } => reason.clone(),
            Self::Status { status, code, message, .. } => format!("{status}{}", described(code, message)),
            other => other.to_string(),
        }
    }

    /// Whether two errors have one cause, wherever each of them happened: whoever removes it for one has
    /// removed it for the other.
    pub fn has_same_cause(&self, other: &Self) -> bool {
        match (self.innermost(), other.innermost()) {
            (
                Self::Status { status, code, message, .. },
                Self::Status { status: other_status, code: other_code, message: other_message, .. },
            ) => (status, code, message) == (other_status, other_code, other_message),
            (Self::Network { reason, .. }, Self::Network { reason: other, .. }) => reason == other,
            (one, other) => one.kind() == other.kind() && one.to_string() == other.to_string(),
        }
    }

    /// Where it happened, outside in.
    pub fn places(&self) -> Vec<&str> {
        match self {
            Self::At { place, cause } => std::iter::once(place.as_str()).chain(cause.places()).collect(),
            Self::OrElse { cause, .. } | Self::Tried { cause, .. } | Self::Advised { cause, .. } => cause.places(),
            Self::Several(errors) => errors.first().map(Self::places).unwrap_or_default(),
            Self::Shared(error) => error.places(),
            _ => Vec::new(),
        }
    }
}
