//! `check`: what lists name and is not there, in bundles or at a registry.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::platforms::{THREE, put_app};
use crate::scene::{MANIFEST, Scene, command, put_image, put_layer, put_small_image, writes};
use crate::support::registry::{Fault, Match};
use crate::support::run::Run;

/// A list on the drive.
fn list(scene: &Scene, name: &str, lines: &[String]) -> PathBuf {
    let path = scene.path(name);
    fs::write(&path, format!("# what is installed\n{}\n", lines.join("\n"))).expect("a list");
    path
}

/// `bundle check -f LIST` against the target.
fn at_target(scene: &Scene, file: &PathBuf) -> Run {
    command("check").args(["-f"]).args([file]).args(["--plain-http", "--registry", &scene.target.host()])
}

fn statuses(json: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let images = json["images"].as_array().expect("images").iter();
    images.map(|image| (text(&image["name"]), text(&image["status"]))).collect()
}

#[test]
fn what_is_missing_at_a_registry_is_said_with_the_lines_that_want_it() {
    let scene = Scene::new();
    for repo in ["org/a", "org/b", "org/c"] {
        put_small_image(&scene.source, repo, "1");
    }
    scene.export(&["org/a:1", "org/b:1"]).run().succeeds();
    scene.import().run().succeeds();
    let names: Vec<String> = ["org/c:1", "org/b:1", "org/a:1"].iter().map(|name| scene.name(name)).collect();
    let file = list(&scene, "images.txt", &names);
    let other = list(&scene, "others.txt", &[names[0].clone()]);
    scene.target.clear_requests();
    let missing = scene.path("missing.txt");
    let said = at_target(&scene, &file).args(["-f"]).args([&other]).args(["--write-missing"]).args([&missing]).run();
    let said = said.exits(4);
    let lines: Vec<&str> = said.stdout.lines().collect();
    let places = format!("({}:2, {}:2)", file.display(), other.display());
    assert_eq!(lines[2], format!("{:<10} {}  {places}", "missing", names[0]), "{}", said.all());
    assert!(lines[3].contains("2 of 3 images there · 1 missing"), "{}", said.all());
    assert!(lines[4].contains("bundle export -f"), "{}", said.all());
    // One question for each image, and none of the answers is a manifest.
    let gets = scene.target.count(|r| r.method == "GET" && r.path.contains("/manifests/"));
    let heads = scene.target.count(|r| r.method == "HEAD" && r.path.contains("/manifests/"));
    assert_eq!((gets, heads), (0, 3), "{:#?}", scene.target.requests());
    assert_eq!(writes(&scene.target), Vec::<String>::new());

    // What is missing is a list: with that, everything is there.
    assert_eq!(fs::read_to_string(&missing).expect("a list"), format!("{}\n", names[0]));
    let rest = scene.path("rest.tar");
    command("export").args(["--plain-http", "-f"]).args([&missing]).args(["-o"]).args([&rest]).run().succeeds();
    command("import").args([&rest]).args(["--plain-http", "--registry", &scene.target.host()]).run().succeeds();
    assert_eq!(at_target(&scene, &file).args(["-q"]).run().succeeds().all(), "");
    let said = at_target(&scene, &file).args(["--write-missing"]).args([&missing]).run().succeeds().all();
    assert!(said.contains("3 of 3 images there"), "{said}");
    assert_eq!(fs::read_to_string(&missing).expect("a list"), "");
    assert!(scene.files().iter().all(|file| !file.starts_with('.')), "{:?}", scene.files());
}

#[test]
fn another_digest_than_the_one_that_is_pinned_is_shown_beside_it() {
    let scene = Scene::new();
    let first = put_small_image(&scene.source, "org/a", "1");
    scene.export(&["org/a:1"]).run().succeeds();
    scene.import().run().succeeds();
    let layer = put_layer(&scene.source, "org/a", "another layer");
    let second = put_image(&scene.source, "org/a", "1", &[layer]);
    let pinned = format!("{}@{second}", scene.name("org/a:1"));
    let good = format!("{}@{first}", scene.name("org/a:1"));
    let by_digest = format!("{}@{second}", scene.name("org/a"));
    for (name, status) in [(&pinned, "different"), (&good, "present"), (&by_digest, "missing")] {
        let file = list(&scene, "images.txt", std::slice::from_ref(name));
        let (code, found) = if status == "present" { (0, Some(&first)) } else { (4, None) };
        for run in [at_target(&scene, &file), command("check").args([scene.bundle()]).args(["-f"]).args([&file])] {
            let json = run.args(["--format", "json"]).run().exits(code).json();
            assert_eq!(statuses(&json)[0].1, status, "{json}");
            let image = &json["images"][0];
            assert_eq!(image["wantedBy"][0], format!("{}:2", file.display()));
            if status == "different" {
                assert_eq!((image["digest"].as_str(), image["expected"].as_str()), (Some(&*first), Some(&*second)));
            }
            assert!(found.is_none_or(|found| image["digest"] == **found), "{json}");
        }
    }
    let file = list(&scene, "images.txt", std::slice::from_ref(&pinned));
    let missing = scene.path("missing.txt");
    let said = at_target(&scene, &file).args(["--write-missing"]).args([&missing]).run().exits(4).all();
    assert!(said.contains(&format!("is {first}, and not {second}")), "{said}");
    assert_eq!(fs::read_to_string(&missing).expect("a list"), format!("{pinned}\n"));
}

