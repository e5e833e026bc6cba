//! What an operator in a hurry does: paths that are not there, standard input for two things, passwords that are
//! empty, registries that are not what they were taken for. Each is refused with what to do.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::scene::{Scene, put_image, put_made_layer, put_small_image};
use crate::support::registry::{Auth, Fault, Match, Registry};
use crate::support::run::{Output, Run};

fn bundle() -> Run {
    Run::new(env!("CARGO_BIN_EXE_bundle")).env("BUNDLE_RETRY_DELAY", "1")
}

/// A scene with a bundle of one image.
fn exported() -> Scene {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    scene.export(&["org/app:1"]).run().succeeds();
    scene
}

#[track_caller]
fn says(out: &Output, words: &[&str]) {
    for wanted in words {
        assert!(out.stderr.contains(wanted), "{wanted}: {}", out.stderr);
    }
    assert!(out.stderr.lines().any(|line| line.starts_with("bundle: ")), "{}", out.stderr);
}

#[test]
fn a_path_that_is_not_there_is_a_question_of_usage_whatever_names_it() {
    let scene = exported();
    let file = scene.bundle();
    let file = file.to_str().expect("a path");
    let registry = scene.target.host();
    let import = ["import", file, "--plain-http", "--registry", &registry];
    let cases: [(&[&str], &str); 8] = [
        (&["list", "/nowhere/a.tar"], "/nowhere/a.tar"),
        (&["verify", "/nowhere/a.tar"], "/nowhere/a.tar"),
        (&["import", "/nowhere/a.tar", "--registry", &registry], "/nowhere/a.tar"),
        (&["export", "x/y:1", "-o", "/nowhere/a.tar"], "/nowhere"),
        (&["list", "-", "--tmpdir", "/nowhere"], "/nowhere"),
        (&["--authfile", "/nowhere/auth.json"], "/nowhere/auth.json"),
        (&["--ca-file", "/nowhere/ca.pem"], "/nowhere/ca.pem"),
        (&["--cert", "/nowhere/cert.pem"], "/nowhere/cert.pem"),
    ];
    for (args, path) in cases {
        let run = if args[0].starts_with("--") { bundle().args(import).args(args) } else { bundle().args(args) };
        let out = run.stdin("x").run();
        assert_eq!(out.code, Some(2), "{args:?}: {}", out.stderr);
        says(&out, &[path]);
    }
}

#[test]
fn what_may_not_be_read_or_written_needs_somebody_to_allow_it() {
    // Root may do everything.
    if rustix::process::geteuid().is_root() {
        let scene = exported();
        let out = bundle().args(["export", "x/y:1", "-o", "/proc/a.tar"]).run();
        assert!(matches!(out.code, Some(2 | 4)), "{}", out.stderr);
        drop(scene);
        return;
    }
    let scene = exported();
    let file = scene.bundle();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).expect("a file of ours");
    for verb in ["list", "verify"] {
        let out = bundle().args([verb]).args([&file]).run().exits(4);
        says(&out, &["ermission denied", "hint: check who owns it"]);
    }
}

#[test]
fn json_is_one_object_with_the_error_however_early_a_command_fails() {
    let scene = exported();
    let good = scene.bundle();
    let good = good.to_str().expect("a path");
    let garbage = scene.bundle().with_file_name("garbage.tar");
    fs::write(&garbage, "no bundle at all").expect("written");
    let garbage = garbage.to_str().expect("a path");
    let cases: [(&[&str], i32, &str); 6] = [
        (&["list", "/nowhere"], 2, "usage"),
        (&["list", good, "/nowhere"], 2, "usage"),
        (&["export", "Not A Name", "-o", "a.tar"], 2, "usage"),
        (&["import", good], 2, "usage"),
        (&["list", "--no-such-flag"], 2, "usage"),
        (&["list", garbage], 3, "content"),
    ];
    for (args, status, kind) in cases {
        let out = bundle().args(args).args(["--format", "json"]).run().exits(status);
        assert_eq!(out.stdout.lines().count(), 1, "{args:?}: {}", out.stdout);
        let error = &out.json()["error"];
        assert_eq!(error["kind"], kind, "{args:?}: {}", out.stdout);
        let message = error["message"].as_str().expect("a message");
        assert!(out.stderr.contains(&format!("bundle: {message}")), "{message}: {}", out.stderr);
        assert_eq!(out.json()["bundles"].is_array(), args.contains(&good) && args[0] == "list");
    }
    scene.target.fault(Match::on("POST", "/uploads/"), Fault::status(403));
    let out = scene.import().args(["--format", "json"]).run().exits(4);
    assert_eq!(out.json()["error"]["kind"], "act", "{}", out.stdout);
    assert_eq!(out.json()["images"][0]["status"], "failed");
    let fine = scene.list().args(["--format", "json"]).run().succeeds();
    assert_eq!(fine.json()["error"], Value::Null);
}

