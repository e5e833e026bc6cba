//! Credentials: where they are found, to whom they are shown, and what a wrong one leads to.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use data_encoding::BASE64;
use serde_json::{Value, json};

use crate::scene::{Scene, body_bytes, command, put_small_image};
use crate::support::registry::{Auth, Registry, Tokens};
use crate::support::run::Run;

fn auth(user: &str, password: &str) -> String {
    BASE64.encode(format!("{user}:{password}").as_bytes())
}

fn write(path: &Path, document: &Value) {
    fs::write(path, document.to_string()).expect("a file of credentials");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("its mode");
}

/// Writes the docker configuration of this run (`DOCKER_CONFIG` is its home).
fn docker_config(run: Run, document: &Value) -> Run {
    write(&run.home().join("config.json"), document);
    run
}

fn one_auth(host: &str, user: &str, password: &str) -> Value {
    json!({"auths": {host: {"auth": auth(user, password)}}})
}

/// Both registries want `user` and `secret`, by Basic.
fn basic() -> Scene {
    let wanted = || Registry::builder().auth(Auth::basic("user", "secret"));
    let scene = Scene::with(wanted(), wanted());
    put_small_image(&scene.source, "org/app", "1");
    scene
}

/// Both registries want tokens, the target from an issuer of its own.
fn bearer(tokens: &Tokens) -> (Scene, Registry) {
    let issuer = Registry::builder().tokens(tokens).start();
    let wanted = Registry::builder().auth(Auth::bearer_from(tokens, format!("{}/token", issuer.url())));
    let scene = Scene::with(Registry::builder().auth(Auth::bearer(tokens)), wanted);
    put_small_image(&scene.source, "org/app", "1");
    (scene, issuer)
}

fn config_for(scene: &Scene, password: &str) -> Value {
    let entry = json!({"auth": auth("user", password)});
    json!({"auths": {scene.source.host(): entry, scene.target.host(): entry}})
}

#[test]
fn basic_credentials_come_from_the_docker_configuration() {
    let scene = basic();
    let config = config_for(&scene, "secret");
    docker_config(scene.export(&["org/app:1"]), &config).run().succeeds();
    docker_config(scene.import(), &config).run().succeeds();
    assert_eq!(scene.target.tags("library/org/app"), ["1"]);
}

#[test]
fn without_credentials_or_with_wrong_ones_nothing_is_moved_and_the_next_step_is_named() {
    let scene = basic();
    let good = config_for(&scene, "secret");
    for config in [json!({}), config_for(&scene, "wrong")] {
        let out = docker_config(scene.export(&["org/app:1"]), &config).run().exits(4);
        assert!(out.stderr.contains("401") && out.stderr.contains(&scene.name("org/app:1")), "{}", out.stderr);
        assert!(out.stderr.contains("hint: check the credentials"), "{}", out.stderr);
        assert_eq!(scene.files(), Vec::<String>::new());
        assert_eq!(scene.source.count(|r| r.path.contains("/blobs/")), 0);
    }
    docker_config(scene.export(&["org/app:1"]), &good).run().succeeds();
    for config in [json!({}), config_for(&scene, "wrong")] {
        let out = docker_config(scene.import(), &config).run().exits(4);
        assert!(out.stdout.contains("failed") && out.stderr.contains("401"), "{}", out.all());
        assert!(out.stderr.contains("check the credentials"), "{}", out.stderr);
        assert_eq!(body_bytes(&scene.target), 0);
    }
}

#[test]
fn a_wrong_password_is_tried_a_few_times_at_most() {
    let scene = basic();
    docker_config(scene.export(&["org/app:1"]), &config_for(&scene, "wrong")).run().exits(4);
    let tried = scene.source.count(|r| r.header("Authorization").is_some());
    assert!((1..=2).contains(&tried), "{tried} tries lock an account");
}

#[test]
fn an_authfile_goes_alone_and_in_place_of_the_docker_configuration() {
    let scene = basic();
    let file = scene.path("auth.json");
    write(&file, &config_for(&scene, "secret"));
    let wrong = config_for(&scene, "wrong");
    docker_config(scene.export(&["org/app:1"]), &wrong).args(["--authfile"]).args([&file]).run().succeeds();
    docker_config(scene.import(), &wrong).env("BUNDLE_AUTHFILE", &file).run().succeeds();
    docker_config(scene.import(), &wrong).env("REGISTRY_AUTH_FILE", &file).run().succeeds();
    let out = scene.import().args(["--authfile", "/nowhere/auth.json"]).run().exits(2);
    assert!(out.stderr.contains("/nowhere/auth.json"), "{}", out.stderr);
}

