//! Where a bundle may be written, decided before anything is asked of a registry.

use std::os::unix::fs::symlink;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::scene::{Scene, command, put_small_image};

fn scene() -> Scene {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    scene
}

#[test]
fn an_existing_file_is_refused_before_the_first_request_unless_forced() {
    let scene = scene();
    std::fs::write(scene.bundle(), "the old bundle").expect("a file");
    let out = scene.export(&["org/app:1"]).run().exits(2);
    assert!(out.stderr.contains("images.tar") && out.stderr.contains("exists"), "{}", out.stderr);
    assert!(out.stderr.contains("hint: ") && out.stderr.contains("--force"), "{}", out.stderr);
    assert_eq!((scene.source.connections(), scene.source.requests().len()), (0, 0));
    assert_eq!(std::fs::read(scene.bundle()).expect("the old file"), b"the old bundle");
    assert_eq!(scene.files(), ["images.tar"]);

    scene.export(&["org/app:1"]).args(["--force"]).run().succeeds();
    scene.verify().run().succeeds();
}

#[test]
fn what_is_no_plain_file_is_refused_with_or_without_force() {
    let scene = scene();
    std::fs::write(scene.path("real.tar"), "something").expect("a file");
    std::fs::create_dir(scene.path("directory")).expect("a directory");
    symlink(scene.path("real.tar"), scene.path("link")).expect("a link");
    symlink(scene.path("nowhere"), scene.path("dangling")).expect("a link");
    mknodat(CWD, scene.path("fifo"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a fifo");
    let before = scene.files();
    for (name, reason) in [
        ("directory", "is a directory"),
        ("link", "is a symbolic link"),
        ("dangling", "is a symbolic link"),
        ("fifo", "is not a plain file"),
    ] {
        for force in [&[][..], &["--force"]] {
            let out = scene.export_to(&scene.path(name), &["org/app:1"]).args(force).run().exits(2);
            assert!(out.stderr.contains(name) && out.stderr.contains(reason), "{}", out.stderr);
        }
    }
    assert_eq!(scene.source.requests().len(), 0);
    assert_eq!(scene.files(), before);
    assert_eq!(std::fs::read(scene.path("real.tar")).expect("a file"), b"something");
}

#[test]
fn a_directory_that_is_not_there_is_named() {
    let scene = scene();
    let out = scene.export_to(&scene.path("nowhere/images.tar"), &["org/app:1"]).run().exits(2);
    assert!(out.stderr.contains("nowhere"), "{}", out.stderr);
    assert_eq!(scene.source.requests().len(), 0);
}

#[test]
fn a_file_name_alone_is_written_into_the_working_directory() {
    let scene = scene();
    let run = command("export").args(["--plain-http", "-o", "here.tar", &scene.name("org/app:1")]);
    let out = run.dir(scene.path("")).run().succeeds();
    assert_eq!(scene.files(), ["here.tar"]);
    assert!(out.stdout.contains("here.tar"), "{}", out.stdout);
}

#[test]
fn a_dry_run_fetches_no_layer_and_writes_nothing() {
    let scene = scene();
    for output in [&[][..], &["-o", "images.tar"]] {
        let run = command("export").args(["--plain-http", "--dry-run", &scene.name("org/app:1")]).args(output);
        let home = run.home();
        let out = run.dir(scene.path("")).run().succeeds();
        assert!(out.stdout.contains("org/app:1") && out.stdout.contains("1 image"), "{}", out.stdout);
        assert!(!home.join("images.tar").exists());
    }
    assert_eq!(scene.source.count(|r| r.path.contains("/blobs/")), 0);
    assert_eq!(scene.files(), Vec::<String>::new());
}

#[test]
fn an_export_without_images_or_output_is_a_usage_error() {
    command("export").run().exits(2);
    let out = command("export").args(["org/app:1"]).run().exits(2);
    assert!(out.stderr.contains("--output"), "{}", out.stderr);
    for bad in ["Org/App:1", "org/app:", "org/app@sha256:00", "http://h.example/app:1", ""] {
        let out = command("export").args(["-o", "images.tar", bad]).run().exits(2);
        assert!(out.stderr.starts_with("bundle: "), "{bad}: {}", out.stderr);
    }
}

#[test]
fn a_bundle_is_not_written_to_standard_output_nor_under_the_name_of_a_directory() {
    let scene = scene();
    let out = scene.export_to(std::path::Path::new("-"), &["org/app:1"]).run().exits(2);
    assert!(out.stderr.contains("standard output") && out.stderr.contains("./-"), "{}", out.stderr);
    let fresh = format!("{}/", scene.path("newdir").display());
    let out = scene.export_to(std::path::Path::new(&fresh), &["org/app:1"]).run().exits(2);
    assert!(out.stderr.contains("no such directory") && out.stderr.contains("mkdir -p"), "{}", out.stderr);
    std::fs::create_dir(scene.path("newdir")).expect("a directory");
    let out = scene.export_to(std::path::Path::new(&fresh), &["org/app:1"]).run().exits(2);
    assert!(out.stderr.contains("is a directory"), "{}", out.stderr);
    assert_eq!(scene.source.requests().len(), 0);
    assert_eq!(scene.files(), ["newdir"]);
}
