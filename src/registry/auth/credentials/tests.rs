#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use tempfile::TempDir;

use super::*;
use crate::oci::Host;
use crate::{Kind, Result};

fn at(host: &str) -> Host {
    host.parse().unwrap()
}

fn basic(username: &str, password: &str) -> Option<Credential> {
    Some(Credential::Basic { username: username.into(), password: Secret::from(password.to_owned()) })
}

fn identity(username: &str, token: &str) -> Option<Credential> {
    Some(Credential::IdentityToken { username: username.into(), token: Secret::from(token.to_owned()) })
}

/// A home directory with helpers in `bin` and credentials in `config.json`.
struct Home {
    directory: TempDir,
}

impl Home {
    fn new(config: &str) -> Self {
        let home = Self { directory: TempDir::new().unwrap() };
        home.file("config.json", config);
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        path
    }

    /// Written by another process: were the file open for writing here while another test forks,
    /// the system would refuse to run it.
    fn helper(&self, name: &str, script: &str) {
        fs::create_dir_all(self.path("bin")).unwrap();
        let path = self.path(&format!("bin/docker-credential-{name}"));
        let write = "printf '#!/bin/sh\\n%s\\n' \"$2\" > \"$1\" && chmod 755 \"$1\"";
        let status = Command::new("sh").args(["-c", write, "sh"]).arg(path).arg(script).stdin(Stdio::null()).status();
        assert!(status.unwrap().success());
    }

    fn env(&self, name: &str) -> Option<String> {
        (name == "PATH").then(|| format!("relative:{}", self.path("bin").display()))
    }

    fn load(&self) -> Result<Credentials> {
        Credentials::load(Some(&self.path("config.json")), false, &|name| self.env(name))
    }

    fn lookup(&self, host: &str, path: &str) -> Result<Option<Credential>> {
        self.load()?.lookup(&at(host), path)
    }
}

