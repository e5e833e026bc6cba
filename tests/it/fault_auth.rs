//! Credentials that are wrong, weak or odd, and challenges as registries really write them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use data_encoding::BASE64;
use serde_json::json;

use crate::fault_scene::{AT, IMAGE, arrived, bundle_of, put_app, put_in, requests};
use crate::scene::{Scene, body_bytes};
use crate::support::registry::{Auth, Builder, Content, Cut, Fault, Match, Registry, Tokens};

fn import(scene: &Scene, user: &str, password: &str) -> crate::support::run::Run {
    scene.import().args(["--username", user, "--password-stdin"]).stdin(format!("{password}\n"))
}

#[test]
fn wrong_or_weak_credentials_are_known_before_any_content_moves() {
    let tokens = || Tokens::new("user", "password");
    let cases: [(Builder, &str); 4] = [
        (Registry::builder().auth(Auth::basic("user", "password")), "wrong"),
        (Registry::builder().auth(Auth::bearer(&tokens())), "wrong"),
        (Registry::builder().auth(Auth::bearer(&tokens().refuse("push"))), "password"),
        // A robot that may push and not pull is of no use either: nothing can be looked at.
        (Registry::builder().auth(Auth::bearer(&tokens().refuse("pull"))), "password"),
    ];
    for (target, password) in cases {
        let (scene, _) = bundle_of(target, &[200_000]);
        let out = import(&scene, "user", password).run().exits(4);
        assert!(out.stderr.contains("401") && out.stderr.contains("hint:"), "{}", out.stderr);
        assert!(out.stderr.contains("credentials"), "{}", out.stderr);
        assert_eq!(body_bytes(&scene.target), 0, "nothing was sent");
        assert!(scene.target.repositories().is_empty());
        assert!(scene.target.requests().len() < 40, "a refusal is not asked for again and again");
    }
}

#[test]
fn a_repository_with_a_token_server_of_its_own_is_let_in_by_that() {
    // The ping names a server that refuses, fails or is not there; the repository names its own.
    let refusals = [401, 403, 404, 405, 500];
    let gone = Registry::start().url();
    for realm in refusals.map(Some).into_iter().chain([None]) {
        let tokens = Tokens::new("user", "password");
        let (scene, _) = bundle_of(Registry::builder().auth(Auth::bearer(&tokens)), &[1_000]);
        let other = Registry::start();
        let named = match realm {
            Some(status) => {
                other.fault(Match::any(), Fault::status(status));
                format!("{}/token", other.url())
            }
            None => format!("{gone}/token"),
        };
        let challenge = format!("Bearer realm=\"{named}\",service=\"first\"");
        let ping = Fault::change(move |response| response.set("WWW-Authenticate", challenge.clone()));
        scene.target.intercept(move |request| (request.path == "/v2/").then(|| ping.clone()));
        import(&scene, "user", "password").args(["--retries", "1"]).run().succeeds();
        arrived(&scene);
        assert!(other.requests().len() <= 16, "{}", other.requests().len());
    }
}

#[test]
fn what_the_first_token_server_says_stands_where_the_repository_names_no_other() {
    let tokens = Tokens::new("user", "password");
    let (scene, _) = bundle_of(Registry::builder().auth(Auth::bearer(&tokens)), &[1_000]);
    scene.target.fault(Match::on("GET", "/token"), Fault::error(403, "DENIED", "the account is locked"));
    let out = import(&scene, "user", "password").run().exits(4);
    assert!(out.stderr.contains("token server") && out.stderr.contains("the account is locked"), "{}", out.stderr);
}

