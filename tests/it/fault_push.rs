//! A target registry that misleads or refuses during an import: lying HEADs, mounts, manifests,
//! tags, projects, quotas, referrers.

use serde_json::{Value, json};

use crate::fault_scene::{AT, IMAGE, arrived, bundle_of, in_query, nothing_false, put_app, put_in, requests};
use crate::scene::{CONFIG, MANIFEST, Scene, body_bytes, descriptor, put_small_image};
use crate::support::registry::{Auth, Builder, Fault, Match, Registry, Tokens};

/// Large enough to be asked for before an image of the repository is there.
const ASKED: u64 = 1 << 20;

/// Two images that share a large layer, in a bundle; its digest.
fn shared_layer(target: Builder) -> (Scene, String) {
    let scene = Scene::with(Registry::builder(), target);
    let layers = put_in(&scene.source, "org/one", 7, &[300_000, 1_000]);
    put_in(&scene.source, "org/two", 7, &[300_000, 2_000]);
    scene.export(&["org/one:1", "org/two:1"]).run().succeeds();
    (scene, layers[0].clone())
}

fn both_arrived(scene: &Scene) {
    for repo in ["org/one", "org/two"] {
        let there = scene.target.digest(&format!("library/{repo}"), "1");
        assert_eq!(there, scene.source.digest(repo, "1"));
    }
    nothing_false(&scene.target);
}

#[test]
fn a_head_that_claims_a_wrong_length_is_not_believed() {
    for length in [0, ASKED - 1, ASKED + 1] {
        let (scene, layers) = bundle_of(Registry::builder(), &[ASKED]);
        let head = Match::on("HEAD", &layers[0]);
        scene.target.fault(head.once(), Fault::HeadSays { status: 200, length: Some(length) });
        scene.import().run().succeeds();
        arrived(&scene);
        assert!(scene.target.has_blob(AT, &layers[0]));
    }
}

#[test]
fn a_damaged_copy_that_the_registry_keeps_is_named_with_what_to_do() {
    for damaged in [Vec::new(), vec![0; 1_000]] {
        let (scene, layers) = bundle_of(Registry::builder(), &[ASKED]);
        scene.target.put_blob_as(AT, &layers[0], damaged);
        // It keeps what it has under a name, whatever is sent.
        scene.target.fault(Match::on("PUT", &in_query(&layers[0])), Fault::status(201));
        let out = scene.import().run().exits(4);
        assert!(out.stderr.contains("damaged copy") && out.stderr.contains(&layers[0]), "{}", out.stderr);
        assert!(out.stderr.contains("hint: delete that blob"), "{}", out.stderr);
        assert!(scene.target.tags(AT).is_empty());
    }
}

#[test]
fn children_that_were_claimed_and_are_missing_are_sent_when_the_index_needs_them() {
    let (scene, images) = Scene::seeded();
    let web = images.iter().find(|image| image.repository == "org/web").expect("the fixture");
    scene.export(&[&format!("org/web:{}", web.tag)]).run().succeeds();
    let manifests = scene.source.manifests_of("org/web", &web.tag);
    let lie = |digest: &str, length| {
        let fault = Fault::HeadSays { status: 200, length: Some(length) };
        scene.target.fault(Match::on("HEAD", digest).once(), fault);
    };
    // A child manifest, and what another child needs.
    let (_, bytes) = scene.source.manifest("org/web", &manifests[1]).expect("a child");
    lie(&manifests[1], bytes.len() as u64);
    let (_, other) = scene.source.manifest("org/web", &manifests[2]).expect("a child");
    let other: Value = serde_json::from_slice(&other).expect("JSON");
    lie(other["config"]["digest"].as_str().expect("a digest"), other["config"]["size"].as_u64().expect("a size"));
    scene.import().run().succeeds();
    assert_eq!(scene.target.digest("library/org/web", &web.tag).as_ref(), Some(&web.digest));
    nothing_false(&scene.target);
    assert!(scene.target.count(|r| r.status == 400) >= 1, "the registry said what was missing");
}

