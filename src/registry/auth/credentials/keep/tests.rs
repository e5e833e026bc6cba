//! What is kept is found, and what is forgotten is nowhere any more.

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
    assert_eq!(keeper.forget(&at("r.example:5000")).expect("forgotten").files, [path]);
    assert!(keeper.forget(&at("r.example:5000")).expect("gone already").files.is_empty());
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
        let found = Credentials::load(None, false, &env).expect("read").lookup(&at(host), "app").expect("found");
        assert_eq!(found, Some(me("new")), "{host}");
    }
    fs::write(folder.path().join("config.json"), r#"{"auths":{"https://r.example/v1/":{"auth":"eDp5"}}}"#)
        .expect("written");
    let both = keeper.forget(&at("r.example")).expect("forgotten");
    assert_eq!(both.files.len(), 2, "no file gives it again: {both:?}");
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

/// A helper that keeps each secret in a file of its own, named as the server is.
fn helper_in(folder: &Path) -> impl Fn(&str) -> Option<String> {
    let program = folder.join("docker-credential-files");
    let script = r#"#!/bin/sh
cd "$(dirname "$0")" || exit 1
read -r first
name() { printf %s "$1" | tr / _; }
case $1 in
  get) cat "$(name "$first").secret" 2>&- || { echo "credentials not found in native keychain"; exit 1; } ;;
  erase) rm "$(name "$first").secret" ;;
esac
"#;
    fs::write(&program, script).expect("written");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).expect("a program");
    let (env, path) = (env(folder), format!("{}:/usr/bin:/bin", folder.display()));
    move |name| if name == "PATH" { Some(path.clone()) } else { env(name) }
}

fn has_secret(folder: &Path, server: &str) -> PathBuf {
    let file = folder.join(format!("{}.secret", server.replace('/', "_")));
    fs::write(&file, r#"{"Username":"me","Secret":"kept"}"#).expect("written");
    file
}

#[test]
fn a_logout_leaves_nothing_under_any_name_in_helper_store_or_file() {
    let cases: [(&str, &str, &[&str]); 4] = [
        ("r.example", r#"{"credsStore":"files"}"#, &["r.example", "https://r.example", "r.example:443"]),
        (
            "docker.io",
            r#"{"credsStore":"files"}"#,
            &["https://index.docker.io/v1/", "docker.io", "registry-1.docker.io"],
        ),
        ("r.example", r#"{"credHelpers":{"R.example:443":"files"},"credsStore":"files"}"#, &["R.example:443"]),
        (
            "r.example:5000",
            r#"{"auths":{"https://r.example:5000/v1/":{}},"credsStore":"files"}"#,
            &["https://r.example:5000/v1/"],
        ),
    ];
    for (host, config, servers) in cases {
        let folder = tempfile::tempdir().expect("folder");
        let env = helper_in(folder.path());
        fs::write(folder.path().join("config.json"), config).expect("written");
        let secrets: Vec<PathBuf> = servers.iter().map(|server| has_secret(folder.path(), server)).collect();
        let found = Credentials::load(None, false, &env).expect("read").lookup(&at(host), "app").expect("asked");
        assert!(found.is_some() || config.contains("auths") || servers.len() > 1, "{host}");
        let keeper = Keeper::find(None, &env).expect("a place");
        assert_eq!(keeper.forget(&at(host)).expect("forgotten").files.len(), 1, "{host}");
        for secret in secrets {
            assert!(!secret.exists(), "{host}: {}", secret.display());
        }
        assert!(keeper.forget(&at(host)).expect("asked").files.is_empty(), "{host}: a store that has nothing");
    }
}

#[test]
fn a_logout_knows_the_oldest_file_too_and_names_what_stays() {
    let folder = tempfile::tempdir().expect("folder");
    let home = folder.path().to_str().expect("utf-8").to_owned();
    let docker = env(folder.path());
    let env = move |name: &str| if name == "HOME" { Some(home.clone()) } else { docker(name) };
    let old = folder.path().join(".dockercfg");
    fs::write(&old, r#"{"https://r.example/v1/":{"auth":"bWU6b2xk"},"z.example":{"auth":"eDp5"}}"#).expect("written");
    fs::write(folder.path().join("config.json"), r#"{"auths":{"r.example/team":{"auth":"bWU6b2xk"}}}"#)
        .expect("written");
    let keeper = Keeper::find(None, &env).expect("a place");
    let kept = keeper.keep(&at("other.example"), &me("x")).expect("kept");
    assert!(kept.narrower.is_empty(), "{:?}", kept.narrower);
    let forgotten = keeper.forget(&at("r.example")).expect("forgotten");
    assert_eq!(forgotten.files, std::slice::from_ref(&old));
    assert_eq!(forgotten.narrower, ["r.example/team"]);
    assert!(fs::read_to_string(&old).expect("there").contains("z.example"), "others stay");
    assert_eq!(keeper.keep(&at("r.example"), &me("x")).expect("kept").narrower, ["r.example/team"]);
}

#[test]
fn a_login_goes_where_a_store_that_is_asked_first_has_an_older_one() {
    let folder = tempfile::tempdir().expect("folder");
    let env = helper_in(folder.path());
    let podman = folder.path().join("config/containers/auth.json");
    fs::create_dir_all(podman.parent().expect("a folder")).expect("made");
    fs::write(&podman, r#"{"credsStore":"files"}"#).expect("written");
    has_secret(folder.path(), "r.example");
    let kept = Keeper::find(None, &env).expect("a place").keep(&at("r.example"), &me("new")).expect("kept");
    assert_eq!((kept.path, kept.helper.as_deref()), (podman, Some("files")));
}
