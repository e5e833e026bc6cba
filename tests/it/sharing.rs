//! What several images or repositories share travels once; and what a registry refuses is known
//! before anything is sent.

use serde_json::{Value, json};

use crate::scene::{Scene, body_bytes, borrowed, put_image, put_layer, put_made_layer, put_small_image, writes};
use crate::support::registry::{Fault, Match, Registry};

const LARGE: u64 = 3_000_000;

fn five() -> Vec<String> {
    (1..=5).map(|n| format!("team{n}/app:1")).collect()
}

/// Five repositories whose images share a large layer; its digest.
fn share_a_layer(registry: &Registry) -> String {
    let mut shared = Value::Null;
    for name in five() {
        let repo = name.trim_end_matches(":1");
        shared = put_made_layer(registry, repo, 7, LARGE);
        let own = put_layer(registry, repo, format!("only in {repo}"));
        put_image(registry, repo, "1", &[shared.clone(), own]);
    }
    shared["digest"].as_str().expect("a digest").to_owned()
}

#[test]
fn a_layer_of_five_repositories_is_fetched_once_sent_once_and_mounted_four_times() {
    let scene = Scene::new();
    let shared = share_a_layer(&scene.source);
    scene.export(&borrowed(&five())).run().succeeds();
    let about_it = |r: &&crate::support::registry::Request| r.path.ends_with(&shared);
    let fetched = scene.source.requests();
    let fetched: Vec<_> = fetched.iter().filter(|r| r.method == "GET").filter(about_it).collect();
    assert_eq!((fetched.len(), fetched[0].sent_bytes), (1, LARGE));

    let json = scene.import().args(["--format", "json"]).run().succeeds().json();
    let requests = scene.target.requests();
    let sent: Vec<_> =
        requests.iter().filter(|r| r.body_bytes > 0 && r.query_values("digest").contains(&shared)).collect();
    assert_eq!((sent.len(), sent[0].method.as_str(), sent[0].body_bytes), (1, "PUT", LARGE));
    let mounted =
        requests.iter().filter(|r| r.method == "POST" && r.status == 201 && r.query_values("mount").contains(&shared));
    assert_eq!(mounted.count(), 4);
    assert_eq!(json["blobs"]["mounted"], 4, "{json}");
    // Besides the layer: a config and a layer of each repository's own.
    assert_eq!(json["blobs"]["sent"], 1 + 2 * 5, "{json}");
    for name in five() {
        let repository = format!("library/{}", name.trim_end_matches(":1"));
        assert_eq!(scene.target.missing(&repository, "1"), Vec::<String>::new());
    }
    assert_eq!(scene.target.open_sessions(), 0, "no upload is left open");
}

#[test]
fn a_layer_that_cannot_be_mounted_is_sent_again() {
    let scene = Scene::new();
    let shared = share_a_layer(&scene.source);
    scene.export(&borrowed(&five())).run().succeeds();
    scene.target.fault(Match::on("POST", "mount="), Fault::RefuseMount);
    let json = scene.import().args(["--format", "json"]).run().succeeds().json();
    assert_eq!((&json["blobs"]["mounted"], &json["blobs"]["sent"]), (&json!(0), &json!(15)));
    for name in five() {
        assert!(scene.target.has_blob(&format!("library/{}", name.trim_end_matches(":1")), &shared));
    }
    assert_eq!(scene.target.open_sessions(), 0, "no upload is left open");
}

#[test]
fn when_the_third_of_five_repositories_refuses_nothing_is_sent_to_any() {
    let scene = Scene::new();
    share_a_layer(&scene.source);
    scene.export(&borrowed(&five())).run().succeeds();
    let refusal = || Fault::error(403, "DENIED", "project team3 is closed");
    scene.target.fault(Match::on("POST", "/v2/library/team3/app/blobs/uploads/"), refusal());

    let out = scene.import().run().exits(4);
    assert_eq!(body_bytes(&scene.target), 0, "not one byte of content went anywhere");
    assert!(scene.target.repositories().is_empty(), "{:?}", scene.target.repositories());
    assert_eq!(scene.target.open_sessions(), 0, "what was opened is closed again");
    for name in five() {
        let line = format!("{}/library/{name}", scene.target.host());
        assert!(out.stdout.lines().any(|l| l.starts_with("failed ") && l.contains(&line)), "{}", out.stdout);
    }
    assert!(out.stderr.contains("project team3 is closed"), "{}", out.stderr);

    let json = scene.import().args(["--format", "json"]).run().exits(4).json();
    let images = json["images"].as_array().expect("images");
    assert_eq!(images.len(), 5);
    for image in images {
        assert_eq!(image["status"], "failed");
        assert_eq!(image["error"]["kind"], "act");
        let message = image["error"]["message"].as_str().expect("a message");
        assert!(message.contains("library/team3/app"), "each says who refused: {message}");
    }
    let third = images.iter().find(|image| image["name"] == scene.name("team3/app:1")).expect("the third");
    assert!(third["error"]["message"].as_str().is_some_and(|m| m.contains("project team3 is closed")), "{third}");
    assert!(third["error"]["hint"].is_string(), "{third}");

    scene.target.clear_faults();
    scene.import().run().succeeds();
}

