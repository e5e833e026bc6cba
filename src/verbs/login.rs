//! `login` and `logout`: credentials for one registry, checked there before they are kept.

use std::path::PathBuf;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::oci::Host;
use crate::registry::{Credential, Forgotten, Keeper, Kept, Registries, RegistryOptions, of_process};
use crate::store::Watch;

/// Credentials to check and keep.
#[derive(Clone, Debug)]
pub struct Login {
    host: Host,
    credential: Credential,
    registry: RegistryOptions,
}

/// Where credentials went.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct LoggedIn {
    /// The registry.
    pub registry: Host,
    /// docker's configuration, or the file that was named, or one that is looked into before.
    pub file: PathBuf,
    /// The helper that keeps the secret; without one it is in the file.
    pub helper: Option<String>,
    /// Entries `HOST/PATH` of the same file: they come first for their part of the registry.
    pub narrower: Vec<String>,
    /// The registry asked for them; otherwise nothing says whether they are good.
    pub checked: bool,
}

/// Where credentials were.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct LoggedOut {
    /// The registry.
    pub registry: Host,
    /// The files that they were in, or that name the helper that had them.
    pub files: Vec<PathBuf>,
    /// Entries `HOST/PATH` for a part of the registry: they stay.
    pub narrower: Vec<String>,
}

impl Login {
    /// This credential for the registry at `host`; `registry` says how to talk to it.
    pub fn new(host: Host, credential: Credential, registry: RegistryOptions) -> Self {
        Self { host, credential, registry }
    }

    /// Shows the credentials to the registry, and keeps them if they are good.
    ///
    /// # Errors
    /// The registry refuses them or cannot be reached, or they cannot be kept.
    pub fn run(mut self, watch: Arc<dyn Watch>) -> Result<LoggedIn> {
        self.registry.login = Some((self.host.clone(), self.credential.clone()));
        let keeper = Keeper::find(self.registry.authfile.as_deref(), &of_process)?;
        // A file that does not exist yet is made, not read.
        self.registry.authfile = None;
        let checked = Registries::new(self.registry, watch)?.check_login(&self.host).map_err(|e| e.at(&self.host))?;
        let Kept { path, helper, narrower } = keeper.keep(&self.host, &self.credential)?;
        Ok(LoggedIn { registry: self.host, file: path, helper, narrower, checked })
    }
}

/// Forgets the credentials of a registry, wherever they are kept.
///
/// # Errors
/// None are kept, or a file or helper cannot be used.
pub fn logout(host: Host, authfile: Option<PathBuf>) -> Result<LoggedOut> {
    let keeper = Keeper::find(authfile.as_deref(), &of_process)?;
    let Forgotten { files, narrower } = keeper.forget(&host)?;
    if files.is_empty() {
        return Err(Error::usage(format!("{}: holds no credentials for {host}", keeper.path().display())));
    }
    Ok(LoggedOut { registry: host, files, narrower })
}