#[test]
fn what_is_sent_after_all_is_counted() {
    let (scene, layers) = bundle_of(Registry::builder(), &[200_000, 100_000]);
    // It says to have them, and then that it lacks them.
    for (layer, size) in [(&layers[0], 200_000), (&layers[1], 100_000)] {
        let fault = Fault::HeadSays { status: 200, length: Some(size) };
        scene.target.fault(Match::on("HEAD", layer).once(), fault);
    }
    let said = scene.import().args(["--format", "json"]).run().succeeds().json();
    arrived(&scene);
    let sent = scene.target.count(|r| r.method == "PUT" && r.path.contains("/blobs/") && r.body_bytes > 0);
    assert!(sent >= 2, "{sent}");
    assert_eq!(said["blobs"]["sent"], sent, "{said}");
    assert_eq!(said["blobs"]["bytesSent"], crate::scene::body_bytes(&scene.target), "{said}");
    assert_eq!(said["blobs"]["present"], 0, "what had to be sent was not there: {said}");
}

#[test]
fn a_registry_that_does_not_know_the_subject_may_keep_track_all_the_same() {
    let scene = Scene::new();
    put_app(&scene.source, &[1_000]);
    put_signature(&scene, "sig");
    scene.export(&[IMAGE]).run().succeeds();
    scene.import().run().succeeds();
    scene.target.fault(Match::on("GET", "/referrers/"), Fault::error(404, "MANIFEST_UNKNOWN", "no such subject"));
    scene.target.clear_requests();
    scene.import().run().succeeds();
    assert!(!requests(&scene.target, "GET", "/referrers/").is_empty());
    assert_eq!(scene.target.tags(AT), ["1"], "no tag is made from a digest where the registry has the API");
}

#[test]
fn a_registry_that_answers_no_heads_is_sent_everything() {
    for status in [401, 403, 405, 500] {
        let (scene, _) = bundle_of(Registry::builder(), &[200_000]);
        scene.target.fault(Match::on("HEAD", ""), Fault::status(status));
        scene.import().args(["--retries", "1"]).run().succeeds();
        arrived(&scene);
    }
}

#[test]
fn a_mount_refused_in_any_way_makes_the_layer_travel_again() {
    for fault in [400, 404, 405, 500].map(Fault::status).into_iter().chain([Fault::RefuseMount]) {
        let (scene, layer) = shared_layer(Registry::builder());
        scene.target.fault(Match::on("POST", "mount="), fault);
        scene.import().args(["--retries", "1"]).run().succeeds();
        both_arrived(&scene);
        let sent = requests(&scene.target, "PUT", &in_query(&layer));
        assert_eq!(sent.iter().filter(|r| r.status == 201).count(), 2);
        assert_eq!(scene.target.open_sessions(), 0, "a session opened by a mount is used or closed");
    }
    let (scene, layer) = shared_layer(Registry::builder());
    scene.import().run().succeeds();
    both_arrived(&scene);
    assert_eq!(requests(&scene.target, "PUT", &in_query(&layer)).len(), 1, "mounted otherwise");
}

#[test]
fn a_token_server_that_gives_none_for_two_repositories_costs_only_the_mount() {
    let tokens = Tokens::new("user", "password");
    let (scene, layer) = shared_layer(Registry::builder().auth(Auth::bearer(&tokens)));
    scene.target.intercept(|request| {
        let several = request.path == "/token" && request.query_values("scope").len() > 1;
        several.then(|| Fault::error(404, "NOT_FOUND", "no such project"))
    });
    scene.import().args(["--username", "user"]).env("BUNDLE_PASSWORD", "password").run().succeeds();
    both_arrived(&scene);
    let sent = requests(&scene.target, "PUT", &in_query(&layer));
    assert_eq!(sent.iter().filter(|r| r.status == 201).count(), 2);
}

#[test]
fn a_manifest_refused_for_what_it_is_ends_in_the_registrys_words() {
    let refusals = [
        (500, "UNKNOWN", "invalid URL on layer"),
        (500, "MANIFEST_INVALID", "schema says no"),
        (400, "MANIFEST_INVALID", "schema says no"),
        (415, "MANIFEST_INVALID", "docker types are not enabled"),
    ];
    for (status, code, words) in refusals {
        let (scene, _) = bundle_of(Registry::builder(), &[1_000]);
        scene.target.fault(Match::on("PUT", "/manifests/"), Fault::error(status, code, words));
        let out = scene.import().run().exits(4);
        assert!(out.stderr.contains(words) && out.stderr.contains(&scene.target.host()), "{}", out.stderr);
        let tries = requests(&scene.target, "PUT", "/manifests/").len();
        assert!((1..=3).contains(&tries), "{status} was tried {tries} times");
        assert!(status != 415 || out.stderr.contains("http.compat"), "the setting is named: {}", out.stderr);
        assert!(scene.target.tags(AT).is_empty());
    }
}

