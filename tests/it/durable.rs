//! Drives and directories that fail, fill up or change under a running export: the path of the
//! bundle is as it was before, or holds the whole new one.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::resume_support::{Place, blobs, counts, put_image, undisturbed};
use crate::support::registry::{Fault, Match, Registry};
use crate::support::run::Run;

const KIB: u64 = 1 << 10;
const IMAGE: [&str; 1] = ["app:1"];

fn registry() -> Registry {
    let registry = Registry::start();
    put_image(&registry, "app", "1", &[(1, 900 * KIB), (2, 300 * KIB)]);
    registry
}

#[test]
fn read_back_says_so_and_changes_nothing() {
    let registry = registry();
    let expected = undisturbed(&registry, &IMAGE);
    let place = Place::new();
    let output = place.export(&registry, &IMAGE).args(["--read-back"]).run().succeeds();
    assert!(output.stdout.contains("(synced to disk and read back)"), "{}", output.stdout);
    assert!(place.bytes() == expected);
}

#[test]
fn a_partial_path_that_is_no_plain_file_is_refused_and_not_followed() {
    let registry = registry();
    let victim = Place::new();
    fs::write(victim.file(), "precious").expect("a file");
    type Make<'a> = (&'a str, &'a dyn Fn(&Path));
    let make: [Make<'_>; 4] = [
        ("is a symbolic link", &|path| symlink(victim.file(), path).expect("a link")),
        ("is a symbolic link", &|path| symlink(victim.dir().join("nowhere"), path).expect("a link")),
        ("is a directory", &|path| fs::create_dir(path).expect("a directory")),
        ("is not a plain file", &|path| {
            mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a fifo");
        }),
    ];
    for (reason, make) in make {
        let place = Place::new();
        make(&place.partial());
        let output = place.export(&registry, &IMAGE).run().exits(2);
        assert!(output.stderr.contains(".out.tar.partial") && output.stderr.contains(reason), "{}", output.stderr);
        assert_eq!(place.names(), [".out.tar.partial"]);
    }
    assert_eq!(fs::read(victim.file()).expect("the file"), b"precious");
    assert_eq!(victim.names(), ["out.tar"]);
    assert_eq!(registry.requests().len(), 0);
}

/// Exports over a file that somebody else had a hand in, which stays as it is.
#[track_caller]
fn refused(place: &Place, registry: &Registry, foreign: &Path, reason: &str) {
    let before = (fs::read(foreign).expect("the file"), fs::symlink_metadata(foreign).expect("the file").mode());
    for run in [place.export(registry, &IMAGE), place.export(registry, &IMAGE).args(["--force"])] {
        let output = run.run().exits(4);
        assert!(output.stderr.contains(reason) && output.stderr.contains("hint: "), "{}", output.stderr);
        assert!(output.stderr.contains(foreign.file_name().expect("a name").to_str().expect("a name")));
    }
    let after = (fs::read(foreign).expect("the file"), fs::symlink_metadata(foreign).expect("the file").mode());
    assert_eq!(before, after, "{reason}");
    assert!(!place.file().exists());
}

#[test]
fn a_partial_file_that_others_had_a_hand_in_is_not_gone_on_with() {
    let registry = registry();
    let complete = undisturbed(&registry, &IMAGE);
    let place = Place::new();
    let other = place.dir().join("somebody's");
    let fresh = |hard_link: bool, mode: u32| {
        let _ = fs::remove_file(place.partial());
        if hard_link {
            fs::write(&other, "precious").expect("a file");
            fs::hard_link(&other, place.partial()).expect("a link");
        } else {
            fs::write(place.partial(), &complete).expect("a file");
        }
        fs::set_permissions(place.partial(), PermissionsExt::from_mode(mode)).expect("a mode");
    };
    fresh(true, 0o600);
    refused(&place, &registry, &place.partial(), "hard link");
    assert_eq!(fs::read(&other).expect("the file"), b"precious");
    for mode in [0o666, 0o620, 0o602] {
        fresh(false, mode);
        refused(&place, &registry, &place.partial(), "other users may write");
    }
    if rustix::process::geteuid().is_root() {
        fresh(false, 0o644);
        std::os::unix::fs::chown(place.partial(), Some(65534), None).expect("another owner");
        refused(&place, &registry, &place.partial(), "another user (uid 65534)");
    } else {
        eprintln!("not root: nothing can belong to another user here");
    }
    // And a file of our own is gone on with, whatever the others may read.
    fresh(false, 0o644);
    place.export(&registry, &IMAGE).run().succeeds();
    assert!(place.bytes() == complete);
}

#[test]
fn heads_of_before_that_others_had_a_hand_in_are_not_believed() {
    let registry = registry();
    let complete = undisturbed(&registry, &IMAGE);
    let place = Place::new();
    fs::write(place.partial(), &complete[..complete.len() / 2]).expect("a file");
    let moving = place.dir().join(".out.tar.partial.moving");
    let other = place.dir().join("somebody's");
    let fresh = |mode: u32| {
        let _ = fs::remove_file(&moving);
        fs::write(&moving, "not ours").expect("a file");
        fs::set_permissions(&moving, PermissionsExt::from_mode(mode)).expect("a mode");
    };
    for mode in [0o666, 0o620, 0o602] {
        fresh(mode);
        refused(&place, &registry, &moving, "other users may write");
    }
    fresh(0o600);
    fs::hard_link(&moving, &other).expect("a link");
    refused(&place, &registry, &moving, "hard link");
    assert_eq!(fs::read(&other).expect("the file"), b"not ours");
    if rustix::process::geteuid().is_root() {
        fresh(0o644);
        std::os::unix::fs::chown(&moving, Some(65534), None).expect("another owner");
        refused(&place, &registry, &moving, "another user (uid 65534)");
    } else {
        eprintln!("not root: nothing can belong to another user here");
    }
}

