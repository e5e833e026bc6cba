//! Servers that send every secret back in every field they have: none is in any output.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use data_encoding::BASE64;
use serde_json::json;

use crate::fault_scene::{IMAGE, put_app};
use crate::scene::{Scene, command};
use crate::support::registry::{Auth, FIELDS, Fault, Field, Match, Registry, Tokens, echo, forms};
use crate::support::run::{Output, Run};

const PASSWORD: &str = "canary-p%ss/w\"rd+1";
const IDENTITY: &str = "canary-identity/token+2";
const REFRESH: &str = "canary-refresh/token+3";
const SIGNATURE: &str = "canary-signature/4+";

/// How the credentials are handed over.
#[derive(Clone, Copy, Debug, PartialEq)]
enum By {
    AuthCred,
    Environment,
    File,
    Helper,
    IdentityToken,
    Stdin,
}

const ALL: [By; 6] = [By::AuthCred, By::Environment, By::File, By::Helper, By::IdentityToken, By::Stdin];

fn with_credentials(run: Run, by: By, host: &str, dir: &Path) -> Run {
    let file = |config: serde_json::Value| {
        let path = dir.join(format!("auth-{by:?}.json"));
        std::fs::write(&path, config.to_string()).expect("a file");
        path
    };
    let entry = |entry: serde_json::Value| file(json!({"auths": {host: entry}}));
    let pair = BASE64.encode(format!("user:{PASSWORD}").as_bytes());
    match by {
        By::AuthCred => run.env("AUTHCRED", format!("Basic {pair}")),
        By::Environment => run.args(["--username", "user"]).env("BUNDLE_PASSWORD", PASSWORD),
        By::File => run.args(["--authfile"]).args([entry(json!({"auth": pair}))]),
        By::Helper => {
            let answer = json!({"ServerURL": host, "Username": "user", "Secret": PASSWORD});
            let path = helper(dir, "told", &format!("cat > /dev/null; echo '{answer}'"));
            run.env("PATH", path).args(["--authfile"]).args([file(json!({"credHelpers": {host: "told"}}))])
        }
        By::IdentityToken => run.args(["--authfile"]).args([entry(json!({"identitytoken": IDENTITY}))]),
        By::Stdin => run.args(["--username", "user", "--password-stdin"]).stdin(format!("{PASSWORD}\n")),
    }
}

/// A credential helper; the search path with it. Another process writes it: one that forks here meanwhile
/// would hold it open for writing.
fn helper(dir: &Path, name: &str, script: &str) -> String {
    let path = dir.join(format!("docker-credential-{name}"));
    let script = format!("#!/bin/sh\n{script}\n");
    let write = "rm -f \"$2\"; printf %s \"$1\" > \"$2\" && chmod 755 \"$2\"";
    let status = std::process::Command::new("sh").args(["-c", write, "sh", &script]).arg(&path).status();
    assert!(status.expect("sh").success());
    assert_eq!(path.metadata().expect("a helper").permissions().mode() & 0o777, 0o755);
    format!("{}:/usr/bin:/bin", dir.display())
}

/// No secret, in no form.
#[track_caller]
fn silent(out: &Output, what: &str) {
    let all = out.all();
    assert!(!all.contains("canary"), "{what}: {all}");
    for secret in [PASSWORD, IDENTITY, REFRESH, SIGNATURE] {
        for form in forms(secret) {
            let form = form.trim_end_matches(['=', '%', '3', 'D']);
            assert!(!all.contains(form), "{what}: {form} in {all}");
        }
    }
    // Those that were given out, and what may stand for one in base64.
    for token in ["token-1-", "token-2-", "token-3-", "dG9rZW4t", "Y2FuYXJ5"] {
        assert!(!all.contains(token), "{what}: {token} in {all}");
    }
}

fn guarded(bearer: bool) -> Registry {
    let tokens = Tokens::new("user", PASSWORD).refresh_token(IDENTITY);
    let auth = if bearer { Auth::bearer(&tokens) } else { Auth::basic("user", PASSWORD) };
    Registry::builder().auth(auth).start()
}

