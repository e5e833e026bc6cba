//! `login` and `logout`: what is kept, where, and only when the registry takes it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use data_encoding::BASE64;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::scene::{Scene, command, put_small_image};
use crate::support::registry::{Auth, Registry, Tokens};
use crate::support::run::{Output, Run};

fn login(registry: &Registry, password: &str) -> Run {
    let args = [&registry.host(), "--plain-http", "--username", "user", "--password-stdin"];
    command("login").args(args).stdin(format!("{password}\n"))
}

/// A docker configuration of its own.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(TempDir::new().expect("a folder"))
    }

    fn config(&self) -> PathBuf {
        self.0.path().join("config.json")
    }

    /// Runs with it, and gives what was left in it.
    fn run(&self, run: Run, code: i32) -> (Output, Option<Value>) {
        let output = run.env("DOCKER_CONFIG", self.0.path()).run().exits(code);
        (output, fs::read(self.config()).ok().map(|text| serde_json::from_slice(&text).expect("json")))
    }
}

#[test]
fn good_credentials_are_kept_for_the_owner_alone_and_used_from_then_on() {
    let registry = Registry::builder().auth(Auth::basic("user", "secret")).start();
    put_small_image(&registry, "org/app", "1");
    let scene = Scene::between(registry, Registry::start());
    let authfile = scene.path("auth.json");
    let named = |run: Run| run.args(["--authfile"]).args([&authfile]);
    let out = named(login(&scene.source, "secret")).run().succeeds();
    assert!(out.stdout.contains("auth.json") && !out.all().contains("secret"), "{}", out.all());
    let mode = fs::metadata(&authfile).expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    named(scene.export(&["org/app:1"])).run().succeeds();
    let host = scene.source.host();
    named(command("logout")).args([&host]).run().succeeds();
    let left: Value = serde_json::from_slice(&fs::read(&authfile).expect("the file")).expect("json");
    assert_eq!(left["auths"], json!({}));
    named(scene.export(&["org/app:1"])).args(["--force"]).run().exits(4);
    named(command("logout")).args([&host]).run().exits(2);
}

#[test]
fn wrong_credentials_are_refused_and_not_kept() {
    let tokens = Tokens::new("user", "secret");
    for auth in [Auth::basic("user", "secret"), Auth::bearer(&tokens)] {
        let (registry, place) = (Registry::builder().auth(auth).start(), Place::new());
        let (out, config) = place.run(login(&registry, "wrong-canary"), 4);
        assert!(config.is_none(), "{config:?}");
        assert!(out.stderr.contains(&registry.host()) && out.stderr.contains("hint:"), "{}", out.stderr);
        assert!(!out.all().contains("wrong-canary"), "{}", out.all());
        place.run(login(&registry, "secret"), 0).1.expect("kept");
    }
}

#[test]
fn the_rest_of_the_configuration_stays_as_it_is() {
    let registry = Registry::builder().auth(Auth::basic("user", "secret")).start();
    let place = Place::new();
    let before = json!({"detachKeys": "ctrl-x", "auths": {"other.example": {"auth": BASE64.encode(b"a:b")}}});
    fs::write(place.config(), before.to_string()).expect("written");
    let (_, after) = place.run(login(&registry, "secret"), 0);
    let after = after.expect("a configuration");
    assert_eq!(after["detachKeys"], before["detachKeys"]);
    assert_eq!(after["auths"]["other.example"], before["auths"]["other.example"]);
    assert_eq!(after["auths"][registry.host()]["auth"], BASE64.encode(b"user:secret"));
}

#[test]
fn a_configured_helper_keeps_the_secret_and_the_file_does_not() {
    let registry = Registry::builder().auth(Auth::basic("user", "secret")).start();
    let place = Place::new();
    let folder = place.0.path().join("bin");
    fs::create_dir_all(&folder).expect("a folder");
    let (helper, told) = (folder.join("docker-credential-box"), place.0.path().join("told"));
    // Written by another process: one that forks here meanwhile would hold it open for writing.
    let script = format!("#!/bin/sh\necho \"$1\" >> {0}\ncat >> {0}\n", told.display());
    let wrote = std::process::Command::new("sh")
        .args(["-c", "printf %s \"$1\" > \"$2\" && chmod 755 \"$2\"", "sh", &script])
        .arg(&helper)
        .status();
    assert!(wrote.expect("sh").success());
    fs::write(place.config(), json!({"credsStore": "box"}).to_string()).expect("written");
    let path = format!("{}:/usr/bin:/bin", folder.display());
    let (out, after) = place.run(login(&registry, "secret").env("PATH", path), 0);
    assert!(out.stdout.contains("box"), "{}", out.stdout);
    let kept = after.expect("a configuration").to_string();
    let told = fs::read_to_string(told).expect("the helper was told");
    assert!(told.starts_with("store\n") && told.contains("\"Secret\":\"secret\""), "{told}");
    assert!(!kept.contains("secret") && !kept.contains(&BASE64.encode(b"user:secret")), "{kept}");
}

#[test]
fn credentials_that_nobody_asks_for_are_kept_with_a_word_about_it() {
    let registry = Registry::start();
    let (out, config) = Place::new().run(login(&registry, "secret"), 0);
    assert!(out.stdout.contains("not checked"), "{}", out.stdout);
    assert!(config.is_some());
}

#[test]
fn a_login_without_a_password_is_a_question_of_usage() {
    let registry = Registry::start();
    command("login").args([&registry.host()]).run().exits(2);
    let out = command("login").args([&registry.host(), "--username", "user"]).run().exits(2);
    assert!(out.stderr.contains("--password-stdin"), "{}", out.stderr);
    assert_eq!(registry.connections(), 0);
}
