//! `login` and `logout`: credentials for one registry, checked there before they are kept.

use std::path::PathBuf;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::registry::{Credential, Kept, Registries, RegistryOptions};
use crate::store::Watch;

/// Credentials to check and keep.
#[derive(Clone, Debug)]
pub struct Login {
    /// The registry, `HOST[:PORT]`.
    pub host: String,
    /// Whose.
    pub credential: Credential,
    /// How to talk to the registry.
    pub registry: RegistryOptions,
}

/// Where credentials went.
#[derive(Clone, Debug)]
pub struct LoggedIn {
    /// docker's configuration, or the file that was named.
    pub path: PathBuf,
    /// The helper that keeps the secret; without one it is in the file.
    pub helper: Option<String>,
    /// The registry asked for them; otherwise nothing says whether they are good.
    pub checked: bool,
}

impl Login {
    /// Shows the credentials to the registry, and keeps them if they are good.
    ///
    /// # Errors
    /// The registry refuses them or cannot be reached, or they cannot be kept.
    pub fn run(mut self, watch: Arc<dyn Watch>) -> Result<LoggedIn> {
        self.registry.login = Some((self.host.clone(), self.credential.clone()));
        let kept = Kept::find(self.registry.authfile.as_deref())?;
        // A file that does not exist yet is made, not read.
        self.registry.authfile = None;
        let checked = Registries::new(self.registry, watch)?.check_login(&self.host).map_err(|e| e.at(&self.host))?;
        let helper = kept.keep(&self.host, &self.credential)?;
        Ok(LoggedIn { path: kept.path().to_owned(), helper, checked })
    }
}

/// Forgets the credentials of a registry; the file they were in.
///
/// # Errors
/// None are kept, or the file or helper cannot be used.
pub fn logout(host: &str, authfile: Option<PathBuf>) -> Result<PathBuf> {
    let kept = Kept::find(authfile.as_deref())?;
    if !kept.forget(host)? {
        return Err(Error::usage(format!("{}: holds no credentials for {host}", kept.path().display())));
    }
    Ok(kept.path().to_owned())
}
