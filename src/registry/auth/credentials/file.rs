//! One file with credentials: docker's `config.json`, podman's `auth.json`, the old `.dockercfg`.

use std::collections::BTreeMap;
use std::iter;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::credential::{Credential, HUB, HUB_ALIASES, HUB_SERVER, Secret, from_base64};
use super::helper::Helpers;
use super::opened::{self, Exposure};
use crate::oci::Host;
use crate::{Error, NextStep, Result};

/// How a file is laid out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Format {
    /// With `auths`, `credHelpers` and `credsStore`.
    Current,
    /// The entries of `auths` alone.
    Dockercfg,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    auths: Option<BTreeMap<String, Option<Entry>>>,
    cred_helpers: Option<BTreeMap<String, String>>,
    creds_store: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Entry {
    auth: Option<Secret>,
    username: Option<String>,
    password: Option<Secret>,
    identitytoken: Option<Secret>,
    registrytoken: Option<Secret>,
}

/// A parsed file; its keys are normalised to `host[/path]`.
#[derive(Debug)]
pub(crate) struct AuthFile {
    path: PathBuf,
    auths: BTreeMap<String, Entry>,
    /// Entries without content, as written: docker leaves them next to a store, which knows the
    /// server by this name.
    stored: Vec<String>,
    /// Each with the key as written, which the helper may know the server by.
    helpers: BTreeMap<String, Vec<(String, String)>>,
    store: Option<String>,
}

impl AuthFile {
    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads a file; `None` when it does not exist.
    ///
    /// # Errors
    /// When it cannot be read or parsed, or others can change it and `strict` says that this will not
    /// do. Nothing of its content is repeated.
    pub(crate) fn read(path: &Path, format: Format, strict: bool, warnings: &mut Vec<String>) -> Result<Option<Self>> {
        let unusable = |reason: String| Error::Refused { reason: format!("{}: {reason}", path.display()), next: None };
        let Some((text, file)) = opened::read(path).map_err(|error| unusable(error.to_string()))? else {
            return Ok(None);
        };
        // podman and docker leave empty files behind.
        let config = if text.trim_ascii().is_empty() { Ok(Config::default()) } else { parse(&text, format) };
        let config = config.map_err(|error| {
            // serde's own message quotes what it stumbled over.
            unusable(format!("not a valid file of credentials (line {}, column {})", error.line(), error.column()))
        })?;
        let parsed = Self::new(path, config);
        match opened::exposure(path, &file, !parsed.auths.is_empty()) {
            Some(Exposure::Change(how)) if strict => {
                let reason = format!("{}: {how}", path.display());
                return Err(Error::refused(reason, NextStep::ProtectCredentialFile { file: path.into() }));
            }
            Some(Exposure::Change(how) | Exposure::Read(how)) => warnings.push(format!("{}: {how}", path.display())),
            None => {}
        }
        Ok(Some(parsed))
    }

    fn new(path: &Path, config: Config) -> Self {
        let mut file = Self {
            path: path.into(),
            auths: BTreeMap::new(),
            stored: Vec::new(),
            helpers: BTreeMap::new(),
            store: config.creds_store.filter(|store| !store.is_empty()),
        };
        let (urls, plain): (Vec<_>, Vec<_>) =
            config.auths.unwrap_or_default().into_iter().partition(|(key, _)| key.contains("://"));
        // A key without a scheme is the more exact one.
        for (key, entry) in plain.into_iter().chain(urls) {
            match entry.filter(|entry| !entry.is_empty()) {
                Some(entry) => drop(file.auths.entry(normalised(&key)).or_insert(entry)),
                None => file.stored.push(key),
            }
        }
        for (key, helper) in config.cred_helpers.unwrap_or_default() {
            file.helpers.entry(normalised(&key)).or_default().push((key, helper));
        }
        file
    }

