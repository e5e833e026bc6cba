//! Keeping credentials for later: in docker's configuration, or with the helper it names; where another
//! file is looked into first and has an entry for the registry, in that one.
//!
//! Everything else in a file stays as it is. It is replaced in one step, readable by its owner alone. Whoever
//! changes it holds a lock on its directory from before it is read until then, so that of several logins at
//! once none is lost.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use data_encoding::BASE64;
use serde_json::{Map, Value, json};
use tempfile::NamedTempFile;

use super::credential::{Credential, HUB, HUB_ALIASES, HUB_SERVER};
use super::file::normalised;
use super::helper::Helpers;
use super::{opened, places};
use crate::error::{Error, NextStep, Result};
use crate::oci::Host;
use crate::registry::wire::env::Env;

/// Where credentials are kept.
#[derive(Debug)]
pub(crate) struct Keeper {
    /// All files that are looked into, in that order.
    files: Vec<PathBuf>,
    /// Which of them a new entry goes into.
    own: PathBuf,
    /// What docker wrote before it had a configuration: nothing new is put there.
    dockercfg: Option<PathBuf>,
    helpers: Helpers,
}

impl Keeper {
    /// `authfile`, or `$REGISTRY_AUTH_FILE`, or docker's own configuration and podman's besides.
    ///
    /// # Errors
    /// When there is no home directory to keep anything in.
    pub(crate) fn find(authfile: Option<&Path>, env: Env<'_>) -> Result<Self> {
        let set = |name: &str| env(name).filter(|value| !value.is_empty());
        let helpers = Helpers::new(set("PATH"));
        let named = authfile.map(Path::to_owned).or_else(|| set("REGISTRY_AUTH_FILE").map(PathBuf::from));
        if let Some(only) = named {
            return Ok(Self { files: vec![only.clone()], own: only, dockercfg: None, helpers });
        }
        let own = places::docker_config(env).ok_or_else(|| Error::Usage {
            message: "no place to keep credentials: HOME is not set".into(),
            next: Some(NextStep::NameAuthfile),
        })?;
        Ok(Self { files: places::current_files(env), own, dockercfg: places::dockercfg(env), helpers })
    }

    /// Keeps a credential. The file that it went into, or the helper that the file names, is looked
    /// into before any other that knows the host.
    ///
    /// # Errors
    /// When the file or the helper cannot be used; the file is as it was then.
    pub(crate) fn keep(&self, host: &Host, credential: &Credential) -> Result<Kept> {
        let path = self.file_for(host)?;
        let _lock = lock(&path)?;
        let mut config = read(&path)?;
        let server = server(host);
        let (username, secret, identity) = match credential {
            Credential::Basic { username, password } => (username.as_str(), password.expose(), false),
            Credential::IdentityToken { token, .. } => ("<token>", token.expose(), true),
            Credential::RegistryToken(_) => return Err(Error::usage("a bare token cannot be kept")),
        };
        remove_entries(entries(&mut config), host);
        let narrower = narrower(&config, host);
        if let Some(helper) = helper(&config, host).map(str::to_owned) {
            let entry = json!({ "ServerURL": server, "Username": username, "Secret": secret });
            self.helpers.tell(&helper, "store", &entry.to_string(), &path)?;
            entries(&mut config).insert(server, json!({}));
            write(&path, &config)?;
            return Ok(Kept { path, helper: Some(helper), narrower });
        }
        let entry = if identity {
            json!({ "auth": BASE64.encode(b"<token>:"), "identitytoken": secret })
        } else {
            json!({ "auth": BASE64.encode(format!("{username}:{secret}").as_bytes()) })
        };
        entries(&mut config).insert(server, entry);
        write(&path, &config)?;
        Ok(Kept { path, helper: None, narrower })
    }