#[test]
fn the_life_of_a_token_may_be_written_in_any_way() {
    for life in ["\"3600\"", "3600.0", "-1", "null", "\"\"", "[]"] {
        let tokens = Tokens::new("user", "password");
        let (scene, _) = bundle_of(Registry::builder().auth(Auth::bearer(&tokens)), &[1_000]);
        let change = Fault::change(move |response| {
            if let Content::Bytes(bytes) = &response.content {
                let text = String::from_utf8_lossy(bytes).replace(":300", &format!(":{life}"));
                response.length = text.len() as u64;
                response.content = text.into_bytes().into();
            }
        });
        scene.target.fault(Match::on("GET", "/token"), change);
        import(&scene, "user", "password").run().succeeds();
        arrived(&scene);
        assert!(tokens.count() < 6, "{life}: {} tokens", tokens.count());
    }
}

#[test]
fn challenges_are_understood_as_products_write_them() {
    let basic = || Registry::builder().auth(Auth::basic("user", "password"));
    let challenge = |text: &'static str| {
        Fault::change(move |response| {
            if response.status == 401 {
                response.set("WWW-Authenticate", text);
            }
        })
    };
    for text in ["BASIC realm=\"Sonatype Nexus Repository Manager\"", "Negotiate, NTLM, Basic realm=x", "basic"] {
        let (scene, _) = bundle_of(basic(), &[1_000]);
        scene.target.fault(Match::any(), challenge(text));
        import(&scene, "user", "password").run().succeeds();
        arrived(&scene);
    }
    let tokens = Tokens::new("user", "password").field("access_token").no_expires_in();
    let without_scope = Fault::change(|response| {
        if let Some(text) = response.header("WWW-Authenticate").map(str::to_owned) {
            let short = text.split(",scope=").next().unwrap_or_default().to_owned();
            response.set("WWW-Authenticate", short);
        }
    });
    let (scene, _) = bundle_of(Registry::builder().auth(Auth::bearer(&tokens)), &[1_000]);
    scene.target.fault(Match::any(), without_scope);
    import(&scene, "user", "password").run().succeeds();
    arrived(&scene);
    let both = Registry::builder().auth(Auth::basic("x", "y")).auth(Auth::bearer(&tokens));
    let (scene, _) = bundle_of(both, &[1_000]);
    import(&scene, "user", "password").run().succeeds();
    arrived(&scene);
}

#[test]
fn user_names_and_passwords_of_any_kind_work() {
    for (user, password) in
        [("robot$library+ci", "a:b:c"), ("a+b", "p w"), ("user@corp.example", "pässwörd%2F&="), ("x", "\"quoted\\")]
    {
        for bearer in [false, true] {
            let tokens = Tokens::new(user, password);
            let auth = if bearer { Auth::bearer(&tokens) } else { Auth::basic(user, password) };
            let (scene, _) = bundle_of(Registry::builder().auth(auth), &[1_000]);
            import(&scene, user, password).run().succeeds();
            arrived(&scene);
            // The same from a docker configuration.
            let fresh = Registry::builder();
            let fresh =
                if bearer { fresh.auth(Auth::bearer(&tokens)) } else { fresh.auth(Auth::basic(user, password)) };
            let fresh = fresh.start();
            let file = scene.path("auth.json");
            let pair = BASE64.encode(format!("{user}:{password}").as_bytes());
            let config = json!({"auths": {fresh.host(): {"auth": pair}}});
            std::fs::write(&file, config.to_string()).expect("a file");
            scene.import_into(&fresh.host()).args(["--authfile"]).args([&file]).run().succeeds();
            assert_eq!(fresh.tags(AT), ["1"]);
        }
    }
}

