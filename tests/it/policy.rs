//! What a site does not want to be imported: images from elsewhere, and such whose tag stands for another one.

use crate::scene::{Scene, put_small_image, writes};
use crate::support::registry::{Auth, Fault, Match, Registry};

/// Two images at the source; at the target, the tag of the first names another one.
fn taken() -> (Scene, String) {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    put_small_image(&scene.source, "org/other", "1");
    scene.export(&["org/app:1", "org/other:1"]).run().succeeds();
    put_small_image(&scene.target, "library/org/app", "0");
    let (media_type, bytes) = scene.target.manifest("library/org/app", "0").expect("a manifest");
    let other = scene.target.put_manifest("library/org/app", Some("1"), &media_type, bytes);
    (scene, other)
}

#[test]
fn a_tag_that_names_another_image_stays_where_that_is_asked_for_and_nothing_is_sent_for_it() {
    for (what, status, exit) in [("fail", "failed", 4), ("skip", "skipped", 0)] {
        for dry_run in [true, false] {
            let (scene, other) = taken();
            let mut import = scene.import().args(["--on-existing-tag", what, "--format", "json"]);
            if dry_run {
                import = import.args(["--dry-run"]);
            }
            let json = import.run().exits(exit).json();
            let images = json["images"].as_array().expect("images");
            let of = |name: &str| images.iter().find(|image| image["name"] == scene.name(name)).expect("an image");
            assert_eq!(of("org/app:1")["status"], status, "{json}");
            let wanted = if dry_run { "planned" } else { "pushed" };
            assert_eq!(of("org/other:1")["status"], wanted, "the others are not concerned: {json}");
            if what == "fail" {
                let error = &of("org/app:1")["error"];
                assert_eq!(error["kind"], "act");
                assert!(error["message"].as_str().is_some_and(|text| text.contains(&other)), "{error}");
                assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("--on-existing-tag overwrite")));
            }
            assert_eq!(scene.target.digest("library/org/app", "1"), Some(other));
            let about_it = |line: &String| line.contains("/v2/library/org/app/");
            assert!(!writes(&scene.target).iter().any(about_it), "{:?}", writes(&scene.target));
        }
    }
    let (scene, _) = taken();
    let said = scene.import().env("BUNDLE_ON_EXISTING_TAG", "skip").run().succeeds();
    assert!(said.stdout.lines().any(|line| line.starts_with("skipped ")), "{}", said.stdout);
    assert!(said.stdout.contains("1 skipped · 0 failed"), "{}", said.stdout);
}

#[test]
fn a_tag_that_is_free_or_right_is_no_other_and_overwriting_is_what_happens_without_a_word() {
    for what in ["fail", "skip", "overwrite"] {
        let scene = Scene::new();
        put_small_image(&scene.source, "org/app", "1");
        scene.export(&["org/app:1"]).run().succeeds();
        for word in ["pushed ", "present "] {
            let said = scene.import().args(["--on-existing-tag", what]).run().succeeds();
            assert!(said.stdout.starts_with(word), "{what}: {}", said.stdout);
        }
    }
    let (scene, other) = taken();
    let said = scene.import().run().succeeds();
    assert!(said.stderr.contains(&other), "what it named is said: {}", said.stderr);
    assert_eq!(scene.target.digest("library/org/app", "1"), scene.source.digest("org/app", "1"));
}

#[test]
fn a_tag_that_appears_meanwhile_stays_too() {
    for (what, exit) in [("fail", 4), ("skip", 0)] {
        let (scene, other) = taken();
        // Asked the first time, there is no such tag yet.
        scene.target.fault(Match::on("GET", "/v2/library/org/app/manifests/1").once(), Fault::status(404));
        scene.import().args(["--on-existing-tag", what]).run().exits(exit);
        assert_eq!(scene.target.digest("library/org/app", "1"), Some(other), "{what}");
    }
}

#[test]
fn where_the_registry_does_not_say_what_a_tag_names_it_is_not_moved() {
    for what in ["fail", "skip"] {
        let (scene, other) = taken();
        let denied = Fault::error(403, "DENIED", "not for you");
        scene.target.fault(Match::on("GET", "/v2/library/org/app/manifests/1"), denied);
        let said = scene.import().args(["--on-existing-tag", what]).run().exits(4);
        assert!(said.stderr.contains("not for you"), "{}", said.stderr);
        assert_eq!(scene.target.digest("library/org/app", "1"), Some(other), "{what}");
    }
}

#[test]
fn images_from_elsewhere_are_refused_before_anything_is_asked_or_sent() {
    let scene = Scene::new();
    for repository in ["org/app", "org/app2", "evil/app"] {
        put_small_image(&scene.source, repository, "1");
    }
    scene.export(&["org/app:1", "org/app2:1", "evil/app:1"]).run().succeeds();
    let host = scene.source.host();
    let [org, app, evil] = ["org", "org/app", "evil"].map(|path| format!("{host}/{path}"));
    for (allowed, others) in [
        (vec![org.as_str()], &["evil/app:1"][..]),
        (vec![app.as_str()], &["evil/app:1", "org/app2:1"]),
        (vec![app.as_str(), evil.as_str()], &["org/app2:1"]),
        (vec!["quay.io"], &["evil/app:1", "org/app:1", "org/app2:1"]),
    ] {
        let flags = allowed.iter().flat_map(|prefix| ["--allow-source", prefix]);
        for import in [scene.import().args(flags), scene.import().env("BUNDLE_ALLOW_SOURCE", allowed.join(","))] {
            let said = import.run().exits(4);
            for name in ["evil/app:1", "org/app:1", "org/app2:1"] {
                let named = said.stderr.contains(&scene.name(name));
                assert_eq!(named, others.contains(&name), "{allowed:?}: {}", said.stderr);
            }
            assert!(said.stderr.contains("hint: ") && said.stderr.contains("--allow-source"), "{}", said.stderr);
        }
    }
    assert_eq!(scene.target.connections(), 0);
    scene.import().args(["--allow-source", &org, "--allow-source", &evil]).run().succeeds();
    scene.import().args(["--allow-source", &host]).run().succeeds();
    scene.import().args(["--allow-source", "http://x"]).run().exits(2);
}