    /// Forgets what is kept for a host, under every name that it goes by: in the files, in the helpers
    /// that they name for it, and in their stores.
    ///
    /// # Errors
    /// When a file or helper cannot be used.
    pub(crate) fn forget(&self, host: &Host) -> Result<Forgotten> {
        let mut forgotten = Forgotten::default();
        for path in self.looked_into().filter(|path| path.exists()) {
            let _lock = lock(path)?;
            let mut config = read(path)?;
            let mut had = self.forget_in_helpers(&config, host, path)?;
            if remove_entries(entries(&mut config), host) {
                write(path, &config)?;
                had = true;
            }
            if had {
                forgotten.files.push(path.to_owned());
            }
            forgotten.narrower.extend(narrower(&config, host));
        }
        if let Some(path) = self.dockercfg.as_ref().filter(|path| path.exists()) {
            let _lock = lock(path)?;
            let mut entries = read(path)?;
            if remove_entries(&mut entries, host) {
                write(path, &entries)?;
                forgotten.files.push(path.clone());
            }
        }
        Ok(forgotten)
    }

    /// False where none of them knew the host.
    fn forget_in_helpers(&self, config: &Map<String, Value>, host: &Host, path: &Path) -> Result<bool> {
        let mut had = false;
        for helper in helpers(config, host) {
            for server in names(config, host) {
                if self.helpers.knows(helper, &server, path)? {
                    self.helpers.tell(helper, "erase", &server, path)?;
                    had = true;
                }
            }
        }
        Ok(had)
    }

    /// The file for new credentials, for messages.
    pub(crate) fn path(&self) -> &Path {
        &self.own
    }

    fn looked_into(&self) -> impl Iterator<Item = &Path> {
        let last = Some(&self.own).filter(|own| !self.files.contains(own));
        self.files.iter().chain(last).map(PathBuf::as_path)
    }

    /// An entry for the host, wherever it is found first, would win over one that comes later; and so
    /// would what a store for all hosts has.
    fn file_for(&self, host: &Host) -> Result<PathBuf> {
        for path in self.looked_into() {
            let config = read(path)?;
            let mut known = keys(&config, "auths").chain(keys(&config, "credHelpers"));
            if path == self.own || known.any(|key| normalised(key) == host.as_str()) {
                return Ok(path.to_owned());
            }
            if let Some(store) = store(&config) {
                for server in names(&config, host) {
                    if self.helpers.knows(store, &server, path)? {
                        return Ok(path.to_owned());
                    }
                }
            }
        }
        Ok(self.own.clone())
    }
}

/// Where credentials were.
#[derive(Debug, Default)]
pub(crate) struct Forgotten {
    /// The files that they were in, or that name the helper.
    pub(crate) files: Vec<PathBuf>,
    /// Entries `HOST/PATH` for a part of the registry, which stay.
    pub(crate) narrower: Vec<String>,
}

/// Where a credential went.
#[derive(Debug)]
pub(crate) struct Kept {
    /// The file.
    pub(crate) path: PathBuf,
    /// The helper that keeps the secret; without one it is in the file.
    pub(crate) helper: Option<String>,
    /// Entries `HOST/PATH` of this file, which come first for their part of the registry.
    pub(crate) narrower: Vec<String>,
}

fn read(path: &Path) -> Result<Map<String, Value>> {
    let Some((text, _)) = opened::read(path).map_err(Error::disk("read", path))? else { return Ok(Map::new()) };
    if text.trim_ascii().is_empty() {
        return Ok(Map::new());
    }
    // serde's own message could quote a secret.
    let unusable = |_| {
        let reason = format!("{}: not a valid file of credentials", path.display());
        Error::refused(reason, NextStep::RepairCredentialFile)
    };
    serde_json::from_slice(&text).map_err(unusable)
}

/// The file that a path stands for: a link is followed, so that the file is replaced and not the link.
fn behind(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Keeps others of this program from changing the file until it is dropped. The directory is locked, which is
/// made where it is missing, for its owner alone: the file itself is replaced, and another one is nobody's
/// business.
fn lock(path: &Path) -> Result<File> {
    let path = behind(path);
    let folder = folder(&path);
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder).map_err(Error::disk("make the folder", folder))?;
    let held = File::open(folder).map_err(Error::disk("open", folder))?;
    match held.lock() {
        // Some file systems have no locks for directories; what is written is whole all the same.
        Err(e) if !matches!(e.kind(), io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput) && !is_badf(&e) => {
            Err(Error::disk("lock", folder)(e))
        }
        _ => Ok(held),
    }
}

