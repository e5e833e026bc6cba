//! The program goes across beside the bundle, for a site that has no other way to get it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::scene::{Scene, put_small_image};

fn scene() -> Scene {
    let scene = Scene::new();
    put_small_image(&scene.source, "org/app", "1");
    scene
}

fn name() -> String {
    format!("bundle-{}-{}-{}", env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH)
}

#[test]
fn the_program_lies_beside_the_bundle_with_its_checksum_and_can_be_run() {
    let scene = scene();
    let said = scene.export(&["org/app:1"]).args(["--with-self"]).run().succeeds().all();
    assert_eq!(scene.files(), [name(), format!("{}.sha256", name()), "images.tar".to_owned()]);
    let copy = scene.path(&name());
    let bytes = std::fs::read(&copy).expect("the program");
    assert!(bytes == std::fs::read(env!("CARGO_BIN_EXE_bundle")).expect("the program"), "other bytes");
    assert_eq!(std::fs::metadata(&copy).expect("the program").permissions().mode() & 0o777, 0o755);
    let hex: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let sums = std::fs::read_to_string(scene.path(&format!("{}.sha256", name()))).expect("checksums");
    // As sha256sum writes and reads it.
    assert_eq!(sums, format!("{hex}  {}\n", name()));
    assert!(said.contains(&hex), "{said}");
    let version = std::process::Command::new(&copy).arg("--version").output().expect("it runs");
    assert!(version.status.success());
}

#[test]
fn it_is_put_there_again_without_a_question_but_never_over_another_file() {
    let scene = scene();
    scene.export(&["org/app:1"]).args(["--with-self"]).run().succeeds();
    scene.export_to(&scene.path("more.tar"), &["org/app:1"]).args(["--with-self"]).run().succeeds();

    let asked = scene.source.requests().len();
    std::fs::write(scene.path(&name()), "notes of somebody").expect("a file");
    let third = |force: &[&str]| {
        scene.export_to(&scene.path("third.tar"), &["org/app:1"]).args(["--with-self"]).args(force).run()
    };
    let said = third(&[]).exits(2).stderr;
    assert!(said.contains(&name()) && said.contains("--force"), "{said}");
    assert_eq!(scene.source.requests().len(), asked);
    assert_eq!(std::fs::read(scene.path(&name())).expect("the file"), b"notes of somebody");
    assert!(!scene.path("third.tar").exists());

    third(&["--force"]).succeeds();
    assert_eq!(
        std::fs::metadata(scene.path(&name())).expect("it").len(),
        length(Path::new(env!("CARGO_BIN_EXE_bundle")))
    );
}

#[test]
fn a_dry_run_and_an_export_that_fails_leave_no_program() {
    let scene = scene();
    scene.export(&["org/app:1"]).args(["--with-self", "--dry-run"]).run().succeeds();
    scene.export(&["org/app:nothing"]).args(["--with-self"]).run();
    assert_eq!(scene.files(), Vec::<String>::new());
}

fn length(path: &Path) -> u64 {
    std::fs::metadata(path).expect("a file").len()
}
