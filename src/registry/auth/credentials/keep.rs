//! Keeping credentials for later: in docker's configuration, or with the helper it names; where another
//! file is looked into first and has an entry for the registry, in that one.
//!
//! Everything else in a file stays as it is. It is replaced in one step, readable by its owner alone.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use data_encoding::BASE64;
use serde_json::{Map, Value, json};
use tempfile::NamedTempFile;

use super::credential::{Credential, HUB, HUB_SERVER};
use super::file::normalised;
use super::helper::Helpers;
use super::places;
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
            return Ok(Self { files: vec![only.clone()], own: only, helpers });
        }
        let own = places::docker_config(env).ok_or_else(|| Error::Usage {
            message: "no place to keep credentials: HOME is not set".into(),
            next: Some(NextStep::NameAuthfile),
        })?;
        Ok(Self { files: places::current_files(env), own, helpers })
    }

    /// Keeps a credential. The file that it went into, or the helper that the file names, is looked
    /// into before any other that knows the host.
    ///
    /// # Errors
    /// When the file or the helper cannot be used; the file is as it was then.
    pub(crate) fn keep(&self, host: &Host, credential: &Credential) -> Result<Kept> {
        let path = self.file_for(host)?;
        let mut config = read(&path)?;
        let server = server(host);
        let (username, secret, identity) = match credential {
            Credential::Basic { username, password } => (username.as_str(), password.expose(), false),
            Credential::IdentityToken { token, .. } => ("<token>", token.expose(), true),
            Credential::RegistryToken(_) => return Err(Error::usage("a bare token cannot be kept")),
        };
        remove_entries(&mut config, host);
        if let Some(helper) = helper(&config, host) {
            let entry = json!({ "ServerURL": server, "Username": username, "Secret": secret });
            self.helpers.tell(&helper, "store", &entry.to_string(), &path)?;
            entries(&mut config).insert(server, json!({}));
            write(&path, &config)?;
            return Ok(Kept { path, helper: Some(helper) });
        }
        let entry = if identity {
            json!({ "auth": BASE64.encode(b"<token>:"), "identitytoken": secret })
        } else {
            json!({ "auth": BASE64.encode(format!("{username}:{secret}").as_bytes()) })
        };
        entries(&mut config).insert(server, entry);
        write(&path, &config)?;
        Ok(Kept { path, helper: None })
    }

    /// Forgets what is kept for a host; the files that it was in, and where it was not.
    ///
    /// # Errors
    /// When a file or helper cannot be used.
    pub(crate) fn forget(&self, host: &Host) -> Result<Vec<PathBuf>> {
        let mut forgotten = Vec::new();
        for path in self.looked_into() {
            let mut config = read(path)?;
            let helper = helper(&config, host);
            if let Some(helper) = &helper {
                self.helpers.tell(helper, "erase", &server(host), path)?;
            }
            let had = remove_entries(&mut config, host);
            if had {
                write(path, &config)?;
            }
            if had || helper.is_some() {
                forgotten.push(path.to_owned());
            }
        }
        Ok(forgotten)
    }

    /// The file for new credentials, for messages.
    pub(crate) fn path(&self) -> &Path {
        &self.own
    }

    fn looked_into(&self) -> impl Iterator<Item = &Path> {
        let last = Some(&self.own).filter(|own| !self.files.contains(own));
        self.files.iter().chain(last).map(PathBuf::as_path)
    }

    /// An entry for the host, wherever it is found first, would win over one that comes later.
    fn file_for(&self, host: &Host) -> Result<PathBuf> {
        for path in self.looked_into() {
            let config = read(path)?;
            let own = config.get("credHelpers").and_then(Value::as_object).into_iter().flatten();
            let known = config.get("auths").and_then(Value::as_object).into_iter().flatten().chain(own);
            if path == self.own || known.into_iter().any(|(key, _)| normalised(key) == host.as_str()) {
                return Ok(path.to_owned());
            }
        }
        Ok(self.own.clone())
    }
}

/// Where a credential went.
#[derive(Debug)]
pub(crate) struct Kept {
    /// The file.
    pub(crate) path: PathBuf,
    /// The helper that keeps the secret; without one it is in the file.
    pub(crate) helper: Option<String>,
}

fn read(path: &Path) -> Result<Map<String, Value>> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(Map::new()),
        Err(e) => return Err(Error::disk("read", path)(e)),
    };
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

fn write(path: &Path, config: &Map<String, Value>) -> Result<()> {
    // A link is followed once, so that the file it stands for is replaced and not the link.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(Error::disk("make the folder", folder))?;
    let text = serde_json::to_string_pretty(config).map_err(|e| Error::content(e.to_string()))?;
    let put = || -> io::Result<()> {
        // Readable by its owner alone, and gone again if anything fails.
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist(&path)?;
        Ok(())
    };
    put().map_err(Error::disk("write", &path))
}