#[test]
fn names_at_the_registry_are_those_that_an_import_gives() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/a", "1");
    put_small_image(&scene.source, "team/b", "1");
    scene.export(&["org/a:1", "team/b:1"]).run().succeeds();
    let map = format!("{}/team=elsewhere", scene.source.host());
    let naming = ["--namespace", "mirror", "--map", map.as_str()];
    scene.import().args(naming).run().succeeds();
    let file = list(&scene, "images.txt", &["org/a:1", "team/b:1"].map(|name| scene.name(name)));
    let json = at_target(&scene, &file).args(naming).args(["--format", "json"]).run().succeeds().json();
    assert_eq!(json["images"][0]["target"], format!("{}/mirror/org/a:1", scene.target.host()));
    assert_eq!(json["images"][1]["target"], format!("{}/elsewhere/b:1", scene.target.host()));
    at_target(&scene, &file).run().exits(4);
    at_target(&scene, &file).args(["--map", "nowhere.example=x"]).run().exits(2);
}

#[test]
fn an_image_is_there_if_a_bundle_or_the_registry_has_it_and_bundles_alone_ask_nobody() {
    let scene = Scene::new();
    for repo in ["org/a", "org/b", "org/c"] {
        put_small_image(&scene.source, repo, "1");
    }
    scene.export(&["org/a:1"]).run().succeeds();
    scene.import().run().succeeds();
    let second = scene.path("second.tar");
    scene.export_to(&second, &["org/b:1"]).run().succeeds();
    let all = ["org/a:1", "org/b:1", "org/c:1"].map(|name| scene.name(name));
    let file = list(&scene, "images.txt", &all);
    let (source, target) = (scene.source.connections(), scene.target.connections());
    let both = command("check").args([&scene.bundle(), &second]).args(["-f"]).args([&file]);
    let json = both.args(["--format", "json"]).run().exits(4).json();
    let found: Vec<String> = statuses(&json).into_iter().map(|(_, status)| status).collect();
    assert_eq!(found, ["present", "present", "missing"]);
    assert_eq!((scene.source.connections(), scene.target.connections()), (source, target));
    let json = at_target(&scene, &file).args([&second]).args(["--format", "json"]).run().exits(4).json();
    let found: Vec<String> = statuses(&json).into_iter().map(|(_, status)| status).collect();
    assert_eq!(found, ["present", "present", "missing"]);
    assert_eq!(json["counts"]["missing"], 1);
    // There has to be something to look into, and something to look for.
    command("check").args(["-f"]).args([&file]).run().exits(2);
    command("check").args([&second]).run().exits(2);
    command("check").args(["-", "-f", "-"]).stdin("x").run().exits(2);
    command("check").args([scene.path("no.tar")]).args(["-f"]).args([&file]).run().exits(2);
}

#[test]
fn platforms_are_asked_for_where_they_matter_and_only_the_index_is_fetched() {
    let accepting = crate::support::registry::Registry::builder().accepting();
    let scene = Scene::with(crate::support::registry::Registry::builder(), accepting);
    let digests = put_app(&scene.source, &THREE);
    put_small_image(&scene.source, "org/single", "1");
    scene.export(&["org/app:1", "org/single:1"]).args(["--platform", "linux/amd64"]).run().succeeds();
    scene.import().run().succeeds();
    let file = list(&scene, "images.txt", &["org/app:1", "org/single:1"].map(|name| scene.name(name)));
    let in_bundle = || command("check").args([scene.bundle()]).args(["-f"]).args([&file]);
    for run in [&(|| at_target(&scene, &file)) as &dyn Fn() -> Run, &in_bundle] {
        run().run().succeeds();
        run().args(["--platform", "linux/amd64"]).run().succeeds();
        let said = run().args(["--platform", "linux/arm64,linux/amd64,linux/mips"]).run().exits(4).all();
        assert!(said.contains("org/app:1  without linux/arm64, linux/mips"), "{said}");
        assert!(said.contains("org/single:1  without linux/arm64, linux/mips"), "{said}");
    }
    scene.target.clear_requests();
    at_target(&scene, &file).args(["--platform", "linux/amd64"]).run().succeeds();
    assert_eq!(scene.target.count(|r| r.method == "GET" && r.path.contains(&digests[1])), 0);
    assert_eq!(scene.target.count(|r| r.method == "HEAD" && r.path.contains(&digests[1])), 1);
    assert_eq!(writes(&scene.target), Vec::<String>::new());
}