#[test]
fn a_user_name_goes_with_a_password_from_standard_input() {
    let scene = basic();
    let named = |run: Run| run.args(["--username", "user", "--password-stdin"]);
    named(scene.export(&["org/app:1"])).stdin("secret\n").run().succeeds();
    named(scene.import()).stdin("secret").run().succeeds();
    scene.import().args(["--username", "user"]).env("BUNDLE_PASSWORD", "secret").run().succeeds();
    named(scene.import()).stdin("wrong\n").run().exits(4);
    let out = scene.import().args(["--username", "user"]).run().exits(2);
    assert!(out.stderr.contains("--password-stdin"), "{}", out.stderr);
    scene.import().args(["--password-stdin"]).run().exits(2);
}

#[test]
fn one_user_name_for_two_registries_is_refused() {
    let (scene, other) = (basic(), Registry::start());
    let out = scene.export(&["org/app:1"]).args([format!("{}/org/app:1", other.host())]);
    let out = out.args(["--username", "user", "--password-stdin"]).stdin("secret").run().exits(2);
    assert!(out.stderr.contains(&scene.source.host()) && out.stderr.contains(&other.host()), "{}", out.stderr);
    assert_eq!((scene.source.connections(), other.connections()), (0, 0));
}

#[test]
fn the_old_scripts_credential_is_taken_on_import_where_no_flag_is_given() {
    let scene = basic();
    docker_config(scene.export(&["org/app:1"]), &config_for(&scene, "secret")).run().succeeds();
    let script =
        || command("import").args([scene.bundle()]).args(["--plain-http"]).env("TARGETHOST", scene.target.host());
    script().env("AUTHCRED", format!("Basic {}", auth("user", "secret"))).run().succeeds();
    assert_eq!(scene.target.tags("library/org/app"), ["1"]);
    script().env("AUTHCRED", format!("Basic {}", auth("user", "wrong"))).run().exits(4);
    let flags = script().env("AUTHCRED", "Basic d3Jvbmc6d3Jvbmc=").args(["--username", "user", "--password-stdin"]);
    flags.stdin("secret").run().succeeds();
    let out = script().env("AUTHCRED", "user:secret").run().exits(2);
    assert!(out.stderr.contains("Basic") && !out.stderr.contains("user:secret"), "{}", out.stderr);
}

#[test]
fn credentials_go_to_their_host_and_no_other() {
    let scene = Scene::with(
        Registry::builder().auth(Auth::basic("user", "secret")),
        Registry::builder().auth(Auth::basic("other", "else")),
    );
    put_small_image(&scene.source, "org/app", "1");
    let config = one_auth(&scene.source.host(), "user", "secret");
    docker_config(scene.export(&["org/app:1"]), &config).run().succeeds();
    docker_config(scene.import(), &config).run().exits(4);
    assert_eq!(scene.target.count(|r| r.header("Authorization").is_some()), 0);
}

#[test]
fn a_registry_that_asks_for_nothing_is_shown_nothing() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    let config = config_for(&scene, "secret");
    docker_config(scene.export(&["org/app:1"]), &config).run().succeeds();
    docker_config(scene.import(), &config).run().succeeds();
    for registry in [&scene.source, &scene.target] {
        assert_eq!(registry.count(|r| r.header("Authorization").is_some()), 0);
    }
}

#[test]
fn the_entry_of_the_longest_path_is_used() {
    let scene = basic();
    docker_config(scene.export(&["org/app:1"]), &config_for(&scene, "secret")).run().succeeds();
    let host = scene.target.host();
    let (good, bad) = (json!({"auth": auth("user", "secret")}), json!({"auth": auth("user", "wrong")}));
    let longest = json!({"auths": {host.clone(): bad, format!("{host}/library"): good}});
    docker_config(scene.import(), &longest).run().succeeds();
    let elsewhere = json!({"auths": {host.clone(): bad, format!("{host}/lib"): good}});
    docker_config(scene.import(), &elsewhere).run().exits(4);
}

