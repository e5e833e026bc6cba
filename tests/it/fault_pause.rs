//! Registries and token servers that ask to be left alone for a while: at any request, in any form, and for
//! longer than anybody waits.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::fault_scene::{IMAGE, arrived, bundle_of, source_of};
use crate::support::registry::{Auth, Fault, Match, Registry, Tokens};

fn unix(seconds: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    (now + seconds).to_string()
}

/// What Docker Hub says.
fn limited(retry_after: &str) -> Fault {
    let body = r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit."}]}"#;
    Fault::Status { code: 429, headers: vec![("Retry-After".into(), retry_after.into())], body: body.into() }
}

#[test]
fn a_pause_asked_for_at_the_first_contact_or_by_the_token_server_is_kept() {
    for part in ["/v2/", "/token", "/manifests/", "/blobs/"] {
        for after in ["1".to_owned(), unix(1), unix(0)] {
            let tokens = Tokens::new("user", "password").anonymous("pull");
            let (scene, _) = {
                let scene =
                    crate::scene::Scene::with(Registry::builder().auth(Auth::bearer(&tokens)), Registry::builder());
                let layers = crate::fault_scene::put_app(&scene.source, &[1000]);
                (scene, layers)
            };
            scene.source.fault(Match::on("GET", part).times(2), limited(&after));
            let out = scene.export(&[IMAGE]).run().succeeds();
            if after == "1" {
                assert!(out.stderr.contains("waiting"), "{part} {after}: {}", out.stderr);
            }
            let asked = scene.source.count(|r| r.target().contains(part));
            assert!(asked >= 3, "{part}: {asked}");
        }
    }
}

#[test]
fn a_pause_of_hours_ends_with_when_to_come_back_and_with_the_registrys_words() {
    for part in ["/v2/", "/token", "/manifests/", "/blobs/"] {
        for after in ["7200".to_owned(), unix(7200), format!("{}000", unix(7200))] {
            let tokens = Tokens::new("user", "password").anonymous("pull");
            let source = Registry::builder().auth(Auth::bearer(&tokens));
            let scene = crate::scene::Scene::with(source, Registry::builder());
            crate::fault_scene::put_app(&scene.source, &[1000]);
            scene.source.fault(Match::on("GET", part), limited(&after));
            let out = scene.export(&[IMAGE]).run().exits(1);
            assert!(out.stderr.contains("You have reached your pull rate limit."), "{part} {after}: {}", out.stderr);
            let time = out.stderr.split("log in, or wait until ").nth(1).expect(&out.stderr).trim();
            assert!(time.contains(" UTC") && time.contains(':') && !time.contains("minutes"), "{time}");
            assert!(out.took < std::time::Duration::from_secs(20), "{:?}", out.took);
        }
    }
}

#[test]
fn a_pause_is_kept_by_an_import_too() {
    let (scene, _) = bundle_of(Registry::builder(), &[1000]);
    scene.target.fault(Match::on("*", "/v2/").times(1), limited("1"));
    scene.target.fault(Match::on("POST", "").times(1), limited(&unix(1)));
    scene.import().run().succeeds();
    arrived(&scene);
    scene.target.fault(Match::on("PUT", ""), limited(&unix(100_000)));
    scene.target.remove_manifest("library/org/app", &scene.source.digest("org/app", "1").expect("a digest"));
    let out = scene.import().run().exits(1);
    assert!(out.stderr.contains("log in, or wait until 20"), "with its date: {}", out.stderr);
}

#[test]
fn storage_behind_a_registry_pauses_nobody_but_itself() {
    let storage = Registry::start();
    let (scene, layers) = source_of(&[1000, 2000]);
    for layer in &layers {
        let size = scene.source.blob_size("org/app", layer).expect("a layer");
        let number = if size == 1000 { 100 } else { 101 };
        assert_eq!(&storage.put_made_blob("org/app", number, size), layer);
    }
    let away = format!("{}{{path}}", storage.url());
    scene.source.fault(Match::on("GET", &layers[0]), Fault::Redirect(307, away));
    storage.fault(Match::on("GET", "/blobs/").times(1), limited("1"));
    scene.export(&[IMAGE]).args(["--jobs", "1"]).run().succeeds();
    scene.verify().run().succeeds();
}