#[test]
fn what_a_server_was_shown_is_in_no_output_whatever_field_it_comes_back_in() {
    let good = Scene::new();
    put_app(&good.source, &[50_000]);
    good.export(&[IMAGE]).run().succeeds();
    let mut said = 0;
    let mut turn = 0;
    for field in FIELDS {
        for part in ["/manifests/", "/blobs/", "/token", "/v2/"] {
            turn += 1;
            let by = ALL[turn % ALL.len()];
            let bearer = part == "/token" || by == By::IdentityToken || turn % 2 == 0;
            // Of the two secrets in a run one is known: the other was never shown.
            let scene = Scene::between(guarded(bearer), guarded(bearer));
            put_app(&scene.source, &[50_000]);
            std::fs::copy(good.bundle(), scene.bundle()).expect("a bundle");
            let secret = if by == By::IdentityToken { IDENTITY } else { PASSWORD };
            for registry in [&scene.source, &scene.target] {
                registry.intercept(move |request| {
                    let shown = request.header("Authorization").is_some() || request.path == "/token";
                    let known: Vec<String> = if shown { vec![secret.to_owned()] } else { Vec::new() };
                    request.path.contains(part).then(|| echo(field, &known, request))
                });
            }
            let format = ["text", "json"][turn / 2 % 2];
            let options = ["-vv", "--retries", "0", "--idle-timeout", "5", "--format", format];
            let at_source = if by == By::AuthCred { By::File } else { by };
            let export = scene.export(&[IMAGE]).args(["--force"]).args(options);
            let import = scene.import().args(options);
            let login = command("login").args([scene.target.host()]).args(["--plain-http"]).args(options);
            let at_login = if bearer { By::Environment } else { By::Stdin };
            for (run, by, host) in [
                (export, at_source, scene.source.host()),
                (import, by, scene.target.host()),
                (login, at_login, scene.target.host()),
            ] {
                let out = with_credentials(run, by, &host, &scene.path("")).run();
                silent(&out, &format!("{field:?} {part} {by:?}"));
                said += usize::from(out.all().contains("***"));
            }
        }
    }
    assert!(said > 60, "much of it would have been said: {said}");
}

#[test]
fn what_signs_an_address_is_not_said_when_the_storage_repeats_it() {
    for field in [Field::Error(403), Field::Error(500), Field::Message, Field::Warning, Field::Location(307)] {
        let (scene, storage) = (Scene::new(), Registry::start());
        put_app(&scene.source, &[50_000]);
        let signed = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("X-Amz-Signature", SIGNATURE)
            .append_pair("n", "1")
            .finish();
        scene
            .source
            .fault(Match::on("GET", "/blobs/"), Fault::Redirect(307, format!("{}{{path}}?{signed}", storage.url())));
        storage.intercept(move |request| Some(echo(field, &[SIGNATURE.to_owned()], request)));
        for format in ["text", "json"] {
            let out = scene.export(&[IMAGE]).args(["-vv", "--force", "--retries", "1", "--format", format]).run();
            assert!(out.code.is_some_and(|code| code > 0) || field == Field::Warning, "{field:?}: {}", out.stderr);
            silent(&out, &format!("{field:?}"));
            assert!(field != Field::Error(403) || out.stderr.contains("***"), "{}", out.stderr);
        }
    }
}

#[test]
fn a_refresh_token_that_a_token_server_gives_unasked_is_a_secret_too() {
    let scene = Scene::between(guarded(true), Registry::start());
    put_app(&scene.source, &[1_000]);
    let answer = json!({"token": "canary-token-5/+", "refresh_token": REFRESH}).to_string();
    scene.source.fault(Match::on("*", "/token"), Fault::Body(answer.into_bytes()));
    scene.source.intercept(|request| {
        let shown = request.header("Authorization").is_some_and(|value| value.starts_with("Bearer "));
        shown.then(|| echo(Field::Error(403), &[REFRESH.to_owned(), "canary-token-5/+".to_owned()], request))
    });
    let out = with_credentials(scene.export(&[IMAGE]).args(["-vv"]), By::File, &scene.source.host(), &scene.path(""));
    let out = out.run().exits(4);
    silent(&out, "a refresh token");
    assert!(out.stderr.contains("***"), "{}", out.stderr);
}