#[test]
fn every_refusal_of_the_command_line_is_one_line_and_a_hint() {
    let cases: [(&[&str], &str, &str); 6] = [
        (&[], "no command was given", "bundle --help"),
        (&["list"], "required", "bundle list --help"),
        (&["import", "a.tar", "--regist", "x"], "--regist", "--registry"),
        (&["exprt"], "exprt", "export"),
        (&["export", "x", "-o", "a", "--jobs", "0"], "--jobs", "bundle export --help"),
        (&["login"], "HOST[:PORT]", "bundle login --help"),
    ];
    for (args, said, hint) in cases {
        let out = bundle().args(args).run().exits(2);
        let lines: Vec<&str> = out.stderr.lines().collect();
        assert_eq!(lines.len(), 2, "{}", out.stderr);
        assert!(lines[0].starts_with("bundle: ") && lines[0].contains(said), "{}", out.stderr);
        assert!(lines[1].starts_with("hint: ") && lines[1].contains(hint), "{}", out.stderr);
    }
    let out = bundle().args(["export", "x", "-o", "a"]).env("BUNDLE_JOBS", "0").run().exits(2);
    says(&out, &["from the variable BUNDLE_JOBS"]);
    let out = bundle().args(["import", "a.tar", "--registry", "h.example"]).env("AUTHCRED", "nonsense").run().exits(2);
    says(&out, &["AUTHCRED"]);
}

#[test]
fn standard_input_is_one_thing_at_a_time() {
    let out = bundle().args(["list", "-", "-"]).run().exits(2);
    says(&out, &["standard input can be read once"]);
    let import = ["import", "-", "--registry", "h.example", "--username", "user", "--password-stdin"];
    let out = bundle().args(import).stdin("secret").run().exits(2);
    says(&out, &["bundle and the password"]);
}

#[test]
fn an_empty_password_and_a_scheme_are_refused_before_anything_is_asked() {
    for input in ["", "\n", "\r\n"] {
        let login = ["login", "h.example", "--username", "user", "--password-stdin"];
        let out = bundle().args(login).stdin(input).run().exits(2);
        says(&out, &["empty"]);
    }
    for args in [["login", "https://h.example"], ["logout", "http://h.example/"]] {
        let out = bundle().args(args).run().exits(2);
        says(&out, &["leave out the scheme"]);
    }
    let out = bundle().args(["import", "a.tar", "--registry", "https://h.example/library"]).run().exits(2);
    says(&out, &["leave out the scheme"]);
}

#[test]
fn switches_in_the_environment_are_read_alike() {
    let scene = exported();
    let listed = |value: &str| {
        let file = scene.bundle();
        let registry = scene.target.host();
        let import = bundle().args(["import"]).args([&file]).args(["--dry-run", "--registry", &registry]);
        import.env("BUNDLE_PLAIN_HTTP", value).env("BUNDLE_QUIET", value).run()
    };
    for value in ["1", "true", "yes", "on", "YES", "0", "no", "off", "False"] {
        listed(value).succeeds();
    }
}

#[test]
fn a_refusal_says_whose_credentials_and_where_they_come_from() {
    let scene = Scene::with(Registry::builder().auth(Auth::basic("user", "secret")), Registry::builder());
    put_small_image(&scene.source, "org/app", "1");
    let out = scene.export(&["org/app:1"]).run().exits(4);
    let host = scene.source.host();
    says(&out, &[&format!("no credentials for {host}: looked in "), "config.json", &format!("bundle login {host}")]);
    let wrong = ["--username", "somebody", "--password-stdin"];
    let out = scene.export(&["org/app:1"]).args(wrong).stdin("wrong").run().exits(4);
    says(&out, &["with the credentials of somebody that were given with the command", "hint: check the credentials"]);
    assert!(!out.stderr.contains("looked in"), "{}", out.stderr);
    let right = ["--username", "user", "--password-stdin", "-v"];
    let out = scene.export(&["org/app:1"]).args(right).stdin("secret").run().succeeds();
    assert!(out.stderr.contains("the credentials of user that were given"), "-v says it too: {}", out.stderr);
}

#[test]
fn one_cause_is_one_line_with_everything_that_it_stopped() {
    let scene = Scene::with(Registry::builder().auth(Auth::basic("user", "secret")), Registry::builder());
    let names: Vec<String> = (0..12).map(|n| format!("org/n{n}:1")).collect();
    names.iter().for_each(|name| _ = put_small_image(&scene.source, name.trim_end_matches(":1"), "1"));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let out = scene.export(&names).run().exits(4);
    assert_eq!(out.stderr.matches("bundle: ").count(), 1, "{}", out.stderr);
    says(&out, &["and 11 more like it"]);
    names.iter().for_each(|name| says(&out, &[&scene.name(name)]));
}

