//! Credentials: which files they are taken from, who gets them, and what else is told who need not know.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;
use std::thread;

use data_encoding::BASE64;
use serde_json::{Value, json};

use crate::scene::{Scene, command, put_small_image};
use crate::support::registry::{Auth, Fault, Match, Registry, Tokens};
use crate::support::run::Run;

fn guarded() -> Registry {
    let registry = Registry::builder().auth(Auth::basic("user", "secret-word")).start();
    put_small_image(&registry, "org/app", "1");
    registry
}

fn write_config(path: &Path, host: &str) {
    let entry = json!({"auths": {host: {"auth": BASE64.encode(b"user:secret-word")}}});
    fs::write(path, entry.to_string()).expect("a file");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("its mode");
}

#[test]
fn a_pipe_or_a_device_in_place_of_a_credential_file_is_refused_and_not_waited_for() {
    let scene = Scene::between(guarded(), Registry::start());
    let fifo = scene.path("config.json");
    assert!(Command::new("mkfifo").arg(&fifo).status().expect("mkfifo").success());
    let host = scene.source.host();
    let login =
        || command("login").args([&host, "--plain-http", "--username", "user"]).env("BUNDLE_PASSWORD", "secret-word");
    let runs = [
        scene.export(&["org/app:1"]).env("DOCKER_CONFIG", scene.path("")),
        scene.export(&["org/app:1"]).args(["--authfile"]).args([&fifo]),
        scene.export(&["org/app:1"]).env("REGISTRY_AUTH_FILE", &fifo),
        scene.export(&["org/app:1"]).args(["--authfile", "/dev/zero"]),
        login().env("DOCKER_CONFIG", scene.path("")),
        login().args(["--authfile"]).args([&fifo]),
        command("logout").args([&host]).env("DOCKER_CONFIG", scene.path("")),
    ];
    for run in runs {
        let out = run.limit(std::time::Duration::from_secs(20)).run();
        assert!(matches!(out.code, Some(1 | 4)), "{out:?}");
        assert!(out.stderr.contains("plain file"), "{out:?}");
    }
    // No credentials at all can be said like this.
    scene.export(&["org/app:1"]).args(["--authfile", "/dev/null"]).run().exits(4);
    assert_eq!(scene.source.count(|r| r.header("Authorization").is_some()), 1, "from the login that could not be kept");
}

#[test]
fn a_credential_file_that_another_user_owns_or_may_replace_is_warned_of() {
    let scene = Scene::between(guarded(), Registry::start());
    let host = scene.source.host();
    let folder = scene.path("credentials");
    fs::create_dir(&folder).expect("a folder");
    let file = folder.join("auth.json");
    write_config(&file, &host);
    let export = || scene.export(&["org/app:1"]).args(["--force", "--authfile"]).args([&file]).run().succeeds();
    assert!(!export().stderr.contains("warning"), "a file of one's own");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).expect("its mode");
    assert!(export().stderr.contains("replaced by other users"));
    // A sticky one, such as /tmp, lets nobody replace what is another's.
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o1777)).expect("its mode");
    assert!(!export().stderr.contains("warning"));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o620)).expect("its mode");
    assert!(export().stderr.contains("changed by other users"));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("its mode");
    if !rustix::process::geteuid().is_root() {
        eprintln!("not tried: a file of another user takes the rights of root");
        return;
    }
    std::os::unix::fs::chown(&file, Some(65_534), None).expect("another owner");
    let out = export();
    assert!(out.stderr.contains("uid 65534") && out.stderr.contains("warning"), "{}", out.stderr);
}

