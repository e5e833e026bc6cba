//! The door for `fuzz/` to what reads a registry's answers and a user's credential files. It is
//! there only where cargo-fuzz builds, which sets `cfg(fuzzing)`.

use std::path::Path;
use std::time::Duration;

use url::Url;

use super::auth::challenge::{self, Challenge};
use super::auth::credentials::{Credential, Credentials};
use super::auth::token::Tokens;
use super::origin::{Origin, Purpose, place};
use super::wire::error_body::code_and_message;
use super::{pull, retry, upload};
use crate::error::{Error, Result};
use crate::store::Quiet;

/// A Bearer challenge, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer {
    /// Where tokens are given out.
    pub realm: String,
    /// What the token is for.
    pub service: Option<String>,
    /// The right that was missing.
    pub scope: Option<String>,
}

/// The challenge to answer: `None` if there is none, `Some(None)` if it is Basic.
pub fn challenge<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Option<Bearer>> {
    match challenge::choose(headers)? {
        Challenge::Basic => Some(None),
        Challenge::Bearer { realm, service, scope } => Some(Some(Bearer { realm, service, scope })),
    }
}

/// What an address from a registry is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Where the address of a layer redirects to.
    LayerRedirect,
    /// An address in the descriptor of a layer.
    LayerUrl,
    /// Where a list goes on.
    Page,
    /// Content that lies elsewhere.
    Redirect,
    /// Where tokens are given out.
    TokenRealm,
    /// Where an upload goes on.
    Upload,
}

/// A registry that names addresses.
#[derive(Debug)]
pub struct Namer(Origin);

impl Namer {
    /// The registry at a host.
    ///
    /// # Errors
    /// When the host is none.
    pub fn new(host: &str, plain_http: bool) -> Result<Self> {
        Origin::new(host, plain_http).map(Self)
    }

    /// An address of its own.
    pub fn url(&self, path: &str) -> Url {
        self.0.url(path)
    }

    /// Where to go for `target`, and whether credentials may come along.
    ///
    /// # Errors
    /// When we do not go there.
    pub fn follow(&self, what_for: Use, from: &Url, target: &str) -> Result<(Url, bool)> {
        let purpose = match what_for {
            Use::LayerRedirect => Purpose::LayerRedirect,
            Use::LayerUrl => Purpose::LayerUrl,
            Use::Page => Purpose::Page,
            Use::Redirect => Purpose::Redirect,
            Use::TokenRealm => Purpose::TokenRealm,
            Use::Upload => Purpose::Upload,
        };
        self.0.follow(purpose, from, target).map(|permitted| (permitted.url, permitted.is_registry))
    }
}

/// An address as it is shown.
pub fn shown(url: &Url) -> String {
    place(url)
}

/// Start and total of a `Content-Range` that goes to the end.
pub fn content_range(header: &str) -> Option<(u64, u64)> {
    pull::content_range(header)
}

/// Bytes that an upload session holds according to `Range`.
pub fn held(header: &str) -> Option<u64> {
    upload::held(header)
}

/// How long to leave a host alone that answered with this `Retry-After`.
///
/// # Errors
/// When it asks for too long a pause.
pub fn pause(retry_after: Option<&str>, delay: Duration) -> Result<Duration> {
    retry::pause_for("registry.example", 429, retry_after, delay, &Quiet)
}

/// The token in a token server's answer.
///
/// # Errors
/// When there is none.
pub fn token(answer: &[u8]) -> Result<String> {
    Tokens::default().get(&[], None, || Ok(answer.into()))
}

/// Code and message of an error body.
pub fn error_body(body: &[u8]) -> (String, String) {
    code_and_message(body)
}

/// A file with credentials.
#[derive(Debug)]
pub struct CredentialFile(Credentials);

impl CredentialFile {
    /// Reads it, as `config.json` or as the older `.dockercfg`.
    ///
    /// # Errors
    /// When it cannot be understood.
    pub fn read(path: &Path, is_dockercfg: bool) -> Result<Self> {
        Credentials::of_one_file(path, is_dockercfg).map(Self)
    }

    /// The credential for a repository. No helper is run: none is on the empty search path.
    ///
    /// # Errors
    /// When the entry is malformed, or a helper is named.
    pub fn lookup(&self, host: &str, path: &str) -> Result<Option<Credential>, Error> {
        self.0.lookup(host, path)
    }
}
