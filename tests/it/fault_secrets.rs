//! Canaries: secrets that no output may hold, through every failure, at `-vv`.

use std::path::Path;

use data_encoding::BASE64;
use serde_json::json;

use crate::fault_scene::{IMAGE, put_app};
use crate::scene::Scene;
use crate::support::registry::{Auth, Cut, Fault, Match, Registry, Tokens};
use crate::support::run::{Output, Run};

const PASSWORD: &str = "canary-password";
const IDENTITY: &str = "canary-identity";
const SIGNED: &str = "X-Amz-Signature=canary-signature&access_token=canary-access";

/// How the credentials are handed over.
#[derive(Clone, Copy, Debug, PartialEq)]
enum By {
    AuthCred,
    Environment,
    File,
    IdentityToken,
    Stdin,
}

const ALL: [By; 5] = [By::AuthCred, By::Environment, By::File, By::IdentityToken, By::Stdin];

fn with_credentials(run: Run, by: By, host: &str, dir: &Path) -> Run {
    let file = |entry: serde_json::Value| {
        let path = dir.join("auth.json");
        std::fs::write(&path, json!({"auths": {host: entry}}).to_string()).expect("a file");
        path
    };
    let pair = BASE64.encode(format!("user:{PASSWORD}").as_bytes());
    match by {
        By::AuthCred => run.env("AUTHCRED", format!("Basic {pair}")),
        By::Environment => run.args(["--username", "user"]).env("BUNDLE_PASSWORD", PASSWORD),
        By::File => run.args(["--authfile"]).args([file(json!({"auth": pair}))]),
        By::IdentityToken => run.args(["--authfile"]).args([file(json!({"identitytoken": IDENTITY}))]),
        By::Stdin => run.args(["--username", "user", "--password-stdin"]).stdin(format!("{PASSWORD}\n")),
    }
}

/// No canary, in no encoding that was sent.
#[track_caller]
fn silent(out: &Output, what: &str) {
    let all = out.all();
    let pair = BASE64.encode(format!("user:{PASSWORD}").as_bytes());
    for secret in ["canary", pair.as_str(), "token-1-", "token-2-", "token-3-"] {
        assert!(!all.contains(secret), "{what}: {secret} in {all}");
    }
}

/// Failures of any request, each as rules for one registry.
fn failures() -> Vec<(&'static str, Match, Fault)> {
    let signed = |path: &str| format!("http://127.0.0.1:1{path}?{SIGNED}");
    let any = Match::any;
    let mut list = vec![
        ("reset", any().after(3), Fault::Reset),
        ("no answer", any().after(4).times(8), Fault::NeverAnswer),
        ("lost answer", any().after(2), Fault::LoseAnswer),
        ("cut", any().after(2), Fault::CutBodyAfter(5, Cut::Reset)),
        ("stall", Match::on("GET", ""), Fault::StallAfter(3)),
        ("other bytes", Match::on("GET", ""), Fault::FlipByte(20)),
        ("wrong length", any(), Fault::WrongLength(9)),
        ("no end", Match::on("GET", "/token"), Fault::Endless),
        ("no token", Match::on("*", "/token"), Fault::Body(b"{\"refresh_token\":\"canary-refresh\"}".to_vec())),
        ("a broken token", Match::on("*", "/token"), Fault::Body(b"{\"token\":\"canary-token\", x".to_vec())),
        (
            "a token with a line break",
            Match::on("*", "/token"),
            Fault::Body(b"{\"token\":\"canary\\n-token\"}".to_vec()),
        ),
        ("redirected tokens", Match::on("*", "/token"), Fault::Redirect(307, signed("/token"))),
        ("redirected blobs", Match::on("*", "/blobs/"), Fault::Redirect(307, signed("{path}"))),
        ("redirected manifests", Match::on("*", "/manifests/"), Fault::Redirect(302, signed("{path}"))),
        ("a circle", Match::on("GET", "/v2/o"), Fault::Redirect(307, format!("{{path}}?{SIGNED}"))),
        ("a secret in a redirect", any().after(1), Fault::Redirect(307, "http://user:canary@127.0.0.1:1/".into())),
        ("a broken redirect", any().after(1), Fault::Redirect(307, format!("http://[::bad?{SIGNED}"))),
        ("a far upload", Match::on("POST", ""), Fault::location(move |_| format!("http://127.0.0.1:1/up?{SIGNED}"))),
        ("a broken upload", Match::on("POST", ""), Fault::location(|_| format!("http://[::bad?{SIGNED}"))),
        ("a foreign scheme", Match::on("POST", ""), Fault::location(|_| format!("ftp://127.0.0.1/?{SIGNED}"))),
        ("no digest", Match::on("PUT", "/uploads/"), Fault::content_digest(&format!("sha256:{}", "0".repeat(64)))),
        (
            "other realm",
            any(),
            Fault::change(|response| {
                if response.status == 401 {
                    response.set("WWW-Authenticate", format!("Bearer realm=\"http://u:canary@127.0.0.1:1/?{SIGNED}\""));
                }
            }),
        ),
        (
            "odd realm",
            any(),
            Fault::change(|response| {
                if response.status == 401 {
                    response.set("WWW-Authenticate", format!("Bearer realm=\"http://127.0.0.1:1/t?{SIGNED}\""));
                }
            }),
        ),
    ];
    for status in [400, 401, 403, 404, 405, 409, 412, 413, 415, 416, 429, 500, 502, 503, 504, 507] {
        list.push(("a status", any().after(3), Fault::error(status, "CODE", "words")));
        list.push(("a status at first", any(), Fault::status(status)));
    }
    list
}