#[test]
fn a_credential_helper_is_asked() {
    let scene = basic();
    let helpers = scene.path("bin");
    fs::create_dir(&helpers).expect("a directory");
    let script = helpers.join("docker-credential-test");
    let answer = r#"{"ServerURL":"'$server'","Username":"user","Secret":"secret"}"#;
    fs::write(&script, format!("#!/bin/sh\nread server\necho \"$1 $server\" >> \"$0.log\"\necho '{answer}'\n"))
        .expect("a helper");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("its mode");
    let path = format!("{}:{}", helpers.display(), std::env::var("PATH").unwrap_or_default());
    let with = |run: Run, config: &Value| docker_config(run, config).env("PATH", &path);

    let store = json!({"credsStore": "test"});
    with(scene.export(&["org/app:1"]), &store).run().succeeds();
    let helper = json!({"credHelpers": {scene.target.host(): "test"}});
    with(scene.import(), &helper).run().succeeds();
    let asked = fs::read_to_string(helpers.join("docker-credential-test.log")).expect("what it was asked");
    assert_eq!(asked, format!("get {}\nget {}\n", scene.source.host(), scene.target.host()), "once each");

    let out = with(scene.import(), &json!({"credHelpers": {scene.target.host(): "absent"}})).run().exits(4);
    assert!(out.stderr.contains("docker-credential-absent"), "{}", out.stderr);
    fs::write(&script, "#!/bin/sh\necho 'the vault is locked'\nexit 1\n").expect("a helper");
    let out = with(scene.import(), &helper).run().exits(4);
    assert!(out.stderr.contains("helper test") && out.stderr.contains("the vault is locked"), "{}", out.stderr);
}

#[test]
fn tokens_are_asked_for_with_the_scopes_that_are_needed() {
    let tokens = Tokens::new("user", "secret");
    let (scene, issuer) = bearer(&tokens);
    docker_config(scene.export(&["org/app:1"]), &config_for(&scene, "secret")).run().succeeds();
    let scopes: Vec<String> =
        scene.source.requests().iter().filter(|r| r.path == "/token").flat_map(|r| r.query_values("scope")).collect();
    assert!(!scopes.is_empty() && scopes.iter().all(|scope| scope == "repository:org/app:pull"), "{scopes:?}");

    docker_config(scene.import(), &config_for(&scene, "secret")).run().succeeds();
    assert_eq!(scene.target.tags("library/org/app"), ["1"]);
    let asked = issuer.requests();
    assert!(asked.iter().all(|r| r.query_values("service") == ["registry.test"]), "{asked:?}");
    let scopes: Vec<String> = asked.iter().flat_map(|r| r.query_values("scope")).collect();
    assert!(scopes.contains(&"repository:library/org/app:pull,push".to_owned()), "{scopes:?}");
    let shown = format!("Basic {}", auth("user", "secret"));
    assert!(asked.iter().all(|r| r.header("Authorization") == Some(&shown)));
    assert_eq!(scene.target.count(|r| r.header("Authorization") == Some(&shown)), 0, "the password stays there");
    assert!(asked.len() <= 3, "{} tokens for one repository", asked.len());
}

#[test]
fn five_repositories_are_mounted_with_tokens() {
    let tokens = Tokens::new("user", "secret");
    let (scene, _issuer) = bearer(&tokens);
    let names: Vec<String> = (0..5).map(|n| format!("org/app{n}:1")).collect();
    for name in &names {
        let repo = name.trim_end_matches(":1");
        let shared = crate::scene::put_made_layer(&scene.source, repo, 1, 100_000);
        crate::scene::put_image(&scene.source, repo, "1", &[shared]);
    }
    let config = config_for(&scene, "secret");
    docker_config(scene.export(&crate::scene::borrowed(&names)), &config).run().succeeds();
    let json = docker_config(scene.import(), &config).args(["--format", "json"]).run().succeeds().json();
    assert_eq!(json["blobs"]["mounted"], 4);
}

#[test]
fn public_images_need_no_credentials_where_tokens_are_given_to_anyone() {
    let tokens = Tokens::new("user", "secret").anonymous("pull");
    let (scene, _issuer) = bearer(&tokens);
    scene.export(&["org/app:1"]).run().succeeds();
    let out = scene.import().run().exits(4);
    assert!(out.stderr.contains("library/org/app") && out.stderr.contains("401"), "{}", out.stderr);
    assert_eq!(body_bytes(&scene.target), 0);
}