/// What docker calls a registry in its files.
fn server(host: &Host) -> String {
    if host.as_str() == HUB { HUB_SERVER.into() } else { host.to_string() }
}

fn helper(config: &Map<String, Value>, host: &Host) -> Option<String> {
    let own = config.get("credHelpers").and_then(Value::as_object);
    let own = own.into_iter().flatten().find(|(key, _)| normalised(key) == host.as_str()).map(|(_, helper)| helper);
    own.or_else(|| config.get("credsStore")).and_then(Value::as_str).filter(|h| !h.is_empty()).map(str::to_owned)
}

/// Takes out every entry of a host, however it is written. False if there was none.
fn remove_entries(config: &mut Map<String, Value>, host: &Host) -> bool {
    let entries = entries(config);
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
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::registry::auth::credentials::Credentials;

    fn env(folder: &Path) -> impl Fn(&str) -> Option<String> {
        let folder = folder.to_str().expect("utf-8").to_owned();
        move |name| match name {
            "DOCKER_CONFIG" => Some(folder.clone()),
            "XDG_CONFIG_HOME" => Some(format!("{folder}/config")),
            "PATH" => Some("/usr/bin:/bin".to_owned()),
            _ => None,
        }
    }

    fn keeper(folder: &Path) -> Keeper {
        Keeper::find(None, &env(folder)).expect("a place")
    }

    fn at(host: &str) -> Host {
        host.parse().expect("a host")
    }

    fn me(password: &str) -> Credential {
        Credential::new("me", password.to_owned())
    }

    #[test]
    fn what_is_kept_is_for_the_owner_alone_and_leaves_the_rest_of_the_file() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("config.json");
        fs::write(&path, r#"{"psFormat":"x","auths":{"other.example":{"auth":"eDp5"}}}"#).expect("written");
        let keeper = keeper(folder.path());
        let kept = keeper.keep(&at("r.example:5000"), &me("pa:ss")).expect("kept");
        assert_eq!((kept.path.as_path(), kept.helper), (path.as_path(), None));
        let text: Value = serde_json::from_slice(&fs::read(&path).expect("readable")).expect("json");
        assert_eq!(text["psFormat"], "x");
        assert_eq!(text["auths"]["other.example"]["auth"], "eDp5");
        assert_eq!(text["auths"]["r.example:5000"]["auth"], BASE64.encode(b"me:pa:ss"));
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert_eq!(keeper.forget(&at("r.example:5000")).expect("forgotten"), [path]);
        assert!(keeper.forget(&at("r.example:5000")).expect("gone already").is_empty());
        assert_eq!(fs::read_dir(folder.path()).expect("folder").count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_new_login_is_what_is_found_although_another_file_is_looked_into_first() {
        let folder = tempfile::tempdir().expect("folder");
        let podman = folder.path().join("config/containers/auth.json");
        fs::create_dir_all(podman.parent().expect("a folder")).expect("made");
        fs::write(&podman, r#"{"auths":{"r.example":{"auth":"bWU6b2xk"},"z.example":{"auth":"eDp5"}}}"#).expect("old");
        let env = env(folder.path());
        let keeper = keeper(folder.path());
        for (host, file) in [("r.example", podman.clone()), ("new.example", folder.path().join("config.json"))] {
            assert_eq!(keeper.keep(&at(host), &me("new")).expect("kept").path, file);
            let found = Credentials::load(None, &env).expect("read").lookup(&at(host), "app").expect("found");
            assert_eq!(found, Some(me("new")), "{host}");
        }
        fs::write(folder.path().join("config.json"), r#"{"auths":{"https://r.example/v1/":{"auth":"eDp5"}}}"#)
            .expect("written");
        let both = keeper.forget(&at("r.example")).expect("forgotten");
        assert_eq!(both.len(), 2, "no file gives it again: {both:?}");
    }

    #[test]
    fn docker_hub_goes_by_the_name_that_docker_gives_it() {
        let folder = tempfile::tempdir().expect("folder");
        keeper(folder.path()).keep(&at("docker.io"), &me("x")).expect("kept");
        let text = fs::read_to_string(folder.path().join("config.json")).expect("readable");
        assert!(text.contains("https://index.docker.io/v1/"), "{text}");
    }

    #[test]
    fn a_file_that_cannot_be_understood_is_left_alone() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("config.json");
        fs::write(&path, "{ secret").expect("written");
        let error = keeper(folder.path()).keep(&at("r.example"), &me("x")).expect_err("refused");
        assert!(!error.to_string().contains("secret"), "{error}");
        assert_eq!(fs::read_to_string(&path).expect("readable"), "{ secret");
    }
}