#[test]
fn a_registry_that_refuses_head_is_asked_by_get_and_one_that_does_not_answer_is_not_known() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/a", "1");
    put_small_image(&scene.source, "org/b", "1");
    scene.export(&["org/a:1"]).run().succeeds();
    scene.import().run().succeeds();
    let file = list(&scene, "images.txt", &["org/a:1", "org/b:1"].map(|name| scene.name(name)));
    for status in [403, 405, 501] {
        scene.target.fault(Match::on("HEAD", "/manifests/"), Fault::status(status));
        let json = at_target(&scene, &file).args(["--format", "json"]).run().exits(4).json();
        let found: Vec<String> = statuses(&json).into_iter().map(|(_, status)| status).collect();
        assert_eq!(found, ["present", "missing"], "{status}: {json}");
        scene.target.clear_faults();
    }
    scene.target.fault(
        Match::on("HEAD", "/manifests/"),
        Fault::change(|response| {
            response.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("docker-content-digest"));
        }),
    );
    at_target(&scene, &file).run().exits(4);
    scene.target.clear_faults();
    scene.target.fault(Match::on("HEAD", "org/b"), Fault::error(403, "DENIED", "not for you"));
    scene.target.fault(Match::on("GET", "org/b/manifests"), Fault::error(403, "DENIED", "not for you"));
    let missing = scene.path("missing.txt");
    let said = at_target(&scene, &file).args(["--write-missing"]).args([&missing]).run().exits(4).all();
    assert!(said.contains("1 of 2 images there · 1 not known") && said.contains("not for you"), "{said}");
    // Nobody knows that it is missing.
    assert_eq!(fs::read_to_string(&missing).expect("a list"), "");
    assert!(!said.contains(MANIFEST));
}

#[test]
fn what_is_missing_is_not_written_over_a_list_or_a_bundle_that_is_read() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/a", "1");
    scene.export(&["org/a:1"]).run().succeeds();
    let file = list(&scene, "images.txt", &[scene.name("org/a:1"), scene.name("org/b:1")]);
    let linked = scene.path("other-name.txt");
    #[cfg(unix)]
    std::os::unix::fs::symlink(&file, &linked).expect("a link");
    let hard = ["hard.txt", "hard.tar"].map(|name| scene.path(name));
    fs::hard_link(&file, &hard[0]).expect("a hard link");
    fs::hard_link(scene.bundle(), &hard[1]).expect("a hard link");
    let before = [&file, &scene.bundle()].map(|path| fs::read(path).expect("what is read"));
    let dotted = file.parent().expect("a folder").join(".").join("images.txt");
    for path in [&file, &dotted, &linked, &scene.bundle(), &hard[0], &hard[1]] {
        let check = command("check").args([&scene.bundle()]).args(["-f"]).args([&file]).args(["--write-missing"]);
        let said = check.args([path]).run().exits(2).all();
        let is_link = path == &linked;
        assert!(said.contains("not written over what is read") || is_link, "{}: {said}", path.display());
    }
    assert!(before == [&file, &scene.bundle()].map(|path| fs::read(path).expect("what was read")), "as they were");
}

/// Lets questions through in rounds: as many at once as are to be in flight, or as are left. How many rounds it took.
#[derive(Default)]
struct Rounds {
    state: Mutex<(usize, usize, usize)>,
    changed: Condvar,
}

impl Rounds {
    /// One question of `all`, of which `at_once` go together.
    fn pass(&self, at_once: usize, all: usize) {
        let mut state = self.state.lock().expect("the rounds");
        let (round, waiting, passed) = &mut *state;
        *waiting += 1;
        if *waiting == at_once.min(all - *passed) {
            *passed += *waiting;
            (*round, *waiting) = (*round + 1, 0);
            self.changed.notify_all();
            return;
        }
        let begun = *round;
        let limit = Duration::from_secs(60);
        let (state, over) =
            self.changed.wait_timeout_while(state, limit, |(round, ..)| *round == begun).expect("a turn");
        assert!(!over.timed_out(), "no {at_once} questions are in flight: {state:?}");
    }
}

#[test]
fn three_hundred_images_are_asked_for_in_as_many_round_trips_as_there_are_rows_of_sixteen() {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/a", "1");
    scene.export(&["org/a:1"]).run().succeeds();
    scene.import().run().succeeds();
    let (kind, bytes) = scene.target.manifest("library/org/a", "1").expect("a manifest");
    let names: Vec<String> = (0..300).map(|number| scene.name(&format!("org/a:{number}"))).collect();
    for number in 0..300 {
        scene.target.put_manifest("library/org/a", Some(&number.to_string()), &kind, bytes.clone());
    }
    let file = list(&scene, "images.txt", &names);
    scene.target.clear_requests();
    let rounds = Arc::new(Rounds::default());
    let seen = rounds.clone();
    scene.target.intercept(move |request| {
        if request.path.contains("/manifests/") {
            seen.pass(16, 300);
        }
        None
    });
    let said = at_target(&scene, &file).args(["-j", "16"]).run().succeeds().all();
    assert!(said.contains("300 of 300 images there"), "{said}");
    // A first contact, and one question each: nothing else waits for an answer.
    assert_eq!(scene.target.requests().len(), 301, "one request each");
    assert_eq!(rounds.state.lock().expect("the rounds").0, 300_usize.div_ceil(16));
}