#[test]
fn an_identity_token_is_traded_for_tokens_by_servers_new_and_old() {
    let tokens = Tokens::new("user", "password").refresh_token("identity");
    let (scene, _) = bundle_of(Registry::builder().auth(Auth::bearer(&tokens)), &[1_000]);
    let file = scene.path("auth.json");
    let config = json!({"auths": {scene.target.host(): {"identitytoken": "identity"}}});
    std::fs::write(&file, config.to_string()).expect("a file");
    scene.import().args(["--authfile"]).args([&file]).run().succeeds();
    arrived(&scene);
    let asked = requests(&scene.target, "POST", "/token");
    assert!(!asked.is_empty() && asked.iter().all(|r| r.query.is_empty()), "no secret in an address: {asked:?}");

    // What knows no POST knows the token as a password.
    let old = Tokens::new("user", "identity").no_post();
    let (scene, _) = bundle_of(Registry::builder().auth(Auth::bearer(&old)), &[1_000]);
    let entry = json!({"auth": BASE64.encode(b"user:"), "identitytoken": "identity"});
    std::fs::write(&file, json!({"auths": {scene.target.host(): entry}}).to_string()).expect("a file");
    scene.import().args(["--authfile"]).args([&file]).run().succeeds();
    arrived(&scene);
    let asked = requests(&scene.target, "GET", "/token");
    assert!(!asked.is_empty() && asked.iter().all(|r| r.status == 200 && !r.query.contains("identity")), "{asked:?}");
}

