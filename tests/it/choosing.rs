//! Images that are chosen by their tags, left out by their names, and fetched from elsewhere.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::referrer_scene::Signed;
use crate::scene::{Scene, command, put_small_image};
use crate::support::registry::{Auth, Fault, Match, Registry, Tokens};
use crate::support::run::Output;

/// In the address of a list of tags.
const LIST: &str = "/tags/list";

/// What a dry run would take, by name.
fn planned(out: &Output) -> Vec<String> {
    let json = out.json();
    let images = json["images"].as_array().expect("images");
    images.iter().map(|image| image["name"].as_str().expect("a name").to_owned()).collect()
}

/// The tags of what would be taken.
fn tags(out: &Output) -> Vec<String> {
    planned(out).iter().map(|name| name.rsplit(':').next().unwrap_or_default().to_owned()).collect()
}

fn dry(args: &[&str]) -> Output {
    command("export").args(["--plain-http", "--dry-run", "--format", "json"]).args(args).run()
}

fn with_tags(tags: &[&str]) -> Scene {
    let scene = Scene::new();
    tags.iter().for_each(|tag| drop(put_small_image(&scene.source, "org/app", tag)));
    scene
}

#[test]
fn tags_are_chosen_by_glob_by_version_and_by_number() {
    let scene = with_tags(&["1.9.0", "1.10.0", "1.10.0-alpine", "v2.0.0-rc1", "latest", "1.2"]);
    let repository = scene.name("org/app");
    let glob = format!("{repository}=1.*");
    for (args, want) in [
        (vec!["--all-tags", &repository], vec!["1.10.0", "1.10.0-alpine", "1.2", "1.9.0", "latest", "v2.0.0-rc1"]),
        (vec!["--tags", &glob], vec!["1.10.0", "1.10.0-alpine", "1.2", "1.9.0"]),
        (vec!["--tags", &glob, "--newest", "2"], vec!["1.10.0", "1.10.0-alpine"]),
        (vec!["--all-tags", &repository, "--semver", ">=1.5 <3"], vec!["1.10.0", "1.9.0"]),
        (vec!["--all-tags", &repository, "--semver", "*", "--newest", "1"], vec!["1.10.0"]),
        (vec!["--all-tags", &repository, "--exclude", "*:1.*"], vec!["latest", "v2.0.0-rc1"]),
        (
            vec!["--all-tags", &repository, "--exclude", "*-alpine", "--exclude", "*-rc?"],
            vec!["1.10.0", "1.2", "1.9.0", "latest"],
        ),
    ] {
        assert_eq!(tags(&dry(&args).exits(0)), want, "{args:?}");
    }
    let out = dry(&["--all-tags", &repository, "--semver", ">9"]).exits(4);
    assert!(out.all().contains("none of its 6 tags is `>9`"), "{}", out.all());
    let out = dry(&[&format!("{repository}:1.2"), "--exclude", "nothing*"]).exits(0);
    assert!(out.stderr.contains("no image here has such a name"), "{}", out.stderr);
}

#[test]
fn what_cannot_be_chosen_is_refused_before_anything_is_asked() {
    let scene = with_tags(&["1.0"]);
    let repository = scene.name("org/app");
    let image = format!("{repository}:1.0");
    for args in [
        vec!["--all-tags", image.as_str()],
        vec!["--tags", &repository],
        vec!["--tags", "quay.io/a/b=["],
        vec![&image, "--newest", "1"],
        vec![&image, "--semver", "1"],
        vec!["--all-tags", &repository, "--semver", "latest"],
        vec!["--all-tags", &repository, "--newest", "0"],
        vec![&image, "--exclude", "*"],
        vec![&image, "--exclude", "["],
        vec![&image, "--source", "quay.io=mirror.example"],
        vec![&image, "--source", "quay.io"],
        vec![&image, "--source", "quay.io=https://mirror.example"],
    ] {
        dry(&args).exits(2);
    }
    assert_eq!(scene.source.requests().len(), 0);
}

#[test]
fn tags_that_are_made_from_digests_come_with_what_they_belong_to() {
    let scene = with_tags(&["1.0"]);
    let made = format!("sha256-{}", "a".repeat(64));
    put_small_image(&scene.source, "org/app", &made);
    assert_eq!(tags(&dry(&["--all-tags", &scene.name("org/app")]).exits(0)), ["1.0"]);
}

#[test]
fn ten_thousand_tags_come_in_pages() {
    let scene = Scene::with(Registry::builder().page(100), Registry::builder());
    let digest = put_small_image(&scene.source, "org/app", "7.0.0");
    let (media_type, bytes) = scene.source.manifest("org/app", &digest).expect("a manifest");
    for number in 0..10_000 {
        scene.source.put_manifest("org/app", Some(&format!("6.0.{number}")), &media_type, bytes.clone());
    }
    let out = dry(&["--all-tags", &scene.name("org/app"), "--newest", "3"]).exits(0);
    assert_eq!(tags(&out), ["6.0.9998", "6.0.9999", "7.0.0"]);
    let pages = scene.source.count(|request| request.path.ends_with("/tags/list"));
    assert!(pages >= 101, "{pages} pages");
}