#[test]
fn a_bundle_has_the_mode_of_any_new_file_and_its_partial_file_is_for_its_owner() {
    let registry = registry();
    let name = format!("{}/app:1", registry.host());
    for (mask, mode) in [("022", 0o644), ("077", 0o600), ("002", 0o664), ("000", 0o666)] {
        let place = Place::new();
        let script = format!(r#"umask {mask} && exec "$0" "$@""#);
        let run =
            Run::new("sh").args(["-c", &script, env!("CARGO_BIN_EXE_bundle"), "export", "--plain-http", &name, "-o"]);
        registry.fault(Match::on("GET", "/blobs/").once(), Fault::StallAfter(1));
        let running = run.args([place.file()]).spawn();
        registry.wait_until(|log| log.iter().any(|r| r.sent_bytes == 1));
        let meanwhile = fs::metadata(place.partial()).expect("the partial file").mode();
        assert_eq!(meanwhile & 0o777, 0o600, "umask {mask}");
        registry.clear_faults();
        running.wait().succeeds();
        assert_eq!(fs::metadata(place.file()).expect("the bundle").mode() & 0o777, mode, "umask {mask}");
        registry.clear_requests();
    }
}

#[test]
fn a_device_is_refused() {
    let registry = registry();
    let name = format!("{}/app:1", registry.host());
    for device in ["/dev/full", "/dev/null"] {
        let output = crate::bundle().args(["export", "--plain-http", "--force", &name, "-o", device]).run().exits(2);
        assert!(output.stderr.contains("is not a plain file"), "{}", output.stderr);
    }
}

/// The same export, unable to write beyond this byte of any file.
fn limited(place: &Place, registry: &Registry, most: u64) -> Run {
    let name = format!("{}/app:1", registry.host());
    let program = env!("CARGO_BIN_EXE_bundle");
    let run = Run::new("prlimit").args([&format!("--fsize={most}"), program, "export", "--plain-http", &name, "-o"]);
    run.args([place.file()])
}

#[test]
fn a_limit_on_the_length_of_files_shows_before_the_first_blob() {
    let registry = registry();
    let expected = undisturbed(&registry, &IMAGE);
    let len = expected.len() as u64;
    for most in [0, 1, 512, len / 2, len - 1] {
        let place = Place::new();
        fs::write(place.partial(), &expected[..0]).expect("a partial file");
        registry.clear_requests();
        let output = limited(&place, &registry, most).run().exits(1);
        assert!(output.stderr.contains("File too large") && output.stderr.contains("hint: "), "{}", output.stderr);
        assert_eq!(registry.count(|r| r.path.contains("/blobs/")), 0, "limited to {most}");
        assert_eq!(place.names(), [""; 0], "limited to {most}");
    }
    let place = Place::new();
    limited(&place, &registry, len).run().succeeds();
    assert!(place.bytes() == expected);
}

#[test]
fn a_directory_that_is_replaced_meanwhile_stays_empty() {
    let registry = registry();
    let expected = undisturbed(&registry, &IMAGE);
    let (digest, ..) = blobs(&expected).into_iter().find(|b| b.2 as u64 == 900 * KIB).expect("the layer");
    registry.fault(Match::on("GET", &digest).once(), Fault::Rate(2 << 20));
    let place = Place::new();
    let drive = place.dir().join("drive");
    fs::create_dir(&drive).expect("a directory");
    let name = format!("{}/app:1", registry.host());
    let run = crate::bundle().args(["export", "--plain-http", &name, "-o"]).args([drive.join("out.tar")]);
    let running = run.spawn();
    registry.wait_until(|log| log.iter().any(|r| r.path.ends_with(&digest) && r.sent_bytes > 0));
    // As when a drive is unplugged and its mount point is a plain directory again.
    fs::rename(&drive, place.dir().join("gone")).expect("renamed");
    fs::create_dir(&drive).expect("a directory");
    let output = running.wait().exits(1);
    assert!(output.stderr.contains("another directory is at its path now"), "{}", output.stderr);
    assert_eq!(fs::read_dir(&drive).expect("a directory").count(), 0);
    assert!(!place.dir().join("gone/out.tar").exists());
}

#[test]
fn a_file_that_appears_meanwhile_is_not_replaced_and_nothing_is_lost() {
    let registry = registry();
    let expected = undisturbed(&registry, &IMAGE);
    let (digest, ..) = blobs(&expected).into_iter().find(|b| b.2 as u64 == 900 * KIB).expect("the layer");
    registry.fault(Match::on("GET", &digest).once(), Fault::Rate(2 << 20));
    let place = Place::new();
    let running = place.export(&registry, &IMAGE).spawn();
    registry.wait_until(|log| log.iter().any(|r| r.path.ends_with(&digest) && r.sent_bytes > 0));
    fs::write(place.file(), "somebody's").expect("a file");
    let output = running.wait().exits(1);
    assert_eq!(place.bytes(), b"somebody's");
    assert!(output.stderr.contains("File exists") && output.stderr.contains("kept in"), "{}", output.stderr);
    let output = place.export(&registry, &IMAGE).args(["--force", "--format", "json"]).run().succeeds();
    assert_eq!(counts(&output), (0, 3));
    assert!(place.bytes() == expected);
}
