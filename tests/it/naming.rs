//! Where images go at the target: namespaces, mappings, collisions, and looking before leaping.

use serde_json::json;

use crate::scene::{Scene, body_bytes, command, put_image, put_layer, put_small_image, writes};
use crate::support::registry::Registry;

/// A bundle of `team/app:1` and `base:2`.
fn scene() -> Scene {
    let scene = Scene::new();
    put_small_image(&scene.source, "team/app", "1");
    put_small_image(&scene.source, "base", "2");
    scene.export(&["team/app:1", "base:2"]).run().succeeds();
    scene
}

/// Imports into a new registry; the repositories it then holds.
fn repositories(scene: &Scene, below: &str, args: &[&str]) -> Vec<String> {
    let registry = Registry::start();
    let out = scene.import_into(&format!("{}{below}", registry.host())).args(args).run().succeeds();
    for repository in registry.repositories() {
        assert!(out.stdout.contains(&format!("{}/{repository}:", registry.host())), "{}", out.stdout);
    }
    registry.repositories()
}

#[test]
fn the_source_host_is_dropped_and_a_namespace_put_in_front() {
    let scene = scene();
    assert_eq!(repositories(&scene, "", &[]), ["library/base", "library/team/app"]);
    assert_eq!(repositories(&scene, "/mirror/eu", &[]), ["mirror/eu/base", "mirror/eu/team/app"]);
    assert_eq!(repositories(&scene, "/", &[]), ["library/base", "library/team/app"]);
    assert_eq!(repositories(&scene, "", &["--namespace", "ns"]), ["ns/base", "ns/team/app"]);
    assert_eq!(repositories(&scene, "", &["--namespace", ""]), ["base", "team/app"]);
}

#[test]
fn the_longest_mapping_wins_and_takes_no_namespace() {
    let scene = scene();
    let [whole, team] = ["", "/team"].map(|path| format!("{}{path}", scene.source.host()));
    let (all, one) = (format!("{whole}=all"), format!("{team}=one/x"));
    assert_eq!(repositories(&scene, "", &["--map", &one]), ["library/base", "one/x/app"]);
    assert_eq!(repositories(&scene, "", &["--map", &all, "--map", &one]), ["all/base", "one/x/app"]);
    let (part, nothing) = (format!("{whole}/te=no"), format!("{whole}="));
    let out = scene.import().args(["--map", &part]).run().exits(2);
    assert!(
        out.stderr.contains("nothing here comes from") && out.stderr.contains(&whole),
        "whole names only: {}",
        out.stderr
    );
    // Set for many imports, it may be for others.
    scene.import().env("BUNDLE_MAP", &part).run().succeeds();
    assert_eq!(repositories(&scene, "", &["--map", &nothing]), ["base", "team/app"]);
}

#[test]
fn what_cannot_be_a_name_is_refused_before_the_first_request() {
    let scene = scene();
    let host = scene.target.host();
    let map = format!("{}=UPPER", scene.source.host());
    let twice = ["a", "b"].map(|to| format!("{}={to}", scene.source.host()));
    let cases: [(&str, &[&str], &str); 10] = [
        ("/ns", &["--namespace", "other"], "two namespaces"),
        ("", &["--namespace", "Not A Name"], "Not A Name"),
        ("", &["--map", "no-equals-sign"], "FROM=TO"),
        ("", &["--map", "=to"], "FROM"),
        ("", &["--map", "https://gcr.io=x"], "leave out the scheme"),
        ("", &["--map", "library/nginx=x"], "docker.io/library/nginx"),
        ("", &["--map", "gcr.io/app:1=x"], "no tag and no digest"),
        ("", &["--map", "gcr.io=x"], "but from"),
        ("", &["--map", &twice[0], "--map", &twice[1]], "two places"),
        ("", &["--map", &map], "UPPER"),
    ];
    for (below, args, word) in cases {
        let out = scene.import_into(&format!("{host}{below}")).args(args).run().exits(2);
        assert!(out.stderr.contains(word), "{args:?}: {}", out.stderr);
    }
    let out = scene.import_into(&scene.target.url()).run().exits(2);
    assert!(out.stderr.contains("scheme") && out.stderr.contains("--plain-http"), "{}", out.stderr);
    let out = command("import").args([scene.bundle()]).run().exits(2);
    assert!(out.stderr.contains("--registry"), "{}", out.stderr);
    assert_eq!(scene.target.connections(), 0);
}

#[test]
fn two_images_that_would_share_a_tag_are_refused_with_both_names() {
    let (scene, other) = (Scene::new(), Registry::start());
    put_small_image(&scene.source, "org/app", "1");
    let layer = put_layer(&other, "org/app", "another image altogether");
    put_image(&other, "org/app", "1", &[layer]);
    let (here, there) = (scene.name("org/app:1"), format!("{}/org/app:1", other.host()));
    scene.export(&["org/app:1"]).args([&there]).run().succeeds();

    for run in [scene.import(), scene.import().args(["--dry-run"])] {
        let out = run.run().exits(2);
        assert!(out.stderr.contains(&here) && out.stderr.contains(&there), "{}", out.stderr);
        assert!(out.stderr.contains("library/org/app:1") && out.stderr.contains("--map"), "{}", out.stderr);
    }
    assert_eq!(scene.target.connections(), 0, "before the first request");

    scene.import().args(["--map", &format!("{}=second", other.host())]).run().succeeds();
    assert_eq!(scene.target.repositories(), ["library/org/app", "second/org/app"]);
}

#[test]
fn two_names_for_one_image_may_share_a_tag() {
    let (scene, other) = (Scene::new(), Registry::start());
    for registry in [&scene.source, &other] {
        put_small_image(registry, "org/app", "1");
    }
    scene.export(&["org/app:1"]).args([format!("{}/org/app:1", other.host())]).run().succeeds();
    scene.import().run().succeeds();
    assert_eq!(scene.target.tags("library/org/app"), ["1"]);
}

