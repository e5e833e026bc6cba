//! What a registry is shown: its challenge, the credentials for it, and the tokens these are changed
//! into.

pub(crate) mod authority;
pub(crate) mod challenge;
pub(crate) mod credentials;
pub(crate) mod scope;
pub(crate) mod token;
