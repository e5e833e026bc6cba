//! Lists of images on the command line: what they name is carried, and what is wrong with them is said
//! at once, before anything starts.

use std::fs;

use crate::scene::Scene;

/// A file with this text on the drive of a scene.
fn file(scene: &Scene, name: &str, text: impl AsRef<[u8]>) -> String {
    let path = scene.path(name);
    fs::write(&path, text).expect("a file");
    path.display().to_string()
}

#[test]
fn what_lists_name_is_exported_and_so_is_what_stands_on_standard_input() {
    let (scene, _) = Scene::seeded();
    let host = scene.source.host().to_owned();
    let lines = file(&scene, "images.txt", format!("\u{feff}# ours\r\n{host}/org/app:1.4\r\n"));
    let pod = format!("kind: Pod\nspec:\n  containers:\n  - image: {host}/org/web:2\n  - image: {host}/org/app:1.4\n");
    let out = scene.export(&[]).args(["-f", lines.as_str(), "-f", "-"]).stdin(pod).run().exits(0);
    assert!(out.stdout.contains("2 images"), "{}", out.stdout);
    assert!(out.stdout.contains(&format!("{host}/org/web:2")), "{}", out.stdout);
}

#[test]
fn everything_wrong_with_all_lists_is_said_at_once_and_nothing_is_started() {
    let (scene, _) = Scene::seeded();
    let host = scene.source.host().to_owned();
    let one = file(&scene, "one.txt", format!("{host}/org/app:1.4\nUPPER/case\nhttps://x.io/a\n"));
    let two = file(&scene, "two.yaml", "kind: Pod\nspec:\n  containers:\n  - image: user:canary@h.io/x\n");
    let out = scene.export(&[]).args(["-f", one.as_str(), "-f", two.as_str()]).run().exits(2);
    for said in [format!("{one}:2: "), format!("{one}:3: "), format!("{two}:4: ")] {
        assert!(out.stderr.contains(&said), "{said}: {}", out.stderr);
    }
    assert!(!out.stderr.contains("canary"), "{}", out.stderr);
    assert_eq!(scene.source.requests().len(), 0, "nothing is asked");
    assert_eq!(scene.files(), ["one.txt", "two.yaml"], "nothing is made");
}

#[test]
fn what_cannot_be_had_is_said_with_every_line_that_wants_it() {
    let (scene, _) = Scene::seeded();
    let host = scene.source.host().to_owned();
    let one = file(&scene, "one.txt", format!("{host}/org/none:1\n"));
    let two = file(&scene, "two.txt", format!("\n{host}/org/none:1\n"));
    let out = scene.export(&[]).args(["-f", one.as_str(), "-f", two.as_str()]).run().exits(4);
    assert!(out.stderr.contains(&format!("{one}:1, {two}:2: {host}/org/none:1")), "{}", out.stderr);
}