#[test]
fn each_repository_is_shown_what_it_asked_for_itself() {
    // Two products behind one name: one gives out tokens, the other knows passwords only.
    let scene = Scene::new();
    let mut names = Vec::new();
    for (number, repo) in (1..).zip(["one/a", "two/a", "one/b", "two/b"]) {
        // Taken by size, so from all of them in turn.
        put_in(&scene.source, repo, 100 * number, &[1_000, 2_000, 3_000, 4_000, 5_000]);
        names.push(format!("{repo}:1"));
    }
    let password = format!("Basic {}", BASE64.encode(b"user:password"));
    scene.source.intercept(move |request| {
        let is_first = request.path.starts_with("/v2/one/");
        match (request.path.as_str(), request.header("Authorization")) {
            ("/v2/", _) => None,
            ("/token", _) => {
                Some(Fault::Status { code: 200, headers: Vec::new(), body: br#"{"token":"good"}"#.to_vec() })
            }
            (_, Some("Bearer good")) if is_first => None,
            (_, Some(shown)) if !is_first && shown == password => None,
            _ if is_first => {
                let realm = format!("http://{}/token", request.header("Host").expect("a host"));
                let challenge = format!(r#"Bearer realm="{realm}",service="one""#);
                Some(Fault::status_with(401, "WWW-Authenticate", &challenge))
            }
            _ => Some(Fault::status_with(401, "WWW-Authenticate", r#"Basic realm="two""#)),
        }
    });
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let export = scene.export(&names).args(["-j", "1", "--username", "user"]).env("BUNDLE_PASSWORD", "password");
    export.run().succeeds();
    scene.verify().run().succeeds();
    let refused = scene.source.count(|r| r.status == 401);
    assert!(refused <= 4, "each repository asks once, not with every change: {refused}");
}

#[test]
fn the_first_contact_and_the_token_server_are_asked_again_like_anybody() {
    let tokens = Tokens::new("user", "password");
    for fault in [Fault::status(503), Fault::status_with(429, "Retry-After", "1"), Fault::Reset] {
        for place in ["/v2/", "/token"] {
            let (scene, _) = bundle_of(Registry::builder().auth(Auth::bearer(&tokens)), &[1_000]);
            scene.target.fault(Match::on("GET", place).times(2), fault.clone());
            import(&scene, "user", "password").run().succeeds();
            arrived(&scene);
            // And no more often than anything else.
            let fresh = Registry::builder().auth(Auth::bearer(&tokens)).start();
            fresh.fault(Match::on("GET", place), fault.clone());
            let again = scene.import_into(&fresh.host()).args([
                "--username",
                "user",
                "--password-stdin",
                "--retries",
                "2",
                "-j",
                "1",
            ]);
            again.stdin("password\n").run().exits(1);
            // Whoever asks what is there, and whoever is to send it, get the first try and two more each.
            let asked = requests(&fresh, "GET", place).len();
            assert!(asked == 3 || (place == "/token" && asked == 6), "{place}: {asked}");
        }
    }
}

#[test]
fn a_token_that_ends_in_the_middle_of_a_layer_is_renewed_and_the_rest_fetched() {
    let tokens = Tokens::new("user", "password");
    let scene = Scene::between(Registry::builder().auth(Auth::bearer(&tokens)).start(), Registry::start());
    let layers = put_app(&scene.source, &[300_000]);
    scene.source.fault(Match::on("GET", &layers[0]).once(), Fault::CutBodyAfter(100_000, Cut::Close));
    let all = tokens.clone();
    let digest = layers[0].clone();
    let revoked = AtomicBool::new(false);
    scene.source.intercept(move |request| {
        // No token that was issued before the first part is good for the second.
        if request.path.contains(&digest) && request.header("Range").is_some() && !revoked.swap(true, Ordering::SeqCst)
        {
            all.revoke_all();
        }
        None
    });
    let export = scene.export(&[IMAGE]).args(["--username", "user"]).env("BUNDLE_PASSWORD", "password");
    export.run().succeeds();
    scene.verify().run().succeeds();
    let parts: Vec<(u16, u64)> =
        requests(&scene.source, "GET", &layers[0]).iter().map(|r| (r.status, r.sent_bytes)).collect();
    assert_eq!(parts[0], (200, 100_000));
    assert_eq!(parts.last(), Some(&(206, 200_000)), "{parts:?}");
    assert_eq!(parts.len(), 3, "{parts:?}");
}

#[test]
fn tokens_of_two_seconds_are_renewed_as_often_as_it_takes() {
    let tokens = || Tokens::new("user", "password").expires_in(Duration::from_secs(2));
    let (from, to) = (tokens(), tokens());
    let source = Registry::builder().auth(Auth::bearer(&from)).start();
    let target = Registry::builder().auth(Auth::bearer(&to)).start();
    let scene = Scene::between(source, target);
    put_app(&scene.source, &[600_000, 600_001]);
    let user = |run: crate::support::run::Run| run.args(["--username", "user"]).env("BUNDLE_PASSWORD", "password");
    // Slow enough to outlive a token, a layer at a time.
    user(scene.export(&[IMAGE])).args(["--limit-rate", "300K", "-j", "1"]).run().succeeds();
    user(scene.import()).args(["--limit-rate", "300K", "-j", "1"]).run().succeeds();
    arrived(&scene);
    assert!(from.count() > 1 && to.count() > 1, "{} and {}", from.count(), to.count());
}

#[test]
fn a_registry_that_refuses_every_token_is_not_asked_for_ever() {
    let tokens = Tokens::new("user", "password");
    let (scene, _) = bundle_of(Registry::builder().auth(Auth::bearer(&tokens)), &[1_000]);
    let revoking = tokens.clone();
    scene.target.intercept(move |request| {
        if request.path != "/token" {
            revoking.revoke_all();
        }
        None
    });
    let out = import(&scene, "user", "password").run().exits(4);
    assert!(out.stderr.contains("401"), "{}", out.stderr);
    assert!(scene.target.requests().len() < 40, "{}", scene.target.requests().len());
}

#[test]
fn a_token_server_that_is_out_of_order_for_a_moment_is_asked_again() {
    let tokens = Tokens::new("user", "password");
    for fault in [Fault::status(503), Fault::Reset] {
        let (scene, _) = bundle_of(Registry::builder().auth(Auth::bearer(&tokens)), &[1_000]);
        scene.target.fault(Match::on("GET", "/token").times(2), fault);
        import(&scene, "user", "password").run().succeeds();
        arrived(&scene);
    }
    let (scene, _) = bundle_of(Registry::builder().auth(Auth::bearer(&tokens)), &[1_000]);
    for body in ["<html>", "{}", "[]", "{\"token\":\"\"}"] {
        scene.target.fault(Match::on("GET", "/token"), Fault::Body(body.into()));
        let out = import(&scene, "user", "password").run().exits(4);
        assert!(out.stderr.contains("token"), "{}", out.stderr);
        scene.target.clear_faults();
    }
}