#[test]
fn the_source_of_what_has_only_a_tag_is_what_its_name_says() {
    let mut contents = crate::reader_parts::Contents::default();
    let image = contents.image(&[b"a layer"]);
    contents.name("v1", &image);
    let given = crate::reader_parts::Given::new(contents.packed());
    let registry = Registry::start();
    let import = || {
        let run = crate::bundle().args(["import".as_ref(), given.path.as_os_str()]);
        run.args(["--plain-http", "--registry", &registry.host(), "--name", "quay.io/org/app"])
    };
    let said = import().args(["--allow-source", "gcr.io"]).run().exits(4);
    assert!(said.stderr.contains("quay.io/org/app:v1"), "{}", said.stderr);
    assert_eq!(registry.connections(), 0);
    import().args(["--allow-source", "quay.io/org"]).run().succeeds();
}

#[test]
fn a_strict_site_takes_nothing_that_is_not_pinned() {
    let scene = Scene::new();
    let digest = put_small_image(&scene.source, "org/app", "1");
    let exported = scene.export(&["org/app:1"]).args(["--format", "json"]).run().succeeds().json();
    let identity = exported["digest"].as_str().expect("a digest");
    let host = scene.target.host();
    let import = || crate::scene::command("import").args([scene.bundle()]).args(["--registry", &host]);
    let plain = format!("--plain-http={host}");
    for import in [import().args(["--strict", &plain]), import().args([&plain]).env("BUNDLE_STRICT", "true")] {
        let said = import.run().exits(2);
        assert!(said.stderr.contains("strict") && said.stderr.contains("--expect"), "{}", said.stderr);
    }
    assert_eq!(scene.target.connections(), 0);
    let pin = format!("{}@{digest}", scene.name("org/app:1"));
    for expect in [identity, &pin] {
        import().args(["--strict", &plain, "--expect", expect]).run().succeeds();
    }
    let other = format!("sha256:{}", "0".repeat(64));
    import().args(["--strict", &plain, "--expect", &other]).run().exits(3);
}

#[test]
fn a_strict_site_speaks_to_no_registry_in_clear_that_is_not_named() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    let exported = scene.export(&["org/app:1"]).args(["--format", "json"]).run().succeeds().json();
    let identity = exported["digest"].as_str().expect("a digest");
    let host = scene.target.host();
    let import = || {
        let run = crate::scene::command("import").args([scene.bundle()]).args(["--registry", &host]);
        run.args(["--strict", "--expect", identity, "--retries", "0"])
    };
    for import in [import().args(["--plain-http"]), import().env("BUNDLE_PLAIN_HTTP", "true")] {
        let said = import.run().exits(2);
        assert!(said.stderr.contains("--plain-http=HOST"), "{}", said.stderr);
    }
    assert_eq!(scene.target.connections(), 0);
    // It is on this machine, where http would be tried without being asked for, and another one is named.
    let said = import().run();
    assert_ne!(said.code, Some(0), "{}", said.all());
    let said = import().args(["--plain-http=registry.example"]).run();
    assert_ne!(said.code, Some(0), "{}", said.all());
    assert!(scene.target.requests().is_empty(), "nothing was said in clear");
    import().args([format!("--plain-http={host}")]).run().succeeds();
}

#[test]
fn a_strict_site_takes_no_credentials_from_a_file_that_others_can_change() {
    use std::os::unix::fs::PermissionsExt;

    let scene = Scene::with(Registry::builder(), Registry::builder().auth(Auth::basic("user", "password")));
    put_small_image(&scene.source, "org/app", "1");
    let exported = scene.export(&["org/app:1"]).args(["--format", "json"]).run().succeeds().json();
    let identity = exported["digest"].as_str().expect("a digest");
    let host = scene.target.host();
    let file = scene.path("auth.json");
    let auths = serde_json::json!({"auths": {host.clone(): {"auth": "dXNlcjpwYXNzd29yZA=="}}});
    std::fs::write(&file, auths.to_string()).expect("a file");
    let import = |mode: u32| {
        std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).expect("a mode");
        let run = crate::scene::command("import").args([scene.bundle()]).args(["--registry", &host, "--authfile"]);
        run.args([&file]).args([format!("--plain-http={host}")])
    };
    let strict = |mode: u32| import(mode).args(["--strict", "--expect", identity]);
    for mode in [0o602, 0o620] {
        let said = strict(mode).run().exits(4);
        assert!(said.stderr.contains("auth.json") && said.stderr.contains("hint: "), "{}", said.stderr);
        assert!(scene.target.repositories().is_empty());
    }
    strict(0o600).run().succeeds();
    // Without it, there is a warning.
    let said = import(0o602).run().succeeds();
    assert!(said.stderr.contains("warning") && said.stderr.contains("auth.json"), "{}", said.stderr);
}
