//! `--report FILE`: the record that a site files for what crossed, as its published schema says, also of what failed.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::scene::{Scene, put_image, put_layer, put_small_image};
use crate::signing_scene::Drive;
use crate::support::run::{Output, Run};
use crate::support::schema::faults;

/// A report, which is as the schema says and as the command ended.
#[track_caller]
fn report(path: &Path, out: &Output) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}: {}", path.display(), out.all()));
    let report: Value = serde_json::from_str(&text).expect("JSON");
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/report.schema.json");
    let schema: Value = serde_json::from_str(&fs::read_to_string(schema).expect("the schema")).expect("JSON");
    assert_eq!(faults(&schema, &report), Vec::<String>::new(), "{report:#}");
    assert_eq!(report["exitStatus"], json!(out.code), "{report:#}");
    assert_eq!(report["version"], env!("CARGO_PKG_VERSION"));
    report
}

/// Runs a command with a report, and reads that.
fn reported(scene: &Scene, run: Run, status: i32) -> Value {
    let path = scene.path("report.json");
    let out = run.args(["--report"]).args([&path]).run().exits(status);
    let names = scene.files();
    assert!(!names.iter().any(|name| name.contains("report.json.")), "{names:?}");
    report(&path, &out)
}

#[test]
fn the_report_of_an_import_over_an_existing_tag_names_the_digest_before() {
    let scene = Scene::new();
    let before = put_small_image(&scene.target, "library/org/app", "1");
    let layer = put_layer(&scene.source, "org/app", "a later layer");
    let digest = put_image(&scene.source, "org/app", "1", &[layer]);
    let exported = reported(&scene, scene.export(&["org/app:1"]), 0);
    assert_eq!((&exported["command"], &exported["images"][0]["digest"]), (&json!("export"), &json!(digest)));
    let imported = reported(&scene, scene.import(), 0);
    let image = &imported["images"][0];
    assert_eq!(imported["digest"], exported["digest"], "the bundle that crossed");
    assert_eq!((&image["digest"], &image["previousDigest"]), (&json!(digest), &json!(before)));
    assert_eq!((&image["name"], &image["status"]), (&json!(scene.name("org/app:1")), &json!("pushed")));
    assert_eq!(image["target"], format!("{}/library/org/app:1", scene.target.host()));
    assert_eq!(image["bytes"], exported["images"][0]["bytes"]);
    assert!(imported["began"].as_str() <= imported["ended"].as_str(), "{imported}");
}

#[test]
fn what_came_along_and_for_which_platforms_stands_beside_each_image() {
    let (scene, _) = Scene::seeded();
    let names: Vec<&str> = vec!["org/app:1.4", "google-containers/pause:latest"];
    let exported = reported(&scene, scene.export(&names), 0);
    let copied = reported(&scene, scene.copy(&names), 0);
    let imported = reported(&scene, scene.import_into(&format!("{}/second", scene.target.host())), 0);
    let of = |report: &Value, name: &str, key: &str| {
        let images = report["images"].as_array().expect("images");
        let image = images.iter().find(|image| image["name"].as_str().is_some_and(|text| text.ends_with(name)));
        image.unwrap_or_else(|| panic!("{name} is not in {report}"))[key].clone()
    };
    for key in ["digest", "platforms", "bytes", "referrers"] {
        for name in &names {
            assert_eq!(of(&exported, name, key), of(&copied, name, key), "{name}: {key}");
            assert_eq!(of(&exported, name, key), of(&imported, name, key), "{name}: {key}");
        }
    }
    assert!(of(&imported, names[1], "platforms").as_array().is_some_and(|list| list.contains(&json!("linux/amd64"))));
}

