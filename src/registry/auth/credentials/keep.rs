//! Keeping credentials for later: in docker's configuration, or with the helper it names.
//!
//! Everything else in the file stays as it is. It is replaced in one step, readable by its owner
//! alone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use data_encoding::BASE64;
use serde_json::{Map, Value, json};

use super::helper::Helpers;
use super::{Credential, HUB, HUB_ALIASES, HUB_SERVER};
use crate::error::{Error, Result};

/// The place where credentials are kept.
#[derive(Debug)]
pub(crate) struct Keeper {
    path: PathBuf,
    helpers: Helpers,
}

impl Keeper {
    /// `authfile`, or `$REGISTRY_AUTH_FILE`, or docker's own configuration.
    ///
    /// # Errors
    /// When there is no home directory to keep anything in.
    pub(crate) fn find(authfile: Option<&Path>, env: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let set = |name: &str| env(name).filter(|value| !value.is_empty());
        let docker = || {
            let folder = set("DOCKER_CONFIG").map(PathBuf::from);
            folder.or_else(|| set("HOME").map(|home| Path::new(&home).join(".docker"))).map(|f| f.join("config.json"))
        };
        let named = authfile.map(Path::to_owned).or_else(|| set("REGISTRY_AUTH_FILE").map(PathBuf::from));
        let path = named.or_else(docker).ok_or_else(|| Error::Usage {
            message: "no place to keep credentials: HOME is not set".into(),
            hint: Some("name a file with --authfile".into()),
        })?;
        // A link is followed once, so that the file it stands for is replaced and not the link.
        let path = fs::canonicalize(&path).unwrap_or(path);
        Ok(Self { path, helpers: Helpers::new(set("PATH")) })
    }

    /// The file, for messages.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps a credential. Returns the name of the helper that has it now, if one has.
    ///
    /// # Errors
    /// When the file or the helper cannot be used; the file is as it was then.
    pub(crate) fn keep(&self, host: &str, credential: &Credential) -> Result<Option<String>> {
        let mut config = self.read()?;
        let server = server(host);
        let (username, secret, identity) = match credential {
            Credential::Basic { username, password } => (username.as_str(), password.expose(), false),
            Credential::IdentityToken { token, .. } => ("<token>", token.expose(), true),
            Credential::RegistryToken(_) => return Err(Error::usage("a bare token cannot be kept")),
        };
        if let Some(helper) = helper(&config, host) {
            let entry = json!({ "ServerURL": server, "Username": username, "Secret": secret });
            self.helpers.tell(&helper, "store", &entry.to_string(), &self.path)?;
            entries(&mut config).insert(server, json!({}));
            self.write(&config)?;
            return Ok(Some(helper));
        }
        let entry = if identity {
            json!({ "auth": BASE64.encode(b"<token>:"), "identitytoken": secret })
        } else {
            json!({ "auth": BASE64.encode(format!("{username}:{secret}").as_bytes()) })
        };
        entries(&mut config).insert(server, entry);
        self.write(&config)?;
        Ok(None)
    }

    /// Forgets what is kept for a host. False if nothing was.
    ///
    /// # Errors
    /// When the file or the helper cannot be used.
    pub(crate) fn forget(&self, host: &str) -> Result<bool> {
        let mut config = self.read()?;
        let server = server(host);
        let helper = helper(&config, host);
        if let Some(helper) = &helper {
            self.helpers.tell(helper, "erase", &server, &self.path)?;
        }
        let entries = entries(&mut config);
        let had = [entries.remove(&server), entries.remove(host), entries.remove(&format!("https://{host}"))];
        let had = had.iter().any(Option::is_some);
        if had {
            self.write(&config)?;
        }
        Ok(had || helper.is_some())
    }

    fn read(&self) -> Result<Map<String, Value>> {
        let text = match fs::read(&self.path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Map::new()),
            Err(e) => return Err(Error::disk("read", &self.path)(e)),
        };
        if text.trim_ascii().is_empty() {
            return Ok(Map::new());
        }
        // serde's own message could quote a secret.
        let unusable = |_| {
            let reason = format!("{}: not a valid file of credentials", self.path.display());
            Error::refused(reason, "repair it, or name another with --authfile")
        };
        serde_json::from_slice(&text).map_err(unusable)
    }

    fn write(&self, config: &Map<String, Value>) -> Result<()> {
        let folder = self.path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(Error::disk("make the folder", folder))?;
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let beside = folder.join(format!(".{name}.{}", std::process::id()));
        let text = serde_json::to_string_pretty(config).map_err(|e| Error::content(e.to_string()))?;
        let put = || -> io::Result<()> {
            let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
            file.write_all(text.as_bytes())?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            fs::rename(&beside, &self.path)
        };
        put().map_err(|e| {
            // It is ours, and holds a secret.
            let _ = fs::remove_file(&beside);
            Error::disk("write", &self.path)(e)
        })
    }
}

/// What docker calls a registry in its files.
fn server(host: &str) -> String {
    if host == HUB || HUB_ALIASES.contains(&host) { HUB_SERVER.into() } else { host.into() }
}

fn helper(config: &Map<String, Value>, host: &str) -> Option<String> {
    let own = config.get("credHelpers").and_then(|h| h.get(host).or_else(|| h.get(server(host))));
    own.or_else(|| config.get("credsStore")).and_then(Value::as_str).filter(|h| !h.is_empty()).map(str::to_owned)
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

    fn keeper(folder: &Path) -> Keeper {
        let env = |name: &str| match name {
            "DOCKER_CONFIG" => Some(folder.to_str().expect("utf-8").to_owned()),
            "PATH" => Some("/usr/bin:/bin".to_owned()),
            _ => None,
        };
        Keeper::find(None, &env).expect("a place")
    }

    #[test]
    fn what_is_kept_is_for_the_owner_alone_and_leaves_the_rest_of_the_file() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("config.json");
        fs::write(&path, r#"{"psFormat":"x","auths":{"other.example":{"auth":"eDp5"}}}"#).expect("written");
        let keeper = keeper(folder.path());
        let kept = keeper.keep("r.example:5000", &Credential::new("me", "pa:ss".to_owned())).expect("kept");
        assert_eq!(kept, None);
        let text: Value = serde_json::from_slice(&fs::read(&path).expect("readable")).expect("json");
        assert_eq!(text["psFormat"], "x");
        assert_eq!(text["auths"]["other.example"]["auth"], "eDp5");
        assert_eq!(text["auths"]["r.example:5000"]["auth"], BASE64.encode(b"me:pa:ss"));
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert!(keeper.forget("r.example:5000").expect("forgotten"));
        assert!(!keeper.forget("r.example:5000").expect("gone already"));
        assert_eq!(fs::read_dir(folder.path()).expect("folder").count(), 1);
    }

    #[test]
    fn docker_hub_goes_by_the_name_that_docker_gives_it() {
        let folder = tempfile::tempdir().expect("folder");
        keeper(folder.path()).keep("docker.io", &Credential::new("me", "x".to_owned())).expect("kept");
        let text = fs::read_to_string(folder.path().join("config.json")).expect("readable");
        assert!(text.contains("https://index.docker.io/v1/"), "{text}");
    }

    #[test]
    fn a_file_that_cannot_be_understood_is_left_alone() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("config.json");
        fs::write(&path, "{ secret").expect("written");
        let error =
            keeper(folder.path()).keep("r.example", &Credential::new("me", "x".to_owned())).expect_err("refused");
        assert!(!error.to_string().contains("secret"), "{error}");
        assert_eq!(fs::read_to_string(&path).expect("readable"), "{ secret");
    }
}
