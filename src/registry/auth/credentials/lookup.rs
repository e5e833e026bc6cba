//! Which credential is for which repository.
//!
//! Of several files the first with an answer wins. Within one, the longest `host/path` prefix does,
//! and at the same prefix a helper comes before what the file itself holds; last comes the
//! `credsStore` for all hosts.

use std::path::{Path, PathBuf};

use super::credential::Credential;
use super::file::{AuthFile, Format};
use super::helper::Helpers;
use super::places;
use crate::oci::Host;
use crate::registry::wire::env::Env;
use crate::{Error, Result};

/// The credentials of this machine's user.
#[derive(Debug, Default)]
pub(crate) struct Credentials {
    files: Vec<AuthFile>,
    pub(super) helpers: Helpers,
    /// A file that others can change is refused.
    strict: bool,
    warnings: Vec<String>,
    looked_in: Vec<PathBuf>,
}

impl Credentials {
    /// Reads `authfile` alone if there is one, else `$REGISTRY_AUTH_FILE` alone, else podman's and
    /// docker's files as far as they exist.
    ///
    /// # Errors
    /// When a file cannot be read or understood, or one that was named does not exist; where `strict`,
    /// when others can change a file.
    pub(crate) fn load(authfile: Option<&Path>, strict: bool, env: Env<'_>) -> Result<Self> {
        let set = |name: &str| env(name).filter(|value| !value.is_empty());
        let mut credentials = Self { helpers: Helpers::new(set("PATH")), strict, ..Self::default() };
        let named = match authfile {
            Some(path) => Some((path.to_owned(), "--authfile")),
            None => set("REGISTRY_AUTH_FILE").map(|path| (path.into(), "REGISTRY_AUTH_FILE")),
        };
        if let Some((path, origin)) = named {
            if !credentials.read(&path, Format::Current)? {
                return Err(Error::usage(format!("{origin}: {}: no such file", path.display())));
            }
            return Ok(credentials);
        }
        for path in places::current_files(env) {
            credentials.read(&path, Format::Current)?;
        }
        if let Some(path) = places::dockercfg(env) {
            credentials.read(&path, Format::Dockercfg)?;
        }
        Ok(credentials)
    }

    /// What the person should know about the files: who else can read or change them.
    pub(crate) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The credential for a repository, `path` being what follows the host; `None`: go without.
    ///
    /// # Errors
    /// When an entry is malformed, or a credential helper fails.
    pub(crate) fn lookup(&self, host: &Host, path: &str) -> Result<Option<Credential>> {
        for file in &self.files {
            if let Some(credential) = file.lookup(host, path, &self.helpers)? {
                return Ok(Some(credential));
            }
        }
        Ok(None)
    }

    /// The file that a credential for a repository comes from.
    pub(crate) fn file_with(&self, host: &Host, path: &str) -> Option<&Path> {
        let has_one = |file: &&AuthFile| matches!(file.lookup(host, path, &self.helpers), Ok(Some(_)));
        self.files.iter().find(has_one).map(AuthFile::path)
    }

    /// Where credentials are looked for, whether anything is there or not.
    pub(crate) fn looked_in(&self) -> &[PathBuf] {
        &self.looked_in
    }

    /// What one file says, with no helper to be found.
    #[cfg(fuzzing)]
    pub(crate) fn of_one_file(path: &Path, is_dockercfg: bool) -> Result<Self> {
        let mut credentials = Self::default();
        credentials.read(path, if is_dockercfg { Format::Dockercfg } else { Format::Current })?;
        Ok(credentials)
    }

    fn read(&mut self, path: &Path, format: Format) -> Result<bool> {
        self.looked_in.push(path.to_owned());
        let Some(file) = AuthFile::read(path, format, self.strict, &mut self.warnings)? else { return Ok(false) };
        self.files.push(file);
        Ok(true)
    }
}