    /// The credential for `host/path`, if this file or a helper it names has one.
    ///
    /// # Errors
    /// When the entry is malformed or the helper fails.
    pub(crate) fn lookup(&self, host: &Host, path: &str, helpers: &Helpers) -> Result<Option<Credential>> {
        let host = normalised_host(host.as_str());
        let whole = format!("{host}/{path}");
        let mut key = whole.trim_end_matches('/');
        loop {
            for (written, helper) in self.helpers.get(key).into_iter().flatten() {
                let others = self.servers(&host, key).into_iter().filter(|server| server != written);
                for server in iter::once(written.clone()).chain(others) {
                    if let Some(credential) = helpers.get(helper, &server, &self.path)? {
                        return Ok(Some(credential));
                    }
                }
            }
            if let Some(entry) = self.auths.get(key) {
                let malformed = || Error::Refused {
                    reason: format!("{}: the entry of {key} is malformed", self.path.display()),
                    next: None,
                };
                return entry.credential().map(Some).ok_or_else(malformed);
            }
            match key.rsplit_once('/') {
                Some((shorter, _)) => key = shorter,
                None => break,
            }
        }
        let Some(store) = &self.store else { return Ok(None) };
        for server in self.servers(&host, &host) {
            if let Some(credential) = helpers.get(store, &server, &self.path)? {
                return Ok(Some(credential));
            }
        }
        Ok(None)
    }

    /// The names under which a helper may know what `key` names.
    fn servers(&self, host: &str, key: &str) -> Vec<String> {
        let mut servers = match key {
            HUB => vec![HUB_SERVER.to_owned(), HUB.to_owned()],
            key => vec![key.to_owned()],
        };
        for stored in &self.stored {
            if key == host && normalised(stored) == host && !servers.contains(stored) {
                servers.push(stored.clone());
            }
        }
        servers
    }
}

impl Entry {
    fn is_empty(&self) -> bool {
        let Self { auth, username, password, identitytoken, registrytoken } = self;
        username.as_ref().is_none_or(String::is_empty)
            && [auth, password, identitytoken, registrytoken].into_iter().all(|secret| filled(secret).is_none())
    }

    fn credential(&self) -> Option<Credential> {
        if let Some(token) = filled(&self.registrytoken) {
            return Some(Credential::RegistryToken(token.clone()));
        }
        let username = self.username.clone().unwrap_or_default();
        let basic = match filled(&self.auth) {
            Some(auth) => from_base64(auth.expose()),
            None => Some(Credential::new(&username, self.password.clone().unwrap_or_default())),
        };
        let Some(token) = filled(&self.identitytoken) else { return basic };
        let username = match basic {
            Some(Credential::Basic { username, .. }) => username,
            _ => username,
        };
        Some(Credential::IdentityToken { username, token: token.clone() })
    }
}

fn filled(secret: &Option<Secret>) -> Option<&Secret> {
    secret.as_ref().filter(|secret| !secret.expose().is_empty())
}

fn parse(text: &[u8], format: Format) -> serde_json::Result<Config> {
    match format {
        Format::Current => serde_json::from_slice(text),
        Format::Dockercfg => Ok(Config { auths: serde_json::from_slice(text)?, ..Config::default() }),
    }
}

/// A key as `host[/path]`: docker's oldest ones are URLs, whose path says nothing.
pub(super) fn normalised(key: &str) -> String {
    let stripped = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://"));
    let (host, path) = stripped.unwrap_or(key).split_once('/').unwrap_or((stripped.unwrap_or(key), ""));
    let host = normalised_host(host);
    match path.trim_end_matches('/') {
        "" | "v1" | "v2" => host,
        _ if stripped.is_some() => host,
        path => format!("{host}/{path}"),
    }
}

/// A host as it is compared everywhere. What is none stays as it is: nobody will ask for it.
fn normalised_host(text: &str) -> String {
    let host = text.parse::<Host>().map_or_else(|_| text.to_ascii_lowercase(), |host| host.to_string());
    if HUB_ALIASES.contains(&host.as_str()) { HUB.into() } else { host }
}