/// NFS locks only what is open for writing, which a directory cannot be.
fn is_badf(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::BADF.raw_os_error())
}

fn write(path: &Path, config: &Map<String, Value>) -> Result<()> {
    let path = behind(path);
    let folder = folder(&path);
    let text = serde_json::to_string_pretty(config).map_err(|e| Error::content(e.to_string()))?;
    let put = || -> io::Result<()> {
        // Readable by its owner alone, and gone again if anything fails.
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist(&path)?;
        File::open(folder)?.sync_all()
    };
    put().map_err(Error::disk("write", &path))
}

/// What docker calls a registry in its files.
fn server(host: &Host) -> String {
    if host.as_str() == HUB { HUB_SERVER.into() } else { host.to_string() }
}

/// Every name that a helper may know the host by: those that the file has, docker's own, and those of
/// other tools.
fn names(config: &Map<String, Value>, host: &Host) -> Vec<String> {
    let mut hosts = vec![host.to_string()];
    if host.as_str() == HUB {
        hosts.extend(HUB_ALIASES.map(str::to_owned));
    } else if !host.as_str().rsplit(']').next().is_some_and(|port| port.contains(':')) {
        hosts.push(format!("{host}:443"));
    }
    let written = keys(config, "auths").chain(keys(config, "credHelpers"));
    let mut names: Vec<String> = written.filter(|key| normalised(key) == host.as_str()).cloned().collect();
    names.push(server(host));
    names.extend(hosts.iter().flat_map(|host| [host.clone(), format!("https://{host}")]));
    let mut seen = HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

/// Those that a file names for this host; an empty one stands for the file itself.
fn own_helpers<'a>(config: &'a Map<String, Value>, host: &'a Host) -> impl Iterator<Item = &'a str> {
    let own = config.get("credHelpers").and_then(Value::as_object).into_iter().flatten();
    own.filter(move |(key, _)| normalised(key) == host.as_str()).filter_map(|(_, helper)| helper.as_str())
}

/// The helpers that may have something for a host.
fn helpers<'a>(config: &'a Map<String, Value>, host: &'a Host) -> impl Iterator<Item = &'a str> {
    own_helpers(config, host).filter(|helper| !helper.is_empty()).chain(store(config))
}

/// The helper that a new entry for the host goes to.
fn helper<'a>(config: &'a Map<String, Value>, host: &'a Host) -> Option<&'a str> {
    own_helpers(config, host).next().or_else(|| store(config)).filter(|helper| !helper.is_empty())
}

/// The helper for all hosts.
fn store(config: &Map<String, Value>) -> Option<&str> {
    config.get("credsStore").and_then(Value::as_str).filter(|store| !store.is_empty())
}

fn keys<'a>(config: &'a Map<String, Value>, table: &str) -> impl Iterator<Item = &'a String> {
    config.get(table).and_then(Value::as_object).into_iter().flat_map(Map::keys)
}

/// The entries for a part of the registry alone.
fn narrower(config: &Map<String, Value>, host: &Host) -> Vec<String> {
    let all = keys(config, "auths").chain(keys(config, "credHelpers"));
    let part = |key: &&String| normalised(key).strip_prefix(host.as_str()).is_some_and(|rest| rest.starts_with('/'));
    all.filter(part).cloned().collect()
}

/// Takes out every entry of a host, however it is written. False if there was none.
fn remove_entries(entries: &mut Map<String, Value>, host: &Host) -> bool {
    let before = entries.len();
    entries.retain(|key, _| normalised(key) != host.as_str());
    entries.len() < before
}

fn entries(config: &mut Map<String, Value>) -> &mut Map<String, Value> {
    let auths = config.entry("auths").or_insert_with(|| json!({}));
    if !auths.is_object() {
        *auths = json!({});
    }
    match auths {
        Value::Object(entries) => entries,
        _ => unreachable!("made an object just now"),
    }
}

#[cfg(test)]
mod tests;