#[test]
fn an_immutable_tag_is_no_failure_where_it_names_the_same_image() {
    for status in [400, 403, 409, 412] {
        let refusal = || Fault::error(status, "TAG_INVALID", "the tag is immutable");
        let (scene, layers) = bundle_of(Registry::builder(), &[1_000]);
        scene.import().run().succeeds();
        scene.target.fault(Match::on("PUT", "/manifests/1"), refusal());
        scene.import().run().succeeds();
        // Also where something below it was lost and has to be sent first.
        scene.target.remove_blob(AT, &layers[0]);
        scene.import().run().succeeds();
        arrived(&scene);

        let other = put_small_image(&scene.target, AT, "1");
        let out = scene.import().run().exits(4);
        assert!(out.stderr.contains("immutable") && out.stderr.contains("hint:"), "{}", out.stderr);
        assert_eq!(scene.target.digest(AT, "1"), Some(other), "the tag stands as it stood");
    }
}

#[test]
fn a_project_that_is_missing_is_known_before_any_content_moves() {
    for (status, code) in [(404, "NAME_UNKNOWN"), (401, "UNAUTHORIZED"), (403, "DENIED")] {
        let (scene, _) = shared_layer(Registry::builder());
        let refusal = Fault::error(status, code, "project library not found");
        scene.target.fault(Match::on("POST", "/v2/library/org/two/blobs/uploads/"), refusal);
        let out = scene.import().run().exits(4);
        assert!(out.stderr.contains("project library not found"), "{}", out.stderr);
        assert!(out.stderr.contains("hint: create the project `library`"), "{}", out.stderr);
        assert_eq!(body_bytes(&scene.target), 0);
        assert!(scene.target.repositories().is_empty());
        assert_eq!(scene.target.open_sessions(), 0);
    }
}

#[test]
fn a_quota_that_is_used_up_ends_with_what_arrived_and_what_did_not() {
    for (status, code, exit) in [(403, "DENIED", 4), (412, "PRECONDITION", 4), (507, "UNKNOWN", 1), (500, "UNKNOWN", 1)]
    {
        let scene = Scene::new();
        put_in(&scene.source, "org/one", 1, &[1_000]);
        put_in(&scene.source, "org/two", 2, &[2_000]);
        scene.export(&["org/one:1", "org/two:1"]).run().succeeds();
        let full = Match::on("PUT", "/v2/library/org/two/blobs/uploads/");
        scene.target.fault(full, Fault::error(status, code, "quota of 10 GiB exceeded"));
        let out = scene.import().args(["--retries", "1"]).run().exits(exit);
        assert!(out.stderr.contains("quota of 10 GiB exceeded"), "{}", out.stderr);
        let line = |label: &str, repo: &str| out.stdout.lines().any(|l| l.starts_with(label) && l.contains(repo));
        assert!(line("pushed", "org/one:1") && line("failed", "org/two:1"), "{}", out.stdout);
        assert!(scene.target.tags("library/org/two").is_empty());
        nothing_false(&scene.target);
    }
}

/// An artifact about `org/app:1` under this tag; its digest.
fn put_signature(scene: &Scene, tag: &str) -> String {
    let subject = scene.source.digest("org/app", "1").expect("the image");
    let (_, bytes) = scene.source.manifest("org/app", "1").expect("the image");
    scene.source.put_blob("org/app", "{}");
    let document = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/vnd.test.signature",
        "config": descriptor(CONFIG, b"{}"), "layers": [],
        "subject": {"mediaType": MANIFEST, "digest": subject, "size": bytes.len()},
        "annotations": {"of": tag},
    });
    scene.source.put_manifest("org/app", Some(tag), MANIFEST, document.to_string())
}

#[test]
fn a_subject_arrives_before_what_refers_to_it() {
    // The archive's order goes by name: the signature stands before its subject, or after it.
    for tag in ["0", "sig"] {
        let scene = Scene::new();
        put_app(&scene.source, &[1_000]);
        let signature = put_signature(&scene, tag);
        scene.export(&[IMAGE, &format!("org/app:{tag}")]).run().succeeds();
        scene.import().run().succeeds();
        let puts = requests(&scene.target, "PUT", "/manifests/sha256:");
        let place = |digest: &str| puts.iter().position(|r| r.path.ends_with(digest)).expect("a PUT");
        let subject = scene.source.digest("org/app", "1").expect("a digest");
        assert!(place(&subject) < place(&signature), "some registries refuse what refers to nothing");
    }
}