#[test]
fn twelve_logins_at_once_keep_twelve_entries() {
    let registries: Vec<Registry> = (0..12).map(|_| guarded()).collect();
    let home = tempfile::tempdir().expect("a home");
    let folder = home.path().join(".docker");
    thread::scope(|scope| {
        for registry in &registries {
            let folder = &folder;
            scope.spawn(move || {
                let run = command("login").args([&registry.host(), "--plain-http", "--username", "user"]);
                run.env("BUNDLE_PASSWORD", "secret-word").env("DOCKER_CONFIG", folder).run().succeeds();
            });
        }
    });
    let config: Value = serde_json::from_slice(&fs::read(folder.join("config.json")).expect("kept")).expect("JSON");
    assert_eq!(config["auths"].as_object().expect("entries").len(), 12, "{config}");
    assert_eq!(fs::metadata(&folder).expect("the folder").mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(folder.join("config.json")).expect("the file").mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(&folder).expect("the folder").count(), 1, "nothing is left beside it");
    // Logins and logouts together.
    thread::scope(|scope| {
        for (number, registry) in registries.iter().enumerate() {
            let folder = &folder;
            scope.spawn(move || {
                let verb = if number % 2 == 0 { "logout" } else { "login" };
                let run = command(verb).args([registry.host()]).env("DOCKER_CONFIG", folder);
                let login = ["--plain-http", "--username", "user"];
                let run = if verb == "login" { run.args(login).env("BUNDLE_PASSWORD", "secret-word") } else { run };
                run.run().succeeds();
            });
        }
    });
    let config: Value = serde_json::from_slice(&fs::read(folder.join("config.json")).expect("kept")).expect("JSON");
    assert_eq!(config["auths"].as_object().expect("entries").len(), 6, "{config}");
}

#[test]
fn a_token_server_that_moves_during_a_run_gets_nothing() {
    let tokens = Tokens::new("user", "secret-word");
    let other = Registry::builder().tokens(&tokens).start();
    let scene = Scene::between(Registry::builder().auth(Auth::bearer(&tokens)).start(), Registry::start());
    put_small_image(&scene.source, "org/app", "1");
    let realm = format!("Bearer realm=\"{}/token\",service=\"registry.test\"", other.url());
    scene.source.fault(Match::on("GET", "/blobs/"), Fault::status_with(401, "WWW-Authenticate", &realm));
    let run = scene.export(&["org/app:1"]).args(["--username", "user"]).env("BUNDLE_PASSWORD", "secret-word");
    let out = run.run().exits(4);
    assert!(out.stderr.contains(&other.host()) && out.stderr.contains(&scene.source.host()), "{}", out.stderr);
    assert_eq!(other.requests().len(), 0, "it was not even asked");
    // Another path there is the same token server.
    scene.source.clear_faults();
    let moved = Fault::change(|response| {
        if let Some(text) = response.header("WWW-Authenticate").map(str::to_owned) {
            response.set("WWW-Authenticate", text.replace("/token\"", "/token?other=1\""));
        }
    });
    scene.source.fault(Match::on("GET", "/blobs/"), moved);
    let run = scene.export(&["org/app:1"]).args(["--force", "--username", "user"]);
    run.env("BUNDLE_PASSWORD", "secret-word").run().succeeds();
}

#[test]
fn what_one_repository_names_gets_no_password_of_another() {
    let tokens = Tokens::new("team", "secret-word");
    let thief = Registry::start();
    let scene = Scene::between(Registry::builder().auth(Auth::bearer(&tokens)).start(), Registry::start());
    for repo in ["team/app", "evil/app"] {
        put_small_image(&scene.source, repo, "1");
    }
    let realm = format!("Bearer realm=\"{}/token\",service=\"x\"", thief.url());
    scene.source.fault(Match::on("*", "/v2/evil/"), Fault::status_with(401, "WWW-Authenticate", &realm));
    let host = scene.source.host();
    let config = json!({"auths": {format!("{host}/team"): {"auth": BASE64.encode(b"team:secret-word")}}});
    fs::write(scene.path("auth.json"), config.to_string()).expect("a file");
    for _ in 0..3 {
        let run = scene.export(&["evil/app:1", "team/app:1"]).args(["--retries", "0", "--force", "--authfile"]);
        run.args([scene.path("auth.json")]).run().exits(4);
    }
    assert!(scene.source.count(|r| r.path.starts_with("/v2/team/") && r.status == 200) > 0);
    assert_eq!(thief.count(|r| r.header("Authorization").is_some()), 0, "{:?}", thief.requests());
}

