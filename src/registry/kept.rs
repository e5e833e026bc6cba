//! Credentials that outlive a run, and the check that they are good.

use std::path::Path;

use ureq::http::Method;

use super::Registries;
use super::auth::credentials::{Credential, Keeper};
use super::wire::exchange::Request;
use super::auth::token::Scope;
use crate::error::Result;

/// The place where this user's credentials are kept.
#[derive(Debug)]
pub struct Kept(Keeper);

impl Kept {
    /// `authfile`, or `$REGISTRY_AUTH_FILE`, or docker's configuration.
    ///
    /// # Errors
    /// When there is no home directory.
    pub fn find(authfile: Option<&Path>) -> Result<Self> {
        Keeper::find(authfile, &|name| std::env::var(name).ok()).map(Self)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Keeps a credential, in the file or with the helper it names; the helper's name then.
    ///
    /// # Errors
    /// When file or helper cannot be used.
    pub fn keep(&self, host: &str, credential: &Credential) -> Result<Option<String>> {
        self.0.keep(host, credential)
    }

    /// Forgets a host. False if nothing was kept for it.
    ///
    /// # Errors
    /// When file or helper cannot be used.
    pub fn forget(&self, host: &str) -> Result<bool> {
        self.0.forget(host)
    }
}

impl Registries {
    /// Shows the credentials for a host to its registry (distribution-spec v1.1 end-1). False if the
    /// registry asks nobody for any.
    ///
    /// # Errors
    /// When the registry refuses them, or cannot be reached.
    pub fn check_login(&self, host: &str) -> Result<bool> {
        let host = self.transport.host(host)?;
        let request = Request::new(Method::GET, self.transport.url(&host, "v2/"));
        let shown = request.shown.clone();
        let mut response = self.transport.send(&host, &Scope::none(), request)?;
        match response.status {
            200 => {
                response.drain();
                Ok(host.challenge().is_some())
            }
            _ => Err(response.failure(&shown)),
        }
    }
}
