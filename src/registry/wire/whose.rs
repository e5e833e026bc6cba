//! `Whose`: with whose credentials a request was sent, for the one who has to change that.

use crate::error::{Error, NextStep};

/// Whose credentials are shown.
#[derive(Debug)]
pub(crate) struct Whose {
    /// To whom.
    pub(crate) host: String,
    /// There are some.
    pub(crate) any: bool,
    /// Whose, and from where; or where none are.
    pub(crate) words: String,
}

impl Whose {
    /// A refusal, with whose credentials were refused.
    pub(crate) fn explain(self, error: Error) -> Error {
        let Self { host, any, words } = self;
        match (error.status(), any) {
            (Some(401), false) => error.noted(words).advised([NextStep::LogIn { host }]),
            (Some(401), true) => error.noted(format!("with {words}")).advised([NextStep::CheckCredentials]),
            (Some(403), true) => error.noted(format!("with {words}")),
            _ => error,
        }
    }
}
