//! What is known about an error besides, and what is behind it: to say that briefly, and once.

use std::time::Duration;

use super::failure::{Error, described};
use super::next_step::NextStep;

impl Error {
    /// The same error with what can be done about it in place of what would be said.
    #[must_use]
    pub(crate) fn advised(self, next: impl IntoIterator<Item = NextStep>) -> Self {
        Self::Advised { cause: Box::new(self), next: next.into_iter().collect() }
    }

    /// The same error with something that is known besides.
    #[must_use]
    pub(crate) fn noted(self, note: String) -> Self {
        Self::Noted { cause: Box::new(self), note }
    }

    /// The same error after so many tries; after one it is itself.
    #[must_use]
    pub(crate) fn after(self, times: u32, took: Duration) -> Self {
        match times {
            0 | 1 => self,
            _ => self.noted(format!("tried {times} times in {} s", took.as_secs())),
        }
    }

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
            Self::OrElse { cause, .. } | Self::Noted { cause, .. } | Self::Advised { cause, .. } => cause.places(),
            Self::Several(errors) => errors.first().map(Self::places).unwrap_or_default(),
            Self::Shared(error) => error.places(),
            _ => Vec::new(),
        }
    }
}