#[test]
fn what_the_environment_alone_weakens_is_said() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    let export = |run: fn(Run) -> Run| {
        let name = scene.name("org/app:1");
        run(command("export").args([&name, "--force", "-o"]).args([scene.bundle()])).run()
    };
    let warned = |stderr: &str, name: &str| stderr.lines().any(|l| l.starts_with("warning") && l.contains(name));
    let out = export(|run| run.env("BUNDLE_PLAIN_HTTP", "true"));
    assert!(warned(&out.stderr, "BUNDLE_PLAIN_HTTP"), "{}", out.stderr);
    let out = export(|run| run.env("BUNDLE_PLAIN_HTTP", "127.0.0.1:1"));
    assert!(warned(&out.stderr, "BUNDLE_PLAIN_HTTP"), "{}", out.stderr);
    let out = export(|run| run.env("BUNDLE_INSECURE_SKIP_TLS_VERIFY", "1"));
    assert!(warned(&out.stderr, "BUNDLE_INSECURE_SKIP_TLS_VERIFY"), "{}", out.stderr);
    let out = export(|run| run.env("BUNDLE_PLAIN_HTTP", "true").args(["--format", "json"])).succeeds();
    assert!(warned(&out.stderr, "BUNDLE_PLAIN_HTTP") && out.json().is_object(), "{}", out.stderr);
    // Typed, or saying no, or empty: nobody needs to be told.
    for run in [
        (|run| run.args(["--plain-http"])) as fn(Run) -> Run,
        |run| run.args(["--plain-http"]).env("BUNDLE_PLAIN_HTTP", "true"),
        |run| run.env("BUNDLE_PLAIN_HTTP", "false"),
        |run| run.env("BUNDLE_PLAIN_HTTP", ""),
        |run| run.env("BUNDLE_INSECURE_SKIP_TLS_VERIFY", "false"),
        |run| run.args(["--insecure-skip-tls-verify", "--retries", "0"]),
    ] {
        let out = export(run);
        assert!(!out.stderr.contains("warning"), "{}", out.stderr);
    }
}

#[test]
fn a_credential_helper_is_told_nothing_that_it_need_not_know() {
    let scene = Scene::between(guarded(), guarded());
    let host = scene.source.host();
    let helper = scene.path("docker-credential-nosy");
    let (seen, answer) = (scene.path("seen"), json!({"Username": "user", "Secret": "secret-word"}));
    let script = format!("#!/bin/sh\nenv >> '{}'\ncat > /dev/null\necho '{answer}'\n", seen.display());
    let write = "printf %s \"$1\" > \"$2\" && chmod 755 \"$2\"";
    let wrote = Command::new("sh").args(["-c", write, "sh", &script]).arg(&helper).status();
    assert!(wrote.expect("sh").success());
    let config = scene.path("auth.json");
    fs::write(&config, json!({"credHelpers": {&host: "nosy"}}).to_string()).expect("a file");
    let run = scene.export(&["org/app:1"]).env("PATH", format!("{}:/usr/bin:/bin", scene.path("").display()));
    let run = run.env("BUNDLE_AUTHFILE", &config).env("BUNDLE_PASSWORD", "canary-1").env("AUTHCRED", "Basic canary-2");
    let run = run.env("TARGETHOST", "canary-3").env("BUNDLE_ANYTHING", "canary-4").env("AWS_PROFILE", "needed");
    run.run().succeeds();
    let seen = fs::read_to_string(seen).expect("what it saw");
    assert!(seen.contains("AWS_PROFILE=needed") && seen.contains("HOME="), "{seen}");
    assert!(!seen.contains("canary") && !seen.contains("BUNDLE_") && !seen.contains("AUTHCRED"), "{seen}");
}