#[test]
fn a_signature_whose_subject_is_nowhere_fails_alone_where_it_is_refused() {
    let scene = Scene::new();
    put_app(&scene.source, &[1_000]);
    put_signature(&scene, "sig");
    put_in(&scene.source, "org/other", 5, &[1_000]);
    scene.export(&["org/app:sig", "org/other:1"]).run().succeeds();
    // Taken where the registry takes it,
    scene.import().run().succeeds();
    // and not in silence where it does not.
    let fresh = Registry::start();
    fresh.fault(
        Match::on("PUT", "/v2/library/org/app/manifests/"),
        Fault::error(404, "MANIFEST_UNKNOWN", "no such subject"),
    );
    let out = scene.import_into(&fresh.host()).run().exits(4);
    assert!(out.stderr.contains("no such subject"), "{}", out.stderr);
    assert_eq!(fresh.tags("library/org/other"), ["1"]);
    assert!(fresh.tags("library/org/app").is_empty());
}

/// The digests that a registry without a referrers API lists about `org/app:1`.
fn listed(scene: &Scene, registry: &Registry) -> Vec<String> {
    let subject = scene.source.digest("org/app", "1").expect("a digest").replace(':', "-");
    let Some((_, bytes)) = registry.manifest(AT, &subject) else { return Vec::new() };
    let index: Value = serde_json::from_slice(&bytes).expect("JSON");
    let lines = index["manifests"].as_array().expect("manifests").iter();
    lines.map(|line| line["digest"].as_str().expect("a digest").to_owned()).collect()
}

#[test]
fn signatures_are_listed_by_tag_where_the_registry_keeps_no_track() {
    let target = Registry::builder().referrers(false).start();
    let scene = Scene::between(Registry::start(), target);
    put_app(&scene.source, &[1_000]);
    let mut digests = vec![put_signature(&scene, "one"), put_signature(&scene, "two"), put_signature(&scene, "three")];
    let second = scene.path("second.tar");
    scene.export(&[IMAGE, "org/app:one", "org/app:two"]).run().succeeds();
    scene.export_to(&second, &[IMAGE, "org/app:three"]).run().succeeds();
    scene.import().run().succeeds();
    // The first answer to the second import is lost on another writer, as if it had come in between.
    let tag = format!("/manifests/{}", scene.source.digest("org/app", "1").expect("a digest").replace(':', "-"));
    scene.target.fault(Match::on("PUT", &tag).once(), Fault::status(201));
    crate::scene::command("import")
        .args([&second])
        .args(["--plain-http", "--registry", &scene.target.host()])
        .run()
        .succeeds();
    let mut found = listed(&scene, &scene.target);
    found.sort();
    digests.sort();
    assert_eq!(found, digests, "no entry is lost, and none is there twice");
    scene.import().run().succeeds();
    assert_eq!(listed(&scene, &scene.target).len(), 3);
}

#[test]
fn a_pause_asked_for_on_manifests_holds_for_all_of_that_host() {
    let (scene, _) = shared_layer(Registry::builder());
    scene.target.fault(Match::on("PUT", "/manifests/").times(2), Fault::status_with(429, "Retry-After", "1"));
    let out = scene.import().args(["-j", "1"]).run().succeeds();
    assert!(out.stderr.contains("waiting"), "{}", out.stderr);
    both_arrived(&scene);
    let all = scene.target.requests();
    for (place, refused) in all.iter().enumerate().filter(|(_, r)| r.status == 429) {
        let pause = all[place + 1].at - refused.at;
        assert!(pause.as_millis() >= 950, "the next request came after {pause:?}");
    }
}

#[test]
fn a_manifest_that_always_breaks_the_connection_is_given_up_and_the_others_arrive() {
    let (scene, _) = shared_layer(Registry::builder());
    let digest = scene.source.digest("org/two", "1").expect("a digest");
    scene.target.fault(Match::on("PUT", &digest), Fault::Reset);
    let out = scene.import().args(["--retries", "2"]).run().exits(1);
    assert!(out.stderr.contains(&digest), "{}", out.stderr);
    assert_eq!(requests(&scene.target, "PUT", &digest).len(), 3, "the first try and two more");
    assert_eq!(scene.target.tags("library/org/one"), ["1"]);
    assert!(scene.target.tags("library/org/two").is_empty());
    scene.target.clear_faults();
    scene.import().run().succeeds();
    both_arrived(&scene);
}