#[test]
fn a_token_that_may_not_push_is_found_out_before_anything_is_sent() {
    let reader = Tokens::new("user", "secret").refuse("push");
    let (scene, _issuer) = bearer(&reader);
    let config = config_for(&scene, "secret");
    docker_config(scene.export(&["org/app:1"]), &config).run().succeeds();
    let out = docker_config(scene.import(), &config).run().exits(4);
    assert!(out.stdout.contains("failed") && out.stderr.contains("library/org/app"), "{}", out.all());
    assert_eq!(body_bytes(&scene.target), 0);
}

#[test]
fn an_identity_token_is_traded_for_tokens() {
    let tokens = Tokens::new("user", "secret").refresh_token("long-lived");
    let (scene, issuer) = bearer(&tokens);
    let entry = json!({"auth": auth("00000000-0000-0000-0000-000000000000", ""), "identitytoken": "long-lived"});
    let config = json!({"auths": {scene.source.host(): entry, scene.target.host(): entry}});
    docker_config(scene.export(&["org/app:1"]), &config).run().succeeds();
    docker_config(scene.import(), &config).run().succeeds();
    assert!(issuer.count(|r| r.method == "POST" && r.status == 200) > 0);
    assert_eq!(scene.target.tags("library/org/app"), ["1"]);
}

#[test]
fn a_token_that_ends_or_is_taken_back_on_the_way_is_replaced() {
    let tokens = Tokens::new("user", "secret");
    let (scene, _issuer) = bearer(&tokens);
    let config = config_for(&scene, "secret");
    docker_config(scene.export(&["org/app:1"]), &config).run().succeeds();
    let revoking = tokens.clone();
    let count = std::sync::atomic::AtomicUsize::new(0);
    scene.target.intercept(move |request| {
        let number = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        if request.path != "/token" && number % 5 == 4 {
            revoking.revoke_all();
        }
        None
    });
    docker_config(scene.import(), &config).args(["-j", "1"]).run().succeeds();
    assert!(scene.target.count(|r| r.status == 401) > 1, "tokens were taken back");
    assert_eq!(scene.target.missing("library/org/app", "1"), Vec::<String>::new());
}

#[test]
fn no_secret_is_ever_printed() {
    let tokens = Tokens::new("user", "canary-password").refresh_token("canary-identity");
    let (scene, issuer) = bearer(&tokens);
    let identity = json!({"auths": {
        scene.source.host(): {"identitytoken": "canary-identity"},
        scene.target.host(): {"identitytoken": "canary-identity"},
    }});
    let wrong = json!({"auths": {scene.target.host(): {"auth": auth("user", "canary-wrong")}}});
    let elsewhere = crate::support::registry::Fault::Redirect(
        307,
        format!("http://{}/storage?X-Signature=canary-signature", Registry::start().host()),
    );
    let mut said = Vec::new();
    for format in ["text", "json"] {
        let loud = |run: Run| run.args(["-vv", "--retries", "1", "--format", format]);
        let force = ["--force"];
        said.push(
            docker_config(loud(scene.export(&["org/app:1"]).args(force)), &config_for(&scene, "canary-password"))
                .run()
                .succeeds(),
        );
        said.push(docker_config(loud(scene.export(&["org/app:1"]).args(force)), &identity).run().succeeds());
        said.push(docker_config(loud(scene.import()), &identity).run().succeeds());
        said.push(docker_config(loud(scene.import()), &wrong).run().exits(4));
        let named = loud(scene.import()).args(["--username", "user", "--password-stdin"]);
        said.push(named.stdin("canary-password").run().succeeds());
        let script = loud(scene.import()).env("AUTHCRED", format!("Basic {}", auth("user", "canary-wrong")));
        said.push(script.run().exits(4));
        scene.source.fault(crate::support::registry::Match::on("GET", "/blobs/"), elsewhere.clone());
        let redirected = loud(scene.export(&["org/app:1"]).args(force));
        said.push(docker_config(redirected, &config_for(&scene, "canary-password")).run());
        scene.source.clear_faults();
    }
    let encoded = ["canary-password", "canary-wrong"].map(|password| auth("user", password));
    for output in &said {
        let all = output.all();
        assert!(!all.contains("canary"), "{all}");
        assert!(!encoded.iter().any(|secret| all.contains(secret.trim_end_matches('='))), "{all}");
        assert!(!all.contains("token-"), "no token either: {all}");
    }
    assert!(said[0].stderr.contains("request "), "it did say a lot: {}", said[0].stderr);
    assert!(issuer.requests().len() > 4);
}
