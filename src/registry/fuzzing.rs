//! What `fuzz/checks` looks at in here: what reads a registry's answers and a user's credential files.

pub(crate) use super::auth::challenge::{Challenge, choose};
pub(crate) use super::auth::credentials::Credentials;
pub(crate) use super::auth::token::read as token;
pub(crate) use super::link::next_link;
pub(crate) use super::range::content_range;
pub(crate) use super::retry::pause_for;
pub(crate) use super::session::held;
pub(crate) use super::wire::error_body::code_and_message;
pub(crate) use super::wire::origin::{Origin, Purpose, shown};