#[test]
fn the_report_of_a_failed_import_says_what_is_there_and_what_is_not() {
    let scene = Scene::new();
    for name in ["org/good", "org/bad"] {
        put_small_image(&scene.source, name, "1");
    }
    scene.export(&["org/good:1", "org/bad:1"]).run().succeeds();
    // A blob of the second is another one, in a bundle that is whole otherwise.
    let mut bytes = fs::read(scene.bundle()).expect("the bundle");
    let text = b"the layer of org/bad:1";
    let at = bytes.windows(text.len()).position(|window| window == text).expect("the layer");
    bytes[at] ^= 1;
    fs::write(scene.bundle(), bytes).expect("the bundle");
    let failed = reported(&scene, scene.import(), 3);
    let status = |name: &str| {
        let images = failed["images"].as_array().expect("images");
        images.iter().find(|image| image["name"] == scene.name(name)).expect("a line")["status"].clone()
    };
    assert_eq!((status("org/good:1"), status("org/bad:1")), (json!("pushed"), json!("failed")), "{failed:#}");
    assert_eq!(failed["error"]["kind"], "content");
    let verified = reported(&scene, scene.verify(), 3);
    assert_eq!((&verified["command"], &verified["intact"]), (&json!("verify"), &json!(false)));
    assert_eq!(verified["findings"][0]["kind"], "digestMismatch");
}

#[test]
fn what_fails_before_there_is_anything_to_say_is_reported_too() {
    let scene = Scene::new();
    let failed = reported(&scene, scene.export(&["org/nothing:1"]), 4);
    assert_eq!((&failed["command"], &failed["error"]["kind"]), (&json!("export"), &json!("act")), "{failed:#}");
    assert!(failed["error"]["message"].as_str().is_some_and(|text| text.contains("org/nothing")), "{failed:#}");
    let failed = reported(&scene, scene.import(), 2);
    assert_eq!(failed["error"]["kind"], "usage");
}

#[test]
fn every_command_that_moves_or_checks_something_has_a_report() {
    let drive = Drive::new();
    drive.write("list.txt", "gcr.io/google-containers/pause:latest\ngcr.io/org/nothing:1\n");
    let report_of = |verb: &str, args: &[&str], status: i32| {
        let out = drive.command(verb, args).args(["--report", "report.json"]).run().exits(status);
        let report = report(&drive.path("report.json"), &out);
        assert_eq!(report["command"], verb);
        report
    };
    let packed = report_of("pack", &["images.tar", "-o", "packed.tar", "--require-key", "ed25519.pub"], 0);
    assert_eq!(packed["images"].as_array().map(Vec::len), Some(6), "{packed:#}");
    assert_eq!(
        (&packed["signed"][0]["bundle"], &packed["signed"][0]["key"]),
        (&json!("images.tar"), &json!("ed25519.pub"))
    );
    let several = report_of("verify", &["images.tar", "other.tar"], 0);
    assert_eq!(several["bundles"].as_array().map(Vec::len), Some(2), "{several:#}");
    let checked = report_of("check", &["images.tar", "-f", "list.txt"], 4);
    assert_eq!((&checked["counts"]["present"], &checked["counts"]["missing"]), (&json!(1), &json!(1)), "{checked:#}");
    let inventoried = report_of("inventory", &["images.tar", "-o", "inventory.json"], 0);
    assert_eq!(inventoried["source"], "files");
    // The object on standard output is the same, without what is around it.
    let shown = drive.run("verify", &["images.tar", "--format", "json", "--report", "report.json"]).succeeds();
    let kept: Value = serde_json::from_slice(&drive.read("report.json")).expect("JSON");
    for (key, value) in shown.json().as_object().expect("an object") {
        assert_eq!(kept[key], *value, "{key}");
    }
}

#[test]
fn a_report_replaces_an_older_one_and_nothing_else() {
    let drive = Drive::new();
    let verify = |path: &str| drive.run("verify", &["images.tar", "--report", path]);
    verify("report.json").succeeds();
    verify("report.json").succeeds();
    let before = drive.read("images.tar");
    let said = verify("images.tar").exits(2);
    assert!(said.stderr.contains("images.tar: the file exists and is not a report"), "{}", said.all());
    assert_eq!(drive.read("images.tar"), before);
    // One place for two files: nothing is packed.
    let said = drive.run("pack", &["images.tar", "-o", "new.tar", "--report", "new.tar"]);
    assert_ne!(said.code, Some(0), "{}", said.all());
    assert!(
        drive.read("new.tar").starts_with(b"{\"bundleReport\":"),
        "the report of what failed, for want of another place"
    );
    let nowhere: PathBuf = drive.path("none").join("report.json");
    let said = verify(&nowhere.display().to_string()).exits(2);
    assert!(said.stdout.is_empty(), "nothing was done: {}", said.all());
}