#[test]
fn blobs_that_the_source_lacks_are_one_line_for_their_image() {
    let scene = Scene::new();
    let layers = [1, 2, 3].map(|seed| put_made_layer(&scene.source, "org/app", seed, 50_000));
    put_image(&scene.source, "org/app", "1", &layers);
    for layer in &layers {
        scene.source.remove_blob("org/app", layer["digest"].as_str().expect("a digest"));
    }
    let out = scene.export(&["org/app:1"]).run().exits(4);
    assert_eq!(out.stderr.matches("bundle: ").count(), 1, "{}", out.stderr);
    says(&out, &["the source lacks 3 blobs", &scene.name("org/app:1"), "hint: the source registry has lost a part"]);
}

#[test]
fn retries_are_said_as_they_come_and_counted_at_the_end() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    scene.source.fault(Match::on("GET", "/manifests/"), Fault::status(502));
    let out = scene.export(&["org/app:1"]).args(["--retries", "2"]).run().exits(1);
    says(&out, &["retry      1/2 ", "retry      2/2 ", ": 502", "(tried 3 times in ", "hint: something in front of"]);
}

#[test]
fn a_quota_is_called_one() {
    let scene = exported();
    let quota = Fault::error(403, "DENIED", "the project quota has been exceeded");
    scene.target.fault(Match::on("POST", "/uploads/"), quota);
    let out = scene.import().run().exits(4);
    says(&out, &["hint: raise the quota"]);
}

#[test]
fn the_digest_of_a_file_is_not_that_of_a_bundle() {
    let scene = exported();
    let other = format!("sha256:{}", "0".repeat(64));
    let out = scene.verify().args(["--expect", &other]).run().exits(3);
    assert!(out.stdout.contains("not the expected bundle"), "{}", out.all());
    let out = scene.list().args(["--expect", &other]).run().exits(3);
    says(&out, &["not the expected bundle", "sha256 of its index.json"]);
}

#[test]
fn a_dry_run_of_an_export_looks_at_the_file_too() {
    let scene = exported();
    let before = fs::read(scene.bundle()).expect("the bundle");
    let out = scene.export(&["org/app:1"]).args(["--dry-run"]).run().exits(2);
    says(&out, &["--force"]);
    let out = scene.export(&["org/app:1"]).args(["--dry-run", "--force", "-q"]).run().succeeds();
    assert!(out.stdout.ends_with("nothing was written\n"), "{}", out.stdout);
    assert_eq!(fs::read(scene.bundle()).expect("the bundle"), before);
    assert_eq!(scene.files(), ["images.tar"], "and nothing lies about");
}

#[test]
fn what_to_type_next_can_be_pasted() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    let out = bundle().args(["export", "--plain-http", &scene.name("org/app:1"), "-o", "my images; rm.tar"]).run();
    let out = out.succeeds();
    assert!(out.stdout.contains("bundle import 'my images; rm.tar' --registry HOST"), "{}", out.stdout);
}

#[test]
fn the_report_of_an_import_is_sorted_and_its_digests_are_whole() {
    let scene = Scene::new();
    let names = ["org/zoo:1", "org/app:1", "org/mid:1"];
    let digests = names.map(|name| put_small_image(&scene.source, name.trim_end_matches(":1"), "1"));
    scene.export(&names).run().succeeds();
    let out = scene.import().run().succeeds();
    let pushed: Vec<&str> = out.stdout.lines().filter(|line| line.starts_with("pushed ")).collect();
    let mut sorted = pushed.clone();
    sorted.sort_unstable();
    assert_eq!((pushed.len(), &pushed), (3, &sorted));
    digests.iter().for_each(|digest| assert!(out.stdout.contains(digest.as_str()), "{}", out.stdout));
}

#[test]
fn bad_content_and_a_full_standard_output_are_both_said_and_the_graver_one_counts() {
    let scene = exported();
    let mut bytes = fs::read(scene.bundle()).expect("the bundle");
    let last = bytes.iter().rposition(|byte| *byte != 0).expect("content");
    bytes[last] ^= 1;
    fs::write(scene.bundle(), bytes).expect("written");
    let file = scene.bundle();
    let verify = Run::new("sh").args(["-c", "exec \"$0\" verify \"$1\" > /dev/full", env!("CARGO_BIN_EXE_bundle")]);
    let out = verify.args([&file]).run().exits(3);
    says(&out, &["standard output"]);
}