#[test]
fn an_entry_is_read_in_every_form() {
    let padded = BASE64.encode(b"robot$x:p:a:ss");
    let cases = [
        (format!(r#"{{"auth":"{padded}"}}"#), basic("robot$x", "p:a:ss")),
        (format!(r#"{{"auth":" {}\n"}}"#, padded.trim_end_matches('=')), basic("robot$x", "p:a:ss")),
        (format!(r#"{{"auth":"{}"}}"#, BASE64.encode(b"u:p\0\0")), basic("u", "p")),
        (format!(r#"{{"auth":"{}","email":""}}"#, BASE64.encode("ü@corp:pä+s".as_bytes())), basic("ü@corp", "pä+s")),
        (r#"{"username":"u","password":"p"}"#.into(), basic("u", "p")),
        (r#"{"username":"u","password":"p","auth":""}"#.into(), basic("u", "p")),
        (format!(r#"{{"auth":"{}","identitytoken":"t"}}"#, BASE64.encode(b"0000:")), identity("0000", "t")),
        (r#"{"identitytoken":"t"}"#.into(), identity("", "t")),
        (format!(r#"{{"auth":"{}"}}"#, BASE64.encode(b"<token>:t")), identity("", "t")),
        (
            r#"{"registrytoken":"t","username":"u"}"#.into(),
            Some(Credential::RegistryToken(Secret::from("t".to_owned()))),
        ),
        (r#"{"auth":"","email":"a@b"}"#.into(), None),
        ("{}".into(), None),
        ("null".into(), None),
    ];
    for (entry, expected) in cases {
        let home = Home::new(&format!(r#"{{"auths":{{"a.example:5000":{entry}}}}}"#));
        assert_eq!(home.lookup("a.example:5000", "p/q").unwrap(), expected, "{entry}");
        assert_eq!(home.lookup("a.example", "p/q").unwrap(), None, "{entry}");
    }
}

#[test]
fn the_longest_prefix_of_the_name_wins() {
    let home = Home::new(
        r#"{"auths":{
            "h.example":{"username":"host","password":"x"},
            "h.example/a":{"username":"a","password":"x"},
            "h.example/a/b/":{"username":"ab","password":"x"},
            "https://old.example/v1/":{"username":"old","password":"x"},
            "http://plain.example":{"username":"plain","password":"x"},
            "https://h.example":{"username":"url","password":"x"},
            "https://index.docker.io/v1/":{"username":"hub","password":"x"},
            "docker.io/team":{"username":"team","password":"x"}}}"#,
    );
    let cases = [
        ("h.example", "a/b/c", "ab"),
        ("h.example", "a/b", "ab"),
        ("h.example", "a/bc", "a"),
        ("h.example", "ab", "host"),
        ("h.example", "", "host"),
        ("H.Example", "z", "host"),
        ("old.example", "z", "old"),
        ("plain.example", "z", "plain"),
        ("docker.io", "library/nginx", "hub"),
        ("registry-1.docker.io", "library/nginx", "hub"),
        ("index.docker.io", "team/app", "team"),
    ];
    for (host, path, user) in cases {
        assert_eq!(home.lookup(host, path).unwrap(), basic(user, "x"), "{host}/{path}");
    }
    assert_eq!(home.lookup("other.example", "a").unwrap(), None);
}

#[test]
fn files_are_searched_in_order_and_the_first_with_an_answer_wins() {
    let home = Home::new("{}");
    let entry = |user: &str| format!(r#""h.example":{{"username":"{user}","password":"x"}}"#);
    let auths = |user: &str| format!(r#"{{"auths":{{{}}}}}"#, entry(user));
    let others = [
        (home.file("run/containers/auth.json", &auths("runtime")), "runtime"),
        (home.file(".config/containers/auth.json", &auths("config")), "config"),
        (home.file(".docker/config.json", &auths("docker")), "docker"),
        (home.file(".dockercfg", &format!("{{{}}}", entry("dockercfg"))), "dockercfg"),
    ];
    let set = |name: &str| match name {
        "XDG_RUNTIME_DIR" => Some(home.path("run").display().to_string()),
        "HOME" => Some(home.directory.path().display().to_string()),
        _ => None,
    };
    let lookup = |authfile: Option<&Path>, env: &dyn Fn(&str) -> Option<String>| {
        Credentials::load(authfile, false, env).unwrap().lookup(&at("h.example"), "p").unwrap()
    };
    let elsewhere = home.file("elsewhere.json", &auths("elsewhere"));
    let elsewhere_set = |name: &str| match name {
        "REGISTRY_AUTH_FILE" => Some(elsewhere.display().to_string()),
        name => set(name),
    };
    let given = home.file("given.json", &auths("given"));
    assert_eq!(lookup(Some(&given), &elsewhere_set), basic("given", "x"));
    assert_eq!(lookup(None, &elsewhere_set), basic("elsewhere", "x"));
    fs::write(&given, "{}").unwrap();
    assert_eq!(lookup(Some(&given), &elsewhere_set), None);

    for (path, user) in others {
        assert_eq!(lookup(None, &set), basic(user, "x"));
        fs::write(path, if user == "runtime" { "" } else { "{}" }).unwrap();
    }
    assert_eq!(lookup(None, &set), None);

    home.file("xdg/containers/auth.json", &auths("xdg"));
    home.file("docker/config.json", &auths("dir"));
    let moved = |variable: &'static str, below: &'static str| {
        let home = &home;
        move |name: &str| (name == variable).then(|| home.path(below).display().to_string())
    };
    assert_eq!(lookup(None, &moved("XDG_CONFIG_HOME", "xdg")), basic("xdg", "x"));
    assert_eq!(lookup(None, &moved("DOCKER_CONFIG", "docker")), basic("dir", "x"));
}

#[test]
fn a_file_that_cannot_be_used_is_named_and_not_quoted() {
    let cases = [
        (r#"{"auths":{"h.example":{"auth":"#, "not a valid file of credentials (line 1"),
        (r#"{"auths":"canary"}"#, "not a valid file of credentials (line 1"),
        (r#"{"auths":{"h.example":"canary"}}"#, "not a valid file of credentials (line 1"),
        (r#"{"auths":{"h.example":{"auth":"canary!"}}}"#, "the entry of h.example is malformed"),
        (r#"{"auths":{"h.example":{"auth":"Y2FuYXJ5"}}}"#, "the entry of h.example is malformed"),
    ];
    for (text, expected) in cases {
        let home = Home::new(text);
        let error = home.lookup("h.example", "p").unwrap_err();
        let said = error.to_string();
        assert!(said.starts_with(&format!("{}: {expected}", home.path("config.json").display())), "{said}");
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        assert_eq!(error.kind(), Kind::Act);
    }
    let home = Home::new("{}");
    let missing = home.path("missing.json");
    let error = Credentials::load(Some(&missing), false, &|_| None).unwrap_err();
    assert_eq!(error.kind(), Kind::Usage);
    assert!(error.to_string().contains("missing.json: no such file"), "{error}");
    let error = Credentials::load(Some(home.directory.path()), false, &|_| None).unwrap_err();
    assert!(error.to_string().contains("directory"), "{error}");
}

#[test]
fn files_open_to_others_are_warned_about() {
    let secret = r#"{"auths":{"h.example":{"username":"u","password":"p"}}}"#;
    let cases = [
        (secret, 0o600, None),
        (secret, 0o640, Some("can be read by other users (mode 0640)")),
        (secret, 0o644, Some("can be read by other users (mode 0644)")),
        (secret, 0o666, Some("can be changed by other users (mode 0666)")),
        (r#"{"credsStore":"x"}"#, 0o644, None),
        (r#"{"credsStore":"x"}"#, 0o664, Some("can be changed by other users (mode 0664)")),
    ];
    for (text, mode, expected) in cases {
        let home = Home::new(text);
        let path = home.path("config.json");
        fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        let credentials = home.load().unwrap();
        assert_eq!(credentials.warnings().len(), usize::from(expected.is_some()), "{mode:o}");
        let named = |warning: &String| warning.starts_with(&path.display().to_string());
        assert!(credentials.warnings().iter().all(|warning| named(warning) && warning.contains(expected.unwrap())));
    }
}

#[test]
fn secrets_are_never_printed() {
    let all = [
        Credential::new("u", "canary".to_owned()),
        Credential::new("<token>", "canary".to_owned()),
        Credential::RegistryToken(Secret::from("canary".to_owned())),
    ];
    let home = Home::new(r#"{"auths":{"h.example":{"auth":"canary","password":"canary","registrytoken":"canary"}}}"#);
    let printed = format!("{all:?} {} {:?}", Secret::from("canary".to_owned()), home.load().unwrap());
    assert!(printed.contains("***") && !printed.contains("canary"), "{printed}");
}

#[test]
fn an_authorization_value_is_read_as_the_old_script_took_it() {
    let encoded = BASE64.encode(b"user:p:w");
    for value in [format!("Basic {encoded}"), format!(" basic  {}\n", encoded.trim_end_matches('='))] {
        assert_eq!(Credential::from_authorization_value(&value).ok(), basic("user", "p:w"));
    }
    let token = Credential::from_authorization_value("Bearer abc").unwrap();
    assert_eq!(token, Credential::RegistryToken(Secret::from("abc".to_owned())));
    for value in ["", "canary", "Basic", "Basic canary!", "Basic Y2FuYXJ5", "Bearer ", "Digest canary"] {
        let error = Credential::from_authorization_value(value).unwrap_err();
        assert_eq!(error.kind(), Kind::Usage);
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
}

#[test]
fn helpers_are_asked_for_their_hosts_and_the_store_for_the_rest() {
    let home = Home::new(
        r#"{"auths":{"empty.example":{},"https://url.example":{},"direct.example":{"username":"file","password":"x"},
              "both.example/own":{"username":"own","password":"x"}},
            "credHelpers":{"both.example":"echo","Written.example:443":"echo","ns.example/team":"echo","none.example":"none"},
            "credsStore":"store"}"#,
    );
    // The server's name comes back as the password.
    let echo = |user: &str| {
        format!(r#"test "$1" = get && printf '{{"ServerURL":"x","Username":"{user}","Secret":"%s"}}' "$(cat)""#)
    };
    home.helper("echo", &echo("echo"));
    home.helper("none", "echo 'credentials not found in native keychain'; exit 1");
    home.helper(
        "store",
        &format!(
            r#"s=$(cat); case "$s" in nobody.example|url.example) echo 'credentials not found in native keychain'; exit 1;;
               token.example) echo '{{"Username":"<token>","Secret":"t"}}';;
               *) {};; esac"#,
            echo("store").replace("$(cat)", "$s")
        ),
    );
    let cases = [
        ("both.example", "a", basic("echo", "both.example")),
        ("both.example", "own/a", basic("own", "x")),
        ("written.example", "a", basic("echo", "Written.example:443")),
        ("ns.example", "team/a", basic("echo", "ns.example/team")),
        ("ns.example", "a", basic("store", "ns.example")),
        ("none.example", "a", basic("store", "none.example")),
        ("empty.example", "a", basic("store", "empty.example")),
        ("url.example", "a", basic("store", "https://url.example")),
        ("direct.example", "a", basic("file", "x")),
        ("unlisted.example:5000", "a", basic("store", "unlisted.example:5000")),
        ("docker.io", "a", basic("store", "https://index.docker.io/v1/")),
        ("nobody.example", "a", None),
        ("token.example", "a", identity("", "t")),
    ];
    let credentials = home.load().unwrap();
    for (host, path, expected) in cases {
        assert_eq!(credentials.lookup(&at(host), path).unwrap(), expected, "{host}/{path}");
    }
}

#[test]
fn a_helper_that_fails_is_named_and_not_quoted() {
    let cases = [
        ("missing", "no docker-credential-missing on PATH"),
        ("../evil", "not a name of a helper"),
        ("", "not a name of a helper"),
        ("junk", "its answer is not a credential"),
        ("empty", "its answer is not a credential"),
        ("fails", "failed (exit status: 3): no ***"),
        ("long", "its answer is too long"),
        ("killed", "failed (signal: 9"),
    ];
    for (name, expected) in cases {
        let home = Home::new(&format!(r#"{{"credHelpers":{{"h.example":"{name}"}}}}"#));
        home.helper("junk", "echo canary; echo canary >&2");
        home.helper("empty", "exit 0");
        home.helper("fails", "printf 'no \\033[31mkeychain\\ncanary\\n'; echo canary >&2; exit 3");
        home.helper("long", "head -c 100000 /dev/zero");
        home.helper("killed", "kill -9 $$");
        let error = home.lookup("h.example", "p").unwrap_err();
        let said = error.to_string();
        let whole = format!("{}: credential helper {name}: {expected}", home.path("config.json").display());
        assert!(said.starts_with(&whole), "{said}");
        assert!(!format!("{error:?}").contains("canary") && !error.next_steps().is_empty());
        assert_eq!(error.kind(), Kind::Act);
    }
}

#[test]
fn a_helper_that_hangs_is_given_up_on() {
    let home = Home::new(r#"{"credHelpers":{"h.example":"hangs","silent.example":"silent"}}"#);
    home.helper("hangs", "sleep 5"); // in a process of its own, which outlives the shell
    home.helper("silent", "exec >&-; exec sleep 60");
    let mut credentials = home.load().unwrap();
    credentials.helpers.set_time_limit(Duration::from_millis(100));
    let started = Instant::now();
    for host in ["h.example", "silent.example"] {
        let said = credentials.lookup(&at(host), "p").unwrap_err().to_string();
        assert!(said.ends_with("gave no answer in time"), "{said}");
    }
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[test]
fn many_threads_make_a_helper_run_once() {
    let home = Home::new(r#"{"credHelpers":{"h.example":"counts"}}"#);
    let log = home.path("log");
    home.helper("counts", &format!(r#"echo run >> {}; echo '{{"Username":"u","Secret":"p"}}'"#, log.display()));
    let credentials = home.load().unwrap();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(credentials.lookup(&at("h.example"), "p").unwrap(), basic("u", "p")));
        }
    });
    assert_eq!(fs::read_to_string(log).unwrap(), "run\n");
}