#[test]
fn a_tag_with_a_digest_arrives_under_both_and_a_digest_alone_under_itself() {
    let scene = Scene::new();
    let tagged = put_small_image(&scene.source, "org/app", "1");
    let alone = put_small_image(&scene.source, "org/app", "2");
    scene.export(&[&format!("org/app:1@{tagged}"), &format!("org/app@{alone}")]).run().succeeds();
    // Nobody asks what the tag names now: the digest wins.
    put_small_image(&scene.source, "org/app", "moved");
    assert_eq!(scene.source.count(|r| r.path.ends_with("/manifests/1")), 0);
    let out = scene.import().run().succeeds();
    assert_eq!(scene.target.tags("library/org/app"), ["1"]);
    assert_eq!(scene.target.digest("library/org/app", "1"), Some(tagged.clone()));
    for digest in [&tagged, &alone] {
        assert_eq!(scene.target.manifest("library/org/app", digest), scene.source.manifest("org/app", digest));
        assert_eq!(scene.target.missing("library/org/app", digest), Vec::<String>::new());
    }
    assert!(out.stdout.contains(&format!("library/org/app@{alone}")), "{}", out.stdout);
    scene.target.clear_requests();
    scene.import().run().succeeds();
    assert_eq!(writes(&scene.target), Vec::<String>::new());
}

#[test]
fn one_name_with_two_digests_is_refused_before_the_first_request() {
    let scene = Scene::new();
    let one = put_small_image(&scene.source, "org/app", "1");
    let two = put_small_image(&scene.source, "org/app", "2");
    let out = scene.export(&[&format!("org/app:1@{one}"), &format!("org/app:1@{two}")]).run().exits(2);
    assert!(out.stderr.contains(&one) && out.stderr.contains(&two), "{}", out.stderr);
    assert_eq!(scene.source.connections(), 0);
    assert_eq!(scene.files(), Vec::<String>::new());
}

#[test]
fn a_dry_run_says_what_would_go_where_and_changes_nothing() {
    let scene = scene();
    let out = scene.import().args(["--dry-run"]).run().succeeds();
    for target in ["library/base:2", "library/team/app:1"] {
        let target = format!("{}/{target}", scene.target.host());
        assert!(out.stdout.lines().any(|l| l.starts_with("would push") && l.contains(&target)), "{}", out.stdout);
    }
    assert!(out.stdout.contains("4 blobs to send") && out.stdout.contains("nothing was changed"), "{}", out.stdout);
    let json = scene.import().args(["--dry-run", "--format", "json"]).run().succeeds().json();
    assert_eq!((&json["blobs"]["sent"], &json["blobs"]["toSend"]), (&json!(0), &json!(4)));
    assert!(json["images"].as_array().expect("images").iter().all(|image| image["status"] == "planned"), "{json}");
    assert_eq!((writes(&scene.target), body_bytes(&scene.target)), (Vec::new(), 0));
    assert!(scene.target.repositories().is_empty());

    scene.import().run().succeeds();
    scene.target.clear_requests();
    let out = scene.import().args(["--dry-run"]).run().succeeds();
    assert_eq!(out.stdout.lines().filter(|line| line.starts_with("present ")).count(), 2, "{}", out.stdout);
    assert!(out.stdout.contains("0 blobs to send"), "{}", out.stdout);
    assert_eq!(writes(&scene.target), Vec::<String>::new());
}

#[test]
fn the_variables_of_the_old_script_name_the_target_where_no_flag_does() {
    let scene = scene();
    let old = |registry: &Registry| {
        command("import").args([scene.bundle()]).args(["--plain-http"]).env("TARGETHOST", registry.host())
    };
    let registry = Registry::start();
    old(&registry).run().succeeds();
    assert_eq!(registry.repositories(), ["library/base", "library/team/app"]);
    let registry = Registry::start();
    old(&registry).env("TARGETNAMESPACE", "old").run().succeeds();
    assert_eq!(registry.repositories(), ["old/base", "old/team/app"]);
    let registry = Registry::start();
    old(&registry).env("TARGETNAMESPACE", "old").env("BUNDLE_NAMESPACE", "new").run().succeeds();
    assert_eq!(registry.repositories(), ["new/base", "new/team/app"]);
    let (registry, unused) = (Registry::start(), Registry::start());
    old(&unused).args(["--registry", &registry.host(), "--namespace", "flag"]).run().succeeds();
    assert_eq!((registry.repositories().len(), unused.connections()), (2, 0));
    assert_eq!(registry.repositories(), ["flag/base", "flag/team/app"]);
}

#[test]
fn the_url_of_a_mirror_is_not_taken_for_the_registry() {
    let scene = scene();
    let host = scene.target.host();
    for (flags, right) in [
        (vec!["--registry".to_owned(), format!("{host}/v2/library")], format!("`--registry {host}/library`")),
        (vec!["--registry".into(), format!("{host}/v2/")], format!("`--registry {host}`")),
        (
            vec!["--registry".into(), host.clone(), "--namespace".into(), "/v2/a".into()],
            format!("`--registry {host}/a`"),
        ),
    ] {
        let out = command("import").args([scene.bundle()]).args(["--plain-http"]).args(&flags).run().exits(2);
        assert!(out.stderr.contains(&right), "{}", out.stderr);
    }
    assert_eq!(scene.target.connections(), 0);
    let v2 = format!("{host}/v2ray");
    command("import").args([scene.bundle()]).args(["--plain-http", "--registry", &v2]).run().succeeds();
}
