//! Credentials: where they are looked for, who keeps them, and who wants to see them.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use super::bundle;
use super::told::Told;
use crate::scene::{Scene, put_small_image};
use crate::support::registry::{Auth, Fault, Match, Registry, Tokens};
use crate::support::run::Run;

pub(super) fn scenes(told: &mut Told) {
    let scene = Scene::with(Registry::builder().auth(Auth::basic("user", "secret")), Registry::builder());
    told.know_all(&scene);
    put_small_image(&scene.source, "org/app", "1");
    let export = || scene.export(&["org/app:1"]);
    told.add("export without credentials", &export().run().exits(4));
    let wrong = export().args(["--username", "user", "--password-stdin"]).stdin("wrong");
    told.add("export with a wrong password", &wrong.run().exits(4));

    let host = scene.source.host();
    of_helpers(told, &scene, &host);
    let with = |name: &str, text: &str, mode: u32| {
        let path = scene.path(name);
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("its mode");
        path
    };
    let damaged = with("damaged.json", "{", 0o600);
    let login = |run: Run| run.args(["--username", "user", "--password-stdin", "--plain-http"]).stdin("secret");
    let run = login(bundle().args(["login", &host, "--authfile"]).args([&damaged]));
    told.add("login into a damaged file", &run.run().exits(4));
    let run =
        login(bundle().args(["login", &host])).env("HOME", "").env("DOCKER_CONFIG", "").env("XDG_RUNTIME_DIR", "");
    told.add("login of somebody without a home", &run.run().exits(2));
    let auths = json!({"auths": {host.clone(): {"auth": "dXNlcjpzZWNyZXQ="}}}).to_string();
    let open = with("auth.json", &auths, 0o602);
    scene.export(&["org/app:1"]).args(["--authfile"]).args([with("own.json", &auths, 0o600)]).run().succeeds();
    let pin = bundle().args(["list", "--format", "json"]).args([scene.bundle()]).run().succeeds().json();
    let pin = pin["digest"].as_str().expect("a digest").to_owned();
    let strict =
        bundle().args(["import"]).args([scene.bundle()]).args(["--strict", "--expect", &pin, "--registry", &host]);
    let strict = strict.args([format!("--plain-http={host}")]).args(["--authfile"]).args([&open]);
    told.add("strict import with a file that others can change", &strict.run().exits(4));
    let script = bundle().args(["import"]).args([scene.bundle()]).args(["--registry", &host]).env("AUTHCRED", "secret");
    told.add("import with a credential of the old script that is none", &script.run().exits(2));
    of_tokens(told);
}

fn of_helpers(told: &mut Told, scene: &Scene, host: &str) {
    let bin = scene.path("bin");
    fs::create_dir(&bin).expect("a directory");
    let helper = bin.join("docker-credential-locked");
    // Written by another process: one that is written here could be busy when it is run.
    let script =
        "printf '#!/bin/sh\\ncat > /dev/null\\necho the vault is locked\\nexit 1\\n' > \"$1\" && chmod 755 \"$1\"";
    Run::new("sh").args(["-c", script, "sh"]).args([&helper]).run().succeeds();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    let with = |run: Run, config: &Value| {
        fs::write(run.home().join("config.json"), config.to_string()).expect("a file");
        run.env("PATH", &path)
    };
    let named = |name: &str| json!({"credHelpers": {host: name}});
    for (label, name) in [
        ("export with a helper that fails", "locked"),
        ("export with a helper that is not there", "absent"),
        ("export with a helper by a path", "/usr/bin/helper"),
    ] {
        told.add(label, &with(scene.export(&["org/app:1"]), &named(name)).run().exits(4));
    }
    let login =
        bundle().args(["login", host, "--username", "user", "--password-stdin", "--plain-http"]).stdin("secret");
    told.add("login with a helper that fails", &with(login, &named("locked")).run().exits(4));
}

fn of_tokens(told: &mut Told) {
    let tokens = Tokens::new("user", "secret");
    let scene = Scene::with(Registry::builder().auth(Auth::bearer(&tokens)), Registry::builder());
    told.know_all(&scene);
    put_small_image(&scene.source, "org/app", "1");
    scene
        .source
        .fault(Match::on("*", "/token"), Fault::Status { code: 200, headers: Vec::new(), body: b"no token".to_vec() });
    told.add("export with a token server that gives none", &scene.export(&["org/app:1"]).run().exits(4));
}