#[test]
fn a_list_of_tags_that_never_ends_or_goes_on_elsewhere_is_an_error() {
    let scene = with_tags(&["1.0"]);
    let repository = scene.name("org/app");
    let export = || dry(&["--all-tags", &repository, "--referrers", "none"]);
    scene.source.fault(Match::on("GET", LIST), Fault::header("Link", "</v2/org/app/tags/list?n=1000>; rel=next"));
    let out = export().exits(3);
    assert!(out.all().contains("for ever") && out.all().contains(&repository), "{}", out.all());
    // There is always one more page, each with another address.
    scene.source.clear_faults();
    scene.source.clear_requests();
    let count = AtomicUsize::new(0);
    scene.source.intercept(move |request| {
        let page = count.fetch_add(1, Ordering::Relaxed);
        let link = format!("<{}?last={page}>; rel=next", request.path);
        request.path.contains(LIST).then(|| Fault::header("Link", &link))
    });
    let out = export().exits(3);
    assert!(out.all().contains("more than 1000 pages"), "{}", out.all());
    assert!(scene.source.count(|request| request.path.contains(LIST)) <= 1_010);

    let scene = with_tags(&["1.0"]);
    let other = Registry::start();
    let link = format!("<{}/v2/org/app/tags/list?last=b>; rel=next", other.url());
    scene.source.fault(Match::on("GET", LIST), Fault::header("Link", &link));
    let out = dry(&["--all-tags", &scene.name("org/app"), "--referrers", "none"]).exits(4);
    assert!(out.all().contains(&other.host()) && out.all().contains(&scene.source.host()), "{}", out.all());
    assert_eq!(other.connections(), 0);
}

#[test]
fn odd_lists_of_tags_are_read_as_far_as_they_go() {
    let scene = with_tags(&["1.0"]);
    let all = scene.name("org/app");
    let body = |tags: Value| Fault::Body(json!({"name": "org/app", "tags": tags}).to_string().into_bytes());
    scene.source.fault(Match::on("GET", LIST).times(1), body(json!(["1.0", "1.0", "not a tag", ""])));
    let out = dry(&["--all-tags", &all]).exits(0);
    assert_eq!(tags(&out), ["1.0"]);
    assert!(out.stderr.contains("no tag"), "{}", out.stderr);
    scene.source.fault(Match::on("GET", LIST), body(Value::Null));
    let out = dry(&["--all-tags", &all]).exits(4);
    assert!(out.all().contains("none of its 0 tags"), "{}", out.all());
    let out = dry(&["--all-tags", &scene.name("org/none")]).exits(4);
    assert!(out.all().contains("org/none"), "{}", out.all());
}

#[test]
fn a_mirror_is_asked_for_everything_and_names_stay() {
    let tokens = Tokens::new("user", "secret");
    let scene = Scene::with(Registry::builder().auth(Auth::bearer(&tokens)), Registry::builder());
    let signed = Signed::put(&scene.source, "hub/org/app");
    let digest = &signed.image[0];
    let made = format!("{}.sig", digest.replace(':', "-"));
    put_small_image(&scene.source, "hub/org/app", &made);
    let mirror = format!("gcr.example={}/hub", scene.source.host());
    let export = |args: &[&str]| {
        let export = command("export").args(["--plain-http", "--username", "user", "-o"]).args([scene.bundle()]);
        export.env("BUNDLE_PASSWORD", "secret").args(args)
    };
    export(&["gcr.example/org/app:1", "--source", &mirror]).run().exits(0);
    let shown = scene.list().run().exits(0).stdout;
    let attached = "  1 signature, 1 SBOM, 2 other referrers  ";
    assert!(shown.contains("\ngcr.example/org/app:1 ") && shown.contains(attached), "{shown}");
    let bytes = std::fs::read(scene.bundle()).expect("a bundle");
    let head = String::from_utf8_lossy(&bytes);
    assert!(!head.contains(&scene.source.host()) && head.contains(&format!("gcr.example/org/app:{made}")));
    assert!(scene.source.requests().iter().all(|request| !request.path.starts_with("/v2/org/")));

    // Tags are listed there too, and errors say both names.
    let out =
        export(&["--force", "--all-tags", "gcr.example/org/app", "--source", &mirror, "--dry-run"]).run().exits(0);
    assert!(out.stdout.contains("gcr.example/org/app:1"), "{}", out.stdout);
    let out = export(&["--force", "gcr.example/org/none:1", "--source", &mirror]).run().exits(4);
    let both = format!("gcr.example/org/none:1 (from {}/hub/org/none:1)", scene.source.host());
    assert!(out.stderr.contains(&both), "{}", out.stderr);
}
