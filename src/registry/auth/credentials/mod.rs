//! Credentials: found where docker and podman keep them, and never shown.
//!
//! Of several files the first with an answer wins. Within one, the longest `host/path` prefix does,
//! and at the same prefix a helper comes before what the file itself holds; last comes the
//! `credsStore` for all hosts.

mod file;
mod helper;
mod keep;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};

use data_encoding::BASE64_NOPAD;
use serde::Deserialize;

use crate::{Error, Result};

use file::{AuthFile, Format};
use helper::Helpers;
pub(crate) use keep::Keeper;

/// Docker Hub goes by three host names; this is the one of references.
const HUB: &str = "docker.io";
const HUB_ALIASES: [&str; 2] = ["index.docker.io", "registry-1.docker.io"];
/// The name under which `docker login` stores Docker Hub's credentials.
const HUB_SERVER: &str = "https://index.docker.io/v1/";
/// A user of this name says that the password is an identity token.
const TOKEN_USER: &str = "<token>";

/// Text that is shown to registries only: printing it gives `***`.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text itself, for the header or body it goes into.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What to show a registry, or its token server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// User name and password.
    Basic {
        /// The account.
        username: String,
        /// Its password.
        password: Secret,
    },
    /// A refresh token, to be exchanged at the token server.
    IdentityToken {
        /// The account; empty where only the token is known.
        username: String,
        /// The refresh token.
        token: Secret,
    },
    /// A bearer token for the registry itself, ready to use.
    RegistryToken(Secret),
}

impl Credential {
    /// User name and password, or the identity token that they stand for.
    pub fn new(username: impl Into<String>, password: impl Into<Secret>) -> Self {
        let (username, password) = (username.into(), password.into());
        if username == TOKEN_USER {
            Self::IdentityToken { username: String::new(), token: password }
        } else {
            Self::Basic { username, password }
        }
    }

    /// The credential in the value of an `Authorization` header, `Basic …` or `Bearer …`.
    ///
    /// # Errors
    /// When it is neither. The value is not repeated.
    pub fn from_authorization_value(value: &str) -> Result<Self> {
        let (scheme, rest) = value.trim().split_once(' ').unwrap_or_default();
        let rest = rest.trim();
        let read = match scheme.to_ascii_lowercase().as_str() {
            "basic" => from_base64(rest),
            "bearer" if !rest.is_empty() => Some(Self::RegistryToken(Secret(rest.into()))),
            _ => None,
        };
        read.ok_or_else(|| Error::Usage {
            message: "the authorization value is not `Basic` with base64 of `user:password`".into(),
            hint: Some("write it as `Basic $(printf %s user:password | base64 -w0)`".into()),
        })
    }
}

/// `user:password` in base64, with or without padding; the password may hold further colons, and
/// docker has written trailing NULs.
fn from_base64(text: &str) -> Option<Credential> {
    let bytes = BASE64_NOPAD.decode(text.trim().trim_end_matches('=').as_bytes()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (username, password) = text.split_once(':')?;
    Some(Credential::new(username, password.trim_end_matches('\0').to_owned()))
}

/// The credentials of this machine's user.
#[derive(Debug, Default)]
pub(crate) struct Credentials {
    files: Vec<AuthFile>,
    helpers: Helpers,
    warnings: Vec<String>,
}

impl Credentials {
    /// Reads `authfile` alone if there is one, else `$REGISTRY_AUTH_FILE` alone, else podman's and
    /// docker's files as far as they exist.
    ///
    /// # Errors
    /// When a file cannot be read or understood, or one that was named does not exist.
    pub(crate) fn load(authfile: Option<&Path>, env: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let set = |name: &str| env(name).filter(|value| !value.is_empty());
        let mut credentials = Self { helpers: Helpers::new(set("PATH")), ..Self::default() };
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
        for (path, format) in usual_files(&set) {
            credentials.read(&path, format)?;
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
    pub(crate) fn lookup(&self, host: &str, path: &str) -> Result<Option<Credential>> {
        for file in &self.files {
            if let Some(credential) = file.lookup(host, path, &self.helpers)? {
                return Ok(Some(credential));
            }
        }
        Ok(None)
    }

    /// What one file says, with no helper to be found.
    #[cfg(fuzzing)]
    pub(crate) fn of_one_file(path: &Path, is_dockercfg: bool) -> Result<Self> {
        let mut credentials = Self::default();
        credentials.read(path, if is_dockercfg { Format::Dockercfg } else { Format::Current })?;
        Ok(credentials)
    }

    fn read(&mut self, path: &Path, format: Format) -> Result<bool> {
        let Some(file) = AuthFile::read(path, format, &mut self.warnings)? else { return Ok(false) };
        self.files.push(file);
        Ok(true)
    }
}

fn usual_files(set: &dyn Fn(&str) -> Option<String>) -> Vec<(PathBuf, Format)> {
    let home = set("HOME").map(PathBuf::from);
    let below_home = |below: &str| home.as_ref().map(|home| home.join(below));
    let below = |variable: &str, otherwise: Option<PathBuf>| set(variable).map(PathBuf::from).or(otherwise);
    let runtime = below("XDG_RUNTIME_DIR", None).map(|runtime| runtime.join("containers"));
    let runtime = runtime.or_else(|| Some(Path::new("/run/containers").join(file::own_uid()?.to_string())));
    let current = [
        runtime.map(|directory| directory.join("auth.json")),
        below("XDG_CONFIG_HOME", below_home(".config")).map(|directory| directory.join("containers/auth.json")),
        below("DOCKER_CONFIG", below_home(".docker")).map(|directory| directory.join("config.json")),
    ];
    let legacy = below_home(".dockercfg").map(|path| (path, Format::Dockercfg));
    current.into_iter().flatten().map(|path| (path, Format::Current)).chain(legacy).collect()
}
