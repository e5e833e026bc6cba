//! What a registry is like, said before it is started.

use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;

use super::super::certs::{Authority, Identity};
use super::Registry;
use super::auth::{Auth, Tokens};
use super::busy::Limit;

/// How a registry behaves, for good.
pub struct Options {
    pub tls: Option<Arc<ServerConfig>>,
    pub auths: Vec<Auth>,
    pub tokens: Option<Tokens>,
    pub accepting: bool,
    pub referrers: bool,
    pub discard: bool,
    pub drop_sessions: bool,
    pub relative: bool,
    pub page: usize,
    pub limit: Option<Limit>,
    pub lag: Duration,
}

/// A registry that is not started yet.
pub struct Builder {
    options: Options,
    identity: Option<Identity>,
    clients: Option<Authority>,
}

impl Builder {
    /// Speaks TLS, with this certificate.
    pub fn tls(mut self, identity: &Identity) -> Self {
        self.identity = Some(identity.clone());
        self
    }

    /// Asks for a client certificate issued by this authority.
    pub fn require_client(mut self, authority: &Authority) -> Self {
        self.clients = Some(authority.clone());
        self
    }

    /// Wants credentials. Several: any of them will do, and all are offered.
    pub fn auth(mut self, auth: Auth) -> Self {
        if let Auth::Bearer { tokens, realm: None } = &auth {
            self.options.tokens = Some(tokens.clone());
        }
        self.options.auths.push(auth);
        self
    }

    /// Issues tokens at `/token`, for another registry.
    pub fn tokens(mut self, tokens: &Tokens) -> Self {
        self.options.tokens = Some(tokens.clone());
        self
    }

    /// Takes manifests whose content is absent, and notes it in [`Registry::violations`].
    pub fn accepting(mut self) -> Self {
        self.options.accepting = true;
        self
    }

    /// Whether there is a referrers API (there is).
    pub fn referrers(mut self, on: bool) -> Self {
        self.options.referrers = on;
        self
    }

    /// Keeps only digest and length of blobs over 1 MiB (uploads by sha256 only).
    pub fn discard_large(mut self) -> Self {
        self.options.discard = true;
        self
    }

    /// Loses an upload session when its connection breaks, as distribution 2 does.
    pub fn drop_sessions_on_cut(mut self) -> Self {
        self.options.drop_sessions = true;
        self
    }

    /// Answers with paths in `Location` instead of whole addresses.
    pub fn relative_locations(mut self) -> Self {
        self.options.relative = true;
        self
    }

    /// Lists at most this many tags or referrers at once.
    pub fn page(mut self, entries: usize) -> Self {
        self.options.page = entries;
        self
    }

    /// Takes so much at once and no more.
    pub fn limit(mut self, limit: Limit) -> Self {
        self.options.limit = Some(limit);
        self
    }

    /// Shows what is pushed, by whatever name, only so long after; until then it is as it was before.
    pub fn shows_after(mut self, lag: Duration) -> Self {
        self.options.lag = lag;
        self
    }

    /// Starts it.
    pub fn start(mut self) -> Registry {
        self.options.tls = self.identity.map(|identity| identity.server_config(self.clients.as_ref()));
        Registry::launch(self.options)
    }
}

impl Default for Builder {
    fn default() -> Self {
        let options = Options {
            tls: None,
            auths: Vec::new(),
            tokens: None,
            accepting: false,
            referrers: true,
            discard: false,
            drop_sessions: false,
            relative: false,
            page: usize::MAX,
            limit: None,
            lag: Duration::ZERO,
        };
        Self { options, identity: None, clients: None }
    }
}