#[test]
fn of_a_helper_that_fails_plain_words_are_repeated_and_nothing_else() {
    let scene = Scene::between(guarded(false), Registry::start());
    put_app(&scene.source, &[1_000]);
    let host = scene.source.host();
    let config = scene.path("auth.json");
    std::fs::write(&config, json!({"credHelpers": {&host: "bad"}}).to_string()).expect("a file");
    let secrets = [
        format!("{{\"Username\":\"user\",\"Secret\":\"{IDENTITY}\"}}"),
        format!("cannot store {IDENTITY}"),
        format!("password: {IDENTITY}"),
        format!("token={IDENTITY} is old"),
        format!("not good {}", BASE64.encode(IDENTITY.as_bytes())),
        "secret: canary".into(),
        "canary".into(),
    ];
    for said in secrets {
        let path = helper(&scene.path(""), "bad", &format!("echo '{said}'; echo '{said}' >&2; exit 1"));
        for format in ["text", "json"] {
            let run = scene.export(&[IMAGE]).args(["-vv", "--format", format, "--authfile"]).args([&config]);
            let out = run.env("PATH", &path).run().exits(4);
            silent(&out, &said);
            assert!(out.stderr.contains("helper bad"), "{}", out.stderr);
        }
    }
    let path = helper(&scene.path(""), "bad", "echo 'the vault is locked'; exit 1");
    let out = scene.export(&[IMAGE]).args(["--authfile"]).args([&config]).env("PATH", path).run().exits(4);
    assert!(out.stderr.contains("the vault is locked"), "{}", out.stderr);
}

#[test]
fn a_password_that_was_typed_into_a_name_or_a_proxy_is_not_repeated() {
    let scene = Scene::new();
    put_app(&scene.source, &[1_000]);
    scene.export(&[IMAGE]).run().succeeds();
    let host = scene.source.host();
    let export = |name: &str| command("export").args([name, "--plain-http", "--force", "-o"]).args([scene.bundle()]);
    let runs = [
        export(&format!("user:canary-typed@{host}/org/app:1")),
        export(&format!("https://user:canary-typed@{host}/org/app:1")),
        export(&format!("https://canary-typed@{host}/org/app:1")),
        scene.import_into(&format!("user:canary-typed@{host}")),
        scene.import_into(&format!("http://user:canary-typed@{host}")),
        scene.import().args(["--plain-http=user:canary-typed@x"]),
        scene.import().args(["--name", "user:canary-typed@r.example/x"]),
        scene.import().args(["--map", "user:canary-typed@r.example/x=y"]),
        scene.import().env("BUNDLE_REGISTRY", format!("user:canary-typed@{host}")),
        command("import").args([scene.bundle()]).env("TARGETHOST", format!("user:canary-typed@{host}")),
        command("login").args([format!("user:canary-typed@{host}")]),
        command("logout").args([format!("user:canary-typed@{host}")]),
        export(&format!("{host}/org/app:1")).env("HTTP_PROXY", "http://user:canary-typed@127.0.0.1:1"),
        export("r.invalid/org/app:1")
            .env("HTTP_PROXY", "http://user:canary-typed@127.0.0.1:1")
            .args(["--retries", "0"]),
        export("r.invalid/org/app:1").env("HTTP_PROXY", "gopher://user:canary-typed@127.0.0.1:1"),
    ];
    for run in runs {
        let out = run.args(["-vv"]).run();
        assert!(!out.all().contains("canary"), "{out:?}");
    }
}

#[test]
fn what_a_report_says_stays_as_it_is_where_there_is_nothing_to_hide() {
    let scene = Scene::new();
    put_app(&scene.source, &[1_000]);
    let out = scene.export(&[IMAGE]).args(["--format", "json"]).run().succeeds();
    assert!(!out.stdout.contains("***") && out.json()["digest"].is_string(), "{}", out.stdout);
    // A password that is a key of the report hides no key.
    let scene = Scene::between(Registry::start(), Registry::builder().auth(Auth::basic("user", "digest")).start());
    put_app(&scene.source, &[1_000]);
    scene.export(&[IMAGE]).run().succeeds();
    let run = scene.import().args(["--format", "json", "--username", "user"]).env("BUNDLE_PASSWORD", "digest");
    let report = run.run().succeeds().json();
    assert!(report["images"][0]["digest"].is_string(), "{report}");
}