#[test]
fn one_image_that_fails_stops_no_other() {
    let scene = Scene::new();
    for name in five() {
        put_small_image(&scene.source, name.trim_end_matches(":1"), "1");
    }
    scene.export(&borrowed(&five())).run().succeeds();
    for (status, code) in [(400, "MANIFEST_INVALID"), (403, "DENIED")] {
        let manifests = Match::on("PUT", "/v2/library/team2/app/manifests/");
        scene.target.fault(manifests, Fault::error(status, code, "not this one"));
        let out = scene.import().run().exits(4);
        assert_eq!(out.stdout.lines().filter(|line| line.starts_with("failed ")).count(), 1, "{}", out.stdout);
        assert!(out.stderr.contains("team2/app") && out.stderr.contains("not this one"), "{}", out.stderr);
        assert!(scene.target.tags("library/team2/app").is_empty());
        for other in ["team1", "team3", "team4", "team5"] {
            let repository = format!("library/{other}/app");
            assert_eq!(scene.target.tags(&repository), ["1"]);
            assert_eq!(scene.target.missing(&repository, "1"), Vec::<String>::new());
        }

        let json = scene.import().args(["--format", "json"]).run().exits(4).json();
        let error = json["images"].as_array().expect("images").iter().find_map(|image| image.get("error"));
        let error = error.expect("an error");
        assert_eq!(error["kind"], "act");
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains(&status.to_string()) && message.contains("not this one"), "{message}");
        assert_eq!(error["hint"].is_string(), status == 403, "{error}");
        let done = json["images"].as_array().expect("images").iter().filter(|image| image["status"] == "present");
        assert_eq!(done.count(), 4);
        scene.target.clear_faults();
    }
    let out = scene.import().run().succeeds();
    assert_eq!(out.stdout.lines().filter(|line| line.starts_with("pushed ")).count(), 1, "{}", out.stdout);
}

#[test]
fn of_two_hundred_images_every_one_has_its_line() {
    let scene = Scene::new();
    let names: Vec<String> = (0..200).map(|n| format!("many/app{n:03}:1")).collect();
    for name in &names {
        put_small_image(&scene.source, name.trim_end_matches(":1"), "1");
    }
    scene.export(&borrowed(&names)).run().succeeds();
    scene.target.fault(Match::on("PUT", "/v2/library/many/app123/blobs/"), Fault::error(403, "DENIED", "full"));
    let out = scene.import().run().exits(4);
    for name in &names {
        let target = format!("{}/library/{name}", scene.target.host());
        let lines: Vec<&str> = out.stdout.lines().filter(|line| line.contains(&target)).collect();
        let word = if name.contains("123") { "failed " } else { "pushed " };
        assert!(lines.len() == 1 && lines[0].starts_with(word), "{name}: {lines:?}");
    }
    assert!(out.stderr.contains("app123") && out.stderr.contains("full"), "{}", out.stderr);
    assert!(out.stdout.lines().last().is_some_and(|line| line.contains("1 failed")), "{}", out.stdout);
    assert_eq!(scene.target.tags("library/many/app124"), ["1"]);
    assert!(scene.target.tags("library/many/app123").is_empty());
}

#[test]
fn images_that_are_not_there_are_all_named_and_nothing_is_written() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    let mut names: Vec<String> = (0..20).map(|n| format!("org/gone{n}:1")).collect();
    names.push("org/app:1".into());
    let out = scene.export(&borrowed(&names)).run().exits(4);
    for name in &names[..20] {
        assert!(out.stderr.contains(&scene.name(name)), "{name}: {}", out.stderr);
    }
    assert_eq!(scene.files(), Vec::<String>::new(), "no bundle, and nothing else");
    assert_eq!(scene.source.count(|r| r.path.contains("/blobs/")), 0, "no layer was fetched for nothing");
    assert_eq!(writes(&scene.source), Vec::<String>::new());
}