#[test]
fn no_secret_is_ever_shown_whatever_fails() {
    let tokens = Tokens::new("user", PASSWORD).refresh_token(IDENTITY);
    let bearer = || Registry::builder().auth(Auth::bearer(&tokens));
    let good = Scene::between(Registry::start(), Registry::start());
    put_app(&good.source, &[50_000]);
    good.export(&[IMAGE]).run().succeeds();
    let options = ["-vv", "--idle-timeout", "1", "--retries", "1"];
    let mut failed = 0;
    for (place, (what, matching, fault)) in failures().into_iter().enumerate() {
        let by = ALL[place % ALL.len()];
        let scene = Scene::between(bearer().start(), bearer().start());
        put_app(&scene.source, &[50_000]);
        std::fs::copy(good.bundle(), scene.bundle()).expect("a bundle");
        scene.source.fault(matching.clone(), fault.clone());
        scene.target.fault(matching, fault);
        // AUTHCRED is for imports.
        let at_source = if by == By::AuthCred { By::Environment } else { by };
        let export = scene.export(&[IMAGE]).args(["--force"]).args(options);
        let out = with_credentials(export, at_source, &scene.source.host(), &scene.path("")).run();
        silent(&out, what);
        failed += usize::from(out.code != Some(0));
        for format in ["text", "json"] {
            let import = scene.import().args(options).args(["--format", format]);
            let out = with_credentials(import, by, &scene.target.host(), &scene.path("")).run();
            silent(&out, what);
            failed += usize::from(out.code != Some(0));
        }
    }
    assert!(failed > 80, "most of these do fail: {failed}");
}

#[test]
fn no_secret_is_shown_when_all_goes_well_or_the_command_line_is_wrong() {
    for by in ALL {
        for bearer in [true, false] {
            if by == By::IdentityToken && !bearer {
                continue;
            }
            let tokens = Tokens::new("user", PASSWORD).refresh_token(IDENTITY);
            let auth = if bearer { Auth::bearer(&tokens) } else { Auth::basic("user", PASSWORD) };
            let scene = Scene::between(Registry::start(), Registry::builder().auth(auth).start());
            put_app(&scene.source, &[50_000]);
            scene.export(&[IMAGE]).run().succeeds();
            let import = scene.import().args(["-vv"]);
            let out = with_credentials(import, by, &scene.target.host(), &scene.path("")).run().succeeds();
            silent(&out, "success");
            assert!(out.stderr.contains("request"), "it is verbose: {}", out.stderr);
        }
    }
    let scene = Scene::new();
    put_app(&scene.source, &[1_000]);
    scene.export(&[IMAGE]).run().succeeds();
    for cred in ["Basic canary-not-base64!", "canary", "Digest canary", "Basic Y2FuYXJ5"] {
        let out = scene.import().env("AUTHCRED", cred).run();
        assert!(!out.all().contains("canary") && !out.all().contains("Y2FuYXJ5"), "{}", out.all());
    }
    let file = scene.path("auth.json");
    for text in ["{\"auths\":{\"x\":{\"auth\":\"canary\"}}", "{\"auths\":{\"x\":{\"auth\":\"!canary\"}}}", "canary"] {
        std::fs::write(&file, text.replace("\"x\"", &format!("\"{}\"", scene.target.host()))).expect("a file");
        let out = scene.import().args(["--authfile"]).args([&file]).run();
        assert!(!out.all().contains("canary"), "{}", out.all());
    }
}
